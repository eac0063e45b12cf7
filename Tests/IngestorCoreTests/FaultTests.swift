import Domain
import IngestorCore
import Testing
import Venues
import Wire

/// Whatever the network does, the topic never shows a valid book that the venue did not have, and in the end it shows the venue's.
@Suite struct FaultTests {
  @Test(arguments: [VenueMarket.binance(.spot), .bybit(BybitMarket(.spot)), .bybit(BybitMarket(.linear, depth: 200))], 1...25)
  func aValidBookIsAlwaysTheVenues(market: VenueMarket, seed: Int) throws {
    var run = FaultyRun(market, seed: UInt64(seed))
    for _ in 0..<1_500 { try run.step() }
    try run.settle()
    #expect(run.world.isValid, "seed \(seed)")
    #expect(run.world.reader.book?.levels(.buy) == run.world.venue.book.levels(.buy), "seed \(seed)")
    #expect(run.longestQuiet <= 1_050 * Interval.millisecond, "seed \(seed)")
  }

  @Test func theSameEventsHaveTheSameEffects() throws {
    func effects() throws -> [IngestorEffect] {
      var run = FaultyRun(.bybit(BybitMarket(.spot)), seed: 99)
      for _ in 0..<800 { try run.step() }
      return run.world.effects
    }
    #expect(try effects() == effects())
  }
}

private struct FaultyRun {
  var world: World
  var longestQuiet: Int64 = 0
  private var generator: SeededGenerator
  private var lastRecord: Timestamp
  private var seen = 0
  private var delayedSnapshot: VenueResult?

  init(_ market: VenueMarket, seed: UInt64) {
    world = World(market, seed: seed)
    generator = SeededGenerator(seed: seed &* 7)
    lastRecord = world.now.steady
    try? world.learn()
  }

  mutating func step() throws {
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<60: try world.frame()
    case 60..<80: try world.wait(Int64.random(in: 1...50, using: &generator))
    case 80..<85: try world.open()
    case 85..<92: try answer()
    case 92: _ = world.venue.nextFrame()  // Lost on the way.
    case 93: try damage()
    case 94: try repeatFrame()
    case 95: try swapFrames()
    case 96: if let link = world.link { try lose(link) }
    case 97: delayedSnapshot = world.venue.snapshot()
    default: try world.wait(50)
    }
    try check()
  }

  /// From here on nothing fails: a minute and a half must be enough for the longest of all delays.
  mutating func settle() throws {
    var stepsAfterwards = 100
    for _ in 0..<1_800 where stepsAfterwards > 0 {
      if world.isValid { stepsAfterwards -= 1 }
      try world.wait(50)
      try world.open()
      if world.pendingCall != nil { try world.answerSnapshot() }
      try world.frame()
      try check()
    }
  }

  private mutating func answer() throws {
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: try world.answerSnapshot(.maybeSent(reason: "time-out"))
    case 1: try world.answerSnapshot(.reply(VenueReply(status: 503, body: Array("oops".utf8))))
    case 2: try world.answerSnapshot(.reply(VenueReply(status: 200, body: Array("{}".utf8))))
    case 3: try world.answerSnapshot(delayedSnapshot)
    default: try world.answerSnapshot()
    }
  }

  private mutating func damage() throws {
    let frame = world.venue.nextFrame()
    guard let link = world.link, world.isOpen else { return }
    try world.apply(.frame(link, Array(frame.prefix(Int.random(in: 1..<frame.count, using: &generator)))))
    #expect(!world.isValid)
  }

  private mutating func repeatFrame() throws {
    let frame = world.venue.nextFrame()
    guard let link = world.link, world.isOpen else { return }
    try world.apply(.frame(link, frame))
    try world.apply(.frame(link, frame))
  }

  private mutating func swapFrames() throws {
    let first = world.venue.nextFrame()
    let second = world.venue.nextFrame()
    guard let link = world.link, world.isOpen else { return }
    let wasValid = world.isValid
    try world.apply(.frame(link, second))
    if wasValid { #expect(!world.isValid) }
    try world.apply(.frame(link, first))
  }

  private mutating func lose(_ link: LinkID) throws {
    world.link = nil
    world.isOpen = false
    try world.apply(.closed(link, reason: "code 1006"))
    #expect(!world.isValid)
  }

  /// Every new record tells the truth about the moment that it names.
  private mutating func check() throws {
    for record in world.reader.records[seen...] where record.isValid {
      let truth = try #require(world.venue.history[record.updateID])
      #expect(record.top == truth.top)
    }
    if let book = world.reader.book, world.isValid, let id = world.reader.records.last?.updateID {
      let truth = try #require(world.venue.history[id])
      #expect(book.levels(.buy) == truth.levels(.buy) && book.levels(.sell) == truth.levels(.sell))
    }
    if !world.isValid { #expect(world.reader.book == nil) }
    if world.reader.records.count > seen { lastRecord = world.now.steady }
    longestQuiet = max(longestQuiet, world.now.steady - lastRecord)
    seen = world.reader.records.count
  }
}
