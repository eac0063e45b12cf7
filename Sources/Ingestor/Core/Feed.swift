import Domain
import Venues
import Wire

/// One symbol's feed: keeps a stream open, asks for snapshots when the book wants one, and hands what happens to the book on to the
/// publisher. Decides everything by the state it is in and the time, so that no lost answer can stall it.
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

  /// The venue ends a stream after 24 hours; we go first, at a moment of our own.
  private static let longestLife = 23 * Interval.hour
  /// A stream or a snapshot that takes longer is given up, whatever the transport says or forgets to say.
  private static let patience = 15 * Interval.second

  let symbol: Symbol
  private let index: Int
  private let market: BinanceMarket
  private var instrument: Instrument?
  private var generator: SeededGenerator
  private var sync: BookSync
  private var publisher: BookPublisher
  private var update = DepthUpdate()
  private var link = Link.down(retryAt: .zero)
  /// Number of the newest stream.
  private var number = 0
  private var reconnectDelay = Backoff(initialMilliseconds: 250, maximumMilliseconds: 30_000)
  private var call = SnapshotCall.idle(notBefore: .zero)
  private var callNumber = 0
  private var snapshotDelay = Backoff(initialMilliseconds: 250, maximumMilliseconds: 10_000)
  private(set) var health = FeedHealth()

  init(index: Int, symbol: Symbol, settings: IngestorSettings, seed: UInt64) {
    self.index = index
    self.symbol = symbol
    market = settings.market
    generator = SeededGenerator(seed: seed)
    sync = BookSync(rules: settings.market.bookRules, limits: settings.bookLimits)
    publisher = BookPublisher(feed: index, symbol: symbol, shownLevels: settings.shownLevels)
  }

  /// True when the venue would spell our symbol like this; asked only of instruments that cannot be read whole.
  func hasVenueSpelling(_ venueSymbol: String) -> Bool { venueSymbol == symbol.base + symbol.quote }

  /// Takes the venue's description; the feed begins with the first one.
  mutating func learn(_ instrument: Instrument) {
    self.instrument = instrument
    publisher.priceDecimals = instrument.priceDecimals
  }

  mutating func opened(_ number: Int, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == self.number, case .connecting = link else { return }
    link = .open(since: now.steady)
    health.isConnected = true
    health.connections += 1
    // A snapshot asked for earlier may be older than this stream.
    callNumber += 1
    call = .idle(notBefore: .zero)
    finish(sync.opened(at: now.steady), at: now, into: &effects)
  }

  mutating func frame(_ bytes: [UInt8], on number: Int, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == self.number, let instrument else { return }
    if case .connecting = link { opened(number, at: now, into: &effects) }
    guard case .open = link else { return }
    health.lastHeard = now.wall
    do throws(ReplyError) {
      switch try BinanceDepth.decode(frame: bytes, into: &update) {
      case .depth where update.venueSymbol == instrument.venueSymbol:
        publisher.heard(update, at: now)
        finish(sync.receive(update, at: now.steady), at: now, into: &effects)
      case .shutdown: drop("the venue announces a shutdown", at: now, into: &effects)
      case .depth, .refused, .other: health.ignoredFrames += 1
      }
    } catch {
      log(.warning, "unreadable frame: \(error)", &effects)
      finish(sync.damaged(at: now.steady), at: now, into: &effects)
    }
  }

  mutating func closed(_ number: Int, reason: String, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == self.number else { return }
    if case .down = link { return }
    lose(reason, at: now, into: &effects)
  }

  mutating func snapshot(_ result: VenueResult, call number: Int, at now: Moment, into effects: inout [IngestorEffect]) {
    guard number == callNumber, case .pending = call else { return }
    let outcome = BinanceErrors.classify(result, of: .marketData) { bytes throws(ReplyError) in
      var snapshot = DepthSnapshot()
      try BinanceDepth.decode(snapshot: bytes, into: &snapshot)
      return snapshot
    }
    switch outcome {
    case .confirmed(let snapshot):
      // One that is too old leaves the book wanting another, a little later.
      call = .idle(notBefore: now.steady + snapshotDelay.nextDelay(using: &generator))
      finish(sync.receive(snapshot), at: now, into: &effects)
    case .failed(let failure), .unknown(let failure):
      call = .idle(notBefore: now.steady + snapshotDelay.nextDelay(using: &generator, atLeast: failure.shortestWait))
      log(.warning, "no snapshot: \(failure)", &effects)
    }
  }

  mutating func recordsWereLost() { publisher.owesRepair() }

  mutating func showAgain() { publisher.owesView() }

  mutating func tick(at now: Moment, into effects: inout [IngestorEffect]) {
    guard instrument != nil else {
      publish(at: now, into: &effects)
      return
    }
    finish(sync.tick(at: now.steady), at: now, into: &effects)
    if sync.isSilent(at: now.steady) { drop("silent beyond the limit", at: now, into: &effects) }
    keepLink(at: now, into: &effects)
    publish(at: now, into: &effects)
  }

  /// Says that the book is not to be used any more, as the last word.
  mutating func stop(at now: Moment, into effects: inout [IngestorEffect]) {
    if case .down = link {} else { effects.append(.disconnect(LinkID(feed: index, number: number))) }
    link = .down(retryAt: .zero)
    health.isConnected = false
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
      if now.steady - since > Self.longestLife { drop("the stream is nearly a day old", at: now, into: &effects) }
    }
  }

  private mutating func connect(at now: Moment, into effects: inout [IngestorEffect]) {
    guard let instrument else { return }
    number += 1
    link = .connecting(since: now.steady)
    let target = market.depthStreamTarget(venueSymbol: instrument.venueSymbol)
    effects.append(.connect(LinkID(feed: index, number: number), target: target))
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
      publisher.owesWholeBook()
      log(.info, "book valid at update \(sync.lastID ?? 0)", &effects)
      publish(at: now, into: &effects)
    case .becameInvalid(let reason):
      log(.warning, "book invalid: \(reason)", &effects)
      publish(at: now, into: &effects)
    }
    requestSnapshotIfWanted(at: now, into: &effects)
  }

  private mutating func requestSnapshotIfWanted(at now: Moment, into effects: inout [IngestorEffect]) {
    guard sync.wantsSnapshot, let instrument else { return }
    switch call {
    case .idle(let notBefore): if now.steady < notBefore { return }
    case .pending(let since): if now.steady - since <= Self.patience { return }
    }
    callNumber += 1
    call = .pending(since: now.steady)
    effects.append(.requestSnapshot(feed: index, call: callNumber, market.depth(venueSymbol: instrument.venueSymbol)))
  }

  private mutating func publish(at now: Moment, into effects: inout [IngestorEffect]) {
    health.invalidity = sync.invalidity
    health.counts = sync.counts
    publisher.keepUp(sync, health, at: now, into: &effects)
  }

  private func log(_ level: IngestorLog.Level, _ message: String, _ effects: inout [IngestorEffect]) {
    effects.append(.log(IngestorLog(level: level, symbol: symbol, message: message)))
  }
}
