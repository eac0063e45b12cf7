import Domain
import Wire

extension JSONWriter {
  /// An instant as Bybit mostly writes it: milliseconds as text.
  mutating func millisecondsText(_ name: StaticString, _ time: Timestamp) { member(name, String(time.milliseconds)) }

  /// Members that are there for the form and say nothing.
  mutating func empty(_ names: StaticString...) {
    for name in names { member(name, "") }
  }
}

extension Side {
  /// The venue's token.
  var bybit: String { self == .buy ? "Buy" : "Sell" }
}

extension NewOrder {
  /// The venue's token of the order type.
  var bybitType: String { kind == .market ? "Market" : "Limit" }

  /// The venue's token of the time in force.
  var bybitTimeInForce: String {
    switch (kind, timeInForce) {
    case (.postOnly, _): "PostOnly"
    case (.market, _), (_, .ioc): "IOC"
    case (_, .fok): "FOK"
    case (_, .gtc): "GTC"
    }
  }

  /// What the size of a market order counts.
  var bybitMarketUnit: String {
    guard kind == .market else { return "" }
    if case .quote = size { return "quoteCoin" } else { return "baseCoin" }
  }

  /// The client's wish for its own orders on the other side.
  var bybitSelfTradePrevention: String {
    switch selfTradePrevention {
    case .none: "None"
    case .expireTaker: "CancelTaker"
    case .expireMaker: "CancelMaker"
    case .expireBoth: "CancelBoth"
    }
  }
}

extension VenueOrder {
  /// The venue's token of the state. A market order that was sized in the quote asset ends so too when a rest could not buy a lot.
  var bybitStatus: String {
    switch status {
    case .new: return "New"
    case .partiallyFilled: return "PartiallyFilled"
    case .filled:
      if case .quote(let amount) = request.size, cumulativeQuote < amount { return "PartiallyFilledCanceled" }
      return "Filled"
    case .cancelled, .expired, .prevented: return executed.isZero ? "Cancelled" : "PartiallyFilledCanceled"
    case .rejected: return rejection == .wouldTake || rejection == .nothingToMatch ? "Cancelled" : "Rejected"
    }
  }

  /// Why it ended as it did.
  var bybitRejectReason: String {
    switch (status, rejection) {
    case (_, .wouldTake?): "EC_PostOnlyWillTakeLiquidity"
    case (_, .nothingToMatch?): "EC_NoImmediateQtyToFill"
    case (_, .duplicateClientOrderID?): "EC_DuplicatedClOrdID"
    case (_, .insufficientBalance?): "EC_Others"
    case (.cancelled, nil): "EC_PerCancelRequest"
    case (.expired, nil): request.timeInForce == .fok ? "EC_NoEnoughQtyToFill" : "EC_NoImmediateQtyToFill"
    default: "EC_NoError"
    }
  }

  /// Who ended it.
  var bybitCancelType: String {
    switch status {
    case .cancelled: "CancelByUser"
    case .prevented: "CancelBySmp"
    default: "UNKNOWN"
    }
  }

  /// What can still trade.
  var leaves: Quantity { status.isOpen ? remaining : .zero }
}

/// Orders and executions in the venue's forms, which differ little between REST and the private streams.
enum BybitOrderText {
  /// Where the text goes.
  enum Form {
    case reply, stream
  }

  static func order(_ order: VenueOrder, _ form: Form, _ exchange: Exchange, to json: inout JSONWriter) {
    let request = order.request
    let market = exchange.markets[request.market]
    json.beginObject()
    json.member("orderId", String(order.id))
    json.member("orderLinkId", request.clientOrderID)
    json.member("symbol", market.instrument.venueSymbol)
    json.member("side", request.side.bybit)
    json.member("orderType", request.bybitType)
    json.member("timeInForce", request.bybitTimeInForce)
    json.member("marketUnit", request.bybitMarketUnit)
    json.member("orderStatus", order.bybitStatus)
    json.member("cancelType", order.bybitCancelType)
    json.member("rejectReason", order.bybitRejectReason)
    amounts(order, to: &json)
    fees(order, market, exchange, to: &json)
    json.member("smpType", request.bybitSelfTradePrevention)
    json.millisecondsText("createdTime", order.created)
    json.millisecondsText("updatedTime", order.updated)
    unused(to: &json)
    switch form {
    case .reply:
      json.empty("slippageTolerance", "extraFees")
      json.member("slippageToleranceType", "UNKNOWN")
    case .stream:
      json.member("category", BybitCategory(of: market))
      json.member("feeCurrency", exchange.ledger.assets[request.side == .buy ? market.baseAsset : market.quoteAsset])
      json.member("closedPnl", "0")
    }
    json.endObject()
  }

  private static func amounts(_ order: VenueOrder, to json: inout JSONWriter) {
    json.member("price", order.request.price)
    if case .quote(let amount) = order.request.size { json.member("qty", amount) } else { json.member("qty", order.quantity) }
    json.member("avgPrice", order.cumulativeQuote.price(of: order.executed, .down)?.description ?? "")
    json.member("leavesQty", order.leaves)
    json.member("leavesValue", order.request.price * order.leaves)
    json.member("cumExecQty", order.executed)
    json.member("cumExecValue", order.cumulativeQuote)
  }

  private static func fees(_ order: VenueOrder, _ market: Market, _ exchange: Exchange, to json: inout JSONWriter) {
    json.member("cumExecFee", order.cumulativeFee)
    json.name("cumFeeDetail")
    json.beginObject()
    if !order.cumulativeFee.isZero {
      json.name(dynamic: exchange.ledger.assets[order.request.side == .buy ? market.baseAsset : market.quoteAsset])
      json.value(order.cumulativeFee)
    }
    json.endObject()
  }

  /// What belongs to products and features that are not here.
  private static func unused(to json: inout JSONWriter) {
    json.empty(
      "blockTradeId", "stopOrderType", "orderIv", "triggerPrice", "takeProfit", "stopLoss", "tpTriggerBy", "slTriggerBy",
      "triggerBy", "lastPriceOnCreated", "smpOrderId", "tpslMode", "tpLimitPrice", "slLimitPrice", "placeType")
    json.member("isLeverage", "0")
    json.member("positionIdx", 0)
    json.member("triggerDirection", 0)
    json.member("smpGroup", 0)
    json.member("reduceOnly", false)
    json.member("closeOnTrigger", false)
    json.member("createType", "CreateByUser")
    json.member("rpiTakerAccess", false)
    json.member("rpiMatchedQty", "0")
  }

  /// A fill. `order` is the order as it stood then, nil when it is no longer remembered.
  static func execution(
    _ fill: VenueFill, of order: VenueOrder?, _ form: Form, _ exchange: Exchange, to json: inout JSONWriter
  ) {
    let fees = exchange.fees
    json.beginObject()
    json.member("symbol", exchange.markets[fill.market].instrument.venueSymbol)
    json.member("execId", String(fill.tradeID))
    json.member("orderId", String(fill.orderID))
    json.member("orderLinkId", fill.clientOrderID)
    json.member("side", fill.side.bybit)
    json.member("execPrice", fill.price)
    json.member("execQty", fill.quantity)
    json.member("execValue", fill.price * fill.quantity)
    json.member("execFee", fill.fee)
    json.member("feeCurrency", exchange.ledger.assets[fill.feeAsset])
    json.member("feeRate", rate(fill.isMaker ? fees.makerBasisPoints : fees.takerBasisPoints))
    json.member("isMaker", fill.isMaker)
    json.member("execType", "Trade")
    json.millisecondsText("execTime", fill.time)
    json.member("orderType", order?.request.bybitType ?? "UNKNOWN")
    json.member("orderPrice", order?.request.price ?? .zero)
    json.member("orderQty", order?.quantity ?? .zero)
    json.member("leavesQty", order?.leaves ?? .zero)
    json.member("marketUnit", order?.request.bybitMarketUnit ?? "")
    json.member("stopOrderType", "")
    json.member("createType", "CreateByUser")
    json.member("seq", fill.tradeID)
    json.empty("tradeIv", "markIv", "blockTradeId", "markPrice", "indexPrice", "underlyingPrice", "closedSize")
    switch form {
    case .reply: json.member("extraFees", "")
    case .stream:
      json.member("category", BybitCategory(of: exchange.markets[fill.market]))
      json.member("isLeverage", "0")
      json.member("execPnl", "0")
      json.name("extraFees")
      json.strings([])
    }
    json.endObject()
  }

  /// A rate such as `0.001`.
  static func rate(_ basisPoints: Int64) -> Money { Money(units: Int128(basisPoints) * 100_000_000_000_000) }
}
