import Domain
import Venues
import Wire

/// What the Ingestor is asked to feed.
public struct IngestorSettings: Sendable {
  /// The market to follow.
  public var market: BinanceMarket
  /// The symbols to follow; at most `maximumFeeds`.
  public var symbols: [Symbol]
  /// Limits of each book, the silence limit among them.
  public var bookLimits = BookSync.Limits()
  /// Levels a side that Redis shows.
  public var shownLevels = 50

  /// More feeds in one process would share one connection limit of the venue's.
  public static let maximumFeeds = 100

  /// Follows these symbols with the usual limits.
  public init(market: BinanceMarket = .spot, symbols: [Symbol]) {
    precondition(symbols.count <= Self.maximumFeeds, "at most \(Self.maximumFeeds) feeds")
    self.market = market
    self.symbols = symbols
  }
}

/// The whole Ingestor without its threads: learns the venue's instruments, then follows one feed a symbol. Same events, same effects.
public struct IngestorCore: Sendable {
  private static let refreshInterval = Interval.hour
  private static let requestTimeout = 15 * Interval.second

  private let settings: IngestorSettings
  private var generator: SeededGenerator
  private var feeds: [Feed] = []
  private var now = Moment(steady: .zero, wall: .zero)
  private var catalogDelay = Backoff(initialMilliseconds: 1_000, maximumMilliseconds: 30_000)
  /// When to ask for the instruments; moved ahead when a request goes out, so that a lost answer is noticed.
  private var nextCatalogRequest = Timestamp.zero
  private var isStopping = false

  /// `seed` decides the jitter of every delay.
  public init(_ settings: IngestorSettings, seed: UInt64) {
    self.settings = settings
    generator = SeededGenerator(seed: seed)
    for (index, symbol) in settings.symbols.enumerated() {
      feeds.append(Feed(index: index, symbol: symbol, settings: settings, seed: generator.next()))
    }
  }

  /// How each feed is doing, in the order of the settings.
  public var health: [FeedHealth] { feeds.map(\.health) }

  /// Takes one event and appends what has to be done.
  public mutating func apply(_ event: IngestorEvent, at moment: Moment, into effects: inout [IngestorEffect]) {
    now = moment.notBefore(now)
    switch event {
    case .started, .tick: tick(into: &effects)
    case .instruments(let result): learn(result, into: &effects)
    case .opened(let link): onFeed(link.feed) { feed, now in feed.opened(link.number, at: now, into: &effects) }
    case .frame(let link, let bytes):
      onFeed(link.feed) { feed, now in feed.frame(bytes, on: link.number, at: now, into: &effects) }
    case .closed(let link, let reason):
      onFeed(link.feed) { feed, now in feed.closed(link.number, reason: reason, at: now, into: &effects) }
    case .snapshot(let feed, let call, let result):
      onFeed(feed) { feed, now in feed.snapshot(result, call: call, at: now, into: &effects) }
    case .undelivered(feed: .some(let feed)): onFeed(feed) { feed, _ in feed.recordsWereLost() }
    case .undelivered(feed: .none): nextCatalogRequest = min(nextCatalogRequest, now.steady + Self.requestTimeout)
    case .stateForgotten: for index in feeds.indices { feeds[index].showAgain() }
    case .stopping:
      isStopping = true
      for index in feeds.indices { feeds[index].stop(at: now, into: &effects) }
    }
  }

  private mutating func onFeed(_ index: Int, _ body: (inout Feed, Moment) -> Void) {
    guard feeds.indices.contains(index), !isStopping else { return }
    body(&feeds[index], now)
  }

  private mutating func tick(into effects: inout [IngestorEffect]) {
    guard !isStopping else { return }
    if now.steady >= nextCatalogRequest {
      nextCatalogRequest = now.steady + Self.requestTimeout
      effects.append(.requestInstruments(settings.market.exchangeInfo()))
    }
    for index in feeds.indices { feeds[index].tick(at: now, into: &effects) }
  }

  private mutating func learn(_ result: VenueResult, into effects: inout [IngestorEffect]) {
    guard !isStopping else { return }
    let market = settings.market
    let outcome = BinanceErrors.classify(result, of: .marketData) { bytes throws(ReplyError) in try market.instruments(bytes) }
    guard case .confirmed(let list) = outcome else {
      retryCatalog(after: outcome, into: &effects)
      return
    }
    effects += list.instruments.map { .publishInstrument($0) }
    let refused = list.refusals.filter { refusal in feeds.contains { $0.hasVenueSpelling(refusal.venueSymbol) } }
    for refusal in refused {
      log(.error, nil, "instrument \(refusal.venueSymbol) cannot be traded here: \(refusal.code)", &effects)
    }
    let mapper = SymbolMapper(list.instruments)
    var isComplete = true
    for index in feeds.indices {
      if let instrument = mapper.instrument(feeds[index].symbol) {
        feeds[index].learn(instrument)
      } else {
        isComplete = false
        log(.error, feeds[index].symbol, "the venue does not list this symbol", &effects)
      }
    }
    catalogDelay.reset()
    nextCatalogRequest = now.steady + (isComplete ? Self.refreshInterval : Interval.minute)
    tick(into: &effects)
  }

  private mutating func retryCatalog(after outcome: VenueOutcome<InstrumentList>, into effects: inout [IngestorEffect]) {
    guard let failure = outcome.failure else { return }
    nextCatalogRequest = now.steady + catalogDelay.nextDelay(using: &generator, atLeast: failure.shortestWait)
    log(.warning, nil, "no instrument list: \(failure)", &effects)
  }

  private func log(_ level: IngestorLog.Level, _ symbol: Symbol?, _ message: String, _ effects: inout [IngestorEffect]) {
    effects.append(.log(IngestorLog(level: level, symbol: symbol, message: message)))
  }
}

extension VenueOutcome {
  /// The failure of whatever is not confirmed.
  var failure: VenueFailure? {
    switch self {
    case .confirmed: nil
    case .failed(let failure), .unknown(let failure): failure
    }
  }
}

extension VenueFailure {
  /// What the venue wants waited at least, in nanoseconds. A limit without a figure: a good while.
  var shortestWait: Int64 {
    guard case .rateLimited(let seconds) = kind else { return 0 }
    return Int64(seconds ?? 30) * Interval.second
  }
}
