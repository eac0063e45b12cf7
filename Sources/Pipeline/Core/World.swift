import Domain
import Wire

/// Everything of one run: virtual time, the log, one venue or two, the stores, the processes, and what goes wrong. All randomness comes
/// from one seed, so that a run can be had again.
final class World {
  static let partitionCount: Int32 = 2
  static let start = Timestamp(nanoseconds: 1_800_000_000 * Interval.second)
  /// Faults and orders come for so long.
  static let busy = 20 * Interval.second
  /// Then everything has so long to agree.
  static let quiet = 70 * Interval.second
  /// A member that has not been heard of for so long loses its partitions.
  static let sessionTimeout = 6 * Interval.second
  /// No log of a run gets so long.
  static let unreachable: Int64 = 1 << 40
  static let symbol = legal(Symbol("BTC-USDT"))

  let seed: UInt64
  let mutation: Mutation?
  let accounts: [Account]
  var faults: Faults
  var now = World.start
  var generator: SeededGenerator
  var broker = Broker()
  let venues: [SimulatedVenue]
  /// So many ended orders OrderManager remembers.
  let remembered: Int
  var database = Database()
  /// `position:<account>` and the open orders, as the services wrote them.
  var redis: [String: [UInt8]] = [:]
  var processes: [SimulatedProcess] = []
  var brokerDownUntil = Timestamp.zero
  var databaseDownUntil = Timestamp.zero
  var history = History()
  private var queue = EventQueue()
  private var processCount = 0
  let isTracing: Bool

  init(seed: UInt64, faults: Faults?, mutation: Mutation?, isTracing: Bool) {
    self.seed = seed
    self.mutation = mutation
    self.isTracing = isTracing
    generator = SeededGenerator(seed: seed)
    self.faults = faults ?? Faults(using: &generator)
    accounts = Self.accountNames(ofEach: Int.random(in: 1...2, using: &generator))
    let names: [Venue] = Bool.random(using: &generator) ? [.binance, .bybit] : [.binance]
    remembered = [10, 10_000].randomElement(using: &generator) ?? 10
    let marketSeed = generator.next()
    venues = names.indices.map { [accounts] in
      SimulatedVenue(names[$0], accounts: accounts, seed: marketSeed &+ UInt64(2 * $0))
    }
  }

  static func legal<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("a literal of the simulation is legal") }
    return value
  }

  /// So many accounts of each partition.
  private static func accountNames(ofEach count: Int) -> [Account] {
    let names = (0..<100).map { legal(Account("account\($0)")) }
    return (0..<partitionCount).flatMap { place in names.filter { partition(of: $0) == place }.prefix(count) }
  }

  static func partition(of account: Account) -> Int32 {
    Partitioner.partition(forKey: account.text.utf8, count: partitionCount)
  }

  func accounts(of partition: Int32) -> [Account] { accounts.filter { Self.partition(of: $0) == partition } }

  func venue(_ name: Venue) -> SimulatedVenue {
    guard let venue = venues.first(where: { $0.name == name }) else { preconditionFailure("a route leads to a venue") }
    return venue
  }

  var isBusy: Bool { now - Self.start < Self.busy }

  // MARK: Chance and time

  func chance(_ probability: Double) -> Bool {
    probability > 0 && isBusy && Double.random(in: 0..<1, using: &generator) < probability
  }

  func upTo(_ nanoseconds: Int64) -> Int64 { Int64.random(in: 0...nanoseconds, using: &generator) }

  func schedule(after delay: Int64, _ action: @escaping () -> Void) { queue.add(at: now + delay, action) }
  func schedule(at time: Timestamp, _ action: @escaping () -> Void) { queue.add(at: max(now, time), action) }

  func trace(_ line: @autoclosure () -> String) {
    guard isTracing else { return }
    let microseconds = (now - Self.start) / Interval.microsecond
    let seconds = "\(microseconds / 1_000_000)"
    let rest = "\(microseconds % 1_000_000 + 1_000_000)".dropFirst()
    history.trace.append("\(seconds).\(rest) \(line())")
  }

  // MARK: The run

  func run() {
    publishReference()
    for partition in 0..<Self.partitionCount {
      for service in Service.allCases { launch(service, partition) }
    }
    Clients(world: self).begin()
    everySecond()
    moveMarket()
    quoteBook()
    let end = Self.start + Self.busy + Self.quiet
    while let next = queue.nextTime, next <= end, let event = queue.take() {
      now = max(now, event.time)
      event.action()
    }
    now = end
    // What never happened holds the world and would keep it in memory.
    queue = EventQueue()
    processes = []
  }

  private func publishReference() {
    for venue in venues { _ = append(Place(Topic.instruments, 0), value: venue.instrument.encoded()) }
    for account in accounts {
      var limits = Limits(account: account)
      limits.version = 1
      limits.maximumOrdersPerSecond = Int.random(in: 3...8, using: &generator)
      limits.maximumPosition = [.init(asset: "BTC", quantity: Quantity(units: 3_0000_0000))]
      _ = append(Place(Topic.limits, 0), value: limits.encoded())
      history.limits[account] = limits
    }
    publishBooks()
  }

  private func moveMarket() {
    for venue in venues { venue.move(self) }
    schedule(after: isBusy ? 200 * Interval.millisecond : Interval.second) { self.moveMarket() }
  }

  private func quoteBook() {
    publishBooks()
    schedule(after: isBusy ? 500 * Interval.millisecond : Interval.second) { self.quoteBook() }
  }

  private func publishBooks() { for venue in venues { publishBook(of: venue) } }

  private func publishBook(of venue: SimulatedVenue) {
    let record = venue.book(at: now)
    history.quotes.append((venue.name, now, record.isValid))
    _ = append(Place(Topic.book(venue: venue.name, symbol: Self.symbol), 0), value: record.encoded())
  }

  private func everySecond() {
    for venue in venues {
      if chance(faults.outage) { venue.beginOutage(self) }
      if chance(faults.breakBook) {
        venue.bookBrokenUntil = now + upTo(6 * Interval.second)
        publishBook(of: venue)
        trace("the book of \(venue.name) is broken until \(venue.bookBrokenUntil)")
      }
    }
    if chance(faults.brokerDown) {
      brokerDownUntil = now + upTo(3 * Interval.second)
      trace("broker away until \(brokerDownUntil)")
    }
    if chance(faults.databaseDown) {
      databaseDownUntil = now + upTo(5 * Interval.second)
      trace("PostgreSQL away")
    }
    if chance(faults.strangers) { Stranger(world: self).write() }
    if chance(faults.flushRedis) {
      redis = [:]
      trace("Redis flushed")
      for process in processes where process.isAlive { process.deliver(after: upTo(Interval.second)) { process.redisLost() } }
    }
    for process in processes where process.isAlive {
      if chance(faults.skewClock) { process.clockOffset = upTo(300 * Interval.millisecond) - 150 * Interval.millisecond }
      if chance(faults.rebalance / 6) { process.handOver() }
    }
    schedule(after: Interval.second) { self.everySecond() }
  }

  // MARK: Processes

  enum Service: String, CaseIterable {
    case riskGate = "RiskGate"
    case orderManager = "OrderManager"
    case reconciler = "Reconciler"

    var input: String {
      switch self {
      case .riskGate: Topic.orders
      case .orderManager: Topic.approved
      case .reconciler: Topic.executions
      }
    }
  }

  /// Starts a member that the group gives the partition to.
  func launch(_ service: Service, _ partition: Int32) {
    processCount += 1
    let generation = broker.nextGeneration(Place(service.input, partition))
    let process: SimulatedProcess =
      switch service {
      case .riskGate: RiskGateProcess(self, service, partition, number: processCount, generation: generation)
      case .orderManager: OrderManagerProcess(self, service, partition, number: processCount, generation: generation)
      case .reconciler: ReconcilerProcess(self, service, partition, number: processCount, generation: generation)
      }
    processes.append(process)
    trace("\(process) starts")
    process.deliver(after: upTo(50 * Interval.millisecond)) { process.start() }
  }

  func succeed(_ process: SimulatedProcess, after delay: Int64) {
    schedule(after: delay) { self.launch(process.service, process.partition) }
  }

  func forget(_ process: SimulatedProcess) { processes.removeAll { $0 === process } }

  // MARK: The log

  /// Appends at once, as somebody whom nothing delays.
  func append(
    _ place: Place, key: [UInt8]? = nil, value: [UInt8]?, headers: RecordHeaders = RecordHeaders(), sentAt: Timestamp? = nil
  ) -> Int64 {
    let offset = broker.append(place, key: key, value: value, headers: headers, sentAt: sentAt ?? now, at: now)
    for process in processes where process.isAlive { process.noteAppend(place) }
    return offset
  }
}

/// What happened that the log does not tell.
struct History {
  var trace: [String] = []
  var limits: [Account: Limits] = [:]
  var controls: [Account: [Control]] = [:]
  /// Whose book was published when, and whether it was valid.
  var quotes: [(venue: Venue, at: Timestamp, isValid: Bool)] = []
  var violations: [String] = []
  var crashes = 0
  var stalls = 0
  var handOvers = 0
  var submitted = 0
}
