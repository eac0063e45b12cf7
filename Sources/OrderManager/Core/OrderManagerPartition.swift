import Books
import Domain
import Venues
import Wire

/// The orders of one partition's accounts: carries approvals to venues and says on `executions` what became of them.
///
/// Synchronous and pure: the same events give the same effects. An order's plan is in the log before anything is sent, its state
/// changes only with an event on `executions`, and an input record is done when the event that settles it is in the log. A fresh
/// instance is given `.restored` first, then `control` and `instruments` to their ends, then everything else as it comes.
public struct OrderManagerPartition: Sendable {
  let settings: OrderManagerSettings
  /// Max of the events' times so far.
  var now = Timestamp.zero
  var epoch: Int64 = -1
  /// On `orders.approved`.
  var fence = EpochFence()
  /// The epochs of the latest markers there, ascending: each is its marker's offset. Whoever reads again from an earlier offset needs
  /// the one that held there.
  var approvalsEpochs: [Int64] = []
  /// Markers on `orders.approved` that no cursor names yet: they are done when one does.
  var unnamedMarkers: [Int64] = []
  var progress = InputProgress(from: 0)
  /// No later owner reads `orders.approved` before this offset: the broker has accepted it.
  var committed: Int64 = 0
  /// The partition goes to another owner: no wire call is begun any more.
  var isStopping = false

  var orders: [OrderKey: ManagedOrder] = [:]
  /// Orders that have not ended. Sorted before it is walked.
  var live: Set<OrderKey> = []
  /// Orders that have ended, in the order in which they may be forgotten.
  var ended = Queue<(key: OrderKey, at: Timestamp)>()
  var byClientID: [String: ChildRef] = [:]
  var byVenueOrder: [VenueOrderKey: ChildRef] = [:]

  var controls: [Account: Control] = [:]
  var instruments: [InstrumentKey: Instrument] = [:]
  var symbols: [VenueSymbolKey: Symbol] = [:]
  var prices: [AssetPair: Price] = [:]
  var books: [InstrumentKey: VenueBook] = [:]
  /// Venues that `best` passes over for now.
  var cutVenues: Set<Venue> = []
  var clocks: [Venue: VenueClock] = [:]
  var leaseUntil = Timestamp.zero
  /// In the order of `settings.routes`.
  var lanes: [VenueLanes]
  var balances: [Route: [AssetBalance]] = [:]
  /// When a venue had been set back to nothing, as Reconciler has seen it.
  var wipes: [Route: Timestamp] = [:]

  var agenda = Agenda()
  var calls: [UInt64: CallUnderWay] = [:]
  var awaited: [UInt64: Awaited] = [:]
  var checkpoint = Checkpoint()
  var generator: SeededGenerator
  var nextToken: UInt64 = 1
  var redisRefresh = RedisRefresh()
  var raisedAlerts: Set<String> = []
  var effects: [OrderManagerEffect] = []
  /// What has been counted since the partition was taken.
  public internal(set) var counters = OrderManagerCounters()

  /// A partition about which nothing is known yet.
  public init(_ settings: OrderManagerSettings) {
    self.settings = settings
    lanes = settings.routes.map { _ in VenueLanes() }
    generator = SeededGenerator(seed: settings.seed)
  }

  /// Orders that have not ended.
  public var liveOrders: Int { live.count }
  /// Everything on `orders.approved` before this offset is done: it may be committed.
  public var committable: Int64 { progress.committable }
  /// Records and wire calls that wait for an answer.
  public var outstanding: Int { awaited.count + calls.count }
  /// Wire calls that wait for an answer.
  public var callsUnderWay: Int { calls.count }

  /// Takes in an event and appends what follows from it to `effects`.
  public mutating func apply(_ event: OrderManagerEvent, at time: Timestamp, into effects: inout [OrderManagerEffect]) {
    now = max(now, time)
    switch event {
    case .restored(let restored): restore(restored)
    case .approved(let record): takeApproved(record)
    case .execution(let record): takeExecution(record)
    case .control(let control): takeControl(control)
    case .instrument(let instrument): takeInstrument(instrument)
    case .acknowledged(let token, let offset): takeAcknowledgement(token, offset)
    case .answered(let token, let answer): takeAnswer(token, answer)
    case .stream(let route, let event): takeStream(event, route)
    case .connected(let route, let isConnected): takeConnected(route, isConnected)
    case .clock(let venue, let clock): clocks[venue] = clock
    case .price(let asset, let quote, let price): prices[AssetPair(asset: asset, quote: quote)] = price
    case .book(let book): books[InstrumentKey(venue: book.venue, symbol: book.symbol)] = book
    case .cut(let venue, let isCut): if isCut { cutVenues.insert(venue) } else { cutVenues.remove(venue) }
    case .lease(let until, let committed):
      leaseUntil = max(leaseUntil, until)
      self.committed = max(self.committed, committed)
    case .redisLost: refreshRedis()
    case .stop: isStopping = true
    case .tick: continueRedisRefresh()
    }
    keepTime()
    pumpLanes()
    effects.append(contentsOf: self.effects)
    self.effects.removeAll(keepingCapacity: true)
  }

  /// An order at a venue by the venue's own id.
  struct VenueOrderKey: Hashable, Sendable {
    var route: Route
    var symbol: Symbol
    var venueOrderID: String
  }

  struct InstrumentKey: Hashable, Sendable {
    var venue: Venue
    var symbol: Symbol
  }

  struct VenueSymbolKey: Hashable, Sendable {
    var venue: Venue
    var venueSymbol: String
  }

  struct AssetPair: Hashable, Sendable {
    var asset: String
    var quote: String
  }

  /// A wire call whose answer is out.
  struct CallUnderWay: Sendable {
    var lane: Int
    var intent: Intent
    var startedAt: Timestamp
    var notAfter: Timestamp?
  }

  /// A record whose acknowledgement is out.
  struct Awaited: Sendable {
    enum Kind: Sendable {
      case plan(OrderKey)
      case event(OrderKey)
      case snapshot(OrderKey)
      case other
    }
    var kind: Kind
    /// Input records that are done with it.
    var finishing: [Int64] = []
  }

  mutating func makeToken() -> UInt64 {
    defer { nextToken += 1 }
    return nextToken
  }

  func child(_ ref: ChildRef) -> OrderChild? {
    guard let order = orders[ref.key], order.children.indices.contains(ref.index) else { return nil }
    return order.children[ref.index]
  }

  mutating func update(_ ref: ChildRef, _ change: (inout OrderChild) -> Void) {
    guard let count = orders[ref.key]?.children.count, ref.index < count else { return }
    change(&orders[ref.key]!.children[ref.index])
  }

  func venueOrderKey(_ order: ManagedOrder, _ child: OrderChild, _ id: String) -> VenueOrderKey {
    VenueOrderKey(route: Route(order.key.account, child.venue), symbol: order.symbol, venueOrderID: id)
  }

  func lane(_ ref: ChildRef) -> Int? {
    guard let child = child(ref) else { return nil }
    return settings.routes.firstIndex(of: Route(ref.key.account, child.venue))
  }

  func venueSymbol(_ ref: ChildRef) -> String? {
    guard let order = orders[ref.key], let child = child(ref) else { return nil }
    return instruments[InstrumentKey(venue: child.venue, symbol: order.symbol)]?.venueSymbol
  }

  /// The venue's time at our instant, at the earliest or at the latest that it can be; nil while it was never measured.
  func venueTime(_ venue: Venue, at time: Timestamp, latest: Bool) -> Timestamp? {
    guard let clock = clocks[venue] else { return nil }
    return time + clock.offset + (latest ? clock.uncertainty : -clock.uncertainty)
  }

  /// Exponential back-off with full jitter.
  mutating func backoff(_ attempts: Int) -> Int64 {
    let bound = min(settings.retryMaximumDelay, settings.retryInitialDelay << Int64(min(attempts, 20)))
    return Int64.random(in: bound / 4...bound, using: &generator)
  }

  /// Does what is due.
  private mutating func keepTime() {
    while let item = agenda.takeDue(at: now) {
      switch item {
      case .place(let ref): enqueue(.place(ref), ref)
      case .cancel(let ref): enqueue(.cancel(ref), ref)
      case .inquire(let ref): enqueue(.inquire(ref), ref)
      case .fetchFills(let ref): enqueue(.fetchFills(ref), ref)
      case .lapse(let key): lapse(key)
      case .plan(let key): planOrEnd(key)
      }
    }
    sweepWhenDue()
    askAccountModeWhenDue()
    writeCheckpoint()
    forgetEnded()
  }

  mutating func enqueue(_ intent: Intent, _ ref: ChildRef) {
    guard let lane = lane(ref) else { return }
    lanes[lane].add(intent)
  }
}
