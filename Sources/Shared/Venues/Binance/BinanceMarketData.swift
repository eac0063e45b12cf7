import Domain
import Wire

extension BinanceMarket: MarketData {
  /// Binance.
  public var venue: Venue { .binance }
  /// True for the futures: of those, only the perpetuals have a name here.
  public var isPerpetual: Bool { self == .futures }
  /// How its books are kept in step.
  public var bookRules: BookRules { BookRules(source: .request, chain: self == .spot ? .numbers : .predecessor) }

  /// Trades and aggregates of trades are counted alike.
  public var tradeNumbering: TradeNumbering { .counted }
  /// Of the futures.
  public var funding: (any FundingData)? { self == .futures ? BinanceFunding() : nil }

  /// The streams of a symbol's book and trades: the address alone subscribes. The venue ends a stream after 24 hours.
  public func symbolStream(venueSymbol: String) -> StreamPlan {
    var plan = StreamPlan(target: symbolStreamTarget(venueSymbol: venueSymbol))
    plan.longestLife = 24 * Interval.hour
    return plan
  }

  /// Reads a frame of the depth stream.
  public func decode(frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate) throws(ReplyError) -> StreamFrame {
    try BinanceDepth.decode(frame: frame, into: &update)
  }

  /// Reads a frame of the trade stream.
  public func trades(frame: [UInt8]) throws(ReplyError) -> PublicTrades? { try BinanceTrades.trades(frame: frame) }

  /// Asks for the whole book.
  public func bookRequest(venueSymbol: String) -> VenueRequest? { depth(venueSymbol: venueSymbol) }

  /// Reads the reply to `depth`.
  public func decode(book body: [UInt8], into snapshot: inout DepthSnapshot) throws(ReplyError) {
    try BinanceDepth.decode(snapshot: body, into: &snapshot)
  }

  /// Asks for the instruments, which come in one page.
  public func instrumentsRequest(cursor: String?) -> VenueRequest { exchangeInfo() }

  /// Asks for the venue's clock.
  public func clockRequest() -> VenueRequest { time() }

  /// Reads the reply to `time`.
  public func clock(_ body: [UInt8]) throws(ReplyError) -> Timestamp { try BinanceReplies.time(body) }

  /// Asks for the last price of a symbol.
  public func priceRequest(venueSymbol: String) -> VenueRequest { tickerPrice(venueSymbol: venueSymbol) }

  /// Reads the reply to `ticker/price`.
  public func price(_ body: [UInt8]) throws(ReplyError) -> Price { try JSON.reply(body).requiredDecimal("price") }

  /// What the result of a call means.
  public func classify<Reply: Sendable>(
    _ result: VenueResult, of purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply> {
    BinanceErrors.classify(result, of: purpose, read: read)
  }
}
