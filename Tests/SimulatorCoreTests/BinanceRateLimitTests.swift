import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BinanceRateLimitTests {
  private func limits(weight: Int64 = 6_000, orders: Int64 = 100) -> BinanceFace.Limits {
    var limits = BinanceFace.Limits()
    limits.weightPerMinute = weight
    limits.ordersPerTenSeconds = orders
    return limits
  }

  private func header(_ reply: WebReply, _ name: String) -> String? { reply.headers.first { $0.name == name }?.value }

  @Test("every answer tells the weight used, a placed order its counts")
  func headers() throws {
    let venue = TestVenue()
    let time = try #require(venue.send(WebRequest(method: "GET", path: "/api/v3/time")))
    #expect(header(time, "x-mbx-used-weight-1m") == "1")
    let depth = try #require(venue.send(WebRequest(method: "GET", path: "/api/v3/depth", query: "symbol=BTCUSDT&limit=5000")))
    #expect(header(depth, "x-mbx-used-weight-1m") == "251")
    let order = try #require(
      venue.send(venue.signed("POST", "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=20000")))
    #expect(header(order, "x-mbx-order-count-10s") == "1")
    #expect(header(order, "x-mbx-order-count-1d") == "1")
    venue.advance(milliseconds: 60_000)
    let later = try #require(venue.send(WebRequest(method: "GET", path: "/api/v3/time")))
    #expect(header(later, "x-mbx-used-weight-1m") == "1")
  }

  @Test("too much weight is 429 until the next minute; going on regardless is a ban, which doubles when it is repeated")
  func weight() throws {
    let venue = TestVenue(limits: limits(weight: 10))
    func status() throws -> (status: Int, retryAfter: Int64?) {
      let reply = try #require(venue.send(WebRequest(method: "GET", path: "/api/v3/time")))
      return (reply.status, header(reply, "retry-after").flatMap { Int64($0) })
    }
    for _ in 0..<10 { #expect(try status().status == 200) }
    let refused = try status()
    #expect(refused.status == 429)
    let wait = try #require(refused.retryAfter)
    #expect((1...60).contains(wait))
    venue.advance(milliseconds: wait * 1_000)
    #expect(try status().status == 200)

    for expected: Int64 in [120, 240] {
      venue.advance(milliseconds: 60_000)
      var banned: Int64?
      for _ in 0..<40 where banned == nil {
        let answer = try status()
        if answer.status == 418 { banned = answer.retryAfter }
      }
      let seconds = try #require(banned)
      #expect((expected...expected + 1).contains(seconds))
      venue.advance(milliseconds: (seconds - 5) * 1_000)
      #expect(try status().status == 418)
      venue.advance(milliseconds: 5_000)
      #expect(try status().status == 200)
    }
  }

  @Test("too many orders of one account are refused, others go on")
  func orders() throws {
    let venue = TestVenue(limits: limits(orders: 2))
    for _ in 0..<2 { #expect(code(try venue.order()) == nil) }
    #expect(try venue.order()["msg"]?.string == "Too many new orders; current limit is 2 orders per 10 SECOND.")
    #expect(code(try venue.order(by: "bob")) == nil)
    venue.advance(milliseconds: 10_000)
    #expect(code(try venue.order()) == nil)
  }
}
