import Domain
import Venues
import Wire

/// One book: a symbol in a market.
public struct FeedPlace: Sendable, Hashable {
  /// The market.
  public var market: VenueMarket
  /// Our name of the symbol.
  public var symbol: Symbol
}

/// What the Ingestor is asked to feed.
public struct IngestorSettings: Sendable {
  /// The markets to follow.
  public let markets: [VenueMarket]
  /// The books to follow, market by market; at most `maximumFeeds`.
  public let feeds: [FeedPlace]
  /// Limits of each book, the silence limit among them.
  public var bookLimits = BookSync.Limits()
  /// Levels a side that Redis shows.
  public var shownLevels = 50
  /// True to follow spot symbols before the venue's list has come, in the spelling that venues have for them: `BTCUSDT`.
  public var presumesInstruments = false

  /// More feeds in one process would share one connection limit of a venue's.
  public static let maximumFeeds = 100

  /// Follows each symbol in every market of its kind, with the usual limits.
  public init(markets: [VenueMarket] = [.binance(.spot)], symbols: [Symbol]) {
    self.markets = markets
    feeds = markets.flatMap { market in
      let isPerpetual = market.declaration.isPerpetual
      return symbols.filter { $0.isPerpetual == isPerpetual }.map { FeedPlace(market: market, symbol: $0) }
    }
    precondition(feeds.count <= Self.maximumFeeds, "at most \(Self.maximumFeeds) feeds")
  }
}

/// The whole Ingestor without its threads: learns the venues' instruments, then follows one feed a book. Same events, same effects.
public struct IngestorCore: Sendable {
  private var catalogs: [Catalog]
  private var feeds: [Feed] = []
  /// Of each feed, where there is funding.
  private var fundings: [FundingFeed?] = []
  private var now = Moment(steady: .zero, wall: .zero)
  private var isStopping = false

  /// `seed` decides the jitter of every delay.
  public init(_ settings: IngestorSettings, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for (index, place) in settings.feeds.enumerated() {
      feeds.append(Feed(index: index, of: place, settings: settings, seed: generator.next()))
      if settings.presumesInstruments { feeds[index].presumeInstrument() }
      fundings.append(FundingFeed(index: index, of: place, seed: generator.next()))
    }
    catalogs = settings.markets.enumerated().map { index, market in
      Catalog(index: index, market: market, seed: generator.next())
    }
  }

  /// How each feed is doing, in the order of the settings.
  public var health: [FeedHealth] { feeds.map(\.health) }

  /// Takes one event and appends what has to be done.
  public mutating func apply(_ event: IngestorEvent, at moment: Moment, into effects: inout [IngestorEffect]) {
    now = moment.notBefore(now)
    switch event {
    case .started, .tick: tick(into: &effects)
    case .instruments(let market, let result): learn(result, from: market, into: &effects)
    case .opened(let link): onFeed(link.feed) { feed, now in feed.opened(link.number, at: now, into: &effects) }
    case .frame(let link, let bytes):
      bytes.withUnsafeBufferPointer { receive($0, on: link, at: moment, into: &effects) }
    case .closed(let link, let reason):
      onFeed(link.feed) { feed, now in feed.closed(link.number, reason: reason, at: now, into: &effects) }
    case .snapshot(let feed, let call, let result):
      onFeed(feed) { feed, now in feed.snapshot(result, call: call, at: now, into: &effects) }
    case .undelivered(.book(let feed)): onFeed(feed) { feed, _ in feed.bookRecordsWereLost() }
    case .undelivered(.trades(let feed)): onFeed(feed) { feed, _ in feed.tradeRecordsWereLost() }
    case .undelivered(.funding(let feed)): fundings[feed]?.recordsWereLost(at: now)
    case .funding(let feed, let question, let result):
      if !isStopping { fundings[feed]?.take(result, to: question, at: now, into: &effects) }
    case .undelivered(.instruments): for index in catalogs.indices { catalogs[index].recordsWereLost(at: now) }
    case .stateForgotten: for index in feeds.indices { feeds[index].showAgain() }
    case .stopping:
      isStopping = true
      for index in feeds.indices { feeds[index].stop(at: now, into: &effects) }
    }
  }

  /// Takes a frame that is lent for the time of the call: the same as the event, without memory of its own.
  public mutating func receive(
    _ frame: UnsafeBufferPointer<UInt8>, on link: LinkID, at moment: Moment, into effects: inout [IngestorEffect]
  ) {
    now = moment.notBefore(now)
    guard feeds.indices.contains(link.feed), !isStopping else { return }
    feeds[link.feed].frame(frame, on: link.number, at: now, into: &effects)
  }

  private mutating func onFeed(_ index: Int, _ body: (inout Feed, Moment) -> Void) {
    guard feeds.indices.contains(index), !isStopping else { return }
    body(&feeds[index], now)
  }

  private mutating func tick(into effects: inout [IngestorEffect]) {
    guard !isStopping else { return }
    for index in catalogs.indices { catalogs[index].tick(at: now, into: &effects) }
    for index in feeds.indices {
      feeds[index].tick(at: now, into: &effects)
      fundings[index]?.tick(at: now, into: &effects)
    }
  }

  private mutating func learn(_ result: VenueResult, from market: Int, into effects: inout [IngestorEffect]) {
    guard !isStopping, catalogs.indices.contains(market),
      let list = catalogs[market].take(result, at: now, into: &effects)
    else { return }
    let ours = feeds.indices.filter { feeds[$0].market == catalogs[market].market }
    let refused = list.refusals.filter { refusal in ours.contains { feeds[$0].hasVenueSpelling(refusal.venueSymbol) } }
    let venue = catalogs[market].market.venue
    for refusal in refused {
      let message = "instrument \(refusal.venueSymbol) cannot be traded here: \(refusal.code)"
      effects.append(.log(IngestorLog(level: .error, venue: venue, symbol: nil, message: message)))
    }
    let mapper = SymbolMapper(list.instruments)
    for index in ours {
      if let instrument = mapper.instrument(feeds[index].symbol) {
        feeds[index].learn(instrument)
        fundings[index]?.learn(instrument)
      } else {
        catalogs[market].lacksSymbol(at: now)
        let message = "the venue does not list this symbol"
        effects.append(.log(IngestorLog(level: .error, venue: venue, symbol: feeds[index].symbol, message: message)))
      }
    }
    tick(into: &effects)
  }
}

extension VenueFailure {
  /// What the venue wants waited at least, in nanoseconds. A limit without a figure: a good while.
  var shortestWait: Int64 {
    guard case .rateLimited(let seconds) = kind else { return 0 }
    return Int64(seconds ?? 30) * Interval.second
  }
}
