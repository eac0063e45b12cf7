import Domain
import Testing

@testable import Venues

@Suite struct BinanceRateTests {
  private let market = BinanceMarket.spot
  /// 20 s into its minute.
  private let time = Timestamp(nanoseconds: 1_700_000_000 * Interval.second)

  @Test func headersAreReadForTheVenuesOwnWindows() {
    let headers = [
      "x-mbx-used-weight": "7", "x-mbx-used-weight-1m": "345", "x-mbx-order-count-10s": "12", "x-mbx-order-count-1d": "x",
    ]
    let readings = market.rateReadings(VenueReply(status: 200, headers: headers, body: []), to: .placeOrder, at: time)
    #expect(
      readings == [
        RateReading(rule: "weight_1m", used: 345, remaining: 41 * Interval.second),
        RateReading(rule: "orders_10s", used: 12, remaining: 11 * Interval.second),
      ])
    #expect(readings.allSatisfy { reading in market.rateRules.contains { $0.name == reading.rule } })
  }

  @Test func refusalsForAskingTooMuchWantSilence() {
    func ending(_ status: Int, _ code: Int, retryAfter: String? = nil) -> VenueTraffic.Ending {
      let body = Array("{\"code\":\(code),\"msg\":\"…\"}".utf8)
      return market.trafficEnding(
        of: .reply(VenueReply(status: status, retryAfter: retryAfter, body: body)), to: .placeOrder, at: time)
    }
    #expect(ending(429, -1003, retryAfter: "30").silence == .init(length: 30 * Interval.second))
    #expect(ending(418, -1003, retryAfter: "120").silence == .init(length: 120 * Interval.second))
    #expect(ending(403, 0).silence == .init(length: nil))
    #expect(ending(429, -1015, retryAfter: "7").silence == .init(length: 7 * Interval.second, isForPurposeAlone: true))
    #expect(ending(400, -2010).silence == nil)
    #expect(ending(400, -2010).outcome == .success)
    #expect(ending(503, -1008).outcome == .failure)
    #expect(market.trafficEnding(of: .maybeSent(reason: ""), to: .query, at: time).outcome == .failure)
  }
}
