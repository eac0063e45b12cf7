import Domain
import Venues
import Wire

/// One symbol's feed: keeps a stream open, asks for the whole book when it wants one, and hands what happens to the book, and trades, on
/// to their publishers. What is peculiar to a venue is declared by its market. Decides everything by the state it is in and the time, so
/// that no lost answer can stall it.
struct Feed: Sendable {
  private enum Link: Sendable {
    /// No stream; the next attempt is due at `retryAt`.
    case down(retryAt: Timestamp)
    /// An attempt is under way since then.
    case connecting(since: Timestamp)
    /// Open since then.
    case open(since: Timestamp)
  }

  private enum SnapshotCall: Sendable {
    /// None is under way; the next may go out at `notBefore`.
    case idle(notBefore: Timestamp)
    /// One is under way since then.
    case pending(since: Timestamp)
  }

  /// We end a stream so long before the venue would, at a moment of our own.
  private static let farewell = Interval.hour
  /// A stream or a snapshot that takes longer is given up, whatever the transport says or forgets to say.
  private static let patience = 15 * Interval.second
  /// A stream waits for a snapshot so long at most.
  private static let pause = 5 * Interval.second

  let market: VenueMarket
  let symbol: Symbol
  private let index: Int
  private let declaration: any MarketData
  private var instrument: Instrument?
  /// How its stream is opened and kept; empty before the instrument is known.
  private var plan = StreamPlan(target: "")
  private var generator: SeededGenerator
  private var sync: BookSync
  private var publisher: BookPublisher
  private var trades: TradePublisher
  private var update = DepthUpdate()
  private var link = Link.down(retryAt: .zero)
  /// Number of the newest stream.
  private var number = 0
  /// Nothing is read from it for a moment.
  private var isPaused = false
  private var reconnectDelay = Backoff(initialMilliseconds: 250, maximumMilliseconds: 30_000)
  private var call = SnapshotCall.idle(notBefore: .zero)
  private var callNumber = 0
  private var nextHeartbeat = Timestamp.zero
  private var snapshotDelay = Backoff(initialMilliseconds: 250, maximumMilliseconds: 10_000)
  private(set) var health = FeedHealth()

  init(index: Int, of place: FeedPlace, settings: IngestorSettings, seed: UInt64) {
    self.index = index
    market = place.market
    symbol = place.symbol
    declaration = place.market.declaration
    generator = SeededGenerator(seed: seed)
    sync = BookSync(rules: declaration.bookRules, limits: settings.bookLimits)
    publisher = BookPublisher(feed: index, of: place, shownLevels: settings.shownLevels)
    trades = TradePublisher(feed: index, of: place)
  }

  /// True when the venue would spell our symbol like this; asked only of instruments that cannot be read whole.
  func hasVenueSpelling(_ venueSymbol: String) -> Bool { venueSymbol == presumedSpelling }

  private var presumedSpelling: String { symbol.base + symbol.quote }

  /// Begins before the venue's list has come. What a contract stands for only the list knows, so that perpetuals wait for it.
  mutating func presumeInstrument() {
    guard !symbol.isPerpetual else { return }
    learn(Instrument(venue: market.venue, symbol: symbol, venueSymbol: presumedSpelling, tick: .zero, lot: .zero))
  }

  /// Takes the venue's description; the feed begins with the first one.
  mutating func learn(_ instrument: Instrument) {
    self.instrument = instrument
    plan = declaration.symbolStream(venueSymbol: instrument.venueSymbol)
    publisher.priceDecimals = instrument.priceDecimals
  }

  mutating func opened(_ number: Int, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == self.number, case .connecting = link else { return }
    link = .open(since: now.steady)
    health.isConnected = true
    health.connections += 1
    isPaused = false
    // A snapshot asked for earlier may be older than this stream.
    callNumber += 1
    send(plan.subscribe, into: &effects)
    nextHeartbeat = now.steady + (plan.heartbeat?.interval ?? 0)
    // Where the stream brings the book, the subscription has asked for it.
    call = sync.rules.source == .stream ? .pending(since: now.steady) : .idle(notBefore: .zero)
    finish(sync.opened(at: now.steady), at: now, into: &effects)
  }

  mutating func frame(
    _ bytes: UnsafeBufferPointer<UInt8>, on number: Int, at now: Moment, into effects: inout [IngestorEffect]
  ) {
    guard number == self.number, let instrument else { return }
    if case .connecting = link { opened(number, at: now, into: &effects) }
    guard case .open = link else { return }
    health.lastHeard = now.wall
    do throws(ReplyError) {
      switch try market.decode(frame: bytes, into: &update) {
      case .depth where update.venueSymbol == instrument.venueSymbol:
        try update.scaleToUnits(multiplier: instrument.multiplier)
        publisher.heard(update, at: now)
        finish(sync.receive(update, at: now.steady), at: now, into: &effects)
      case .shutdown: drop("the venue announces a shutdown", at: now, into: &effects)
      case .refused: drop("the venue refuses the subscription", at: now, into: &effects)
      case .answer: break
      case .depth: health.ignoredFrames += 1
      case .other: takeTrades(bytes, of: instrument, at: now, into: &effects)
      }
    } catch {
      log(.warning, "unreadable frame: \(error)", &effects)
      trades.damaged()
      finish(sync.damaged(at: now.steady), at: now, into: &effects)
    }
    keepReading(at: now, into: &effects)
  }

  private mutating func takeTrades(
    _ frame: UnsafeBufferPointer<UInt8>, of instrument: Instrument, at now: Moment, into effects: inout [IngestorEffect]
  ) {
    do throws(ReplyError) {
      guard var found = try declaration.trades(frame: Array(frame)) else {
        health.ignoredFrames += 1
        return
      }
      found.keep(venueSymbol: instrument.venueSymbol)
      try found.scaleToUnits(multiplier: instrument.multiplier)
      trades.take(found, at: now, into: &effects)
    } catch {
      log(.warning, "unreadable trades: \(error)", &effects)
      trades.damaged()
    }
  }

  mutating func closed(_ number: Int, reason: String, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == self.number else { return }
    if case .down = link { return }
    lose(reason, at: now, into: &effects)
  }

  mutating func snapshot(_ result: VenueResult, call number: Int, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == callNumber, case .pending = call, let instrument else { return }
    let declaration = declaration
    let outcome = declaration.classify(result, of: .marketData) { bytes throws(ReplyError) in
      var snapshot = DepthSnapshot()
      try declaration.decode(book: bytes, into: &snapshot)
      try snapshot.scaleToUnits(multiplier: instrument.multiplier)
      return snapshot
    }
    switch outcome {
    case .confirmed(let snapshot):
      // One that is too old leaves the book wanting another, a little later.
      call = .idle(notBefore: now.steady + snapshotDelay.nextDelay(using: &generator))
      let (step, waiting) = sync.load(snapshot)
      finish(step, at: now, into: &effects)
      for step in waiting {
        update = step
        finish(sync.resume(step), at: now, into: &effects)
      }
    case .failed(let failure), .unknown(let failure):
      call = .idle(notBefore: now.steady + snapshotDelay.nextDelay(using: &generator, atLeast: failure.shortestWait))
      log(.warning, "no snapshot: \(failure)", &effects)
    }
    keepReading(at: now, into: &effects)
  }

  mutating func bookRecordsWereLost() { publisher.owesRepair() }

  mutating func tradeRecordsWereLost() { trades.recordsWereLost() }

  mutating func showAgain() { publisher.owesView() }

  mutating func tick(at now: Moment, into effects: inout [IngestorEffect]) {
    guard instrument != nil else {
      publish(at: now, into: &effects)
      return
    }
    finish(sync.tick(at: now.steady), at: now, into: &effects)
    if sync.isSilent(at: now.steady) { drop("silent beyond the limit", at: now, into: &effects) }
    keepLink(at: now, into: &effects)
    keepReading(at: now, into: &effects)
    trades.keepUp(at: now, into: &effects)
    publish(at: now, into: &effects)
  }

  /// Says that the book is not to be used any more, as the last word.
  mutating func stop(at now: Moment, into effects: inout [IngestorEffect]) {
    if case .down = link {} else { effects.append(.disconnect(LinkID(feed: index, number: number))) }
    link = .down(retryAt: .zero)
    health.isConnected = false
    trades.flush(at: now, into: &effects)
    finish(sync.closed(), at: now, into: &effects)
    publisher.owesView()
    publish(at: now, into: &effects)
  }

  private mutating func keepLink(at now: Moment, into effects: inout [IngestorEffect]) {
    switch link {
    case .down(let retryAt): if now.steady >= retryAt { connect(at: now, into: &effects) }
    case .connecting(let since):
      if now.steady - since > Self.patience { drop("no answer to the handshake", at: now, into: &effects) }
    case .open(let since):
      if let longestLife = plan.longestLife, now.steady - since > longestLife - Self.farewell {
        drop("the stream is nearly as old as the venue lets it be", at: now, into: &effects)
      } else if let heartbeat = plan.heartbeat, now.steady >= nextHeartbeat {
        nextHeartbeat = now.steady + heartbeat.interval
        send([heartbeat.frame], into: &effects)
      }
    }
  }

  /// A stream that fills the buffer while the snapshot is under way has to wait for it, or steps would be lost that the snapshot may
  /// need. Not for long: trades wait, too.
  private mutating func keepReading(at now: Moment, into effects: inout [IngestorEffect]) {
    guard isPaused || sync.wantsSnapshot else { return }
    var mustWait = false
    if case .open = link, case .pending(let since) = call, sync.isBufferFull { mustWait = now.steady - since <= Self.pause }
    guard mustWait != isPaused else { return }
    isPaused = mustWait
    let id = LinkID(feed: index, number: number)
    if case .open = link { effects.append(mustWait ? .pause(id) : .resume(id)) }
  }

  private func send(_ frames: [[UInt8]], into effects: inout [IngestorEffect]) {
    for frame in frames { effects.append(.send(LinkID(feed: index, number: number), frame)) }
  }

  private mutating func connect(at now: Moment, into effects: inout [IngestorEffect]) {
    number += 1
    link = .connecting(since: now.steady)
    effects.append(.connect(LinkID(feed: index, number: number), target: plan.target))
  }

  /// Gives the stream up from our side.
  private mutating func drop(_ reason: String, at now: Moment, into effects: inout [IngestorEffect]) {
    if case .down = link { return }
    effects.append(.disconnect(LinkID(feed: index, number: number)))
    lose(reason, at: now, into: &effects)
  }

  private mutating func lose(_ reason: String, at now: Moment, into effects: inout [IngestorEffect]) {
    link = .down(retryAt: now.steady + reconnectDelay.nextDelay(using: &generator))
    health.isConnected = false
    log(.warning, "stream lost: \(reason)", &effects)
    trades.closed()
    finish(sync.closed(), at: now, into: &effects)
  }

  /// What follows every step of the book.
  private mutating func finish(_ step: BookStep, at now: Moment, into effects: inout [IngestorEffect]) {
    switch step {
    case .nothing: break
    case .applied: publisher.follow(update, sync, at: now, into: &effects)
    case .becameValid:
      reconnectDelay.reset()
      snapshotDelay.reset()
      if sync.rules.source == .stream { call = .idle(notBefore: now.steady) }
      publisher.owesWholeBook()
      log(.info, "book valid at update \(sync.lastID ?? 0)", &effects)
      publish(at: now, into: &effects)
    case .becameInvalid(let reason):
      log(.warning, "book invalid: \(reason)", &effects)
      publish(at: now, into: &effects)
    }
    requestBookIfWanted(at: now, into: &effects)
  }

  /// Asks for the whole book: by a request, or by a new subscription.
  private mutating func requestBookIfWanted(at now: Moment, into effects: inout [IngestorEffect]) {
    guard sync.wantsSnapshot, let instrument else { return }
    switch call {
    case .idle(let notBefore): if now.steady < notBefore { return }
    case .pending(let since): if now.steady - since <= Self.patience { return }
    }
    callNumber += 1
    call = .pending(since: now.steady)
    if let request = declaration.bookRequest(venueSymbol: instrument.venueSymbol) {
      effects.append(.requestSnapshot(feed: index, call: callNumber, request))
    } else {
      send(plan.resubscribe, into: &effects)
    }
  }

  private mutating func publish(at now: Moment, into effects: inout [IngestorEffect]) {
    health.invalidity = sync.invalidity
    health.counts = sync.counts
    health.trades = trades.counts
    publisher.keepUp(sync, health, at: now, into: &effects)
  }

  private func log(_ level: IngestorLog.Level, _ message: String, _ effects: inout [IngestorEffect]) {
    effects.append(.log(IngestorLog(level: level, venue: market.venue, symbol: symbol, message: message)))
  }
}
