import Domain
import StrategyCore
import Testing
import Wire

/// Writes down what it is shown.
private struct Witness: Strategy {
  private(set) var sees = false

  /// Orders something at each event, so that the engine's answers tell what the strategy knew.
  mutating func handle(_ event: StrategyEvent, at now: Timestamp, desk: inout OrderDesk) {
    switch event {
    case .book(let venue, let symbol, let book):
      sees = true
      let price = book.best(.buy)?.price ?? Sample.decimal("1")
      _ = desk.placeLimit(.buy, Sample.decimal("1"), at: price, of: symbol, on: venue)
    case .bookLost: sees = false
    case .execution(let order): desk.cancel(order.clientOrderID, of: order.symbol, on: order.venue)
    case .rejected, .timer, .consolidated: break
    }
  }
}

@Suite struct StrategyEngineTests {
  private func engine(_ strategy: any Strategy, run: Timestamp = Sample.start) -> StrategyEngine {
    StrategyEngine(
      strategy, desk: OrderDesk(account: Sample.account, strategy: "quoter", run: run), feeds: [(.binance, Sample.symbol)])
  }

  private func quoter(_ quantity: String = "0.5") -> Quoter {
    Quoter(
      Quoter.Settings(
        venue: .binance, symbol: Sample.symbol, quantity: Sample.decimal(quantity), distanceBasisPoints: 100,
        toleranceBasisPoints: 50, tick: Sample.decimal("0.01")))
  }

  @Test func onlyAWholeValidYoungBookIsShown() {
    var engine = engine(Witness())
    let now = Sample.start
    #expect(engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: now), ofFeed: 0, at: now).count == 1)
    #expect(engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: now, isValid: false), ofFeed: 0, at: now).isEmpty)
    let late = now + Interval.hour
    let old = Sample.snapshot(bid: 99, ask: 101, at: late + -3 * Interval.second, update: 2)
    #expect(engine.take(book: old, ofFeed: 0, at: late).isEmpty, "an old book is no book")
    #expect(engine.take(book: Sample.snapshot(bid: 98, ask: 101, at: late, update: 3), ofFeed: 0, at: late).count == 1)
    #expect(engine.take(book: nil, ofFeed: 0, at: late).isEmpty, "an unreadable record ends the book")
  }

  @Test func othersOrdersAreNotShown() {
    var engine = engine(Witness())
    var request = OrderRequest(
      account: Sample.account, clientOrderID: Sample.identifier("quoter-1"), symbol: Sample.symbol, side: .buy)
    #expect(engine.take(Sample.event(of: request, .open), at: Sample.start).map(\.target) == [Sample.identifier("quoter-1")])
    #expect(engine.take(Sample.event(of: request, .open), at: Sample.start, isRestoring: true).isEmpty)
    request.clientOrderID = Sample.identifier("someone-1")
    #expect(engine.take(Sample.event(of: request, .open), at: Sample.start).isEmpty)
    request.clientOrderID = Sample.identifier("quoter-1")
    request.account = Sample.identifier("second")
    #expect(engine.take(Sample.event(of: request, .open), at: Sample.start).isEmpty)
  }

  @Test func idsDifferWithinARunAndBetweenRuns() {
    var ids: Set<String> = []
    for run in 0..<5 as Range<Int64> {
      var engine = engine(Witness(), run: Sample.start + run)
      for update in 0..<20 as Range<Int64> {
        let record = Sample.snapshot(bid: 99, ask: 101, at: Sample.start, update: update)
        for request in engine.take(book: record, ofFeed: 0, at: Sample.start) { ids.insert(request.clientOrderID?.text ?? "") }
      }
    }
    #expect(ids.count == 100)
  }

  @Test func theQuoterQuotesNothingUnlessAskedTo() {
    var engine = engine(quoter("0"))
    #expect(engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: Sample.start), ofFeed: 0, at: Sample.start).isEmpty)
    #expect(engine.tick(at: Sample.start).isEmpty)
  }

  @Test func theQuoterRestsOnBothSidesFollowsTheMiddleAndCancelsWithoutABook() {
    var engine = engine(quoter())
    let now = Sample.start
    let quotes = engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: now), ofFeed: 0, at: now)
    #expect(
      quotes.map { "\($0.side?.rawValue ?? "") \($0.price?.text() ?? "") \($0.postOnly)" } == ["buy 99 true", "sell 101 true"])
    for quote in quotes { #expect(engine.take(Sample.event(of: quote, .open), at: now).isEmpty) }
    #expect(engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: now, update: 2), ofFeed: 0, at: now).isEmpty)
    let cancels = engine.take(book: Sample.snapshot(bid: 109, ask: 111, at: now, update: 3), ofFeed: 0, at: now)
    #expect(cancels.map(\.target) == quotes.map(\.clientOrderID))
    _ = engine.take(Sample.event(of: quotes[0], .cancelled), at: now)
    let moved = engine.tick(at: now)
    #expect(moved.map { "\($0.side?.rawValue ?? "") \($0.price?.text() ?? "")" } == ["buy 108.9"])
    let away = engine.take(book: Sample.snapshot(bid: 109, ask: 111, at: now, isValid: false), ofFeed: 0, at: now)
    #expect(away.map(\.target) == moved.map(\.clientOrderID))
  }

  @Test func aRefusalIsNotRepeatedAtOnce() {
    var engine = engine(quoter())
    let quotes = engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: Sample.start), ofFeed: 0, at: Sample.start)
    for quote in quotes { #expect(engine.take(Sample.rejection(of: quote), at: Sample.start).isEmpty) }
    let soon = Sample.start + Interval.second
    #expect(engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: soon, update: 2), ofFeed: 0, at: soon).isEmpty)
    let later = Sample.start + 5 * Interval.second
    #expect(engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: later, update: 3), ofFeed: 0, at: later).count == 2)
  }

  @Test func ordersOfAnEarlierRunAreCancelledBeforeAnythingIsQuoted() {
    var engine = engine(quoter())
    let now = Sample.start
    let old = OrderRequest(
      account: Sample.account, clientOrderID: Sample.identifier("quoter-old-7"), symbol: Sample.symbol, side: .buy)
    _ = engine.take(Sample.event(of: old, .open), at: now, isRestoring: true)
    let first = engine.take(book: Sample.snapshot(bid: 99, ask: 101, at: now), ofFeed: 0, at: now)
    #expect(first.map(\.target) == [old.clientOrderID])
    _ = engine.take(Sample.event(of: old, .cancelled), at: now)
    #expect(engine.tick(at: now + 2 * Interval.second).count == 2)
  }
}
