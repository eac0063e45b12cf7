import Domain

@testable import Wire

/// One record of every kind with every field filled in, and one with only what must be there.
enum Samples {
  static let account = identifier("main") as Account
  static let order = identifier("order-1") as ClientOrderID
  static let symbol = Symbol("BTC-USDT")!
  static let time = Timestamp(nanoseconds: 1_700_000_000_123_456_789)
  static let source = RecordSource(topic: "orders", partition: 3, offset: 42, timestamp: time)

  static func identifier<Kind>(_ text: String) -> Identifier<Kind> { Identifier<Kind>(text)! }
  static func price(_ text: String) -> Price { (try? Price(text)) ?? .zero }
  static func quantity(_ text: String) -> Quantity { (try? Quantity(text)) ?? .zero }
  static func money(_ text: String) -> Money { (try? Money(text)) ?? .zero }

  static var fullRequest: OrderRequest {
    OrderRequest(
      action: .new, account: account, clientOrderID: order, venue: .binance, symbol: symbol, side: .buy, type: .limit,
      quantity: quantity("0.25"), price: price("26796.1"), timeInForce: .gtc, postOnly: true, reduceOnly: true, expiresAt: time,
      strategy: "quoter", tags: ["a", "ü\"\n"])
  }
  static var quoteRequest: OrderRequest {
    OrderRequest(account: account, clientOrderID: order, symbol: symbol, side: .sell, quoteQuantity: money("1000.5"))
  }
  static var cancelRequest: OrderRequest { OrderRequest(action: .cancel, account: account, symbol: symbol, target: order) }
  static var replaceRequest: OrderRequest {
    OrderRequest(
      action: .replace, account: account, clientOrderID: identifier("order-2"), symbol: symbol, type: .limit,
      quantity: quantity("0.5"), price: price("26000"), target: order)
  }
  static var requests: [OrderRequest] {
    [
      fullRequest, quoteRequest, cancelRequest, replaceRequest,
      OrderRequest(action: .cancelAll, account: account, symbol: symbol),
      OrderRequest(action: .cancelAll, account: account, symbol: symbol, allSymbols: true),
    ]
  }

  static var figures: DecisionFigures {
    var figures = DecisionFigures()
    figures.referenceVenue = .binance
    figures.referencePrice = price("26796.1")
    figures.referenceTime = time
    figures.collarPrice = price("28135.9")
    figures.notional = money("6699.025")
    figures.position = quantity("-1")
    figures.openBuys = quantity("0.5")
    figures.openSells = .zero
    figures.positionAfter = quantity("-0.25")
    figures.ordersInWindow = 2
    figures.dailyProfit = money("-12.5")
    figures.executionsOffset = 77
    return figures
  }

  static var approvals: [Approval] {
    [
      Approval(
        request: Shared(fullRequest), clientOrderID: order, quantity: quantity("0.25"), limitPrice: price("26796.1"),
        timeInForce: .gtc,
        validUntil: time + Interval.second, controlVersion: 3, limitsVersion: 4, decidedAt: time, source: source,
        isDuplicate: true,
        figures: figures),
      Approval(
        request: Shared(cancelRequest), clientOrderID: identifier("derived"), timeInForce: .ioc, validUntil: time,
        controlVersion: 0,
        limitsVersion: 0, decidedAt: time, source: source),
    ]
  }

  static var rejections: [Rejection] {
    [
      Rejection(
        account: account, clientOrderID: order, code: .orderSize, reason: "Order rejected: Notional exceeds $50,000 limit.",
        request: fullRequest, controlVersion: 1, limitsVersion: 2, decidedAt: time, source: source, isDuplicate: true,
        figures: figures),
      Rejection(account: account, clientOrderID: order, code: .malformed, reason: "No.", decidedAt: time, source: source),
    ]
  }

  static var deadLetters: [DeadLetter] {
    [
      DeadLetter(
        service: "riskgate", error: RecordError(.malformed, "Bad."), source: source, payload: Array(repeating: 0xFF, count: 5000)),
      DeadLetter(service: "riskgate", error: RecordError(.malformed, "The payload is null."), source: source, payload: nil),
    ]
  }

  static var fill: Fill {
    Fill(
      tradeID: "28457", price: price("26796.1"), quantity: quantity("0.1"), fee: money("0.0001"), feeAsset: "BNB",
      feePrice: price("231.5"), liquidity: .taker, time: time)
  }

  static var executions: [ExecutionRecord] {
    var filled = OrderEvent(
      account: account, clientOrderID: order, venue: .binance, symbol: symbol, side: .buy, quantity: quantity("0.25"),
      limitPrice: price("26796.1"), child: 1, venueClientID: "apus-1", venueOrderID: "99", status: .partiallyFilled, fill: fill,
      cumulativeQuantity: quantity("0.1"), cumulativeQuote: money("2679.61"), provenance: .venue, strategy: "quoter",
      venueTime: time,
      time: time)
    filled.reason = "x"
    filled.part = ChildState(
      status: .filled, quantity: quantity("0.1"), cumulativeQuantity: quantity("0.1"), cumulativeQuote: money("2679.61"))
    let refused = OrderEvent(
      account: account, clientOrderID: order, venue: .binance, symbol: symbol, side: .sell, quantity: quantity("0.25"),
      status: .rejected, provenance: .venue, reason: "Account has insufficient balance.", venueCode: -2010, time: time)
    let seen = VenueOrder(
      venueClientID: "apus-1", venueOrderID: "99", symbol: symbol, side: .buy, status: .filled, quantity: quantity("0.25"),
      price: price("26796.1"), cumulativeQuantity: quantity("0.25"), cumulativeQuote: money("6699.025"), time: time)
    return [
      .order(filled), .order(refused),
      .plan(
        Plan(
          approval: approvals[0], quantity: quantity("0.3"),
          children: [
            .init(number: 0, venue: .binance, venueClientID: "apus-1", quantity: quantity("0.25"), price: price("26796.1"))
          ], approvalOffset: 41, time: time)),
      .ignored(IgnoredApproval(account: account, clientOrderID: order, approvalOffset: 43, time: time)),
      .observation(
        Observation(
          account: account, venue: .binance, startedAt: time, orders: [seen],
          fills: [VenueFill(venueOrderID: "99", symbol: symbol, side: .buy, fill: fill)], missing: ["apus-2"])),
      .observation(
        Observation(account: account, venue: .binance, startedAt: time, missing: ["apus-2"], wipedBy: time, mayTrade: false)),
      .adjustment(
        Adjustment(
          account: account, id: "adj-1", symbol: symbol, quantity: quantity("-0.5"), price: price("26000"), reason: "transfer",
          time: time)),
      .controlAcknowledged(ControlAcknowledgement(account: account, version: 5, state: .halted, time: time)),
      .epoch(EpochMarker(epoch: 12, owner: "ordermanager-0")),
    ]
  }

  static var control: Control { Control(account: account, version: 2, state: .reduceOnly, reason: "drill", time: time) }
  static var limits: Limits {
    var limits = Limits(account: account)
    limits.version = 9
    limits.maximumPosition.append(.init(asset: "ETH", quantity: quantity("50")))
    return limits
  }
  static var balances: Balances {
    Balances(
      account: account, venue: .binance,
      assets: [
        AssetBalance(asset: "BTC", free: money("50"), locked: .zero),
        AssetBalance(asset: "USDT", free: money("1000000.123"), locked: money("1")),
      ], time: time)
  }
  static var instrument: Instrument {
    Instrument(
      venue: .binance, symbol: symbol, venueSymbol: "BTCUSDT", tick: price("0.01"), minimumPrice: price("0.01"),
      maximumPrice: price("1000000"), lot: quantity("0.00001"), minimumQuantity: quantity("0.00001"),
      maximumQuantity: quantity("9000"),
      minimumNotional: money("5"), isTrading: true)
  }
  static var alert: Alert {
    Alert(
      service: "ordermanager", severity: .critical, code: "order_unknown", message: "…", account: account, clientOrderID: order,
      time: time)
  }
  static var books: [BookRecord] {
    let bid = BookLevel(price: price("26795.4"), quantity: quantity("1.5"))
    let ask = BookLevel(price: price("26795.8"), quantity: quantity("0.25"))
    return [
      BookRecord(
        kind: .snapshot, venue: .binance, symbol: symbol, updateID: 7, isValid: true, ingestTime: time, venueTime: time,
        top: TopOfBook(bid: bid, ask: ask), bids: [bid], asks: [ask], chunk: 1, chunks: 2),
      BookRecord(
        kind: .diff, venue: .binance, symbol: symbol, updateID: 8, isValid: true, ingestTime: time,
        top: TopOfBook(bid: bid, ask: nil),
        bids: [], asks: [BookLevel(price: ask.price, quantity: .zero)]),
      BookRecord(
        kind: .status, venue: .binance, symbol: symbol, updateID: 8, isValid: false, reason: "gap", ingestTime: time,
        top: TopOfBook(bid: nil, ask: nil)),
    ]
  }

  static var trades: TradeRecord {
    func trade(_ id: String, _ side: Side, _ gap: TradeRecord.Gap?) -> TradeRecord.Trade {
      .init(id: id, price: price("26796.1"), quantity: quantity("0.004"), takerSide: side, time: time, gap: gap)
    }
    return TradeRecord(
      venue: .binance, symbol: symbol,
      trades: [trade("7", .buy, .init(.started)), trade("8", .sell, nil), trade("12", .buy, .init(.missed, missed: 3))],
      ingestTime: time)
  }

  static var funding: [FundingRecord] {
    let eight = 8 * Interval.hour
    let rate = (try? FundingRate("0.0001")) ?? .zero
    let perpetual = Symbol("BTC-USDT-PERP")!
    return [
      .live(.init(rate: rate, nextTime: time, interval: eight, markPrice: price("26790.5"), venueTime: time)),
      .live(.init(rate: -rate)),
      .history([.init(rate: rate, time: time), .init(rate: -rate, time: time + eight, interval: eight)]), .history([]),
    ].map { FundingRecord(venue: .bybit, symbol: perpetual, content: $0, ingestTime: time) }
  }

  /// Every record's bytes by the name of its schema.
  static var encoded: [(schema: String, bytes: [UInt8])] {
    requests.map { ("orders", $0.encoded()) }
      + approvals.map { ("orders.approved", $0.encoded()) }
      + [("orders.approved", EpochMarker(epoch: -1, owner: "riskgate-0").encoded())]
      + rejections.map { ("orders.rejected", $0.encoded()) }
      + deadLetters.map { ("dead_letters", $0.encoded()) }
      + executions.map { ("executions", $0.encoded()) }
      + [("control", control.encoded()), ("limits", limits.encoded()), ("balances", balances.encoded())]
      + [("instruments", instrument.encoded()), ("alerts", alert.encoded())]
      + books.map { ("l2_order_books", $0.encoded()) }
      + [("trades", trades.encoded())] + funding.map { ("funding_rates", $0.encoded()) }
  }
}
