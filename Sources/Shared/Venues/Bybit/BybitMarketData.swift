import Domain

extension BybitMarket: MarketData {
  /// Bybit.
  public var venue: Venue { .bybit }
  /// True for the linear market: of that, only the perpetuals have a name here.
  public var isPerpetual: Bool { category == .linear }
  /// How its books are kept in step.
  public var bookRules: BookRules { .bybit }

  /// Ids are numbers in spot and not in the linear market; neither counts.
  public var tradeNumbering: TradeNumbering { .named }
  /// Of the linear perpetuals.
  public var funding: (any FundingData)? { category == .linear ? BybitFunding(market: self) : nil }

  /// The stream of a symbol's book and trades. A new subscription to the book brings the whole of it again; one that stands must be
  /// ended first.
  public func symbolStream(venueSymbol: String) -> StreamPlan {
    let book = [bookTopic(venueSymbol: venueSymbol)]
    var plan = StreamPlan(target: streamTarget)
    plan.subscribe = [BybitFrames.subscribe(book + [BybitPublic.tradeTopic(venueSymbol: venueSymbol)])]
    plan.resubscribe = [BybitFrames.unsubscribe(book), BybitFrames.subscribe(book)]
    plan.heartbeat = .init(BybitFrames.ping, every: BybitFrames.pingInterval)
    return plan
  }

  /// Reads a frame; a book of another depth is none of this market's.
  public func decode(frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate) throws(ReplyError) -> StreamFrame {
    switch try BybitDepth.decode(frame: frame, into: &update) {
    case .book(let depth): depth == self.depth ? .depth : .other
    case .answer: .answer
    case .refused: .refused
    case .other: .other
    }
  }

  /// Reads a frame of the trades.
  public func trades(frame: [UInt8]) throws(ReplyError) -> PublicTrades? { try BybitPublic.trades(frame: frame) }

  /// None: the stream brings it.
  public func bookRequest(venueSymbol: String) -> VenueRequest? { nil }

  /// Nothing asks for it.
  public func decode(book body: [UInt8], into snapshot: inout DepthSnapshot) throws(ReplyError) { throw .malformed }

  /// Asks for a page of the instruments.
  public func instrumentsRequest(cursor: String?) -> VenueRequest { instrumentsInfo(cursor: cursor) }

  /// Asks for the venue's clock.
  public func clockRequest() -> VenueRequest { Self.time() }

  /// Reads the reply to `time`.
  public func clock(_ body: [UInt8]) throws(ReplyError) -> Timestamp { try BybitReplies.time(body) }

  /// Asks for the last price of a symbol, in its ticker.
  public func priceRequest(venueSymbol: String) -> VenueRequest { tickers(venueSymbol: venueSymbol) }

  /// Reads the reply to `tickers`.
  public func price(_ body: [UInt8]) throws(ReplyError) -> Price {
    guard let price = try BybitPublic.tickers(reply: body).first?.lastPrice else { throw .missing("lastPrice") }
    return price
  }

  /// What the result of a call means.
  public func classify<Reply: Sendable>(
    _ result: VenueResult, of purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply> {
    BybitErrors.classify(result, of: purpose, read: read)
  }
}
