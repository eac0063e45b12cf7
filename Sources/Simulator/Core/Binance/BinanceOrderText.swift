import Domain
import Wire

extension JSONWriter {
  /// A decimal as Binance writes it: a string of at least eight digits behind the point.
  mutating func amount<Value: FixedPoint>(_ name: StaticString, _ value: Value) {
    self.name(name)
    self.value(value, minimumDecimals: 8)
  }

  /// An instant as Binance writes it: milliseconds.
  mutating func milliseconds(_ name: StaticString, _ time: Timestamp) { member(name, time.milliseconds) }
}

extension VenueOrderStatus {
  /// The venue's token.
  var binance: String {
    switch self {
    case .new: "NEW"
    case .partiallyFilled: "PARTIALLY_FILLED"
    case .filled: "FILLED"
    case .cancelled: "CANCELED"
    case .expired: "EXPIRED"
    case .prevented: "EXPIRED_IN_MATCH"
    case .rejected: "REJECTED"
    }
  }
}

extension Side {
  /// The venue's token.
  var binance: String { self == .buy ? "BUY" : "SELL" }
}

extension NewOrder {
  /// The venue's token of the order type.
  var binanceType: String {
    switch kind {
    case .limit: "LIMIT"
    case .postOnly: "LIMIT_MAKER"
    case .market: "MARKET"
    }
  }

  /// The venue's token of the time in force; market orders and post-only orders show `GTC`.
  var binanceTimeInForce: String {
    switch timeInForce {
    case .gtc: "GTC"
    case .ioc: "IOC"
    case .fok: "FOK"
    }
  }

  /// The quote amount asked for, zero when the size is in base units.
  var quoteQuantity: Money { if case .quote(let amount) = size { amount } else { .zero } }

  /// The client's wish for its own orders on the other side.
  var binanceSelfTradePrevention: String {
    switch selfTradePrevention {
    case .none: "NONE"
    case .expireTaker: "EXPIRE_TAKER"
    case .expireMaker: "EXPIRE_MAKER"
    case .expireBoth: "EXPIRE_BOTH"
    }
  }
}

/// Orders and fills in the venue's REST forms (rest-api.md of the venue's documentation).
enum BinanceOrderText {
  /// How much a new order's answer tells.
  enum Detail: String {
    case ack = "ACK"
    case result = "RESULT"
    case full = "FULL"
  }

  /// The answer to a new order.
  static func placed(
    _ order: VenueOrder, _ fills: [VenueFill], _ detail: Detail, _ world: World, to json: inout JSONWriter
  ) {
    json.beginObject()
    json.member("symbol", world.symbol(order.request.market))
    json.member("orderId", order.id)
    json.member("orderListId", -1)
    json.member("clientOrderId", order.request.clientOrderID)
    json.milliseconds("transactTime", order.created)
    if detail != .ack {
      amounts(order, to: &json)
      json.milliseconds("workingTime", order.created)
      if detail == .full { Self.fills(fills, world, to: &json) }
      json.member("selfTradePreventionMode", order.request.binanceSelfTradePrevention)
    }
    json.endObject()
  }

  /// The answer to a cancel; `cancelID` is the cancel's own client id.
  static func cancelled(_ order: VenueOrder, cancelID: String, _ world: World, to json: inout JSONWriter) {
    json.beginObject()
    json.member("symbol", world.symbol(order.request.market))
    json.member("origClientOrderId", order.request.clientOrderID)
    json.member("orderId", order.id)
    json.member("orderListId", -1)
    json.member("clientOrderId", cancelID)
    json.milliseconds("transactTime", order.updated)
    amounts(order, to: &json)
    json.member("selfTradePreventionMode", order.request.binanceSelfTradePrevention)
    json.endObject()
  }

  /// An order as queries show it.
  static func queried(_ order: VenueOrder, _ world: World, to json: inout JSONWriter) {
    json.beginObject()
    json.member("symbol", world.symbol(order.request.market))
    json.member("orderId", order.id)
    json.member("orderListId", -1)
    json.member("clientOrderId", order.request.clientOrderID)
    amounts(order, to: &json)
    json.amount("stopPrice", Price.zero)
    json.amount("icebergQty", Quantity.zero)
    json.milliseconds("time", order.created)
    json.milliseconds("updateTime", order.updated)
    json.member("isWorking", true)
    json.milliseconds("workingTime", order.created)
    json.member("selfTradePreventionMode", order.request.binanceSelfTradePrevention)
    json.endObject()
  }

  /// A fill as `myTrades` shows it.
  static func trade(_ fill: VenueFill, _ world: World, to json: inout JSONWriter) {
    json.beginObject()
    json.member("symbol", world.symbol(fill.market))
    json.member("id", fill.tradeID)
    json.member("orderId", fill.orderID)
    json.member("orderListId", -1)
    json.amount("price", fill.price)
    json.amount("qty", fill.quantity)
    json.amount("quoteQty", fill.price * fill.quantity)
    json.amount("commission", fill.fee)
    json.member("commissionAsset", world.exchange.ledger.assets[fill.feeAsset])
    json.milliseconds("time", fill.time)
    json.member("isBuyer", fill.side == .buy)
    json.member("isMaker", fill.isMaker)
    json.member("isBestMatch", true)
    json.endObject()
  }

  private static func amounts(_ order: VenueOrder, to json: inout JSONWriter) {
    json.amount("price", order.request.price)
    json.amount("origQty", order.quantity)
    json.amount("executedQty", order.executed)
    json.amount("origQuoteOrderQty", order.request.quoteQuantity)
    json.amount("cummulativeQuoteQty", order.cumulativeQuote)
    json.member("status", order.status.binance)
    json.member("timeInForce", order.request.binanceTimeInForce)
    json.member("type", order.request.binanceType)
    json.member("side", order.request.side.binance)
  }

  private static func fills(_ fills: [VenueFill], _ world: World, to json: inout JSONWriter) {
    json.name("fills")
    json.beginArray()
    for fill in fills {
      json.beginObject()
      json.amount("price", fill.price)
      json.amount("qty", fill.quantity)
      json.amount("commission", fill.fee)
      json.member("commissionAsset", world.exchange.ledger.assets[fill.feeAsset])
      json.member("tradeId", fill.tradeID)
      json.endObject()
    }
    json.endArray()
  }
}
