import Domain
import IngestorCore
import Testing
import Venues
import Wire

@Suite struct IngestorCoreTests {
  @Test func aFeedGoesFromTheInstrumentListToAValidBook() throws {
    var world = World()
    try world.apply(.started)
    guard case .requestInstruments(market: 0, let request) = world.effects.first else {
      Issue.record("the list comes first")
      return
    }
    #expect(request.target == "/api/v3/exchangeInfo")
    #expect(world.reader.records.last?.isValid == false && world.reader.records.last?.reason == "starting")
    try world.learn()
    #expect(world.effects.contains { if case .publishInstrument = $0 { true } else { false } })
    #expect(
      world.effects.contains(.connect(LinkID(feed: 0, number: 1), target: "/stream?streams=btcusdt@depth@100ms/btcusdt@trade")))
    try world.open()
    #expect(world.pendingCall != nil)
    try world.frame()
    try world.answerSnapshot()
    #expect(!world.isValid, "no step has met the snapshot yet")
    try world.frame()
    #expect(world.isValid)
    #expect(world.reader.records.last?.kind == .snapshot && world.reader.records.last?.isValid == true)
    #expect(world.reader.book?.levels(.buy) == world.venue.book.levels(.buy))
    let bid = try #require(world.venue.book.best(.buy)).price.text(decimals: 2)
    let ask = try #require(world.venue.book.best(.sell)).price.text(decimals: 2)
    #expect(world.logs.last == "Best Bid: \(bid) | Best Ask: \(ask)")
  }

  @Test func everyStepIsARecordWithTheVenuesNumberAndTheTop() throws {
    var world = World()
    try world.becomeValid()
    for _ in 0..<50 {
      try world.frame()
      let record = try #require(world.reader.records.last)
      #expect(record.kind == .diff && record.updateID == world.venue.lastID && record.top == world.venue.book.top)
      #expect(world.reader.book?.levels(.sell) == world.venue.book.levels(.sell))
    }
  }

  @Test func aSnapshotComesEveryTenSecondsAndSomethingEverySecond() throws {
    var world = World()
    try world.becomeValid()
    let start = world.reader.records.count
    for _ in 0..<240 {
      try world.wait(50)
      try world.frame()
    }
    let snapshots = world.reader.records[start...].filter { $0.kind == .snapshot }
    #expect(snapshots.count == 1)
    let quiet = world.reader.records.count
    for _ in 0..<100 { try world.wait(50) }
    let records = world.reader.records[quiet...]
    #expect(records.count >= 4 && records.allSatisfy { $0.kind == .status && $0.isValid })
    #expect(records.allSatisfy { $0.ingestTime == records.first?.ingestTime }, "nothing new came, so the book got older")
  }

  @Test func aGapMakesTheBookInvalidAtOnceForEveryoneAndIsHealedByASnapshot() throws {
    var world = World()
    try world.becomeValid()
    _ = world.venue.nextFrame()
    let views = world.views.count
    try world.frame()
    #expect(!world.isValid && world.reader.book == nil)
    #expect(world.reader.records.last?.reason == "gap" && world.reader.records.last?.top == TopOfBook(bid: nil, ask: nil))
    #expect(
      world.views.count == views + 1 && world.views.last?.top.isValid == false && world.views.last?.book.bids.isEmpty == true)
    try world.wait(500)
    try world.answerSnapshot()
    try world.frame()
    #expect(world.isValid && world.reader.book?.levels(.buy) == world.venue.book.levels(.buy))
    #expect(world.core.health[0].counts.gaps == 1 && world.core.health[0].counts.resyncs == 1)
    #expect(world.link?.number == 1, "the connection stayed")
  }

  @Test func aFloodWaitsForTheSnapshotAndEveryStepIsARecord() throws {
    var world = World { $0.bookLimits.maximumBufferedUpdates = 10 }
    try world.learn()
    try world.open()
    let snapshot = world.venue.snapshot()
    for _ in 0..<9 { try world.frame() }
    #expect(!world.isPaused)
    try world.frame()
    #expect(world.isPaused)
    try world.answerSnapshot(snapshot)
    #expect(!world.isPaused && world.isValid)
    let steps = world.reader.records.filter { $0.kind != .status }
    #expect(steps.map(\.kind) == [.snapshot] + Array(repeating: .diff, count: 9))
    for step in steps { #expect(step.top == world.venue.history[step.updateID]?.top) }
    #expect(steps.last?.updateID == world.venue.lastID)
    #expect(world.reader.book?.levels(.buy) == world.venue.book.levels(.buy))
  }

  @Test func aFloodDoesNotWaitLongNorForNothing() throws {
    var world = World { $0.bookLimits.maximumBufferedUpdates = 10 }
    try world.learn()
    try world.open()
    for _ in 0..<10 { try world.frame() }
    #expect(world.isPaused)
    try world.wait(5_001)
    #expect(!world.isPaused)
    for _ in 0..<10 { try world.frame() }
    #expect(!world.isPaused)
    try world.answerSnapshot(.reply(VenueReply(status: 503, body: [])))
    // Silence ends the stream.
    try world.wait(60_000)
    try world.wait(1_000)
    try world.open()
    for _ in 0..<10 { try world.frame() }
    #expect(world.isPaused)
    try world.answerSnapshot(.reply(VenueReply(status: 503, body: [])))
    #expect(!world.isPaused, "the next question is asked after a while")
  }

  @Test func silenceIsADeadFeed() throws {
    var world = World()
    try world.becomeValid()
    try world.wait(10_001)
    #expect(world.reader.records.last?.isValid == false)
    #expect(world.reader.records.contains { $0.reason == "silent" })
    #expect(world.effects.contains(.disconnect(LinkID(feed: 0, number: 1))))
    try world.wait(1_000)
    #expect(world.link?.number == 2)
  }

  @Test func aLostStreamIsReopenedWithGrowingDelays() throws {
    var world = World()
    try world.becomeValid()
    var waited: [Int64] = []
    for _ in 0..<12 {
      let link = try #require(world.link)
      try world.apply(.closed(link, reason: "code 1006"))
      #expect(world.reader.book == nil)
      let start = world.now.steady
      while world.link == link, world.now.steady - start < Interval.minute { try world.wait(10) }
      waited.append(world.now.steady - start)
      #expect(world.link?.number == link.number + 1)
    }
    #expect(waited.allSatisfy { $0 <= 30 * Interval.second + 20 * Interval.millisecond })
    #expect(waited.contains { $0 > 2 * Interval.second }, "\(waited)")
  }

  @Test func eventsOfAnEarlierStreamDoNotMatter() throws {
    var world = World()
    try world.becomeValid()
    let old = try #require(world.link)
    try world.apply(.closed(old, reason: "code 1006"))
    while world.link == old { try world.wait(10) }
    try world.open()
    try world.apply(.frame(old, world.venue.nextFrame()))
    try world.apply(.closed(old, reason: "late"))
    try world.answerSnapshot()
    try world.frame()
    #expect(world.isValid && world.link?.number == old.number + 1)
  }

  @Test func aStreamIsRenewedBeforeTheVenueEndsIt() throws {
    var world = World { $0.bookLimits.silence = 48 * Interval.hour }
    try world.becomeValid()
    try world.wait(23 * 3_600_000 + 1_000)
    #expect(world.effects.contains(.disconnect(LinkID(feed: 0, number: 1))))
    try world.wait(1_000)
    #expect(world.link?.number == 2)
  }

  @Test func anAnnouncedShutdownIsNotWaitedFor() throws {
    var world = World()
    try world.becomeValid()
    try world.apply(.frame(try #require(world.link), Array(#"{"e":"serverShutdown","E":1770123456789}"#.utf8)))
    #expect(world.link == nil && !world.isValid)
  }

  @Test func snapshotsAreNotAskedForFasterThanTheVenueAllows() throws {
    var world = World()
    try world.learn()
    try world.open()
    try world.frame()
    try world.answerSnapshot(.reply(VenueReply(status: 429, retryAfter: "7", body: [])))
    try world.wait(6_900)
    try world.frame()
    #expect(world.pendingCall == nil)
    try world.wait(200)
    #expect(world.pendingCall != nil)
  }

  @Test func aLostAnswerDoesNotStallTheFeed() throws {
    var world = World()
    try world.learn()
    try world.open()
    let first = try #require(world.pendingCall)
    for _ in 0..<200 {
      try world.wait(100)
      try world.frame()
    }
    #expect(try #require(world.pendingCall) > first)
    try world.answerSnapshot()
    try world.frame()
    #expect(world.isValid)
    try world.apply(.snapshot(feed: 0, call: first, .maybeSent(reason: "late")))
    #expect(world.isValid)
  }

  @Test func undeliveredRecordsAreMadeUpForByAWholeBook() throws {
    var world = World()
    try world.becomeValid()
    try world.apply(.undelivered(.book(feed: 0)))
    let before = world.reader.records.count
    try world.frame()
    #expect(world.reader.records.count == before, "steps are of no use to a reader with a hole")
    try world.wait(1_000)
    #expect(world.reader.records.last?.kind == .snapshot)
    #expect(world.reader.book?.levels(.buy) == world.venue.book.levels(.buy))
    try world.frame()
    #expect(world.reader.records.last?.kind == .diff)
  }

  @Test func aBrokerThatIsAwayIsNotFloodedWithBooks() throws {
    var world = World()
    try world.becomeValid()
    let before = world.reader.records.count
    for _ in 0..<200 {
      try world.apply(.undelivered(.book(feed: 0)))
      try world.wait(50)
      try world.frame()
    }
    let records = world.reader.records[before...]
    #expect((9...11).contains(records.count { $0.kind == .snapshot }) && records.count <= 21)
  }

  @Test func whatRedisForgotIsShownAgain() throws {
    var world = World()
    try world.becomeValid()
    try world.wait(50)
    let views = world.views.count
    try world.apply(.stateForgotten)
    try world.wait(1)
    #expect(world.views.count == views + 1)
  }

  @Test func viewsAreBoundedInNumberAndSize() throws {
    var world = World { $0.shownLevels = 3 }
    try world.becomeValid()
    let views = world.views.count
    for _ in 0..<1_000 {
      try world.wait(1)
      try world.frame()
    }
    #expect((5...11).contains(world.views.count - views), "\(world.views.count - views)")
    #expect(world.views.last?.book.bids.count == 3)
    try world.wait(100)
    #expect(world.views.last?.book.bids == world.venue.book.levels(.buy, limit: 3))
  }

  @Test func aStopSaysThatTheBookIsNotToBeUsed() throws {
    var world = World()
    try world.becomeValid()
    try world.apply(.stopping)
    #expect(world.reader.book == nil && world.reader.records.last?.reason == "disconnected")
    #expect(world.views.last?.top.isValid == false)
    let count = world.effects.count
    try world.wait(60_000)
    #expect(world.effects.count == count)
  }

  @Test func aSymbolThatTheVenueDoesNotListIsSaidAndTheOthersAreFed() throws {
    var settings = IngestorSettings(symbols: ["NO-SUCH", "BTC-USDT"].compactMap { Symbol($0) })
    settings.shownLevels = 5
    var core = IngestorCore(settings, seed: 1)
    var effects: [IngestorEffect] = []
    let moment = Moment(steady: Timestamp(nanoseconds: 0), wall: Timestamp(milliseconds: 1))
    core.apply(.instruments(market: 0, .reply(VenueReply(status: 200, body: VenueModel.instruments))), at: moment, into: &effects)
    #expect(effects.contains { if case .log(let log) = $0 { log.level == .error && log.symbol?.base == "NO" } else { false } })
    #expect(effects.contains { if case .connect(let link, _) = $0 { link.feed == 1 } else { false } })
  }

  @Test func deepBooksComeInChunks() throws {
    var settings = IngestorSettings(symbols: [try #require(Symbol("BTC-USDT"))])
    settings.shownLevels = 1
    var world = World()
    try world.learn()
    try world.open()
    func levels(_ start: Int, _ step: Int) -> String {
      (0..<5_000).map { #"["\#(start + $0 * step).00000000","0.12345678"]"# }.joined(separator: ",")
    }
    let body = #"{"lastUpdateId":\#(world.venue.lastID),"bids":[\#(levels(90_000, -1))],"asks":[\#(levels(100_000, 1))]}"#
    try world.answerSnapshot(.reply(VenueReply(status: 200, body: Array(body.utf8))))
    let id = world.venue.lastID + 1
    let frame = #"{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":\#(id),"u":\#(id),"b":[],"a":[]}"#
    try world.apply(.frame(try #require(world.link), Array(frame.utf8)))
    let chunks = world.reader.records.filter { $0.kind == .snapshot }
    #expect(chunks.count == 4 && chunks.allSatisfy { $0.encoded().count < 200_000 })
    #expect(world.reader.book?.count(.buy) == 5_000 && world.reader.book?.count(.sell) == 5_000)
  }
}
