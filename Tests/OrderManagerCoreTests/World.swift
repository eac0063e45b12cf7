import Domain
import OrderManagerCore
import Venues
import Wire

/// The log, a venue and one owner of the partition (or two, while a stalled one has not noticed), in virtual time, with faults.
struct World {
  struct Faults {
    var loseRequest = 0.0
    var loseReply = 0.0
    var slowRequest = 0.0
    var repeatStream = 0.0
    var dropStream = 0.0
    var hideOrder = 0.0
    var refuse = 0.0
    var crash = 0.0
    var stall = 0.0
  }

  /// One process.
  struct Owner {
    var core: OrderManagerPartition
    var effects: [OrderManagerEffect] = []
    var inbox: [(at: Timestamp, event: OrderManagerEvent)] = []
    var nextApproval: Int64
    var nextExecution: Int
    var leaseUntil: Timestamp
    var lastAck = Timestamp.zero
  }

  struct Request {
    var at: Timestamp
    var signedAt: Timestamp
    var call: VenueCall
    /// Nil once the process that asked is gone.
    var owner: Int?
    var isLost: Bool
  }

  static let account = known(Account("main"))
  static let route = Route(account, .binance)
  static let leaseDuration = 2 * Interval.second

  var generator: SeededGenerator
  var faults: Faults
  var now = Timestamp(nanoseconds: 1_700_000_000 * Interval.second)
  var approvals: [InputRecord] = []
  var executions: [InputRecord] = []
  var states: [(key: String, record: InputRecord)] = []
  var alerts: [Alert] = []
  var logLines: [String] = []
  var committed: Int64 = 0
  var owners: [Int: Owner] = [:]
  var current = 0
  var venue = VenueModel()
  var requests: [Request] = []
  var spoken = 0
  /// A new process is taking over while the former one may still be at work.
  var isSucceeding = false
  var crashes = 0
  /// Broken promises, in words.
  var violations: [String] = []

  init(seed: UInt64, faults: Faults = Faults()) {
    generator = SeededGenerator(seed: seed)
    self.faults = faults
    append(EpochMarker(epoch: -1, owner: "riskgate").encoded())
    takeOver()
  }

  var owner: Owner {
    get { owners[current]! }
    set { owners[current] = newValue }
  }

  static func known<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("a literal of the tests is legal") }
    return value
  }

  static let instrument = Instrument(
    venue: .binance, symbol: known(Symbol("BTC-USDT")), venueSymbol: VenueModel.symbol, tick: Price(units: 100_000_000),
    lot: Quantity(units: 1_000))

  static func settings() -> OrderManagerSettings {
    var settings = OrderManagerSettings(
      deployment: "apus", partition: Partitioner.partition(forKey: account.text.utf8, count: 6), partitionCount: 6,
      owner: "ordermanager/test", routes: [route])
    settings.checkpointInterval = 200 * Interval.millisecond
    settings.sweepInterval = Interval.second
    settings.connectedSweepInterval = 2 * Interval.second
    return settings
  }

  mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < probability }
  mutating func upTo(_ milliseconds: Int64) -> Int64 { Int64.random(in: 0...milliseconds * 1_000_000, using: &generator) }

  // MARK: Input

  /// Appends an approval, as RiskGate would.
  mutating func approve(
    _ id: String, action: OrderAction = .new, side: Side = .buy, quantity: String? = "1", price: String? = "100",
    timeInForce: TimeInForce = .ioc, target: String? = nil, validFor: Int64 = 5 * Interval.second, control: Int64 = 0,
    epoch: Int64? = 0, isDuplicate: Bool = false
  ) {
    let request = OrderRequest(
      action: action, account: Self.account, symbol: Self.instrument.symbol, side: action == .new ? side : nil, type: .limit,
      quantity: quantity.flatMap { try? Quantity($0) }, price: price.flatMap { try? Price($0) }, timeInForce: timeInForce,
      target: target.flatMap { ClientOrderID($0) }, allSymbols: true)
    let offset = Int64(approvals.count)
    let approval = Approval(
      request: Shared(request), clientOrderID: Self.known(ClientOrderID(id)), quantity: request.quantity,
      limitPrice: request.price,
      timeInForce: timeInForce, validUntil: now + validFor, controlVersion: control, limitsVersion: 0, decidedAt: now,
      source: RecordSource(topic: Topic.orders, partition: 0, offset: offset, timestamp: now), isDuplicate: isDuplicate)
    append(approval.encoded(), epoch: epoch)
  }

  mutating func append(_ value: [UInt8]?, epoch: Int64? = nil) {
    let source = RecordSource(topic: Topic.approved, partition: 0, offset: Int64(approvals.count), timestamp: now)
    approvals.append(InputRecord(source: source, value: value, headers: RecordHeaders(epoch: epoch)))
  }

  mutating func feed(_ event: OrderManagerEvent, to number: Int? = nil) {
    let number = number ?? current
    guard var owner = owners[number] else { return }
    owner.core.apply(event, at: now, into: &owner.effects)
    owners[number] = owner
  }

  // MARK: Owners

  /// A new process takes the partition: fences, waits out the lease of the one before (which may go on working meanwhile), reads
  /// the log.
  mutating func takeOver(former: Int? = nil) {
    let epoch = appendMarker(epoch: -1)
    isSucceeding = true
    if let former {
      let end = now + Self.leaseDuration
      while now < end { step(former, renewsLease: false) }
      owners[former] = nil
      for index in requests.indices where requests[index].owner == former { requests[index].owner = nil }
    }
    isSucceeding = false
    _ = appendMarker(epoch: epoch)
    var restoration = OrderRestoration(epoch: epoch)
    for state in states { restoration.readState(state.record, key: state.key) }
    for record in executions.dropFirst(Int(restoration.executionsStart)) { restoration.readExecution(record) }
    current += 1
    owners[current] = Owner(
      core: OrderManagerPartition(Self.settings()), nextApproval: committed, nextExecution: executions.count,
      leaseUntil: now + Self.leaseDuration)
    feed(.restored(restoration.finish(nextApproval: committed)))
    feed(.instrument(Self.instrument))
    feed(.clock(.binance, VenueClock(offset: 0, uncertainty: Interval.millisecond)))
    feed(.lease(until: owner.leaseUntil, committed: 0))
    feed(.connected(Self.route, true))
  }

  mutating func crash() {
    crashes += 1
    let former = current
    if chance(faults.stall) { return takeOver(former: former) }
    owners[former] = nil
    for index in requests.indices where requests[index].owner == former { requests[index].owner = nil }
    takeOver()
  }

  private mutating func appendMarker(epoch: Int64) -> Int64 {
    let offset = Int64(executions.count)
    let marker = EpochMarker(epoch: epoch, owner: "ordermanager/test")
    appendExecution(marker.encoded(), epoch: nil)
    let source = RecordSource(topic: Topic.orderState, partition: 0, offset: Int64(states.count), timestamp: now)
    let resolved = EpochMarker(epoch: epoch < 0 ? offset : epoch, owner: marker.owner)
    states.append(("epoch", InputRecord(source: source, value: resolved.encoded())))
    return epoch < 0 ? offset : epoch
  }

  private mutating func appendExecution(_ value: [UInt8]?, epoch: Int64?) {
    let source = RecordSource(topic: Topic.executions, partition: 0, offset: Int64(executions.count), timestamp: now)
    executions.append(InputRecord(source: source, value: value, headers: RecordHeaders(epoch: epoch)))
  }

  // MARK: Time

  /// Some milliseconds pass: a few effects are carried out, what is due is delivered, the owner may die.
  mutating func step(_ number: Int? = nil, renewsLease: Bool = true, milliseconds: Int64 = 20) {
    let number = number ?? current
    now = now + Int64.random(in: 1...milliseconds * 1_000_000, using: &generator)
    let count = Int.random(in: 0...6, using: &generator)
    for _ in 0..<count {
      guard carryOutOne(number) else { break }
      if renewsLease, chance(faults.crash) { return crash() }
    }
    reachVenue()
    deliver(number)
    if renewsLease {
      readInputs(number)
      // The broker takes commits of the present generation only.
      if number == current, let owner = owners[number] { committed = owner.core.committable }
      owners[number]?.leaseUntil = now + Self.leaseDuration
      feed(.lease(until: now + Self.leaseDuration, committed: number == current ? committed : 0), to: number)
    }
    feed(.tick, to: number)
  }

  private mutating func readInputs(_ number: Int) {
    while let owner = owners[number], owner.nextApproval < Int64(approvals.count) {
      owners[number]?.nextApproval += 1
      feed(.approved(approvals[Int(owner.nextApproval)]), to: number)
    }
    while let owner = owners[number], owner.nextExecution < executions.count {
      owners[number]?.nextExecution += 1
      feed(.execution(executions[owner.nextExecution]), to: number)
    }
  }

  private mutating func deliver(_ number: Int) {
    guard let inbox = owners[number]?.inbox else { return }
    owners[number]?.inbox = inbox.filter { $0.at > now }
    for entry in inbox.filter({ $0.at <= now }).sorted(by: { $0.at < $1.at }) { feed(entry.event, to: number) }
  }

  private mutating func carryOutOne(_ number: Int) -> Bool {
    guard let effect = owners[number]?.effects.first else { return false }
    owners[number]?.effects.removeFirst()
    switch effect {
    case .publish(let publication): publish(publication, number)
    case .call(let call): send(call, number)
    case .log(let line): logLines.append(line)
    case .redis, .measureClock, .fenced: break
    }
    return true
  }

  private mutating func publish(_ publication: Publication, _ number: Int) {
    var offset: Int64 = 0
    switch publication.topic {
    case Topic.executions:
      offset = Int64(executions.count)
      appendExecution(publication.value, epoch: publication.headers.epoch)
    case Topic.orderState:
      let source = RecordSource(topic: publication.topic, partition: 0, offset: Int64(states.count), timestamp: now)
      states.append((publication.key, InputRecord(source: source, value: publication.value, headers: publication.headers)))
    case Topic.alerts:
      if let value = publication.value, let alert = try? Alert(value) { alerts.append(alert) }
    default: break
    }
    let at = max(owners[number]?.lastAck ?? .zero, now + upTo(5))
    owners[number]?.lastAck = at
    owners[number]?.inbox.append((at, .acknowledged(token: publication.token, offset: offset)))
  }

  /// What the shell does: a last look at the lease, then the wire, which may swallow the request or the reply.
  private mutating func send(_ call: VenueCall, _ number: Int) {
    if let notAfter = call.notAfter, now >= min(notAfter, owners[number]?.leaseUntil ?? .zero) {
      return answer(call, failure: VenueFailure(.transient, reason: "not sent"), isCertain: true, to: number, after: 0)
    }
    if case .place(let order) = call.action { checkPlanned(order.clientID) }
    let isSlow = chance(faults.slowRequest)
    requests.append(
      Request(
        at: now + upTo(isSlow ? 4_000 : 40), signedAt: now, call: call, owner: number, isLost: chance(faults.loseRequest)))
  }

  private mutating func checkPlanned(_ clientID: String) {
    let isPlanned = executions.contains { record in
      guard case .plan(let plan)? = try? ExecutionRecord(record.value ?? []) else { return false }
      return plan.children.contains { $0.venueClientID == clientID }
    }
    if !isPlanned { violations.append("\(clientID) was sent before its plan was in the log") }
  }

  private mutating func reachVenue() {
    let due = requests.filter { $0.at <= now }.sorted { $0.at < $1.at }
    requests.removeAll { $0.at <= now }
    for request in due { reachVenue(request) }
    say()
    if let index = venue.orders.indices.randomElement(using: &generator), chance(0.05) {
      venue.trade(index, at: now, using: &generator)
      say()
    }
  }

  private mutating func reachVenue(_ request: Request) {
    let timeout = VenueFailure(.transient, reason: "connection lost")
    if request.isLost { return answer(request.call, failure: timeout, isCertain: false, to: request.owner, after: upTo(2_000)) }
    if now - request.signedAt > 2 * Interval.second {
      return answer(request.call, failure: VenueFailure(.clock, reason: "too late"), isCertain: true, to: request.owner, after: 0)
    }
    if chance(faults.refuse) {
      return answer(request.call, failure: VenueFailure(.transient, reason: "busy"), isCertain: true, to: request.owner, after: 0)
    }
    let answered: AccountAnswer
    switch request.call.action {
    case .place(let order):
      let hidden = chance(faults.hideOrder) ? upTo(2_000) : 0
      answered = .order(venue.place(order, at: now, hiddenFor: hidden, using: &generator))
    case .cancel(let clientID, _): answered = .order(venue.cancel(clientID, at: now))
    default: answered = venue.answer(request.call.action, at: now)
    }
    if chance(faults.loseReply) {
      return answer(request.call, failure: timeout, isCertain: false, to: request.owner, after: upTo(1_000))
    }
    guard let owner = request.owner else { return }
    let at = now + upTo(30)
    owners[owner]?.inbox.append((at, .answered(token: request.call.token, answered)))
  }

  private mutating func answer(_ call: VenueCall, failure: VenueFailure, isCertain: Bool, to owner: Int?, after delay: Int64) {
    guard let owner else { return }
    let answer: AccountAnswer
    switch call.action {
    case .place, .cancel: answer = .order(isCertain ? .failed(failure) : .unknown(failure))
    case .order: answer = .order(.failed(failure))
    case .openOrders, .allOrders: answer = .orders(.failed(failure))
    case .trades: answer = .trades(.failed(failure))
    case .account: answer = .account(.failed(failure))
    }
    owners[owner]?.inbox.append((now + delay, .answered(token: call.token, answer)))
  }

  /// What the venue has said since the last time goes out on the stream, or does not, or twice.
  private mutating func say() {
    for report in venue.stream[spoken...] {
      for _ in 0..<(chance(faults.repeatStream) ? 2 : 1) where !chance(faults.dropStream) {
        let at = now + upTo(60)
        owners[current]?.inbox.append((at, .stream(Self.route, .order(report))))
      }
    }
    spoken = venue.stream.count
  }

  // MARK: The log, read naively

  /// The events that count: those of a former owner after a newer one's marker do not.
  var events: [OrderEvent] {
    var epoch: Int64 = -1
    var events: [OrderEvent] = []
    for (offset, record) in executions.enumerated() {
      guard let execution = try? ExecutionRecord(record.value ?? []) else { continue }
      switch execution {
      case .epoch(let marker): epoch = max(epoch, marker.epoch < 0 ? Int64(offset) : marker.epoch)
      case .order(let event): if (record.headers.epoch ?? -1) >= epoch { events.append(event) }
      default: break
      }
    }
    return events
  }

  func events(of id: String) -> [OrderEvent] { events.filter { $0.clientOrderID.text == id } }
  func status(of id: String) -> OrderStatus? { events(of: id).last?.status }

  /// No more faults; runs until nothing changes any more.
  mutating func settle(seconds: Int64 = 60) {
    faults = Faults()
    let end = now + seconds * Interval.second
    while now < end { step(milliseconds: 200) }
  }
}
