import Domain
import Wire

/// Reads Bybit's v5 replies. Unknown fields are skipped; a number that is not known is written as an empty text.
public enum BybitReplies {
  /// What is inside the envelope `{"retCode":0,"retMsg":…,"result":…,"time":…}`.
  static func result(_ body: [UInt8]) throws(ReplyError) -> JSON {
    let reply = try JSON.reply(body)
    guard let result = reply["result"], result.members != nil else { throw .missing("result") }
    return result
  }

  /// The reply to a new order, a change or a cancel: the venue has taken it in. Names the order, and says nothing of its state.
  public static func acknowledgement(_ body: [UInt8]) throws(ReplyError) -> VenueOrderReport {
    let reply = try JSON.reply(body)
    guard let result = reply["result"] else { throw .missing("result") }
    return VenueOrderReport(
      venueSymbol: "", venueOrderID: try result.requiredString("orderId"), clientID: result["orderLinkId"]?.string ?? "",
      time: Timestamp(milliseconds: reply["time"]?.integer ?? 0))
  }

  /// A page of orders: the reply to `order/realtime` and `order/history`.
  public static func orders(_ body: [UInt8]) throws(ReplyError) -> [VenueOrderReport] {
    var reports: [VenueOrderReport] = []
    for element in try result(body).requiredArray("list") { reports.append(try order(element)) }
    return reports
  }

  /// A page of trades: the reply to `execution/list`. What is no trade of ours (funding, settlement) is left out.
  public static func trades(_ body: [UInt8]) throws(ReplyError) -> [VenueTrade] {
    var trades: [VenueTrade] = []
    for element in try result(body).requiredArray("list") where isTrade(element) { trades.append(try trade(element)) }
    return trades
  }

  /// What to ask for the next page with; nil on the last. Goes into an address as it is, so that only what is one there is taken.
  public static func nextCursor(_ body: [UInt8]) throws(ReplyError) -> String? { try nextCursor(in: result(body)) }

  static func nextCursor(in result: JSON) throws(ReplyError) -> String? {
    guard let cursor = result["nextPageCursor"]?.string, !cursor.isEmpty else { return nil }
    let isPlain = cursor.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x7A).contains($0) || "%-.~,:=+".utf8.contains($0)
    }
    guard isPlain, cursor.utf8.count <= 1_024 else { throw .malformed }
    return cursor
  }

  /// The unified account in the reply to `wallet-balance`, which does not say whether it may trade.
  public static func account(_ body: [UInt8]) throws(ReplyError) -> AccountReport {
    var balances: [AssetBalance] = []
    for account in try result(body).requiredArray("list") { balances += try self.balances(account) }
    return AccountReport(balances: balances)
  }

  /// The venue's clock in the reply to `market/time`.
  public static func time(_ body: [UInt8]) throws(ReplyError) -> Timestamp {
    Timestamp(nanoseconds: try result(body).requiredInteger("timeNano"))
  }

  // MARK: Pieces that the private stream has as well

  static func order(_ json: JSON) throws(ReplyError) -> VenueOrderReport {
    let word = try json.requiredString("orderStatus")
    let cumulative: Quantity? = try json.known("cumExecQty")
    let reason = reason(json)
    let state = state(word, reason: reason, hasFills: cumulative?.isPositive ?? false)
    let price: Price? = try json.known("price")
    return VenueOrderReport(
      venueSymbol: try json.requiredString("symbol"),
      venueOrderID: try json.requiredString("orderId"),
      clientID: json["orderLinkId"]?.string ?? "",
      side: json["side"]?.string.flatMap(side),
      price: price?.isZero == true || json["orderType"]?.string == "Market" ? nil : price,
      // A market buy of somebody else's may be sized in the quote asset.
      quantity: json["marketUnit"]?.string == "quoteCoin" ? nil : try json.known("qty"),
      state: state,
      unrecognised: state == nil ? word : nil,
      cumulativeQuantity: cumulative,
      cumulativeQuote: try json.knownAmount("cumExecValue"),
      time: Timestamp(milliseconds: json["updatedTime"]?.integer ?? json["createdTime"]?.integer ?? 0),
      reason: reason)
  }

  static func isTrade(_ json: JSON) -> Bool {
    // The fast topic does not say, and has nothing else.
    guard let type = json["execType"]?.string else { return true }
    return ["Trade", "BlockTrade", "AdlTrade", "BustTrade"].contains(type)
  }

  static func trade(_ json: JSON) throws(ReplyError) -> VenueTrade {
    guard let side = side(try json.requiredString("side")) else { throw .missing("side") }
    let venueSymbol = try json.requiredString("symbol")
    let fee = try json.knownAmount("execFee") ?? .zero
    return VenueTrade(
      venueSymbol: venueSymbol, venueOrderID: try json.requiredString("orderId"),
      clientID: json["orderLinkId"]?.string, side: side,
      fill: Fill(
        tradeID: try json.requiredString("execId"), price: try json.requiredDecimal("execPrice"),
        quantity: try json.requiredDecimal("execQty"), fee: fee, feeAsset: feeAsset(json, venueSymbol),
        liquidity: json["isMaker"]?.bool.map { $0 ? .maker : .taker }, time: try json.requiredTime("execTime")))
  }

  /// What a unified account holds. Free is what no open spot order locks; where more is owed than held it is below zero.
  static func balances(_ account: JSON) throws(ReplyError) -> [AssetBalance] {
    var balances: [AssetBalance] = []
    for coin in try account.requiredArray("coin") {
      let total = try coin.knownAmount("walletBalance") ?? .zero
      let locked = try coin.knownAmount("locked") ?? .zero
      balances.append(AssetBalance(asset: try coin.requiredString("coin"), free: total - locked, locked: locked))
    }
    return balances
  }

  static func side(_ word: String) -> Side? {
    switch word {
    case "Buy": .buy
    case "Sell": .sell
    default: nil
    }
  }

  /// The venue's word for an order's state (enum.mdx) in our terms; nil for a word that we do not know.
  private static func state(_ word: String, reason: String?, hasFills: Bool) -> VenueOrderState? {
    switch word {
    case "Created", "New", "Untriggered", "Triggered", "PendingCancel": .open
    case "PartiallyFilled": .partiallyFilled
    case "Filled": .filled
    case "PartiallyFilledCanceled", "Deactivated": .cancelled
    // The venue cancels what may not rest or may not trade; elsewhere those expire and are refused.
    case "Cancelled" where reason == "EC_NoImmediateQtyToFill" || reason == "EC_CancelForNoFullFill": .expired
    case "Cancelled" where reason == "EC_PostOnlyWillTakeLiquidity" && !hasFills: .rejected
    case "Cancelled": .cancelled
    // An order that has traded was not refused.
    case "Rejected": hasFills ? .cancelled : .rejected
    default: nil
    }
  }

  private static func reason(_ json: JSON) -> String? {
    for field in ["rejectReason", "cancelType"] {
      if let word = json[field]?.string, !["", "UNKNOWN", "EC_NoError"].contains(word) { return word }
    }
    return nil
  }

  /// Spot names the asset; contracts pay in what they settle in.
  private static func feeAsset(_ json: JSON, _ venueSymbol: String) -> String {
    if let asset = json["feeCurrency"]?.string, !asset.isEmpty { return asset }
    guard json["category"]?.string != "spot" else { return "" }
    return venueSymbol.hasSuffix("PERP") ? "USDC" : "USDT"
  }
}

extension JSON {
  /// A decimal that may be absent, null or empty.
  func known<Value: FixedPoint>(_ field: String) throws(ReplyError) -> Value? {
    if self[field]?.string?.isEmpty == true { return nil }
    return try decimal(field)
  }

  /// An amount that may be absent, null or empty, never beyond `Money.limit`.
  func knownAmount(_ field: String) throws(ReplyError) -> Money? {
    if self[field]?.string?.isEmpty == true { return nil }
    return try amount(field)
  }
}
