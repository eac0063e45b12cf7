import Domain
import Wire

/// Reads Binance spot's REST replies (rest-api.md of binance-spot-api-docs). Unknown fields are skipped.
public enum BinanceReplies {
  /// The reply to a new order (ACK, RESULT or FULL), to a cancel, or to a query of one order.
  public static func order(_ body: [UInt8]) throws(ReplyError) -> VenueOrderReport {
    try order(JSON.reply(body))
  }

  /// The reply to `openOrders` and `allOrders`, and to a cancel of all: there, the lists of contingent orders that may be among them
  /// are left out, since Apus makes none.
  public static func orders(_ body: [UInt8]) throws(ReplyError) -> [VenueOrderReport] {
    var reports: [VenueOrderReport] = []
    for element in try list(body) where element["contingencyType"] == nil { reports.append(try order(element)) }
    return reports
  }

  /// The reply to `myTrades`.
  public static func trades(_ body: [UInt8]) throws(ReplyError) -> [VenueTrade] {
    var trades: [VenueTrade] = []
    for element in try list(body) { trades.append(try trade(element)) }
    return trades
  }

  /// The reply to `account`: balances, and `canTrade`. A reply that leaves that out says nothing against it.
  public static func account(_ body: [UInt8]) throws(ReplyError) -> AccountReport {
    let reply = try JSON.reply(body)
    var balances: [AssetBalance] = []
    for element in try reply.requiredArray("balances") {
      balances.append(
        AssetBalance(
          asset: try element.requiredString("asset"), free: try element.requiredAmount("free"),
          locked: try element.requiredAmount("locked")))
    }
    return AccountReport(balances: balances, mayTrade: reply["canTrade"]?.bool ?? true)
  }

  /// The venue's clock in the reply to `time`.
  public static func time(_ body: [UInt8]) throws(ReplyError) -> Timestamp { try JSON.reply(body).requiredTime("serverTime") }

  /// The venue's word for an order's state (enums.md) in our terms; nil for a word that we do not know.
  static func state(_ word: String) -> VenueOrderState? {
    switch word {
    case "NEW", "PENDING_NEW", "PENDING_CANCEL": .open
    case "PARTIALLY_FILLED": .partiallyFilled
    case "FILLED": .filled
    case "CANCELED": .cancelled
    case "EXPIRED", "EXPIRED_IN_MATCH": .expired  // The second: ended by self-trade prevention.
    case "REJECTED": .rejected
    default: nil
    }
  }

  static func side(_ word: String) -> Side? {
    switch word {
    case "BUY": .buy
    case "SELL": .sell
    default: nil
    }
  }

  private static func list(_ body: [UInt8]) throws(ReplyError) -> [JSON] {
    guard let elements = try JSON.reply(body).array else { throw .malformed }
    return elements
  }

  static func order(_ json: JSON) throws(ReplyError) -> VenueOrderReport {
    let time = json["transactTime"]?.integer ?? json["updateTime"]?.integer ?? json["time"]?.integer ?? 0
    let word = json["status"]?.string
    let state = word.flatMap(state)
    return VenueOrderReport(
      venueSymbol: try json.requiredString("symbol"),
      venueOrderID: String(try json.requiredInteger("orderId")),
      // A cancel has an id of its own in `clientOrderId` and the order's in `origClientOrderId`.
      clientID: json["origClientOrderId"]?.string ?? json["clientOrderId"]?.string ?? "",
      side: json["side"]?.string.flatMap(side),
      price: try limit(json),
      quantity: try json.decimal("origQty"),
      state: state,
      unrecognised: state == nil ? word : nil,
      cumulativeQuantity: try json.decimal("executedQty"),
      cumulativeQuote: try cumulativeQuote(json),
      fills: try fills(json, at: Timestamp(milliseconds: time)),
      time: Timestamp(milliseconds: time),
      reason: json["expiryReason"]?.string)
  }

  /// A market order's price is written as zero.
  private static func limit(_ json: JSON) throws(ReplyError) -> Price? {
    guard let price: Price = try json.decimal("price"), !price.isZero else { return nil }
    return price
  }

  /// The venue spells it with three m, and writes a negative number for old orders of which it does not know it.
  private static func cumulativeQuote(_ json: JSON) throws(ReplyError) -> Money? {
    guard let quote = try json.amount("cummulativeQuoteQty"), !quote.isNegative else { return nil }
    return quote
  }

  private static func fills(_ json: JSON, at time: Timestamp) throws(ReplyError) -> [Fill] {
    var fills: [Fill] = []
    for element in json["fills"]?.array ?? [] {
      fills.append(
        Fill(
          tradeID: String(try element.requiredInteger("tradeId")), price: try element.requiredDecimal("price"),
          quantity: try element.requiredDecimal("qty"), fee: try element.requiredAmount("commission"),
          // What fills in the reply to a new order took liquidity.
          feeAsset: try element.requiredString("commissionAsset"), liquidity: .taker, time: time))
    }
    return fills
  }

  private static func trade(_ json: JSON) throws(ReplyError) -> VenueTrade {
    guard let isBuyer = json["isBuyer"]?.bool, let isMaker = json["isMaker"]?.bool else { throw .missing("isBuyer, isMaker") }
    return VenueTrade(
      venueSymbol: try json.requiredString("symbol"), venueOrderID: String(try json.requiredInteger("orderId")),
      side: isBuyer ? .buy : .sell,
      fill: Fill(
        tradeID: String(try json.requiredInteger("id")), price: try json.requiredDecimal("price"),
        quantity: try json.requiredDecimal("qty"), fee: try json.requiredAmount("commission"),
        feeAsset: try json.requiredString("commissionAsset"), liquidity: isMaker ? .maker : .taker,
        time: try json.requiredTime("time")))
  }
}
