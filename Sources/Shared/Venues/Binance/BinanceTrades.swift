import Domain
import Wire

/// Reads Binance's public trades (web-socket-streams.md of binance-spot-api-docs; the futures' streams have the same fields).
public enum BinanceTrades {
  private static let known: Set<String> = ["e", "E", "s", "t", "a", "b", "p", "q", "f", "l", "T", "m", "M", "st"]

  /// The trade in a frame, bare or wrapped as `{"stream","data"}`: one of the trade stream, or several at one price of one taker in the
  /// aggregate stream, each with a count of its own. Nil for a frame of another kind.
  public static func trades(frame: [UInt8]) throws(ReplyError) -> PublicTrades? {
    let json = try JSON.reply(frame)
    let event = json["data"] ?? json
    let number: String
    switch event["e"]?.string {
    case "trade": number = "t"
    case "aggTrade": number = "a"
    default: return nil
    }
    let count = try event.requiredInteger(number)
    guard let isBuyerMaker = event["m"]?.bool else { throw .missing("m") }
    let trade = PublicTrade(
      venueSymbol: try event.requiredString("s"), tradeID: String(count), number: count,
      takerSide: isBuyerMaker ? .sell : .buy, price: try event.requiredDecimal("p"), quantity: try event.requiredDecimal("q"),
      time: try event.requiredTime("T"))
    return try PublicTrades([trade], unknownFields: event.unknownCount(known: known))
  }
}
