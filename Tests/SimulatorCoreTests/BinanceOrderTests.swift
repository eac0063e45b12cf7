import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BinanceOrderTests {
  @Test("a market buy of a quarter fills near the top, with its fills and fees")
  func marketBuy() throws {
    let venue = TestVenue()
    let ask = try #require(venue.exchange.markets[0].top.ask)
    let reply = try venue.order(TestVenue.market + "&quantity=0.25&newClientOrderId=mine")
    #expect(reply["status"]?.string == "FILLED")
    #expect(reply["clientOrderId"]?.string == "mine")
    #expect(reply["executedQty"]?.string == "0.25000000")
    let fills = try #require(reply["fills"]?.array)
    #expect(fills.first?["price"]?.string == ask.price.text(decimals: 8))
    #expect(fills.first?["commissionAsset"]?.string == "BTC")
    let fees = fills.compactMap { $0["commission"]?.string }.map(money).reduce(Money.zero, +)
    #expect(fees == money("0.00025"))
    #expect((10 * Interval.millisecond...100 * Interval.millisecond).contains(venue.delay))
    let account = try venue.call("GET", "account")
    #expect(account["canTrade"]?.bool == true)
    #expect(account["balances"]?.array?.first?["free"]?.string == "50.24975000")
  }

  @Test("the detail of the answer is what was asked for", arguments: ["ACK": 5, "RESULT": 16, "FULL": 17, "": 17])
  func responseTypes(type: String, fields: Int) throws {
    let venue = TestVenue()
    let reply = try venue.order(type.isEmpty ? "" : "newOrderRespType=\(type)")
    #expect(reply.members?.count == fields)
  }

  @Test(
    "refused orders carry the venue's code and words",
    arguments: [
      ("price=20000.001", -1013, "Filter failure: PRICE_FILTER"), ("price=0", -1013, "Filter failure: PRICE_FILTER"),
      ("quantity=0.000001", -1013, "Filter failure: LOT_SIZE"), ("quantity=0", -1013, "Filter failure: LOT_SIZE"),
      ("quantity=9000.00001", -1013, "Filter failure: LOT_SIZE"), ("quantity=0.0002", -1013, "Filter failure: NOTIONAL"),
      ("price=5000&quantity=1", -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
      ("price=140000", -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
      (TestVenue.market + "&quantity=90.00001", -1013, "Filter failure: MARKET_LOT_SIZE"),
      ("quantity=0.123456789", -1111, "Parameter 'quantity' has too much precision."),
      (
        "quantity=1e3", -1100,
        #"Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."#
      ),
      (
        "quantity=-1", -1100,
        #"Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."#
      ),
      (
        "newClientOrderId=a%20b", -1100,
        "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."
      ),
      ("quantity=", -1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
      ("price=", -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
      (TestVenue.market + "&quantity=", -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
      ("colour=red", -1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
      ("type=MARKET&price=", -1106, "Parameter 'timeInForce' sent when not required."),
      ("price=99999999999", -1108, "Parameter 'price' overflowed."), ("timeInForce=GTX", -1115, "Invalid timeInForce."),
      ("type=WISH", -1116, "Invalid orderType."), ("side=HOLD", -1117, "Invalid side."),
      ("symbol=NOSUCH", -1121, "Invalid symbol."),
      ("quantity=300", -2010, "Account has insufficient balance for requested action."),
      ("type=LIMIT_MAKER&timeInForce=&price=30000", -2010, "Order would immediately match and take."),
      ("type=STOP_LOSS&timeInForce=", -2010, "Stop loss orders are not supported for this symbol."),
    ])
  func refusals(change: String, expected: Int64, message: String) throws {
    let venue = TestVenue()
    let reply = try venue.order(change)
    #expect(code(reply) == expected && reply["msg"]?.string == message, "\(reply)")
    #expect(venue.exchange.allOrders(of: 1).isEmpty)
  }

  @Test("an open client id is refused, a closed one may be used again")
  func clientIDs() throws {
    let venue = TestVenue()
    let first = try venue.order("newClientOrderId=mine")
    #expect(try venue.order("newClientOrderId=mine")["msg"]?.string == "Duplicate order sent.")
    #expect(code(try venue.order("newClientOrderId=mine", by: "bob")) == nil)
    let cancelled = try venue.call("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=mine&newClientOrderId=bye")
    #expect(cancelled["orderId"] == first["orderId"])
    #expect(cancelled["origClientOrderId"]?.string == "mine" && cancelled["clientOrderId"]?.string == "bye")
    #expect(cancelled["status"]?.string == "CANCELED")
    let second = try venue.order("newClientOrderId=mine")
    let query = try venue.call("GET", "order", "symbol=BTCUSDT&origClientOrderId=mine")
    #expect(query["orderId"] == second["orderId"] && query["status"]?.string == "NEW")
    #expect(
      try venue.call("GET", "order", "symbol=BTCUSDT&orderId=\(first["orderId"]?.text ?? "")")["status"]?.string == "CANCELED")
  }

  @Test("an account sees and touches only its own orders")
  func accountsAreApart() throws {
    let venue = TestVenue()
    let id = try #require(try venue.order()["orderId"]?.text)
    #expect(code(try venue.call("GET", "order", "symbol=BTCUSDT&orderId=\(id)", by: "bob")) == -2013)
    #expect(code(try venue.call("DELETE", "order", "symbol=BTCUSDT&orderId=\(id)", by: "bob")) == -2011)
    #expect(try venue.call("GET", "openOrders", by: "bob").array?.isEmpty == true)
    #expect(try venue.call("GET", "openOrders").array?.count == 1)
  }

  @Test("cancels: all at once, restricted, and of what is not open")
  func cancels() throws {
    let venue = TestVenue()
    #expect(code(try venue.call("DELETE", "openOrders", "symbol=BTCUSDT")) == -2011)
    for _ in 0..<3 { try venue.order() }
    let restricted = "symbol=BTCUSDT&orderId=\(venue.exchange.openOrders(of: 1)[0].id)&cancelRestrictions="
    #expect(code(try venue.call("DELETE", "order", restricted + "ONLY_PARTIALLY_FILLED")) == -2011)
    #expect(code(try venue.call("DELETE", "order", restricted + "MAYBE")) == -1145)
    #expect(try venue.call("DELETE", "order", restricted + "ONLY_NEW")["status"]?.string == "CANCELED")
    #expect(try venue.call("DELETE", "openOrders", "symbol=BTCUSDT").array?.count == 2)
    #expect(code(try venue.call("DELETE", "order", "symbol=BTCUSDT")) == -1102)
  }

  @Test("the two hundred and first open order is refused")
  func openOrderLimit() throws {
    var limits = BinanceFace.Limits()
    limits.ordersPerTenSeconds = 1_000
    let venue = TestVenue(limits: limits)
    for _ in 0..<200 { #expect(code(try venue.order("quantity=0.0005")) == nil) }
    #expect(try venue.order("quantity=0.0005")["msg"]?.string == "Filter failure: MAX_NUM_ORDERS")
  }

  @Test("histories are cut from their end, or from where the reader is")
  func histories() throws {
    let venue = TestVenue()
    var ids: [Int64] = []
    for _ in 0..<5 {
      venue.step()
      ids.append(try #require(try venue.order(TestVenue.market + "&quantity=0.001")["orderId"]?.integer))
    }
    func list(_ path: String, _ parameters: String, _ field: String = "orderId") throws -> [Int64] {
      try venue.call("GET", path, "symbol=BTCUSDT" + parameters).array?.compactMap { $0[field]?.integer } ?? []
    }
    #expect(try list("allOrders", "") == ids)
    #expect(try list("allOrders", "&limit=2") == Array(ids.suffix(2)))
    #expect(try list("allOrders", "&orderId=\(ids[1])&limit=2") == Array(ids[1...2]))
    #expect(try list("myTrades", "") == ids)
    #expect(try list("myTrades", "&orderId=\(ids[3])") == [ids[3]])
    let trades = try list("myTrades", "", "id")
    #expect(try list("myTrades", "&fromId=\(trades[2])", "id") == Array(trades[2...]))
    #expect(code(try venue.call("GET", "myTrades", "symbol=BTCUSDT&startTime=0&endTime=86400001")) == -1127)
    #expect(code(try venue.call("GET", "allOrders", "symbol=BTCUSDT&limit=1001")) == -1130)
  }
}
