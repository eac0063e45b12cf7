import Domain
import Wire

/// Reads Bybit's public trades and tickers (websocket/public/trade.mdx and ticker.mdx, market/tickers.mdx and history-fund-rate.mdx).
public enum BybitPublic {
  /// The topic of a symbol's trades.
  public static func tradeTopic(venueSymbol: String) -> String { "publicTrade.\(venueSymbol)" }

  /// The topic of a symbol's ticker.
  public static func tickerTopic(venueSymbol: String) -> String { "tickers.\(venueSymbol)" }

  private static let knownInTrades: Set<String> = ["T", "s", "S", "v", "p", "L", "i", "BT", "RPI", "seq"]

  /// The trades in a frame, oldest first; nil for a frame of another kind. Ids name trades; they count nothing.
  public static func trades(frame: [UInt8]) throws(ReplyError) -> PublicTrades? {
    let json = try JSON.reply(frame)
    guard let topic = json["topic"]?.string, topic.hasPrefix("publicTrade.") || topic.hasPrefix("trade.") else { return nil }
    let elements = try json.requiredArray("data")
    var known: [JSON] = []
    for element in elements {
      if BybitReplies.side(try element.requiredString("S")) != nil { known.append(element) }
    }
    return try PublicTrades(
      trades(known, price: "p", quantity: "v", symbol: "s", side: "S", id: "i", time: "T"),
      unknownFields: elements.reduce(0) { $0 + $1.unknownCount(known: knownInTrades) }, leftOut: elements.count - known.count)
  }

  /// The trades in the reply to `recent-trade`, newest first.
  public static func trades(reply body: [UInt8]) throws(ReplyError) -> [PublicTrade] {
    try trades(
      BybitReplies.result(body).requiredArray("list"), price: "price", quantity: "size", symbol: "symbol", side: "side",
      id: "execId",
      time: "time")
  }

  /// What a ticker frame says, a whole one or only what has changed; nil for a frame of another kind.
  public static func ticker(frame: [UInt8]) throws(ReplyError) -> Ticker? {
    let json = try JSON.reply(frame)
    guard let topic = json["topic"]?.string, topic.hasPrefix("tickers."), let data = json["data"] else { return nil }
    return try ticker(data, at: Timestamp(milliseconds: json["ts"]?.integer ?? 0))
  }

  /// The tickers in the reply to `tickers`.
  public static func tickers(reply body: [UInt8]) throws(ReplyError) -> [Ticker] {
    let time = Timestamp(milliseconds: (try JSON.reply(body))["time"]?.integer ?? 0)
    var tickers: [Ticker] = []
    for element in try BybitReplies.result(body).requiredArray("list") { tickers.append(try ticker(element, at: time)) }
    return tickers
  }

  /// The rates that were paid, in the reply to `funding/history`, newest first.
  public static func fundingHistory(_ body: [UInt8]) throws(ReplyError) -> [FundingPayment] {
    var payments: [FundingPayment] = []
    for element in try BybitReplies.result(body).requiredArray("list") {
      payments.append(
        FundingPayment(
          venueSymbol: try element.requiredString("symbol"), rate: try element.requiredDecimal("fundingRate"),
          time: try element.requiredTime("fundingRateTimestamp")))
    }
    return payments
  }

  private static func trades(
    _ elements: [JSON], price: String, quantity: String, symbol: String, side: String, id: String, time: String
  ) throws(ReplyError) -> [PublicTrade] {
    var trades: [PublicTrade] = []
    for element in elements {
      guard let taker = BybitReplies.side(try element.requiredString(side)) else { throw .missing(side) }
      guard let tradeID = element[id]?.text else { throw .missing(id) }
      trades.append(
        PublicTrade(
          venueSymbol: try element.requiredString(symbol), tradeID: tradeID, takerSide: taker,
          price: try element.requiredDecimal(price), quantity: try element.requiredDecimal(quantity),
          time: try element.requiredTime(time)))
    }
    return trades
  }

  private static func ticker(_ json: JSON, at time: Timestamp) throws(ReplyError) -> Ticker {
    Ticker(
      venueSymbol: try json.requiredString("symbol"), lastPrice: try json.known("lastPrice"),
      markPrice: try json.known("markPrice"),
      fundingRate: try json.known("fundingRate"), nextFundingTime: nextFunding(json),
      fundingInterval: json["fundingIntervalHour"]?.integer.map { $0 * Interval.hour }, time: time)
  }

  private static func nextFunding(_ json: JSON) -> Timestamp? {
    guard let milliseconds = json["nextFundingTime"]?.integer, milliseconds > 0 else { return nil }
    return Timestamp(milliseconds: milliseconds)
  }
}
