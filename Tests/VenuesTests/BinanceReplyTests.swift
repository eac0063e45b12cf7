import Domain
import Testing
import Venues
import Wire

@Suite struct BinanceReplyTests {
  @Test func aFullReplyHasEveryFill() throws {
    let report = try BinanceReplies.order(Fixtures.bytes("binance/nautilus/spot/http_json/new_order_full_response.json"))
    #expect(report.venueOrderID == "28" && report.clientID == "6gCrw2kRUAF9CvJDGP16IP" && report.venueSymbol == "BTCUSDT")
    #expect(report.state == .filled && report.side == .sell && report.price == nil)
    #expect(report.cumulativeQuantity == Quantity(units: 1_000_000_000))
    #expect(report.fills.map(\.tradeID) == ["56", "57", "58", "59", "60"])
    #expect(try report.fills[1].fee == Money("19.995") && report.fills[1].feeAsset == "USDT")
    #expect(report.fills.reduce(Quantity.zero) { $0 + $1.quantity } == report.cumulativeQuantity)
    #expect(report.time == Timestamp(milliseconds: 1_507_725_176_595))
  }

  @Test func anAcknowledgementSaysNoState() throws {
    let examples = try #require(try Fixtures.json("binance/docs/rest_examples.json").array)
    let acknowledgement = try #require(examples.first { $0["label"]?.string?.contains("ACK") == true }?["example"])
    let report = try BinanceReplies.order(acknowledgement.bytes)
    #expect(report.state == nil && report.unrecognised == nil && report.cumulativeQuantity == nil)
  }

  @Test func aCancelIsAboutTheOriginalOrder() throws {
    let report = try BinanceReplies.order(Fixtures.bytes("binance/nautilus/spot/http_json/cancel_order_response.json"))
    #expect(report.clientID == "myOrder1" && report.state == .cancelled && report.cumulativeQuantity == .zero)
  }

  @Test func stateWordsAreMapped() throws {
    let expected: [(String, VenueOrderState?)] = [
      ("NEW", .open), ("PENDING_NEW", .open), ("PARTIALLY_FILLED", .partiallyFilled), ("FILLED", .filled),
      ("CANCELED", .cancelled),
      ("PENDING_CANCEL", .open), ("REJECTED", .rejected), ("EXPIRED", .expired), ("EXPIRED_IN_MATCH", .expired),
      ("SURPRISE", nil),
    ]
    for (word, state) in expected {
      let report = try BinanceReplies.order(Array(#"{"symbol":"A","orderId":1,"status":"\#(word)","new":[{}]}"#.utf8))
      #expect(report.state == state)
      #expect(report.unrecognised == (state == nil ? word : nil))
    }
  }

  @Test func aTradeHasItsFeeAndLiquidity() throws {
    let trades = try BinanceReplies.trades(Fixtures.bytes("binance/nautilus/spot/http_json/account_trades_response.json"))
    let trade = try #require(trades.first)
    #expect(trades.count == 1 && trade.side == .buy && trade.venueOrderID == "100234" && trade.fill.tradeID == "28457")
    #expect(try trade.fill.price == Price("4.000001") && trade.fill.quantity == Quantity("12"))
    #expect(try trade.fill.fee == Money("10.1") && trade.fill.feeAsset == "BNB" && trade.fill.liquidity == .taker)
  }

  @Test func balancesAreExact() throws {
    let balances = try BinanceReplies.account(Fixtures.bytes("binance/nautilus/spot/http_json/account_response.json")).balances
    #expect(balances.map(\.asset) == ["BTC", "LTC"])
    #expect(try balances[0].free == Money("4723846.89208129") && balances[0].locked == .zero)
  }

  @Test func anAccountMayTradeUnlessTheVenueSaysNo() throws {
    #expect(try BinanceReplies.account(Array(#"{"canTrade":true,"balances":[]}"#.utf8)).mayTrade)
    #expect(try !BinanceReplies.account(Array(#"{"canTrade":false,"balances":[]}"#.utf8)).mayTrade)
    #expect(try BinanceReplies.account(Array(#"{"balances":[]}"#.utf8)).mayTrade)
  }

  /// Every documented reply of a kind that we use is read.
  @Test func documentedRepliesAreRead() throws {
    let examples = try #require(try Fixtures.json("binance/docs/rest_examples.json").array)
    var read: [String: Int] = [:]
    for example in examples {
      guard let endpoint = example["endpoint"]?.string, let reply = example["example"] else { continue }
      if reply["code"] != nil { continue }
      if try self.read(reply.bytes, endpoint: endpoint.replacing(" ", with: "")) { read[endpoint, default: 0] += 1 }
    }
    #expect(read["POST /api/v3/order"] == 3)
    #expect(read.count == 10, "\(read.keys.sorted())")
  }

  /// Every recorded reply of a kind that we use is read.
  @Test func recordedRepliesAreRead() throws {
    var count = 0
    for recording in try #require(try Fixtures.json("binance/gct/http_recordings.json").array) {
      guard let method = recording["method"]?.string, let route = recording["route"]?.string, let reply = recording["response"],
        reply != .null, reply["code"] == nil
      else { continue }
      if try read(reply.bytes, endpoint: method + route) { count += 1 }
    }
    for endpoint in try #require(try Fixtures.json("binance/jkorf/rest_endpoints.json").array) {
      guard endpoint["name"]?.string?.hasPrefix("Spot/") == true, let method = endpoint["method"]?.string,
        let path = endpoint["path"]?.string, let reply = endpoint["response"]
      else { continue }
      if try read(reply.bytes, endpoint: method + path) { count += 1 }
    }
    #expect(count >= 15, "\(count)")
  }

  /// True when the endpoint is one of ours; reading it must not throw.
  private func read(_ body: [UInt8], endpoint: String) throws -> Bool {
    switch endpoint {
    case "POST/api/v3/order", "GET/api/v3/order", "DELETE/api/v3/order": _ = try BinanceReplies.order(body)
    case "GET/api/v3/openOrders", "DELETE/api/v3/openOrders", "GET/api/v3/allOrders": _ = try BinanceReplies.orders(body)
    case "GET/api/v3/myTrades": _ = try BinanceReplies.trades(body)
    case "GET/api/v3/account": _ = try BinanceReplies.account(body)
    case "GET/api/v3/time": _ = try BinanceReplies.time(body)
    case "GET/api/v3/exchangeInfo": _ = try BinanceMarket.spot.instruments(body)
    case "GET/fapi/v1/exchangeInfo": _ = try BinanceMarket.futures.instruments(body)
    case "GET/api/v3/depth", "GET/fapi/v1/depth":
      var snapshot = DepthSnapshot()
      try BinanceDepth.decode(snapshot: body, into: &snapshot)
      #expect(snapshot.lastID > 0)
    default: return false
    }
    return true
  }

  @Test func contingentListsAmongCancelledOrdersAreLeftOut() throws {
    let examples = try #require(try Fixtures.json("binance/docs/rest_examples.json").array)
    let reply = try #require(examples.first { $0["endpoint"]?.string == "DELETE /api/v3/openOrders" }?["example"])
    #expect(try BinanceReplies.orders(reply.bytes).map(\.venueOrderID) == ["11", "13"])
  }

  /// The most at once is a thousand trades: what follows is asked for from the id behind the last of them on.
  @Test(arguments: [(999, nil), (1_000, "fromId=1001")])
  func tradesSinceAMomentAreReadToTheirLastPage(count: Int, next: String?) throws {
    let trades = (1...count).map {
      #"{"symbol":"BTCUSDT","id":\#($0),"orderId":7,"price":"1","qty":"1","commission":"0","commissionAsset":"BTC","#
        + #""time":1,"isBuyer":true,"isMaker":false}"#
    }
    let account = try #require(VenueAccount(.binance, apiKey: "key", secret: "secret")).declaration
    let body = Array("[\(trades.joined(separator: ","))]".utf8)
    let now = Timestamp(milliseconds: 5_000)
    let page = try account.nextPage(of: .trades(venueSymbol: "BTCUSDT", .since(.zero)), after: body, at: now)
    if let next {
      #expect(try #require(page).query.contains("symbol=BTCUSDT&\(next)&limit=1000&recvWindow="))
    } else {
      #expect(page == nil)
    }
    #expect(try account.nextPage(of: .trades(venueSymbol: "BTCUSDT", .newest), after: body, at: now) == nil)
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{}", #"{"symbol":"A"}"#, #"{"symbol":"A","orderId":"x"}"#,
    #"{"symbol":"A","orderId":1,"executedQty":"1e400"}"#, #"{"symbol":"A","orderId":1,"executedQty":"0.123456789"}"#,
    #"{"symbol":"A","orderId":1,"cummulativeQuoteQty":"1000000000000000000"}"#,
    #"{"symbol":"A","orderId":1,"fills":[{"price":"1"}]}"#, #"{"symbol":"A","orderId":1,"executedQty":"NaN"}"#,
  ])
  func hostileRepliesAreErrors(text: String) {
    #expect(throws: ReplyError.self) { try BinanceReplies.order(Array(text.utf8)) }
  }
}
