import Domain

/// One market: what may be traded, the book, and what has traded.
public struct Market: Sendable {
  /// How many public trades are remembered.
  static let rememberedTrades = 1_000

  /// The rules.
  public let instrument: Instrument
  /// Index of the base asset.
  public let baseAsset: Int
  /// Index of the quote asset.
  public let quoteAsset: Int
  /// The price of the last trade; the starting price before the first.
  public internal(set) var lastPrice: Price
  /// The number of the last level change.
  public internal(set) var updateID: Int64
  /// What traded in the last 24 hours.
  public internal(set) var statistics = MarketStatistics()
  /// The latest trades, oldest first.
  public internal(set) var trades: [PublicTrade] = []
  var book = RestingBook()
  /// The top that was told last.
  var toldTop = TopOfBook(bid: nil, ask: nil)

  init(instrument: Instrument, baseAsset: Int, quoteAsset: Int, startingPrice: Price, firstUpdateID: Int64) {
    self.instrument = instrument
    self.baseAsset = baseAsset
    self.quoteAsset = quoteAsset
    lastPrice = startingPrice
    updateID = firstUpdateID
  }

  /// The best levels.
  public var top: TopOfBook { book.top }

  /// Number of price levels on a side.
  public func levelCount(_ side: Side) -> Int { book.count(side) }

  /// Up to `limit` best levels of a side, best first.
  public func levels(_ side: Side, limit: Int) -> [BookLevel] {
    (0..<min(limit, book.count(side))).compactMap { book.bookLevel(side, $0) }
  }

  mutating func remember(_ trade: PublicTrade) {
    lastPrice = trade.price
    statistics.add(trade)
    // Half the memory is let go at once: one move of the array for many trades.
    if trades.count == 2 * Self.rememberedTrades { trades.removeFirst(Self.rememberedTrades) }
    trades.append(trade)
  }
}
