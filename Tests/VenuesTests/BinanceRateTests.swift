import Domain
import Testing

@testable import Venues

@Suite struct BinanceRateTests {
  @Test func headersAreReadForTheVenuesOwnWindows() {
    let headers = [
      "x-mbx-used-weight": "7", "x-mbx-used-weight-1m": "345", "x-mbx-order-count-10s": "12", "x-mbx-order-count-1d": "x",
    ]
    let time = Timestamp(nanoseconds: 1_700_000_000 * Interval.second)  // 20 s into its minute.
    let readings = BinanceRates.readings(header: { headers[$0] }, venueTime: time)
    #expect(
      readings == [
        RateReading(rule: "weight_1m", used: 345, remaining: 41 * Interval.second),
        RateReading(rule: "orders_10s", used: 12, remaining: 11 * Interval.second),
      ])
  }

  @Test func refusalsForAskingTooMuchWantSilence() {
    func ending(_ status: Int, _ code: Int, retryAfter: String? = nil) -> VenueTraffic.Ending {
      let body = Array("{\"code\":\(code),\"msg\":\"…\"}".utf8)
      return BinanceRates.ending(of: .reply(VenueReply(status: status, retryAfter: retryAfter, body: body)))
    }
    #expect(ending(429, -1003, retryAfter: "30").silence == .init(length: 30 * Interval.second))
    #expect(ending(418, -1003, retryAfter: "120").silence == .init(length: 120 * Interval.second))
    #expect(ending(429, -1015, retryAfter: "7").silence == .init(length: 7 * Interval.second, isForOrdersAlone: true))
    #expect(ending(400, -2010).silence == nil)
    #expect(ending(400, -2010).outcome == .success)
    #expect(ending(503, -1008).outcome == .failure)
    #expect(BinanceRates.ending(of: .maybeSent(reason: "")).outcome == .failure)
  }
}
