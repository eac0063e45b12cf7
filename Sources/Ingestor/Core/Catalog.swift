import Domain
import Venues

/// The instrument list of one market: asked for at the start and every hour, page by page where it is long, and published.
struct Catalog: Sendable {
  private static let refreshInterval = Interval.hour
  private static let requestTimeout = 15 * Interval.second
  /// A list of more pages than this has no end.
  private static let maximumPages = 50

  let market: VenueMarket
  private let index: Int
  private var generator: SeededGenerator
  private var delay = Backoff(initialMilliseconds: 1_000, maximumMilliseconds: 30_000)
  /// When to ask; moved ahead when a request goes out, so that a lost answer is noticed.
  private var nextRequest = Timestamp.zero
  /// The pages so far.
  private var pages: [InstrumentList] = []

  init(index: Int, market: VenueMarket, seed: UInt64) {
    self.index = index
    self.market = market
    generator = SeededGenerator(seed: seed)
  }

  mutating func tick(at now: Moment, into effects: inout [IngestorEffect]) {
    guard now.steady >= nextRequest else { return }
    pages = []
    request(cursor: nil, at: now, into: &effects)
  }

  /// Instruments may not have been delivered: the list is due early.
  mutating func recordsWereLost(at now: Moment) { nextRequest = min(nextRequest, now.steady + Self.requestTimeout) }

  /// A symbol that is wanted is not in the list: it is asked for again soon.
  mutating func lacksSymbol(at now: Moment) { nextRequest = now.steady + Interval.minute }

  /// Takes a page; the whole list with the last one.
  mutating func take(_ result: VenueResult, at now: Moment, into effects: inout [IngestorEffect]) -> InstrumentList? {
    let declaration = market.declaration
    let outcome = declaration.classify(result, of: .marketData) { body throws(ReplyError) in try declaration.instruments(body) }
    let page: InstrumentList
    switch outcome {
    case .confirmed(let list): page = list
    case .failed(let failure), .unknown(let failure):
      nextRequest = now.steady + delay.nextDelay(using: &generator, atLeast: failure.shortestWait)
      let message = "no instrument list: \(failure)"
      effects.append(.log(IngestorLog(level: .warning, venue: market.venue, symbol: nil, message: message)))
      return nil
    }
    effects += page.instruments.map { .publishInstrument($0) }
    pages.append(page)
    if let cursor = page.nextCursor, pages.count < Self.maximumPages {
      request(cursor: cursor, at: now, into: &effects)
      return nil
    }
    delay.reset()
    nextRequest = now.steady + Self.refreshInterval
    defer { pages = [] }
    return InstrumentList(pages: pages)
  }

  private mutating func request(cursor: String?, at now: Moment, into effects: inout [IngestorEffect]) {
    nextRequest = now.steady + Self.requestTimeout
    effects.append(.requestInstruments(market: index, market.declaration.instrumentsRequest(cursor: cursor)))
  }
}
