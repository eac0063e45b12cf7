import Testing
import Wire

@testable import SimulatorCore

/// What the simulator says has the fields that the venue documents, or was recorded to send, with values of the same kind.
@Suite struct BybitShapeTests {
  private func documented(_ page: String, containing text: String = "") throws -> JSON {
    let found = try Fixtures.json("bybit/docs/v5_examples.json").array?.first { entry in
      guard entry["page"]?.string == page, let example = entry["example"] else { return false }
      var writer = JSONWriter()
      writer.value(example)
      let isAnswer = example["result"] != nil || example["topic"] != nil
      return isAnswer && (text.isEmpty || String(decoding: writer.bytes, as: UTF8.self).contains(text))
    }
    return try #require(found?["example"], "no example of \(page)")
  }

  private func recorded(_ file: String) throws -> JSON { try Fixtures.json("bybit/nautilus/\(file).json") }

  private func kind(_ json: JSON) -> String {
    switch json {
    case .null: "null"
    case .bool: "flag"
    case .number: "number"
    case .string: "text"
    case .array: "list"
    case .object: "object"
    }
  }

  /// Every field of `pattern` but those `missing` is in `ours` with a value of the same kind, down to the first entry of each list.
  /// What is missing on purpose: products that are not here, and lists that may be empty.
  private func expect(_ ours: JSON?, like pattern: JSON, without missing: Set<String> = [], at path: String = "") {
    guard let ours else {
      Issue.record("\(path) is missing")
      return
    }
    if case .null = pattern { return }
    #expect(kind(ours) == kind(pattern), "\(path)")
    switch pattern {
    case .object(let members):
      for member in members where !missing.contains(member.name) {
        expect(ours[member.name], like: member.value, without: missing, at: "\(path).\(member.name)")
      }
    case .array(let elements):
      guard let first = elements.first else { return }
      expect(ours.array?.first, like: first, without: missing, at: "\(path)[]")
    default: break
    }
  }

  @Test("public replies")
  func publicReplies() throws {
    let venue = BybitVenue()
    try venue.place(BybitVenue.market)
    expect(try venue.get("market/time"), like: try documented("market/time"))
    let spot = try Fixtures.json("bybit/captures/instruments_info_spot.json")
    expect(try venue.get("market/instruments-info", "category=spot"), like: spot)
    expect(
      try venue.get("market/instruments-info", "category=linear"),
      like: try documented("market/instrument", containing: "LinearPerpetual"))
    for category in ["inverse", "option"] {
      let list = try venue.get("market/instruments-info", "category=\(category)")["result"]
      #expect(list?["list"]?.array?.isEmpty == true && list?["category"]?.string == category)
    }
    let book = try venue.get("market/orderbook", "category=spot&symbol=BTCUSDT&limit=3")
    expect(book, like: try documented("market/orderbook"))
    expect(
      try venue.get("market/tickers", "category=spot&symbol=BTCUSDT"),
      like: try documented("market/tickers", containing: "\"spot\""))
    expect(
      try venue.get("market/tickers", "category=linear"), like: try documented("market/tickers", containing: "\"inverse\""))
    expect(try venue.get("market/recent-trade", "category=spot&symbol=BTCUSDT"), like: try recorded("http_get_trades_recent"))
    expect(
      try venue.get("market/kline", "category=spot&symbol=BTCUSDT&interval=1"), like: try recorded("http_get_klines_linear"))
    expect(
      try venue.get("market/funding/history", "category=linear&symbol=BTCUSDT&limit=2"),
      like: try documented("market/history-fund-rate"))
  }

  @Test("replies about the account")
  func accountReplies() throws {
    let venue = BybitVenue()
    let placed = try venue.create()
    expect(placed, like: try documented("order/create-order"))
    let id = try #require(placed["result"]?["orderId"]?.string)
    venue.step()
    expect(try venue.call("GET", "order/realtime", "category=spot"), like: try documented("order/open-order"), without: ["MNT"])
    expect(
      try venue.call("POST", "order/amend", #"{"category":"spot","symbol":"BTCUSDT","orderId":"\#(id)","qty":"0.02"}"#),
      like: try documented("order/amend-order"))
    expect(try venue.call("POST", "order/cancel-all", #"{"category":"spot"}"#), like: try documented("order/cancel-all"))
    venue.step()
    expect(try venue.call("GET", "order/history", "category=spot"), like: try documented("order/order-list"), without: ["MNT"])
    try venue.place(BybitVenue.market)
    expect(try venue.call("GET", "execution/list", "category=spot"), like: try documented("order/execution"))
    expect(
      try venue.call("GET", "account/wallet-balance", "accountType=UNIFIED"), like: try documented("account/wallet-balance"))
    expect(try venue.call("GET", "account/info"), like: try documented("account/account-info"))
    expect(try venue.call("GET", "account/fee-rate", "category=spot"), like: try recorded("http_get_fee_rate"))
    expect(
      try venue.call("GET", "user/query-api"), like: try recorded("http_get_user_query_api"),
      without: [
        "ContractTrade", "Wallet", "Derivatives", "Exchange", "Earn", "FiatP2P", "FiatBybitPay", "FiatConvertBroker",
        "FiatGlobalPay", "FiatBitPay", "BitCard", "ByXPost",
      ])
    let coins = try #require(
      try Fixtures.json("bybit/jkorf/rest_endpoints.json").array?.first { $0["path"]?.string == "/v5/asset/coin/query-info" })
    expect(try venue.call("GET", "asset/coin/query-info"), like: try #require(coins["response"]))
  }

  @Test("streams")
  func streams() throws {
    let venue = BybitVenue { $0.participants.isFrozen = false }
    let snapshots = venue.follow(1, "public/spot", "orderbook.50.BTCUSDT", "tickers.BTCUSDT", "publicTrade.BTCUSDT")
    expect(snapshots[0], like: try recorded("ws_subscription_ack"))
    expect(
      snapshots[1], like: try documented("websocket/public/orderbook", containing: "\"snapshot\""))
    expect(snapshots[2], like: try documented("websocket/public/ticker", containing: "usdIndexPrice"))
    let perpetual = venue.follow(2, "public/linear", "tickers.BTCUSDT")
    expect(perpetual.last, like: try documented("websocket/public/ticker", containing: "openInterestValue"))
    venue.follow(3, "private", "order", "execution", "wallet")
    try venue.place(BybitVenue.market)
    let pushed = venue.messages(1)
    func message(_ messages: [JSON], _ topic: String) -> JSON? { messages.first { $0["topic"]?.string == topic } }
    expect(
      message(pushed, "orderbook.50.BTCUSDT"), like: try documented("websocket/public/orderbook", containing: "\"delta\""),
      without: ["a", "b"])
    expect(message(pushed, "publicTrade.BTCUSDT"), like: try documented("websocket/public/trade"))
    let told = venue.messages(3)
    expect(message(told, "order"), like: try documented("websocket/private/order"), without: ["MNT"])
    expect(message(told, "execution"), like: try documented("websocket/private/execution"), without: ["extraFees"])
    expect(message(told, "wallet"), like: try documented("websocket/private/wallet"))
    venue.send(#"{"op":"subscribe","args":["nothing"]}"#, on: 1)
    expect(venue.messages(1).last, like: try recorded("ws_subscription_failure"))
  }
}
