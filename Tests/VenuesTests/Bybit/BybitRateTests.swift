import Domain
import Testing

@testable import Venues

@Suite struct BybitRateTests {
  private let market = BybitMarket(.spot)
  private let time = Timestamp(milliseconds: 1_672_738_134_824)

  private func reply(_ code: Int = 0, status: Int = 200, headers: [String: String] = [:]) -> VenueReply {
    VenueReply(
      status: status, headers: headers, body: Array(#"{"retCode":\#(code),"retMsg":"…","result":{},"time":1}"#.utf8))
  }

  @Test func headersSpeakOfTheEndpointThatWasAsked() {
    let headers = ["x-bapi-limit": "10", "x-bapi-limit-status": "9", "x-bapi-limit-reset-timestamp": "1672738134824"]
    #expect(
      market.rateReadings(reply(headers: headers), to: .placeOrder, at: time) == [
        RateReading(rule: "orders_1s", used: 1, limit: 10, remaining: Interval.second, isRolling: true)
      ])
    for purpose in [VenueRequest.Purpose.placeOrder, .cancelOrder, .query] {
      let readings = market.rateReadings(reply(headers: headers), to: purpose, at: time)
      #expect(
        readings.count == 1 && market.rateRules.contains { $0.name == readings[0].rule && $0.counted == .requests(purpose) })
    }
    #expect(market.rateReadings(reply(headers: headers), to: .marketData, at: time).isEmpty)
    // The venue's clock may be ahead of what we think it is; nonsense is not believed for long.
    let later = headers.merging(["x-bapi-limit-status": "0", "x-bapi-limit-reset-timestamp": "1672738136324"]) { $1 }
    #expect(market.rateReadings(reply(headers: later), to: .query, at: time).first?.remaining == 1_500 * Interval.millisecond)
    for nonsense in ["9223372036854775807", "-5", "x", ""] {
      let headers = headers.merging(["x-bapi-limit-reset-timestamp": nonsense]) { $1 }
      #expect(market.rateReadings(reply(headers: headers), to: .query, at: time).first?.remaining == Interval.second)
    }
  }

  @Test func refusalsForAskingTooMuchWantSilence() {
    func ending(_ reply: VenueReply) -> VenueTraffic.Ending { market.trafficEnding(of: .reply(reply), to: .placeOrder, at: time) }
    #expect(ending(reply(10_006)).silence == .init(length: Interval.second, isForPurposeAlone: true))
    #expect(ending(reply(403, status: 403)).silence == .init(length: 10 * Interval.minute))
    #expect(ending(reply(10_018)).silence == .init(length: nil))
    #expect(ending(reply(170_131)).silence == nil)
    #expect(ending(reply(170_131)).outcome == .success)
    #expect(ending(reply()).outcome == .success)
    // HTTP is content with what the venue is not.
    #expect(ending(reply(10_016)).outcome == .failure)
    #expect(ending(reply(status: 503)).outcome == .failure)
  }
}
