import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BybitOrderTests {
  private func text(_ json: JSON, _ name: String) -> String { json[name]?.text ?? "" }

  @Test("an order is accepted before it exists, and found once it is matched")
  func isAccepted() throws {
    let venue = BybitVenue()
    let answer = try venue.create(["orderLinkId": "mine"])
    #expect((10 * Interval.millisecond...100 * Interval.millisecond).contains(venue.delay))
    #expect(retCode(answer) == 0 && answer["result"]?["orderLinkId"]?.string == "mine")
    #expect(try venue.orders("order/realtime", "orderLinkId=mine").isEmpty)
    venue.step()
    let order = try venue.order("orderLinkId=mine")
    #expect(order["orderId"] == answer["result"]?["orderId"] && text(order, "orderStatus") == "New")
    #expect(text(order, "qty") == "0.01" && text(order, "leavesQty") == "0.01" && text(order, "leavesValue") == "260")
    #expect(text(order, "avgPrice") == "" && text(order, "cumExecQty") == "0" && text(order, "timeInForce") == "GTC")
  }

  @Test("a market buy takes the best prices; it is counted in the quote asset unless it says otherwise")
  func marketOrders() throws {
    let venue = BybitVenue()
    let bought = try venue.place(BybitVenue.market.merging(["qty": "0.25"]) { $1 })
    #expect(text(bought, "orderStatus") == "Filled" && text(bought, "cumExecQty") == "0.25")
    #expect(text(bought, "cumExecFee") == "0.00025" && bought["cumFeeDetail"]?["BTC"]?.string == "0.00025")
    #expect(text(bought, "timeInForce") == "IOC" && text(bought, "marketUnit") == "baseCoin" && text(bought, "price") == "0")
    let spent = try venue.place(["orderType": "Market", "price": "", "qty": "1000"])
    #expect(text(spent, "qty") == "1000" && text(spent, "marketUnit") == "quoteCoin")
    #expect(money(text(spent, "cumExecValue")) <= money("1000") && money(text(spent, "cumExecValue")) > money("999"))
    #expect(text(spent, "orderStatus") == "PartiallyFilledCanceled", "the rest buys no lot")
    let sold = try venue.place(["orderType": "Market", "price": "", "side": "Sell", "qty": "0.25"])
    #expect(text(sold, "orderStatus") == "Filled" && text(sold, "marketUnit") == "baseCoin")
    #expect(sold["cumFeeDetail"]?["USDT"]?.string == text(sold, "cumExecFee"))
    let fills = try venue.orders("execution/list", "orderId=\(text(bought, "orderId"))")
    #expect(fills.map { quantity(text($0, "execQty")) }.reduce(Quantity.zero, +) == quantity("0.25"))
    #expect(fills.allSatisfy { text($0, "feeCurrency") == "BTC" && text($0, "feeRate") == "0.001" })
  }

  @Test(
    "what cannot rest ends, and says why",
    arguments: [
      (["timeInForce": "IOC"], "Cancelled", "EC_NoImmediateQtyToFill"),
      (["timeInForce": "FOK"], "Cancelled", "EC_NoEnoughQtyToFill"),
      (["timeInForce": "PostOnly", "price": "27000"], "Cancelled", "EC_PostOnlyWillTakeLiquidity"),
      (["timeInForce": "PostOnly"], "New", "EC_NoError"), (["timeInForce": "GTC"], "New", "EC_NoError"),
      (["timeInForce": "IOC", "price": "27000"], "Filled", "EC_NoError"),
    ])
  func endings(change: [String: String], status: String, reason: String) throws {
    let venue = BybitVenue()
    let order = try venue.place(change)
    #expect(text(order, "orderStatus") == status && text(order, "rejectReason") == reason)
    #expect(try venue.orders("order/realtime").isEmpty == (status != "New"))
    #expect(try venue.orders("order/history").isEmpty == (status == "New"))
  }

  @Test("an IOC order that takes a part ends partially filled and cancelled")
  func partial() throws {
    let venue = BybitVenue()
    let best = try #require(venue.exchange.markets[0].top.ask)
    let order = try venue.place(["timeInForce": "IOC", "price": best.price.description, "qty": "5"])
    #expect(text(order, "orderStatus") == "PartiallyFilledCanceled" && text(order, "leavesQty") == "0")
    #expect(quantity(text(order, "cumExecQty")) == best.quantity)
  }

  @Test(
    "refused orders carry the venue's code",
    arguments: [
      (["category": "stocks"], 10001), (["category": ""], 10001), (["category": "linear"], 10005), (["symbol": "NOSUCH"], 170121),
      (["symbol": ""], 10001), (["side": "Hold"], 170117), (["orderType": "Wish"], 170116), (["timeInForce": "Someday"], 170115),
      (["price": ""], 170130), (["price": "0"], 10001), (["price": "26000.001"], 170134), (["price": "30000"], 170193),
      (["price": "20000", "side": "Sell"], 170194), (["qty": ""], 10001), (["qty": "-1"], 10001), (["qty": "1e3"], 10001),
      (["qty": "0.000001"], 170137), (["qty": "0.123456789"], 170137), (["qty": "9001"], 170124), (["qty": "0.0001"], 170140),
      (["qty": "40"], 170131), (["orderLinkId": "a b"], 10001), (["orderLinkId": String(repeating: "x", count: 37)], 10001),
      (["isLeverage": "1"], 170036), (["triggerPrice": "25000"], 170227), (["orderFilter": "StopOrder"], 170227),
      (["smpType": "Maybe"], 10001), (["orderType": "Market", "price": "", "qty": "0.000000001"], 170148),
      (["orderType": "Market", "price": "", "qty": "4"], 170140),
      (["orderType": "Market", "price": "", "qty": "1000001"], 170131),
    ] as [([String: String], Int64)])
  func refusals(change: [String: String], code: Int64) throws {
    let venue = BybitVenue()
    let answer = try venue.create(change)
    #expect(retCode(answer) == code, "\(answer)")
    venue.step()
    #expect(venue.exchange.allOrders(of: 1).isEmpty)
  }

  @Test("a number that is not text, and a body that is no object, are refused")
  func malformed() throws {
    let venue = BybitVenue()
    let bare = #"{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":0.01,"price":"26000"}"#
    #expect(retCode(try venue.call("POST", "order/create", bare)) == 10001)
    for body in ["", "[]", "{", "\"x\""] { #expect(retCode(try venue.call("POST", "order/create", body)) == 10001) }
    #expect(retCode(try venue.get("nowhere")) == 10017)
  }

  @Test("a client id is taken once, whatever became of its order, and each client has its own")
  func clientIDs() throws {
    let venue = BybitVenue(limits: BybitVenue.patient)
    #expect(retCode(try venue.create(["orderLinkId": "mine"])) == 0)
    #expect(retCode(try venue.create(["orderLinkId": "mine"])) == 170141, "while the first is only accepted")
    venue.step()
    try venue.call("POST", "order/cancel", #"{"category":"spot","symbol":"BTCUSDT","orderLinkId":"mine"}"#)
    venue.step()
    #expect(text(try venue.order("orderLinkId=mine"), "orderStatus") == "Cancelled")
    #expect(retCode(try venue.create(["orderLinkId": "mine"])) == 170141)
    #expect(retCode(try venue.create(["orderLinkId": "mine"], by: "bob")) == 0)
    for _ in 0..<3 { #expect(retCode(try venue.create()) == 0, "orders without one do not collide") }
  }

  @Test("a cancel is accepted before it is done, by either id, even of an order that is only accepted")
  func cancels() throws {
    let venue = BybitVenue()
    let id = text(try venue.place(["orderLinkId": "a"]), "orderId")
    let cancel = #"{"category":"spot","symbol":"BTCUSDT","orderId":"\#(id)","orderLinkId":"not-looked-at"}"#
    #expect(try venue.call("POST", "order/cancel", cancel)["result"]?["orderLinkId"]?.string == "a")
    #expect(text(try venue.order("orderId=\(id)"), "orderStatus") == "New")
    venue.step()
    let cancelled = try venue.order("orderId=\(id)")
    #expect(text(cancelled, "orderStatus") == "Cancelled" && text(cancelled, "cancelType") == "CancelByUser")
    #expect(retCode(try venue.call("POST", "order/cancel", cancel)) == 170213)
    try venue.create(["orderLinkId": "b"])
    let early = #"{"category":"spot","symbol":"BTCUSDT","orderLinkId":"b"}"#
    #expect(retCode(try venue.call("POST", "order/cancel", early)) == 0)
    venue.step()
    #expect(text(try venue.order("orderLinkId=b"), "orderStatus") == "Cancelled")
    #expect(retCode(try venue.call("POST", "order/cancel", early, by: "bob")) == 170213, "another's order")
    #expect(retCode(try venue.call("POST", "order/cancel", #"{"category":"spot","symbol":"BTCUSDT"}"#)) == 10001)
    for _ in 0..<3 { try venue.place() }
    #expect(try venue.call("POST", "order/cancel-all", #"{"category":"spot"}"#)["result"]?["list"]?.array?.count == 3)
    venue.step()
    #expect(try venue.orders("order/realtime").isEmpty)
    #expect(venue.exchange.ledger.balance(1, 1).locked.isZero)
  }

  @Test("an amended order keeps its ids; it can become larger, smaller, dearer, and trade at once")
  func amends() throws {
    let venue = BybitVenue()
    let id = text(try venue.place(["orderLinkId": "a"]), "orderId")
    func amend(_ rest: String) throws -> JSON {
      let answer = try venue.call("POST", "order/amend", #"{"category":"spot","symbol":"BTCUSDT","orderLinkId":"a",\#(rest)}"#)
      venue.step()
      return answer
    }
    #expect(retCode(try amend(#""qty":"0.03""#)) == 0)
    #expect(retCode(try amend(#""price":"26100""#)) == 0)
    var order = try venue.order("orderId=\(id)")
    #expect(text(order, "qty") == "0.03" && text(order, "price") == "26100" && text(order, "orderLinkId") == "a")
    #expect(venue.exchange.ledger.balance(1, 1).locked == money("783"))
    #expect(retCode(try amend(#""qty":"0.02""#)) == 0)
    #expect(venue.exchange.ledger.balance(1, 1).locked == money("522"))
    #expect(retCode(try amend(#""price":"26100.001""#)) == 170134)
    #expect(retCode(try amend(#""qty":"0.0001""#)) == 170140)
    #expect(retCode(try amend(#""price":"""#)) == 10001)
    #expect(retCode(try amend(#""price":"27000""#)) == 0)
    order = try venue.order("orderId=\(id)")
    #expect(text(order, "orderStatus") == "Filled" && text(order, "cumExecQty") == "0.02")
    #expect(venue.exchange.ledger.balance(1, 1).locked.isZero)
    #expect(retCode(try amend(#""qty":"0.05""#)) == 170213)
  }

  @Test("an account sees and touches only its own orders, and other categories are empty")
  func accountsAreApart() throws {
    let venue = BybitVenue()
    let id = text(try venue.place(), "orderId")
    #expect(try venue.orders("order/realtime", "orderId=\(id)", by: "bob").isEmpty)
    #expect(try venue.orders("order/realtime").count == 1)
    for path in ["order/realtime", "order/history", "execution/list", "position/list"] {
      let list = try venue.call("GET", path, "category=linear&settleCoin=USDT")["result"]?["list"]?.array
      #expect(list?.isEmpty == true, "\(path)")
    }
    #expect(retCode(try venue.call("GET", "order/realtime", "category=moon")) == 10001)
  }

  @Test("a refusal by the engine comes after the acknowledgement, and stays in the history")
  func lateRefusal() throws {
    let venue = BybitVenue()
    // Each is affordable when it is accepted; together they are not.
    let first = try venue.create(["qty": "20", "orderLinkId": "a"])
    let second = try venue.create(["qty": "20", "orderLinkId": "b"])
    #expect(retCode(first) == 0 && retCode(second) == 0)
    venue.step()
    #expect(text(try venue.order("orderLinkId=a"), "orderStatus") == "New")
    #expect(text(try venue.order("orderLinkId=b"), "orderStatus") == "Rejected")
    #expect(try venue.orders("order/history", "orderStatus=Rejected").count == 1)
  }

  @Test("histories come in pages, the newest first, and the cursor may be encoded once more", arguments: ["%3A", "%253A", ":"])
  func pages(separator: String) throws {
    let venue = BybitVenue(limits: BybitVenue.patient)
    for _ in 0..<7 { try venue.place(BybitVenue.market.merging(["qty": "0.001"]) { $1 }) }
    for (path, name) in [("order/history", "orderId"), ("execution/list", "execId")] {
      var seen: [Int64] = []
      var cursor = ""
      repeat {
        let page = try venue.call("GET", path, "category=spot&limit=3" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
        seen += page["result"]?["list"]?.array?.compactMap { $0[name]?.integer } ?? []
        cursor = (page["result"]?["nextPageCursor"]?.string ?? "").replacing("%3A", with: separator)
      } while !cursor.isEmpty && seen.count < 100
      #expect(seen.count == 7 && seen == seen.sorted(by: >), "\(path)")
    }
    #expect(try venue.call("GET", "order/history", "category=spot&cursor=x")["retCode"]?.integer == 10001)
  }

  @Test("the five hundred and first open order is refused")
  func openOrderLimit() throws {
    let venue = BybitVenue(limits: BybitVenue.patient)
    for index in 0..<500 { #expect(retCode(try venue.create(["qty": "0.0005", "orderLinkId": "o\(index)"])) == 0) }
    #expect(retCode(try venue.create(["qty": "0.0005"])) == 110020)
  }

  @Test("the wallet shows what is there and what is locked")
  func wallet() throws {
    let venue = BybitVenue()
    try venue.place(["qty": "1"])
    let account = try #require(
      try venue.call("GET", "account/wallet-balance", "accountType=UNIFIED")["result"]?["list"]?.array?.first)
    let coins = try #require(account["coin"]?.array)
    let usdt = try #require(coins.first { $0["coin"]?.string == "USDT" })
    #expect(usdt["walletBalance"]?.string == "1000000" && usdt["locked"]?.string == "26000")
    #expect(account["totalEquity"]?.string == "2339800" && account["totalAvailableBalance"]?.string == "2313800")
    let one = try venue.call("GET", "account/wallet-balance", "accountType=UNIFIED&coin=BTC")
    #expect(one["result"]?["list"]?.array?.first?["coin"]?.array?.count == 1)
    #expect(retCode(try venue.call("GET", "account/wallet-balance", "accountType=SPOT")) == 10001)
  }
}
