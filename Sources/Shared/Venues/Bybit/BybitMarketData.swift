import Domain

extension BybitMarket: MarketData {
  /// Bybit.
  public var venue: Venue { .bybit }
  /// True for the linear market: of that, only the perpetuals have a name here.
  public var isPerpetual: Bool { category == .linear }
  /// How its books are kept in step.
  public var bookRules: BookRules { .bybit }

  /// The stream of a symbol's book. A new subscription brings the whole book again; one that stands must be ended first.
  public func bookStream(venueSymbol: String) -> StreamPlan {
    let topics = [bookTopic(venueSymbol: venueSymbol)]
    var plan = StreamPlan(target: streamTarget)
    plan.subscribe = [BybitFrames.subscribe(topics)]
    plan.resubscribe = [BybitFrames.unsubscribe(topics), BybitFrames.subscribe(topics)]
    plan.heartbeat = .init(BybitFrames.ping, every: BybitFrames.pingInterval)
    return plan
  }

  /// Reads a frame; a book of another depth is none of this market's.
  public func decode(frame: [UInt8], into update: inout DepthUpdate) throws(ReplyError) -> StreamFrame {
    switch try BybitDepth.decode(frame: frame, into: &update) {
    case .book(let depth): depth == self.depth ? .depth : .other
    case .answer: .answer
    case .refused: .refused
    case .other: .other
    }
  }

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
