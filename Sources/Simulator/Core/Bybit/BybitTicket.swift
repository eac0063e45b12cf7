import Domain

/// A new order as it was asked for.
enum BybitTicket {
  static func order(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: World
  ) throws(BybitError) -> NewOrder {
    _ = try parameters.required("symbol")
    guard let market = try parameters.market(.spot, world, otherwise: .symbol) else { throw .symbol }
    try refuseWhatIsNotOffered(parameters)
    let side = try side(parameters)
    let isMarket = try isMarket(parameters)
    let (kind, timeInForce) = isMarket ? (.market, .ioc) : try terms(parameters)
    let price: Price? = isMarket ? nil : try parameters.decimal("price", tooPrecise: .pricePrecision)
    guard isMarket || price != nil else { throw .data("price") }
    return NewOrder(
      account: client.index, market: market, clientOrderID: try parameters.clientID("orderLinkId") ?? "", side: side,
      kind: kind, price: price ?? .zero, size: try size(side, isMarket: isMarket, parameters), timeInForce: timeInForce,
      selfTradePrevention: try selfTradePrevention(parameters))
  }

  private static func refuseWhatIsNotOffered(_ parameters: BybitParameters) throws(BybitError) {
    if let filter = parameters.text("orderFilter"), filter != "Order" { throw .unsupported }
    for name in ["triggerPrice", "takeProfit", "stopLoss", "slippageTolerance", "bboSideType"] {
      if let text = parameters.text(name), text != "0" { throw .unsupported }
    }
    if try parameters.integer("isLeverage", in: 0...1) == 1 { throw .margin }
  }

  private static func side(_ parameters: BybitParameters) throws(BybitError) -> Side {
    switch try parameters.required("side") {
    case "Buy": return .buy
    case "Sell": return .sell
    default: throw .side
    }
  }

  private static func isMarket(_ parameters: BybitParameters) throws(BybitError) -> Bool {
    switch try parameters.required("orderType") {
    case "Market": return true
    case "Limit": return false
    default: throw .orderType
    }
  }

  private static func terms(_ parameters: BybitParameters) throws(BybitError) -> (OrderKind, TimeInForce) {
    switch parameters.text("timeInForce") {
    case nil, "GTC"?: return (.limit, .gtc)
    case "IOC"?: return (.limit, .ioc)
    case "FOK"?: return (.limit, .fok)
    case "PostOnly"?: return (.postOnly, .gtc)
    default: throw .timeInForce
    }
  }

  /// A market buy is counted in the quote asset unless `marketUnit` says otherwise.
  private static func size(_ side: Side, isMarket: Bool, _ parameters: BybitParameters) throws(BybitError) -> OrderSize {
    let isQuote: Bool
    switch parameters.text("marketUnit") {
    case nil: isQuote = isMarket && side == .buy
    case "baseCoin"?: isQuote = false
    case "quoteCoin"?: isQuote = isMarket
    default: throw .parameter("marketUnit")
    }
    if isQuote {
      guard let amount: Money = try parameters.decimal("qty", tooPrecise: .amountPrecision) else { throw .missing("qty") }
      guard amount.isMultiple(of: BybitRules.quoteStep) else { throw .amountPrecision }
      guard amount <= Money.limit else { throw .tooLarge }
      return .quote(amount)
    }
    guard let quantity: Quantity = try parameters.decimal("qty", tooPrecise: .quantityPrecision) else { throw .missing("qty") }
    return .base(quantity)
  }

  private static func selfTradePrevention(_ parameters: BybitParameters) throws(BybitError) -> SelfTradePrevention {
    switch parameters.text("smpType") {
    case nil, "None"?: return .none
    case "CancelMaker"?: return .expireMaker
    case "CancelTaker"?: return .expireTaker
    case "CancelBoth"?: return .expireBoth
    default: throw .parameter("smpType")
    }
  }
}
