import Books
import Domain
import OrderManagerCore
import Venues
import Wire

/// OrderManager around its core: carries out take-over, effects, commits and wire calls on the simulated broker and venues, each as a step
/// of its own.
final class OrderManagerProcess: SimulatedProcess {
  private var core: OrderManagerPartition?
  private var lease = Lease()
  private var isStopping = false
  private var clocks: [Venue: VenueClock] = [:]
  private lazy var streams = world.venues.map { PrivateStream(self, $0.name) }
  /// Followed where there is something to choose.
  private var books: [Venue: BookFollower] = [:]

  private var routes: [Route] {
    world.accounts(of: partition).flatMap { account in world.venues.map { Route(account, $0.name) } }
  }
  private var executions: Place { Place(Topic.executions, partition) }

  private var settings: OrderManagerSettings {
    var settings = OrderManagerSettings(
      deployment: "apus", partition: partition, partitionCount: World.partitionCount, owner: "ordermanager/\(number)",
      routes: routes)
    settings.seed = UInt64(number)
    settings.terminalCapacity = world.remembered
    settings.fees = Dictionary(uniqueKeysWithValues: world.venues.map { ($0.name, $0.fees) })
    return settings
  }

  // MARK: Taking the partition

  override func start() {
    let committed = world.broker.committed(Place(Topic.approved, partition)) ?? 0
    proceed(TakeOver(partition, owner: "ordermanager/\(number)", begun: world.now.nanoseconds), committed: committed)
  }

  private func proceed(_ takeOver: TakeOver, committed: Int64) {
    var takeOver = takeOver
    switch takeOver.step {
    case .append(let topic, let key, let value):
      produce(Place(topic, partition), key: key, value: value, headers: RecordHeaders()) { offset in
        takeOver.appended(at: offset)
        self.proceed(takeOver, committed: committed)
      }
    case .read(let stretch):
      for record in world.broker.records(Place(stretch.topic, partition), from: stretch.from, to: stretch.to ?? .max) {
        takeOver.read(replanned(InputRecord(record)), key: record.key)
      }
      takeOver.finishReading()
      deliver(after: world.upTo(2 * Interval.millisecond)) { self.proceed(takeOver, committed: committed) }
    case .wait(let instant):
      deliver(after: max(0, instant - world.now.nanoseconds)) {
        takeOver.waited()
        self.proceed(takeOver, committed: committed)
      }
    case .done:
      guard !takeOver.isFenced || world.mutation == .fencing else { return restart("is fenced") }
      begin(takeOver.restored(committed: committed), next: takeOver.nextExecution)
    }
  }

  private func begin(_ restored: RestoredOrders, next: Int64) {
    world.trace("\(self) took the partition: epoch \(restored.epoch), approvals from \(restored.nextApproval)")
    core = OrderManagerPartition(settings)
    feed(.restored(restored))
    for (topic, read) in [(Topic.instruments, self.instrument), (Topic.control, self.control)] {
      let place = Place(topic, 0)
      for record in world.broker.records(place) { read(record) }
      follow(place, from: world.broker.end(place))
    }
    follow(executions, from: next)
    renewLease()
    follow(Place(Topic.approved, partition), from: restored.nextApproval)
    followBooks()
    keepClocks()
    for stream in streams { stream.connect() }
    isReady = true
    tick()
    refreshRedis()
  }

  // MARK: Input

  override func receive(_ record: LoggedRecord, at place: Place) {
    switch place.topic {
    case Topic.approved: feed(.approved(InputRecord(record)))
    case Topic.executions: feed(.execution(InputRecord(record)))
    case Topic.control: control(record)
    case Topic.instruments: instrument(record)
    default: book(record)
    }
  }

  private func instrument(_ record: LoggedRecord) {
    if let instrument = record.value.flatMap({ try? Instrument($0) }) { feed(.instrument(instrument)) }
  }

  private func control(_ record: LoggedRecord) {
    if let control = record.value.flatMap({ try? Control($0) }) { feed(.control(control)) }
  }

  private func followBooks() {
    guard world.venues.count > 1 else { return }
    for venue in world.venues {
      let place = Place(Topic.book(venue: venue.name, symbol: World.symbol), 0)
      follow(place, from: world.broker.end(place) - 1)
    }
  }

  private func book(_ record: LoggedRecord) {
    guard let record = record.value.flatMap({ try? BookRecord($0) }) else { return }
    books[record.venue, default: BookFollower()].take(record)
    guard let book = books[record.venue] else { return }
    feed(.book(book.view(venue: record.venue, symbol: record.symbol, depth: 10)))
  }

  /// The venue's circuit breaker has opened, or closed again.
  func cut(_ venue: Venue, _ isCut: Bool) { if isReady { feed(.cut(venue, isCut)) } }

  override func redisLost() { feed(.redisLost) }

  // MARK: Time

  private func tick() {
    feed(.tick)
    deliver(after: 50 * Interval.millisecond) { self.tick() }
  }

  private func refreshRedis() {
    deliver(after: 30 * Interval.second) {
      self.feed(.redisLost)
      self.refreshRedis()
    }
  }

  private func renewLease() {
    let begun = (world.now.nanoseconds, wallClock)
    let committed = core?.committable ?? 0
    commit(committed) {
      self.lease.renew(begun: begun.0)
      self.feed(.lease(until: begun.1 + Lease.length, committed: committed))
    }
    if world.mutation == .fencing { feed(.lease(until: wallClock + Interval.hour, committed: 0)) }
    deliver(after: Lease.renewalInterval) { if !self.isStopping { self.renewLease() } }
  }

  private func keepClocks() {
    for venue in world.venues { measureClock(of: venue) }
    deliver(after: 20 * Interval.second) { self.keepClocks() }
  }

  private func measureClock(of venue: SimulatedVenue) {
    let half = Interval.millisecond + world.upTo(10 * Interval.millisecond)
    let begun = wallClock
    let asked = venue.clock(world.now + half)
    deliver(after: 2 * half) {
      let ended = self.wallClock
      guard ended >= begun else { return }
      let middle = (ended - begun) / 2
      let clock = VenueClock(offset: asked - (begun + middle), uncertainty: middle + Interval.millisecond)
      self.clocks[venue.name] = clock
      self.feed(.clock(venue.name, clock))
    }
  }

  // MARK: The private streams

  override func ended() { for stream in streams { stream.close() } }

  /// The private stream of an account came up or went down.
  func connected(_ route: Route, _ isConnected: Bool) { feed(.connected(route, isConnected)) }

  /// Something is said on the stream of an account.
  func hear(_ report: VenueOrderReport, of account: Account, at venue: Venue) {
    streams.first { $0.venue == venue }?.hear { self.feed(.stream(Route(account, venue), .order(report))) }
  }

  // MARK: Giving back

  override func release(_ done: @escaping () -> Void) {
    isStopping = true
    feed(.stop)
    settle(until: world.now + 1_500 * Interval.millisecond, done)
  }

  private func settle(until deadline: Timestamp, _ done: @escaping () -> Void) {
    guard let core, core.outstanding > 0, world.now < deadline else {
      commit(core?.committable ?? 0) {}
      return done()
    }
    deliver(after: Interval.millisecond) { self.settle(until: deadline, done) }
  }

  // MARK: Effects

  private func feed(_ event: OrderManagerEvent) {
    var effects: [OrderManagerEffect] = []
    core?.apply(event, at: wallClock, into: &effects)
    for effect in effects { perform { self.carryOut(effect) } }
  }

  private func carryOut(_ effect: OrderManagerEffect) {
    switch effect {
    case .publish(let publication): publish(publication)
    case .call(let call): send(call)
    case .redis(.order(let account, let id, let value, let isOpen)):
      world.redis["order:\(account):\(id)"] = value
      world.redis["open:\(account):\(id)"] = isOpen ? value : nil
    case .redis(.openOrders(let account, let ids)):
      for key in world.redis.keys where key.hasPrefix("open:\(account):") {
        if !ids.contains(where: { key == "open:\(account):\($0)" }) { world.redis[key] = nil }
      }
    case .measureClock(let venue): measureClock(of: world.venue(venue))
    case .log: break
    case .fenced: if world.mutation != .fencing { restart("is fenced") }
    }
  }

  private func publish(_ publication: Publication) {
    trace(publication)
    let place = Place(publication.topic, publication.partition ?? 0)
    produce(place, key: Array(publication.key.utf8), value: publication.value, headers: publication.headers) { offset in
      self.feed(.acknowledged(token: publication.token, offset: offset))
    }
  }

  private func trace(_ publication: Publication) {
    guard world.isTracing, let value = publication.value else { return }
    switch publication.topic {
    case Topic.executions:
      guard let record = try? ExecutionRecord(value) else { return }
      switch record {
      case .order(let event):
        let fill = event.fill.map { " fill \($0.tradeID): \($0.quantity)" } ?? ""
        world.trace("\(self) says \(event.clientOrderID) is \(event.status) (\(event.provenance))\(fill) \(event.reason ?? "")")
      case .plan(let plan):
        let children = plan.children.map { "\($0.quantity) at \($0.venue) as \($0.venueClientID)" }.joined(separator: ", ")
        world.trace("\(self) plans \(plan.approval.clientOrderID): \(children)")
      default: break
      }
    case Topic.alerts: if let alert = try? Alert(value) { world.trace("\(self) alert \(alert.code): \(alert.message)") }
    default: break
    }
  }

  // MARK: The venue

  /// The last look at the lease, then the signature, then the wire: between them the process may stall.
  private func send(_ call: VenueCall) {
    let venue = world.venue(call.route.venue)
    guard let clock = clocks[venue.name] else { return answer(call, .notSent(reason: "no clock")) }
    let deadline = lease.deadline(of: call, monotonic: world.now.nanoseconds, wall: wallClock)
    guard deadline != nil || world.mutation == .fencing else {
      return answer(call, .notSent(reason: "the lease or the approval has run out"))
    }
    let signedAt = wallClock + clock.offset
    let permit = SendPermit(lease: Timestamp(nanoseconds: lease.end), at: world.now)
    perform { venue.receive(call, signedAt: signedAt, permit: permit, from: self) }
  }

  private func answer(_ call: VenueCall, _ result: VenueResult) {
    answer(call.token, world.venue(call.route.venue).judge(result, of: call.action), after: 0)
  }

  func answer(_ token: UInt64, _ answer: AccountAnswer, after delay: Int64) {
    deliver(after: delay) { self.feed(.answered(token: token, self.careless(answer))) }
  }

  /// For an OrderManager that must not resolve: what is unknown counts as not sent.
  private func careless(_ answer: AccountAnswer) -> AccountAnswer {
    guard world.mutation == .resolution, case .order(.unknown(let failure)) = answer else { return answer }
    return .order(.failed(VenueFailure(.transient, reason: failure.reason)))
  }

  // MARK: A missing safeguard

  /// For a successor that decides anew: the plans of orders whose venue was to be chosen name another one.
  private func replanned(_ record: InputRecord) -> InputRecord {
    guard world.mutation == .replanning, let value = record.value, case .plan(var plan)? = try? ExecutionRecord(value),
      plan.approval.request.venue == .best
    else { return record }
    let names = world.venues.map(\.name)
    for index in plan.children.indices {
      let place = names.firstIndex(of: plan.children[index].venue) ?? 0
      plan.children[index].venue = names[(place + 1) % names.count]
    }
    return InputRecord(source: record.source, value: ExecutionRecord.plan(plan).encoded(), headers: record.headers)
  }
}

extension InputRecord {
  init(_ record: LoggedRecord) { self.init(source: record.source, value: record.value, headers: record.headers) }
}
