import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct FaultTests {
  @Test("a dropped reply leaves the order taken; the fault strikes as often as asked")
  func dropReply() throws {
    let venue = TestVenue()
    _ = try venue.control("POST", "/faults", #"{"fault":"drop_reply","match":"POST /api/v3/order","count":2}"#)
    #expect(try venue.control("GET", "/faults").array?.first?["count"]?.integer == 2)
    let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=20000"
    for _ in 0..<2 { #expect(venue.send(venue.signed("POST", "order", order)) == nil) }
    #expect(try venue.call("GET", "openOrders").array?.count == 2)
    #expect(try venue.control("GET", "/faults").array?.isEmpty == true)
    #expect(code(try venue.order()) == nil)
  }

  @Test("replies are late, false or refused on demand")
  func replies() throws {
    let venue = TestVenue()
    _ = try venue.control("POST", "/faults", #"{"fault":"delay_reply","match":"POST *","milliseconds":5000}"#)
    try venue.order()
    #expect(venue.delay >= 5 * Interval.second)
    _ = try venue.control(
      "POST", "/faults", #"{"fault":"fail_reply","match":"POST *","status":504,"body":{"code":-1007,"msg":"Timeout"}}"#)
    #expect(code(try venue.order()) == -1007)
    #expect(venue.exchange.openOrders(of: 1).count == 2)
    _ = try venue.control("POST", "/faults", #"{"fault":"refuse_request","status":429,"retry_after":7,"body":{}}"#)
    let reply = try #require(venue.send(venue.signed("GET", "account")))
    #expect(reply.status == 429 && reply.headers.contains { $0.name == "retry-after" && $0.value == "7" })
  }

  @Test("a skipped diff leaves a gap, a repeated one comes twice")
  func diffs() throws {
    let venue = TestVenue()
    venue.open(1, "/ws/btcusdt@depth@100ms")
    venue.step()
    let before = try #require(venue.messages(1).last?["u"]?.integer)
    _ = try venue.control("POST", "/faults", #"{"fault":"skip_diff","match":"btcusdt@depth*"}"#)
    venue.step()
    #expect(venue.messages(1).isEmpty)
    venue.step()
    #expect(try #require(venue.messages(1).last?["U"]?.integer) > before + 1)
    _ = try venue.control("POST", "/faults", #"{"fault":"repeat_diff"}"#)
    venue.step()
    #expect(venue.messages(1).count == 2)
  }

  @Test("private events are lost or doubled, the venue's truth is not")
  func events() throws {
    let venue = TestVenue()
    _ = try venue.subscribe(1)
    _ = try venue.control("POST", "/faults", #"{"fault":"drop_event","match":"executionReport","count":2}"#)
    try venue.order(TestVenue.market + "&quantity=0.1")
    #expect(!venue.messages(1).contains { $0["event"]?["e"]?.string == "executionReport" })
    _ = try venue.control("POST", "/faults", #"{"fault":"repeat_event","match":"executionReport"}"#)
    try venue.order()
    #expect(venue.messages(1).filter { $0["event"]?["e"]?.string == "executionReport" }.count == 2)
    let fills = try #require(try venue.control("GET", "/truth/fills").array)
    #expect(fills.count == 1 && fills.first?["account"]?.string == "alice" && fills.first?["fee_asset"]?.string == "BTC")
  }

  @Test("a WebSocket is cut by its path")
  func cut() throws {
    let venue = TestVenue()
    venue.open(1, "/ws/btcusdt@trade")
    venue.open(2, "/ws-api/v3")
    _ = try venue.control("POST", "/faults", #"{"fault":"cut_websocket","match":"/ws-api/v3"}"#)
    #expect(venue.ended == [2])
    #expect(try venue.control("GET", "/faults").array?.isEmpty == true)
  }

  @Test("a silent WebSocket stays open, says nothing for a while, and then goes on")
  func silence() throws {
    let venue = TestVenue()
    venue.open(1, "/ws/btcusdt@depth@100ms")
    _ = try venue.control("POST", "/faults", #"{"fault":"silence_websocket","match":"/ws*","milliseconds":1000}"#)
    for _ in 0..<9 { venue.step() }
    #expect(venue.messages(1).isEmpty && venue.ended.isEmpty)
    for _ in 0..<3 { venue.step() }
    #expect(!venue.messages(1).isEmpty)
  }

  @Test("a still market moves only for its clients, and then goes on by itself")
  func stillMarket() throws {
    let venue = TestVenue { $0.participants.isFrozen = false }
    let update = { venue.exchange.markets[0].updateID }
    _ = try venue.control("POST", "/faults", #"{"fault":"still_market","milliseconds":1000}"#)
    let before = update()
    for _ in 0..<9 { venue.step() }
    #expect(update() == before)
    try venue.order(TestVenue.market + "&quantity=0.001")
    #expect(update() > before)
    let after = update()
    for _ in 0..<2 { venue.step() }
    #expect(update() > after)
  }

  @Test("a forgotten order cannot be found, though it lives, and is found later")
  func forgetOrder() throws {
    let venue = TestVenue()
    try venue.order("newClientOrderId=lost")
    _ = try venue.control("POST", "/faults", #"{"fault":"forget_order","match":"lost","milliseconds":60000}"#)
    #expect(code(try venue.call("GET", "order", "symbol=BTCUSDT&origClientOrderId=lost")) == -2013)
    #expect(try venue.call("GET", "openOrders").array?.isEmpty == true)
    #expect(try venue.call("GET", "allOrders", "symbol=BTCUSDT").array?.isEmpty == true)
    #expect(try venue.control("GET", "/truth/orders").array?.count == 1)
    #expect(try venue.order("newClientOrderId=lost")["msg"]?.string == "Duplicate order sent.")
    venue.advance(milliseconds: 60_000)
    #expect(try venue.call("GET", "order", "symbol=BTCUSDT&origClientOrderId=lost")["status"]?.string == "NEW")
  }

  @Test("the clock can be wrong and be set right")
  func skewClock() throws {
    let venue = TestVenue()
    _ = try venue.control("POST", "/faults", #"{"fault":"skew_clock","milliseconds":6000}"#)
    #expect(try venue.get("time")["serverTime"]?.integer == venue.now.milliseconds + 6_000)
    #expect(code(try venue.call("GET", "account")) == -1021)
    _ = try venue.control("POST", "/faults", #"{"fault":"skew_clock","milliseconds":0}"#)
    #expect(code(try venue.call("GET", "account")) == nil)
  }

  @Test("words that the venue never said before appear in replies and events")
  func unknownWords() throws {
    let venue = TestVenue()
    _ = try venue.subscribe(1)
    _ = try venue.control(
      "POST", "/faults", #"{"fault":"alter_event","match":"executionReport","find":"\"x\":\"NEW\"","replace":"\"x\":\"MOON\""}"#)
    _ = try venue.control("POST", "/faults", #"{"fault":"alter_reply","match":"POST *","find":"NEW","replace":"MOON"}"#)
    #expect(try venue.order()["status"]?.string == "MOON")
    #expect(venue.messages(1).first?["event"]?["x"]?.string == "MOON")
  }

  @Test("a balance changes outside all orders, and a wipe starts everything over")
  func balances() throws {
    let venue = TestVenue()
    _ = try venue.control("POST", "/faults", #"{"fault":"change_balance","account":"alice","asset":"BTC","amount":"-0.5"}"#)
    #expect(try venue.call("GET", "account")["balances"]?.array?.first?["free"]?.string == "49.50000000")
    #expect(try venue.control("POST", "/faults", #"{"fault":"change_balance","account":"eve"}"#)["error"] != nil)
    try venue.order()
    try venue.order(TestVenue.market + "&quantity=0.1", by: "bob")
    _ = try venue.control("POST", "/faults", #"{"fault":"wipe"}"#)
    #expect(try venue.control("GET", "/truth/orders").array?.isEmpty == true)
    #expect(try venue.control("GET", "/truth/fills").array?.isEmpty == true)
    let balances = try #require(try venue.control("GET", "/truth/balances").array)
    #expect(balances.compactMap { $0["free"]?.string } == ["50", "1000000", "50", "1000000"])
    #expect(balances.allSatisfy { $0["locked"]?.string == "0" })
    #expect(code(try venue.order()) == nil)
  }

  @Test("an account may look and not trade, until it may again")
  func restrictAccount() throws {
    let venue = TestVenue()
    try venue.order("newClientOrderId=before")
    _ = try venue.control("POST", "/faults", #"{"fault":"restrict_account","account":"alice"}"#)
    #expect(try venue.call("GET", "account")["canTrade"]?.bool == false)
    #expect(code(try venue.order()) == -2010)
    #expect(code(try venue.call("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=before")) == -2011)
    #expect(code(try venue.order(by: "bob")) == nil)
    _ = try venue.control("POST", "/faults", #"{"fault":"restrict_account","account":"alice","lifted":true}"#)
    #expect(try venue.call("GET", "account")["canTrade"]?.bool == true)
    #expect(code(try venue.order()) == nil)
  }

  @Test("an order is moved by hand: it ends, and another one rests under an id of the venue's own")
  func moveOrder() throws {
    let venue = TestVenue()
    try venue.order("newClientOrderId=ours")
    _ = try venue.control("POST", "/faults", #"{"fault":"move_order","match":"ours","price":"19000"}"#)
    #expect(try venue.call("GET", "order", "symbol=BTCUSDT&origClientOrderId=ours")["status"]?.string == "CANCELED")
    let open = try #require(try venue.call("GET", "openOrders").array)
    #expect(open.count == 1 && open.first?["clientOrderId"]?.string?.hasPrefix("web_") == true)
    #expect(open.first?["price"]?.string == "19000.00000000")
    #expect(try venue.control("POST", "/faults", #"{"fault":"move_order","match":"ours","price":"19000"}"#)["error"] != nil)
  }

  @Test("the truth is complete and can be read in parts")
  func truth() throws {
    let venue = TestVenue()
    for index in 0..<4 { try venue.order("newClientOrderId=o\(index)", by: index % 2 == 0 ? "alice" : "bob") }
    #expect(try venue.control("GET", "/truth/orders").array?.count == 4)
    let part = try #require(try venue.control("GET", "/truth/orders", query: "account=bob&from=1&limit=5").array)
    #expect(part.map { $0["client_order_id"]?.string } == ["o3"])
    let balances = try #require(try venue.control("GET", "/truth/balances").array)
    #expect(balances.count == 4)
    #expect(balances.first { $0["asset"]?.string == "USDT" }?["locked"]?.string == "400")
  }

  @Test("nonsense is refused", arguments: ["", "{}", #"{"fault":"earthquake"}"#, #"{"fault":"drop_reply","count":0}"#])
  func refused(body: String) throws {
    let venue = TestVenue()
    #expect(try venue.control("POST", "/faults", body)["error"] != nil)
    #expect(try venue.control("GET", "/nowhere")["error"] != nil)
  }
}
