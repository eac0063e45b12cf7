import Domain
import Testing
import Wire

@testable import Venues

/// Payloads of several collections: every one of a kind that we use is read, and no other troubles anybody.
@Suite struct BybitPayloadTests {
  /// Which reader takes a reply of this path; nil for kinds that Apus does not use.
  static func read(_ path: String, _ body: [UInt8]) throws(ReplyError) -> Int? {
    switch path {
    case "/v5/order/realtime", "/v5/order/history": try BybitReplies.orders(body).count
    case "/v5/execution/list": try BybitReplies.trades(body).count
    case "/v5/account/wallet-balance": try BybitReplies.account(body).balances.count
    case "/v5/order/create", "/v5/order/cancel", "/v5/order/amend": try BybitReplies.acknowledgement(body).venueOrderID.count
    case "/v5/market/instruments-info", "/v5/account/instruments-info": try instruments(body)
    case "/v5/market/tickers": try BybitPublic.tickers(reply: body).count
    case "/v5/market/funding/history": try BybitPublic.fundingHistory(body).count
    case "/v5/market/recent-trade": try BybitPublic.trades(reply: body).count
    case "/v5/market/time": try Int(BybitReplies.time(body).milliseconds)
    default: nil
    }
  }

  private static func instruments(_ body: [UInt8]) throws(ReplyError) -> Int {
    let text = String(decoding: body, as: UTF8.self)
    let category: BybitMarket.Category = text.contains("basePrecision") ? .spot : .linear
    let list = try BybitMarket(category).instruments(body)
    return list.instruments.count + list.refusals.count
  }

  @Test func repliesOneAFile() throws {
    let paths = [
      "http_get_orders_realtime": "/v5/order/realtime", "http_get_orders_history": "/v5/order/history",
      "http_get_order_partially_filled_rejected": "/v5/order/realtime", "http_get_executions": "/v5/execution/list",
      "http_get_wallet_balance": "/v5/account/wallet-balance", "http_get_wallet_balance_spot_short": "/v5/account/wallet-balance",
      "http_get_instruments_spot": "/v5/market/instruments-info", "http_get_instruments_linear": "/v5/market/instruments-info",
      "http_get_instruments_option": "/v5/market/instruments-info",
      "http_get_instruments_spot_xstocks": "/v5/market/instruments-info",
      "http_get_funding_history": "/v5/market/funding/history", "http_get_trades_recent": "/v5/market/recent-trade",
    ]
    var used = 0
    var files = 0
    for (file, json) in try Fixtures.folder("bybit/nautilus") where file.hasPrefix("http_") {
      files += 1
      let outcome: VenueOutcome<Int> = BybitErrors.classify(
        .reply(VenueReply(status: 200, body: json.bytes)), of: .query
      ) { body throws(ReplyError) in
        guard let path = paths[String(file.dropLast(5))] else { return 1 }
        used += 1
        return try Self.read(path, body) ?? 0
      }
      guard case .confirmed(let count) = outcome else {
        Issue.record("\(file): \(outcome)")
        continue
      }
      #expect(count > 0, "\(file)")
    }
    #expect(files == 24 && used == paths.count)
  }

  @Test func recordedEndpoints() throws {
    var used: [String] = []
    let endpoints = try #require(try Fixtures.json("bybit/jkorf/rest_endpoints.json").array)
    #expect(endpoints.count == 52)
    for endpoint in endpoints {
      let name = try #require(endpoint["name"]?.string)
      let body = try #require(endpoint["response"]).bytes
      let path = try #require(endpoint["path"]?.string)
      let outcome: VenueOutcome<Int> = BybitErrors.classify(
        .reply(VenueReply(status: 200, body: body)), of: .query
      ) { body throws(ReplyError) in
        guard let count = try Self.read(path, body) else { return 0 }
        used.append(path)
        return count
      }
      if case .confirmed = outcome { continue }
      #expect(name == "V5Api/Account/SetMarginMode", "\(outcome)")
    }
    #expect(used.count == 10, "\(used)")
  }

  /// Requests go to the method and path that another client uses for the same.
  @Test func pathsAreTheVenues() throws {
    let trading = BybitTrading(credentials: BybitCredentials(apiKey: "k", secret: "s"))
    let order = NewOrder(clientID: "a", venueSymbol: "B", side: .buy, terms: .market, quantity: try Quantity("1"))
    let requests: [String: VenueRequest] = [
      "PlaceOrder": trading.place(order, at: .zero), "CancelOrder": trading.cancel(clientID: "a", venueSymbol: "B", at: .zero),
      "EditOrder": trading.amend(clientID: "a", venueSymbol: "B", quantity: nil, price: nil, at: .zero),
      "CancelAllOrder": trading.cancelAll(venueSymbol: "B", at: .zero),
      "GetUserTrades": trading.trades(venueSymbol: "B", .newest, at: .zero), "GetBalances": trading.walletBalance(at: .zero),
      "GetLinearInverseSymbols": BybitMarket(.linear).instrumentsInfo(),
      "GetLinearInverseTickers": BybitMarket(.linear).tickers(),
    ]
    var compared = 0
    for endpoint in try #require(try Fixtures.json("bybit/jkorf/rest_endpoints.json").array) {
      guard let name = endpoint["name"]?.string?.split(separator: "/").last, let request = requests[String(name)] else {
        continue
      }
      #expect(request.path == endpoint["path"]?.string && request.method.rawValue == endpoint["method"]?.string)
      #expect(request.headers.contains { $0.name == "X-BAPI-SIGN" } == endpoint["signed"]?.bool)
      compared += 1
    }
    #expect(compared == requests.count)
  }

  @Test func documentedExamples() throws {
    var replies = 0
    var frames = 0
    for example in try #require(try Fixtures.json("bybit/docs/v5_examples.json").array) {
      guard let page = example["page"]?.string, let payload = example["example"] else { continue }
      let body = payload.bytes
      if payload["result"] != nil {
        let path = [
          "order/open-order": "/v5/order/realtime", "order/order-list": "/v5/order/history",
          "order/execution": "/v5/execution/list",
          "order/create-order": "/v5/order/create", "order/cancel-order": "/v5/order/cancel",
          "order/amend-order": "/v5/order/amend",
          "account/wallet-balance": "/v5/account/wallet-balance", "market/instrument": "/v5/market/instruments-info",
          "market/tickers": "/v5/market/tickers", "market/history-fund-rate": "/v5/market/funding/history",
          "market/time": "/v5/market/time",
        ][page]
        guard let path else { continue }
        replies += 1
        #expect(try Self.read(path, body) ?? 0 > 0, "\(page)")
      } else if page.hasPrefix("websocket/") {
        frames += 1
        var update = DepthUpdate()
        let kind = try BybitDepth.decode(frame: body, into: &update)
        #expect((payload["topic"]?.string?.hasPrefix("orderbook") ?? false) == (kind.isBook), "\(page)")
        _ = try BybitPrivateStream.events(body)
        #expect(try BybitPublic.trades(frame: body)?.trades.count == (page == "websocket/public/trade" ? 1 : nil))
        #expect(try (BybitPublic.ticker(frame: body) != nil) == (page == "websocket/public/ticker"))
      }
    }
    #expect(replies == 15 && frames == 37, "\(replies) \(frames)")
  }

  /// Subscriptions as another client makes them: ours is the same, the answer is taken as such, and what is pushed is read.
  @Test func dialogues() throws {
    let dialogues = try #require(try Fixtures.json("bybit/jkorf/ws_exchanges.json").array)
    #expect(dialogues.count == 11)
    var subscriptions = 0
    var pushes = 0
    for dialogue in dialogues {
      let name = try #require(dialogue["name"]?.string)
      for step in try #require(dialogue["steps"]?.array) {
        let payload = try #require(step["json"], "\(name)")
        switch step["dir"]?.string {
        case "client":
          guard payload["op"]?.string == "subscribe", let topics = payload["args"]?.array?.compactMap(\.string) else { continue }
          subscriptions += 1
          let ours = try JSON.parse(BybitFrames.subscribe(topics, requestID: payload["req_id"]?.string))
          #expect(ours == payload, "\(name)")
        case "server_reply":
          guard case let event? = try BybitPrivateStream.events(payload.bytes).first else { continue }
          switch event {
          case .subscribed, .authenticated: break
          default: Issue.record("\(name): \(event)")
          }
        default:
          pushes += 1
          var update = DepthUpdate()
          _ = try BybitDepth.decode(frame: payload.bytes, into: &update)
          _ = try BybitPrivateStream.events(payload.bytes)
          _ = try BybitPublic.trades(frame: payload.bytes)
          _ = try BybitPublic.ticker(frame: payload.bytes)
        }
      }
    }
    #expect(subscriptions == 9 && pushes == 11, "\(subscriptions) \(pushes)")
  }

  @Test func publicFramesOfTheRecording() throws {
    var trades = 0
    var funding: [String: Ticker] = [:]
    for line in try inflated("bybit/captures/v5_20260809.jsonl.gz").split(separator: UInt8(ascii: "\n")) {
      let record = try JSON.parse(Array(line))
      guard record["t"]?.string == "recv", let data = record["data"]?.string else { continue }
      trades += try BybitPublic.trades(frame: Array(data.utf8))?.trades.count ?? 0
      guard record["conn"]?.string == "BYBIT.ws.2", let ticker = try BybitPublic.ticker(frame: Array(data.utf8)) else { continue }
      if funding[ticker.venueSymbol]?.update(by: ticker) == nil { funding[ticker.venueSymbol] = ticker }
    }
    #expect(trades == 150, "\(trades)")
    let bitcoin = try #require(funding["BTCUSDT"])
    #expect(bitcoin.fundingRate != nil && bitcoin.nextFundingTime != nil && bitcoin.lastPrice != nil && bitcoin.markPrice != nil)
    #expect(bitcoin.fundingInterval == 8 * Interval.hour && funding.count == 2)
  }

  @Test func tickerFramesOneALine() throws {
    var tickers: [Ticker] = []
    for line in try Fixtures.bytes("bybit/gct/wsTicker.ndjson").split(separator: UInt8(ascii: "\n")) {
      if let ticker = try BybitPublic.ticker(frame: Array(line)) { tickers.append(ticker) }
    }
    #expect(tickers.map(\.venueSymbol) == ["BTCUSDT", "BTC-28JUN24-60000-P", "BTCUSDT", "BTCPERP", "BTCUSD", "BTCUSD"])
    #expect(try tickers[3].fundingRate == FundingRate("0.00004979"))
    #expect(tickers[3].nextFundingTime == Timestamp(milliseconds: 1_715_760_000_000))
  }

  @Test func fundingThatWasPaid() throws {
    let payments = try BybitPublic.fundingHistory(Fixtures.bytes("bybit/nautilus/http_get_funding_history.json"))
    #expect(try payments.map(\.rate) == [FundingRate("0.0001"), FundingRate("0.00015")])
    #expect(payments[0].time == Timestamp(milliseconds: 1_709_884_800_000))
  }

  /// Every payload, cut or changed anywhere, is an error or is read; unknown members change nothing.
  @Test func damagedPayloadsNeverTrap() throws {
    let seed: UInt64 = 17
    var generator = SeededGenerator(seed: seed)
    for (file, json) in try Fixtures.folder("bybit/nautilus") {
      let bytes = json.bytes
      for _ in 0..<150 {
        var damaged = Array(
          bytes.prefix(Bool.random(using: &generator) ? bytes.count : Int.random(in: 0...bytes.count, using: &generator)))
        for _ in 0..<Int.random(in: 0...3, using: &generator) where !damaged.isEmpty {
          damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        tryAll(damaged)
        _ = file
      }
    }
  }

  private func tryAll(_ bytes: [UInt8]) {
    var update = DepthUpdate()
    _ = try? BybitDepth.decode(frame: bytes, into: &update)
    _ = try? BybitPrivateStream.events(bytes)
    _ = try? BybitPublic.trades(frame: bytes)
    _ = try? BybitPublic.ticker(frame: bytes)
    for path in [
      "/v5/order/realtime", "/v5/execution/list", "/v5/account/wallet-balance", "/v5/order/create", "/v5/market/instruments-info",
      "/v5/market/tickers", "/v5/market/funding/history", "/v5/market/recent-trade", "/v5/market/time",
    ] { _ = try? Self.read(path, bytes) }
    let outcome: VenueOutcome<Int> = BybitErrors.classify(
      .reply(VenueReply(status: 200, body: bytes)), of: .placeOrder
    ) { _ in 1 }
    if case .failed(let failure) = outcome { #expect(failure.code != nil, "no refusal without the venue's word") }
  }
}

extension BybitFrame {
  fileprivate var isBook: Bool { if case .book = self { true } else { false } }
}
