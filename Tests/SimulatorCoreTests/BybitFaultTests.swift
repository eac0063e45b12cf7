import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BybitFaultTests {
  @Test("replies are lost, late, false or refused, and orders live on all the same")
  func replies() throws {
    let venue = BybitVenue()
    func fault(_ text: String) throws { _ = try venue.control("POST", "/faults", text) }
    try fault(#"{"fault":"drop_reply","match":"POST /v5/order/create"}"#)
    let order =
      #"{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"26000","orderLinkId":"a"}"#
    #expect(venue.send(venue.signed("POST", "order/create", order)) == nil)
    venue.step()
    #expect(try venue.order("orderLinkId=a")["orderStatus"]?.string == "New")
    try fault(
      #"{"fault":"fail_reply","match":"POST /v5/*","status":200,"body":{"retCode":10000,"retMsg":"Server Timeout"}}"#)
    #expect(retCode(try venue.create(["orderLinkId": "b"])) == 10000)
    venue.step()
    #expect(try venue.order("orderLinkId=b")["orderStatus"]?.string == "New")
    try fault(
      #"{"fault":"refuse_request","match":"POST /v5/order/create","status":200,"body":{"retCode":10006,"retMsg":"slow"}}"#)
    #expect(retCode(try venue.create(["orderLinkId": "c"])) == 10006)
    venue.step()
    #expect(try venue.orders("order/realtime", "orderLinkId=c").isEmpty)
    try fault(#"{"fault":"refuse_request","status":429,"body":{}}"#)
    #expect(try #require(venue.send(venue.signed("GET", "account/info"))).status == 429)
    try fault(#"{"fault":"delay_reply","match":"POST *","milliseconds":5000}"#)
    try venue.create()
    #expect(venue.delay >= 5 * Interval.second)
  }

  @Test("a skipped delta leaves a gap in the numbers, a repeated one comes twice")
  func deltas() throws {
    let venue = BybitVenue()
    venue.follow(1, "public/spot", "orderbook.1000.BTCUSDT")
    func numbers(_ steps: Int) -> [Int64] {
      for _ in 0..<steps { venue.advance(milliseconds: 200) }
      return venue.messages(1).compactMap { $0["data"]?["u"]?.integer }
    }
    let before = try #require(numbers(10).last)
    _ = try venue.control("POST", "/faults", #"{"fault":"skip_diff","match":"spot/orderbook*"}"#)
    let after = numbers(20)
    #expect(after.first == before + 2 && zip(after, after.dropFirst()).allSatisfy { $0 + 1 == $1 })
    _ = try venue.control("POST", "/faults", #"{"fault":"repeat_diff","match":"spot/orderbook.1000.BTCUSDT"}"#)
    let doubled = numbers(20)
    #expect(doubled.count >= 2 && doubled[0] == doubled[1])
  }

  @Test("private events are lost, doubled or altered by their topic; the venue's truth is not")
  func events() throws {
    let venue = BybitVenue()
    venue.follow(1, "private", "order", "execution")
    func fault(_ text: String) throws { _ = try venue.control("POST", "/faults", text) }
    func topics() -> [String] { venue.messages(1).compactMap { $0["topic"]?.string } }
    try fault(#"{"fault":"drop_event","match":"execution"}"#)
    try venue.place(BybitVenue.market)
    #expect(topics() == ["order"])
    try fault(#"{"fault":"repeat_event","match":"order"}"#)
    try venue.place()
    #expect(topics() == ["order", "order"])
    try fault(#"{"fault":"alter_event","match":"order","find":"\"New\"","replace":"\"Moon\""}"#)
    try venue.place()
    #expect(venue.messages(1).first?["data"]?.array?.first?["orderStatus"]?.string == "Moon")
    #expect(try venue.control("GET", "/truth/fills").array?.count == 1)
    #expect(try venue.control("GET", "/truth/orders").array?.count == 3)
  }

  @Test("WebSockets are cut and silenced by their path")
  func sockets() throws {
    let venue = BybitVenue { $0.participants.isFrozen = false }
    venue.follow(1, "public/spot", "orderbook.50.BTCUSDT")
    venue.follow(2, "private", "order")
    _ = try venue.control("POST", "/faults", #"{"fault":"cut_websocket","match":"/v5/private"}"#)
    #expect(venue.ended == [2])
    _ = try venue.control("POST", "/faults", #"{"fault":"silence_websocket","match":"/v5/public/*","milliseconds":1000}"#)
    for _ in 0..<9 { venue.step() }
    #expect(venue.messages(1).isEmpty)
    for _ in 0..<3 { venue.step() }
    #expect(!venue.messages(1).isEmpty)
  }

  @Test("a forgotten order cannot be found by any question, and is found later")
  func forgetOrder() throws {
    let venue = BybitVenue()
    try venue.place(BybitVenue.market.merging(["orderLinkId": "lost"]) { $1 })
    _ = try venue.control("POST", "/faults", #"{"fault":"forget_order","match":"lost","milliseconds":60000}"#)
    for path in ["order/realtime", "order/history", "execution/list"] {
      #expect(try venue.orders(path, "orderLinkId=lost").isEmpty, "\(path)")
    }
    #expect(retCode(try venue.create(["orderLinkId": "lost"])) == 170141)
    venue.advance(milliseconds: 60_000)
    #expect(try venue.orders("execution/list", "orderLinkId=lost").count == 1)
  }

  @Test("the clock can be wrong, and a wipe takes every order along")
  func clockAndWipe() throws {
    let venue = BybitVenue()
    _ = try venue.control("POST", "/faults", #"{"fault":"skew_clock","milliseconds":6000}"#)
    #expect(retCode(try venue.call("GET", "account/info")) == 10002)
    _ = try venue.control("POST", "/faults", #"{"fault":"skew_clock","milliseconds":0}"#)
    try venue.place()
    _ = try venue.control("POST", "/faults", #"{"fault":"wipe"}"#)
    #expect(try venue.orders("order/realtime").isEmpty && venue.exchange.ledger.balance(1, 1).locked.isZero)
  }
}
