import Domain
import Wire

/// Orders and cancels over REST.
enum BinanceTrading {
  /// A new order as it was asked for, checked against the venue's rules.
  private struct Ticket {
    var order: NewOrder
    var detail: BinanceOrderText.Detail
  }

  static func place(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ limits: inout BinanceRateLimits, _ world: inout World,
    _ json: inout JSONWriter
  ) throws(BinanceError) {
    let ticket = try ticket(client, &parameters, &world)
    guard !world.restricted.contains(client.index) else { throw .restrictedAccount }
    try limits.checkOrder(of: client.index, at: world.now)
    let id: Int64
    do throws(OrderRejection) { id = try world.place(ticket.order) } catch { throw refusal(error) }
    limits.countOrder(of: client.index, at: world.now)
    guard let order = world.exchange.order(id, of: client.index, in: ticket.order.market) else {
      preconditionFailure("an order that was just taken is known")
    }
    let fills = world.exchange.fills(of: client.index).reversed().prefix { $0.orderID == id }.reversed()
    BinanceOrderText.placed(order, Array(fills), ticket.detail, world, to: &json)
  }

  /// Everything short of the order itself.
  static func test(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    parameters.ignore("computeCommissionRates")
    _ = try ticket(client, &parameters, &world)
    json.beginObject()
    json.endObject()
  }

  static func cancel(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let market = try BinanceMarketData.market(&parameters, world)
    let found = try BinanceAccountData.order(client, market, &parameters, &world)
    let cancelID = try parameters.clientID("newClientOrderId") ?? world.randomID(length: 22)
    let restriction = try parameters.text("cancelRestrictions")
    try parameters.finish()
    if let restriction, restriction != "ONLY_NEW", restriction != "ONLY_PARTIALLY_FILLED" { throw .cancelRestrictions }
    guard !world.restricted.contains(client.index) else { throw .restrictedAccountCancel }
    guard let order = found, order.status.isOpen else { throw .unknownOrder }
    if restriction == "ONLY_NEW", order.status != .new { throw .restrictedCancel }
    if restriction == "ONLY_PARTIALLY_FILLED", order.status != .partiallyFilled { throw .restrictedCancel }
    guard let ended = world.exchange.cancel(order.id, requestID: cancelID, at: world.now) else { throw .unknownOrder }
    BinanceOrderText.cancelled(ended, cancelID: cancelID, world, to: &json)
  }

  static func cancelAll(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let market = try BinanceMarketData.market(&parameters, world)
    try parameters.finish()
    guard !world.restricted.contains(client.index) else { throw .restrictedAccountCancel }
    let open = world.exchange.openOrders(of: client.index).filter { $0.request.market == market }
    guard !open.isEmpty else { throw .unknownOrder }
    let cancelID = world.randomID(length: 22)
    json.beginArray()
    for order in open {
      guard let ended = world.exchange.cancel(order.id, requestID: cancelID, at: world.now) else { continue }
      BinanceOrderText.cancelled(ended, cancelID: cancelID, world, to: &json)
    }
    json.endArray()
  }

  // MARK: Reading a new order

  private static func ticket(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World
  ) throws(BinanceError) -> Ticket {
    let market = try BinanceMarketData.market(&parameters, world)
    let side = try side(&parameters)
    let kind = try kind(&parameters)
    let price: Price? = try parameters.decimal("price")
    let timeInForce = try timeInForce(kind, &parameters)
    let size = try size(kind, &parameters)
    guard kind == .market || price != nil else { throw .missing("price") }
    guard kind != .market || price == nil else { throw .notRequired("price") }
    let detail = try detail(kind, &parameters)
    let prevention = try selfTradePrevention(&parameters)
    let clientID = try parameters.clientID("newClientOrderId")
    parameters.ignore("strategyId", "strategyType")
    try parameters.finish()
    let order = NewOrder(
      account: client.index, market: market, clientOrderID: clientID ?? world.randomID(length: 22), side: side, kind: kind,
      price: price ?? .zero, size: size, timeInForce: timeInForce, selfTradePrevention: prevention)
    let open = world.exchange.openOrders(of: client.index).filter { $0.request.market == market }.count
    try BinanceFilters.check(order, world.exchange.markets[market], openOrders: open)
    return Ticket(order: order, detail: detail)
  }

  private static func side(_ parameters: inout BinanceParameters) throws(BinanceError) -> Side {
    switch try parameters.required("side") {
    case "BUY": return .buy
    case "SELL": return .sell
    default: throw .side
    }
  }

  private static func kind(_ parameters: inout BinanceParameters) throws(BinanceError) -> OrderKind {
    switch try parameters.required("type") {
    case "LIMIT": return .limit
    case "LIMIT_MAKER": return .postOnly
    case "MARKET": return .market
    case "STOP_LOSS": throw .rejected("Stop loss orders are not supported for this symbol.")
    case "STOP_LOSS_LIMIT": throw .rejected("Stop loss limit orders are not supported for this symbol.")
    case "TAKE_PROFIT": throw .rejected("Take profit orders are not supported for this symbol.")
    case "TAKE_PROFIT_LIMIT": throw .rejected("Take profit limit orders are not supported for this symbol.")
    default: throw .orderType
    }
  }

  private static func timeInForce(
    _ kind: OrderKind, _ parameters: inout BinanceParameters
  ) throws(BinanceError) -> TimeInForce {
    guard kind == .limit else {
      guard try parameters.text("timeInForce") == nil else { throw .notRequired("timeInForce") }
      return .gtc
    }
    switch try parameters.required("timeInForce") {
    case "GTC": return .gtc
    case "IOC": return .ioc
    case "FOK": return .fok
    default: throw .timeInForce
    }
  }

  private static func size(_ kind: OrderKind, _ parameters: inout BinanceParameters) throws(BinanceError) -> OrderSize {
    let quantity: Quantity? = try parameters.decimal("quantity")
    let quote: Money? = try parameters.decimal("quoteOrderQty")
    switch (quantity, quote) {
    case (let quantity?, nil): return .base(quantity)
    case (nil, let quote?):
      guard kind == .market else { throw .notRequired("quoteOrderQty") }
      guard quote <= Money.limit else { throw .overflow("quoteOrderQty") }
      return .quote(quote)
    case (nil, nil):
      throw kind == .market ? .missingEither("quantity", "quoteOrderQty") : .missing("quantity")
    case (_?, _?): throw .symbolsAndSymbol
    }
  }

  private static func detail(
    _ kind: OrderKind, _ parameters: inout BinanceParameters
  ) throws(BinanceError) -> BinanceOrderText.Detail {
    guard let text = try parameters.text("newOrderRespType") else { return kind == .postOnly ? .ack : .full }
    guard let detail = BinanceOrderText.Detail(rawValue: text) else { throw .invalid("newOrderRespType") }
    return detail
  }

  private static func selfTradePrevention(
    _ parameters: inout BinanceParameters
  ) throws(BinanceError) -> SelfTradePrevention {
    switch try parameters.text("selfTradePreventionMode") {
    case nil, "EXPIRE_MAKER"?: return .expireMaker
    case "NONE"?: return .none
    case "EXPIRE_TAKER"?: return .expireTaker
    case "EXPIRE_BOTH"?: return .expireBoth
    default: throw .invalid("selfTradePreventionMode")
    }
  }

  private static func refusal(_ rejection: OrderRejection) -> BinanceError {
    switch rejection {
    case .insufficientBalance: .rejected("Account has insufficient balance for requested action.")
    case .duplicateClientOrderID: .rejected("Duplicate order sent.")
    case .wouldTake: .rejected("Order would immediately match and take.")
    case .nothingToMatch: .rejected("Order book liquidity is less than symbol minimum quantity.")
    }
  }
}
