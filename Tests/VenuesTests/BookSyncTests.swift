import Domain
import Testing

@testable import Venues

@Suite struct BookSyncTests {
  private let now = Timestamp(nanoseconds: 0)

  private func update(_ first: Int64, _ last: Int64, previous: Int64? = nil, bid: Int64? = nil, ask: Int64? = nil) -> DepthUpdate
  {
    var update = DepthUpdate()
    update.firstID = first
    update.lastID = last
    update.previousID = previous
    update.bids = bid.map { [level($0)] } ?? []
    update.asks = ask.map { [level($0)] } ?? []
    return update
  }

  private func level(_ price: Int64) -> BookLevel {
    BookLevel(price: Price(units: price * 10_000_000_000), quantity: Quantity(units: 1))
  }

  private func snapshot(_ last: Int64, bid: Int64 = 10, ask: Int64 = 20) -> DepthSnapshot {
    var snapshot = DepthSnapshot()
    snapshot.lastID = last
    snapshot.bids = [level(bid)]
    snapshot.asks = [level(ask)]
    return snapshot
  }

  private func opened(_ market: BinanceMarket = .spot, limits: BookSync.Limits = .init()) -> BookSync {
    var sync = BookSync(rules: market.bookRules, limits: limits)
    _ = sync.opened(at: now)
    return sync
  }

  private func live(_ market: BinanceMarket = .spot) -> BookSync {
    var sync = opened(market)
    _ = sync.receive(update(90, 100, previous: 89), at: now)
    _ = sync.receive(snapshot(100))
    _ = sync.receive(update(101, 105, previous: 100), at: now)
    return sync
  }

  /// Snapshot up to 100; the first step after it, and whether the two join.
  @Test(arguments: [
    (BinanceMarket.spot, Int64(101), Int64(105), true), (.spot, 95, 101, true), (.spot, 102, 105, false), (.spot, 101, 101, true),
    (.futures, 100, 105, true), (.futures, 95, 100, true), (.futures, 101, 105, false),
  ])
  func theFirstStepMustReachTheSnapshot(market: BinanceMarket, first: Int64, last: Int64, joins: Bool) {
    // The snapshot may be there first, or the step.
    var snapshotFirst = opened(market)
    _ = snapshotFirst.receive(snapshot(100))
    #expect(!snapshotFirst.wantsSnapshot && snapshotFirst.book == nil)
    let step = snapshotFirst.receive(update(first, last, previous: first - 1), at: now)
    #expect(step == (joins ? .becameValid : .nothing) && snapshotFirst.wantsSnapshot == !joins)
    var stepFirst = opened(market)
    #expect(stepFirst.receive(update(first, last, previous: first - 1), at: now) == .nothing)
    #expect(stepFirst.receive(snapshot(100)) == (joins ? .becameValid : .nothing))
    #expect(stepFirst.wantsSnapshot == !joins && (stepFirst.book != nil) == joins)
  }

  @Test func staleStepsWaitForTheJoiningOne() {
    var sync = opened()
    _ = sync.receive(snapshot(100))
    #expect(sync.receive(update(80, 100), at: now) == .nothing)
    #expect(sync.book == nil && sync.counts.stale == 1)
    #expect(sync.receive(update(101, 101), at: now) == .becameValid)
  }

  @Test func spotStepsMayOverlapButNotLeaveOut() {
    var sync = live()
    #expect(sync.receive(update(104, 107), at: now) == .applied)
    #expect(sync.receive(update(100, 107), at: now) == .nothing)
    #expect(sync.receive(update(109, 110), at: now) == .becameInvalid(.gap))
    #expect(sync.book == nil && sync.top == nil && sync.lastID == nil && sync.wantsSnapshot)
  }

  @Test func futuresStepsNameTheirPredecessor() {
    var sync = live(.futures)
    #expect(sync.receive(update(106, 110, previous: 105), at: now) == .applied)
    #expect(sync.receive(update(111, 115, previous: 109), at: now) == .becameInvalid(.gap))
    var nameless = live(.futures)
    #expect(nameless.receive(update(106, 110), at: now) == .becameInvalid(.gap))
  }

  @Test func aCrossedBookIsNotServed() {
    var sync = live()
    #expect(sync.receive(update(106, 106, bid: 20), at: now) == .becameInvalid(.crossed))
    #expect(sync.book == nil && sync.wantsSnapshot && sync.counts.gaps == 1)
    var crossedAtOnce = opened()
    _ = crossedAtOnce.receive(snapshot(100, bid: 30, ask: 20))
    #expect(crossedAtOnce.receive(update(101, 101), at: now) == .nothing)
    #expect(crossedAtOnce.book == nil && crossedAtOnce.wantsSnapshot)
  }

  @Test func silenceIsNotTrusted() {
    var sync = live()
    let limit = now + BookSync.Limits().silence
    #expect(sync.tick(at: limit) == .nothing && !sync.isSilent(at: limit))
    #expect(sync.tick(at: limit + 1) == .becameInvalid(.silent))
    #expect(sync.isSilent(at: limit + 1) && sync.wantsSnapshot)
  }

  @Test func aDamagedFrameCostsTheBook() {
    var sync = live()
    #expect(sync.damaged(at: now) == .becameInvalid(.damaged))
    #expect(sync.damaged(at: now) == .nothing)
    #expect(sync.receive(snapshot(105)) == .nothing)
    #expect(sync.receive(update(106, 106), at: now) == .becameValid)
    #expect(sync.counts.resyncs == 1)
  }

  @Test func theBufferIsBoundedAndKeepsTheNewest() {
    var limits = BookSync.Limits()
    limits.maximumBufferedUpdates = 10
    var sync = opened(limits: limits)
    for id in Int64(1)...25 { _ = sync.receive(update(id, id), at: now) }
    var late = sync
    #expect(late.receive(snapshot(5)) == .nothing && late.wantsSnapshot, "what followed it was dropped")
    #expect(sync.receive(snapshot(22)) == .becameValid)
    #expect(sync.lastID == 25)
  }

  @Test func aBreakWhileBufferingLeavesOnlyWhatCameAfter() {
    var sync = opened()
    _ = sync.receive(update(1, 5), at: now)
    _ = sync.receive(update(8, 9), at: now)
    #expect(sync.counts.gaps == 1)
    #expect(sync.receive(snapshot(4)) == .nothing && sync.wantsSnapshot)
    #expect(sync.receive(snapshot(8)) == .becameValid)
  }

  @Test func aSnapshotAheadOfTheStreamReplacesTheBookAndTheChainIsStillChecked() {
    var sync = live()
    #expect(sync.receive(snapshot(104)) == .nothing, "older than the book")
    #expect(sync.receive(snapshot(110, bid: 11)) == .becameValid)
    #expect(sync.top?.bid == level(11) && sync.lastID == 110)
    #expect(sync.receive(update(106, 108), at: now) == .nothing)
    var broken = sync
    #expect(broken.receive(update(110, 112), at: now) == .becameInvalid(.gap))
    #expect(sync.receive(update(109, 112, bid: 12), at: now) == .applied)
    #expect(sync.top?.bid == level(12))
  }

  @Test func nothingCountsWithoutAStream() {
    var sync = live()
    #expect(sync.closed() == .becameInvalid(.disconnected))
    #expect(sync.receive(update(106, 106), at: now) == .nothing)
    #expect(sync.receive(snapshot(200)) == .nothing)
    #expect(sync.tick(at: Timestamp(nanoseconds: .max)) == .nothing && !sync.wantsSnapshot && sync.book == nil)
    #expect(sync.opened(at: now) == .nothing && sync.wantsSnapshot)
  }

  // MARK: Where the stream brings the book

  private func streamed() -> BookSync {
    var sync = BookSync(rules: BookRules(source: .stream, chain: .numbers))
    _ = sync.opened(at: now)
    return sync
  }

  private func whole(_ number: Int64, bid: Int64 = 10, ask: Int64 = 20) -> DepthUpdate {
    var update = update(number, number, bid: bid, ask: ask)
    update.isWhole = true
    return update
  }

  @Test func aStreamedBookIsTheBookAtOnce() {
    var sync = streamed()
    #expect(sync.receive(update(99, 99, bid: 12), at: now) == .nothing && sync.wantsSnapshot && sync.book == nil)
    #expect(sync.receive(whole(100), at: now) == .becameValid && !sync.wantsSnapshot)
    #expect(sync.receive(update(101, 101, bid: 11), at: now) == .applied)
    #expect(sync.top?.bid == level(11) && sync.lastID == 101 && sync.counts.applied == 1)
  }

  @Test func aJumpNeedsANewBookWhateverComesBetween() {
    var sync = streamed()
    _ = sync.receive(whole(100), at: now)
    #expect(sync.receive(update(102, 102), at: now) == .becameInvalid(.gap))
    #expect(sync.receive(update(103, 103), at: now) == .nothing && sync.book == nil && sync.wantsSnapshot)
    #expect(sync.receive(whole(104, bid: 13), at: now) == .becameValid && sync.top?.bid == level(13))
    #expect(sync.counts.gaps == 1 && sync.counts.resyncs == 1)
  }

  @Test func aBookInMidStreamReplacesEverythingAndNumbersMayBeginAnew() {
    var sync = streamed()
    _ = sync.receive(whole(100, bid: 15), at: now)
    #expect(sync.receive(whole(1), at: now) == .becameValid && sync.top?.bid == level(10) && sync.lastID == 1)
    #expect(sync.receive(update(2, 2, bid: 12), at: now) == .applied && sync.counts.resyncs == 0)
    #expect(sync.receive(whole(3, bid: 30), at: now) == .becameInvalid(.crossed) && sync.wantsSnapshot)
  }
}
