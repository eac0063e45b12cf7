import Domain
import RiskGateCore
import Wire

/// RiskGate around its core: carries out take-over, outputs and commits on the simulated broker, each as a step of its own.
final class RiskGateProcess: SimulatedProcess {
  private var gate: GatePartition?

  private var settings: RiskSettings {
    var settings = RiskSettings(
      partition: partition, partitionCount: World.partitionCount,
      defaults: OrderDefaults(account: world.accounts[0], symbol: World.symbol))
    settings.snapshotInterval = Interval.second
    return settings
  }

  // MARK: Taking the partition

  override func start() {
    let committed = world.broker.committed(Place(Topic.orders, partition)) ?? 0
    proceed(TakeOver(settings, owner: "riskgate"), committed: committed)
  }

  private func proceed(_ takeOver: TakeOver, committed: Int64) {
    var takeOver = takeOver
    switch takeOver.step {
    case .append(let topic, let key, let value, let headers):
      produce(Place(topic, partition), key: key, value: value, headers: headers) { offset in
        takeOver.appended(at: offset)
        self.proceed(takeOver, committed: committed)
      }
    case .read(let stretch):
      do throws(RecordError) {
        try read(stretch, into: &takeOver)
      } catch {
        return world.history.violations.append("RiskGate cannot restore: \(error)")
      }
      deliver(after: world.upTo(2 * Interval.millisecond)) { self.proceed(takeOver, committed: committed) }
    case .done: begin(takeOver, committed: committed)
    }
  }

  private func read(_ stretch: LogStretch, into takeOver: inout TakeOver) throws(RecordError) {
    let place = Place(stretch.topic, partition)
    let end = min(stretch.to ?? .max, world.broker.end(place))
    let isDecisions = stretch.topic == Topic.approved || stretch.topic == Topic.rejected
    if !isDecisions || world.mutation != .decisionDeduplication {
      for record in world.broker.records(place, from: stretch.from, to: end) {
        let value = stretch.topic == Topic.executions ? falsified(record.value) : record.value
        try takeOver.read(key: record.key, value: value, epoch: record.epoch, source: record.source, at: wallClock)
      }
    }
    try takeOver.finishReading(next: end)
  }

  private func begin(_ takeOver: TakeOver, committed: Int64) {
    let (gate, start) = takeOver.partition(committed: committed, at: wallClock)
    world.trace("\(self) took the partition: epoch \(gate.epoch), orders from \(start)")
    self.gate = gate
    var known: [RiskEvent] = []
    for topic in [Topic.instruments, Topic.limits, Topic.control] {
      let place = Place(topic, 0)
      known += world.broker.records(place).compactMap(event)
      follow(place, from: world.broker.end(place))
    }
    for venue in world.venues {
      let book = Place(Topic.book(venue: venue.name, symbol: World.symbol), 0)
      known += world.broker.records(book, from: world.broker.end(book) - 1).compactMap(event)
      follow(book, from: world.broker.end(book))
    }
    change { $0.begin(knowing: known, at: $1, into: &$2) }
    follow(Place(Topic.executions, partition), from: takeOver.executionsNext)
    follow(Place(Topic.orders, partition), from: start)
    isReady = true
    tick()
  }

  // MARK: Input

  override func receive(_ record: LoggedRecord, at place: Place) {
    guard place.topic == Topic.orders else { return event(record).map(apply) ?? () }
    change { $0.decide(record.value, source: record.source, headers: record.headers, at: $1, into: &$2) }
  }

  private func event(_ record: LoggedRecord) -> RiskEvent? {
    guard let value = record.value else { return nil }
    switch record.source.topic {
    case Topic.executions: return .execution(payload: falsified(value), source: record.source, epoch: record.epoch)
    case Topic.instruments: return (try? Instrument(value)).map { .instrument($0) }
    case Topic.limits: return (try? Limits(value)).map { .limits($0) }
    case Topic.control: return (try? Control(value)).map { .control($0, source: record.source) }
    default: return (try? BookRecord.topOnly(value)).map { .book($0) }
    }
  }

  /// For a RiskGate that must not keep reservations: whatever is said of a live order says that it is over.
  private func falsified(_ payload: [UInt8]?) -> [UInt8]? {
    guard world.mutation == .reservation, let payload, let record = try? ExecutionRecord(payload) else { return payload }
    switch record {
    case .order(var event) where !event.status.isTerminal:
      event.status = .cancelled
      return ExecutionRecord.order(event).encoded()
    case .plan(let plan):
      guard let child = plan.children.first, let side = plan.approval.request.side else { return payload }
      let event = OrderEvent(
        account: plan.approval.request.account, clientOrderID: plan.approval.clientOrderID, venue: child.venue,
        symbol: plan.approval.request.symbol, side: side, quantity: child.quantity, limitPrice: child.price, status: .cancelled,
        provenance: .engine, time: plan.time)
      return ExecutionRecord.order(event).encoded()
    default: return payload
    }
  }

  // MARK: Time

  private func tick() {
    apply(.tick)
    perform { if let offset = self.gate?.takeCommit() { self.commit(offset) {} } }
    deliver(after: 100 * Interval.millisecond) { self.tick() }
  }

  override func redisLost() { apply(.refresh) }

  override func release(_ done: @escaping () -> Void) {
    apply(.flush)
    settle(done)
  }

  private func settle(_ done: @escaping () -> Void) {
    guard let gate, gate.isSettled else { return deliver(after: Interval.millisecond) { self.settle(done) } }
    commit(gate.committable) {}
    done()
  }

  // MARK: Outputs

  private func apply(_ event: RiskEvent) { change { $0.apply(event, at: $1, into: &$2) } }

  private func change(_ body: (inout GatePartition, Timestamp, inout [GateOutput]) -> Void) {
    guard gate != nil else { return }
    var outputs: [GateOutput] = []
    body(&gate!, wallClock, &outputs)
    for output in outputs { perform { self.carryOut(output) } }
  }

  private func carryOut(_ output: GateOutput) {
    note(output.effect)
    guard let record = output.record else { return }
    let place = Place(record.topic, record.partition)
    produce(place, key: Array(record.key.utf8), value: record.value, headers: record.headers) { offset in
      self.takeAcknowledgement(record.receipt, at: offset)
    }
  }

  private func takeAcknowledgement(_ receipt: GateReceipt, at offset: Int64) {
    if let stretch = gate?.intrusion(before: receipt, at: offset) {
      let newest = world.broker.end(Place(Topic.approved, partition)) - 1
      for record in world.broker.records(Place(stretch.topic, partition), from: stretch.from, to: offset) {
        gate?.readIntruder(record.value, of: stretch.topic, at: record.offset, newest: newest)
      }
      if gate?.isFenced == true { return restart("is fenced") }
    }
    change { $0.acknowledge(receipt, at: offset, time: $1, into: &$2) }
  }

  private func note(_ effect: RiskEffect) {
    switch effect {
    case .approve(let approval):
      world.trace(
        "\(self) approves \(approval.clientOrderID)\(approval.isDuplicate ? " again" : "") of \(approval.source.offset)")
    case .reject(let rejection): world.trace("\(self) rejects \(rejection.clientOrderID): \(rejection.code)")
    case .deadLetter(let letter): world.trace("\(self) dead letter: \(letter.reason)")
    case .alert(let alert): world.trace("\(self) alert \(alert.code): \(alert.message)")
    case .position(let view): world.redis["position:\(view.account):\(view.symbol)"] = view.encoded()
    case .risk(let view): world.redis["risk:\(view.control.account)"] = view.encoded()
    case .rekey(let account, _, _, let origin): world.trace("\(self) moves \(origin.offset) of \(account)")
    case .snapshot: break
    }
  }
}
