import Domain
import RiskGateCore
import Wire

/// RiskGate's shell: the same steps in the same order as `Sources/RiskGate/App`.
final class RiskGateProcess: SimulatedProcess {
  private var engine: RiskEngine?
  private var epoch: Int64 = -1
  private var progress = InputProgress(from: 0)
  private var committed: Int64 = 0
  private var approvedNext: Int64 = 0
  private var rejectedNext: Int64 = 0
  private var outcomes = InputProgress(from: 0)
  private var nextOutcome: Int64 = 0
  private var held: [(key: String, value: [UInt8], outcomes: Int64)] = []
  private var input: Int64?
  private var effects: [RiskEffect] = []

  private var settings: RiskSettings {
    var settings = RiskSettings(
      partition: partition, partitionCount: World.partitionCount,
      defaults: OrderDefaults(account: world.accounts[Int(partition)], symbol: World.symbol))
    settings.snapshotInterval = Interval.second
    return settings
  }

  // MARK: Taking the partition

  override func start() {
    let committed = world.broker.committed(Place(Topic.orders, partition)) ?? 0
    let first = EpochMarker(epoch: -1, owner: "riskgate").encoded()
    mark(Topic.approved, first, RecordHeaders()) { epoch in
      let marker = EpochMarker(epoch: epoch, owner: "riskgate").encoded()
      self.mark(Topic.rejected, marker, RecordHeaders(epoch: epoch)) { rejected in
        self.mark(Topic.riskState, marker, RecordHeaders(epoch: epoch)) { state in
          self.restore(epoch: epoch, rejected: rejected, state: state, committed: committed)
        }
      }
    }
  }

  private func mark(_ topic: String, _ marker: [UInt8], _ headers: RecordHeaders, _ done: @escaping (Int64) -> Void) {
    let key = topic == Topic.riskState ? Array("@epoch".utf8) : nil
    produce(Place(topic, partition), key: key, value: marker, headers: headers, done)
  }

  private func restore(epoch: Int64, rejected: Int64, state: Int64, committed: Int64) {
    var restore = RiskRestore(settings, epoch: epoch)
    do {
      for record in world.broker.records(Place(Topic.riskState, partition), to: state) {
        try restore.readState(key: record.key, value: record.value, epoch: record.epoch)
      }
      let decisions = [
        (Topic.approved, restore.checkpoint.approved, epoch), (Topic.rejected, restore.checkpoint.rejected, rejected),
      ]
      for (topic, from, to) in decisions where world.mutation != .decisionDeduplication {
        for record in world.broker.records(Place(topic, partition), from: from, to: to) {
          try restore.readDecision(topic: topic, value: record.value, epoch: record.epoch, offset: record.offset)
        }
      }
      engine = try restore.engine()
    } catch {
      world.history.violations.append("RiskGate cannot restore: \(error)")
      return
    }
    self.epoch = epoch
    begin(rejected: rejected, committed: committed)
  }

  private func begin(rejected: Int64, committed: Int64) {
    let executions = Place(Topic.executions, partition)
    let end = world.broker.end(executions)
    var ignored: [RiskEffect] = []
    for record in world.broker.records(executions, from: engine?.checkpoint.executions ?? 0, to: end) {
      engine?.apply(execution(record), at: wallClock, into: &ignored)
    }
    engine?.apply(.acknowledged(approved: epoch + 1, rejected: rejected + 1), at: wallClock, into: &ignored)
    let start = max(engine?.checkpoint.orders ?? 0, committed)
    world.trace("\(self) took the partition: epoch \(epoch), orders from \(start), executions from \(end)")
    progress = InputProgress(from: start)
    self.committed = start
    approvedNext = epoch + 1
    rejectedNext = rejected + 1
    engine?.beginReading(at: start)
    for topic in [Topic.instruments, Topic.limits, Topic.control] {
      let place = Place(topic, 0)
      for record in world.broker.records(place) { receive(record, at: place) }
      follow(place, from: world.broker.end(place))
    }
    let book = Place(Topic.book(venue: .binance, symbol: World.symbol), 0)
    for record in world.broker.records(book, from: world.broker.end(book) - 1) { receive(record, at: book) }
    follow(book, from: world.broker.end(book))
    apply(.ready)
    follow(executions, from: end)
    follow(Place(Topic.orders, partition), from: start)
    isReady = true
    tick()
  }

  // MARK: Input

  override func receive(_ record: LoggedRecord, at place: Place) {
    guard let value = record.value else { return }
    switch place.topic {
    case Topic.orders: take(record)
    case Topic.executions: apply(execution(record))
    case Topic.instruments: if let instrument = try? Instrument(value) { apply(.instrument(instrument)) }
    case Topic.limits: if let limits = try? Limits(value) { apply(.limits(limits)) }
    case Topic.control: if let control = try? Control(value) { apply(.control(control, source: record.source)) }
    default: if let book = try? BookRecord.topOnly(value) { apply(.book(book)) }
    }
  }

  private func take(_ record: LoggedRecord) {
    progress.begin(record.offset)
    apply(.order(OrderRecord(payload: record.value, source: record.source, origin: record.headers.origin)), for: record.offset)
    perform { self.progress.finish(record.offset) }
  }

  private func execution(_ record: LoggedRecord) -> RiskEvent {
    .execution(payload: falsified(record.value), source: record.source, epoch: record.epoch)
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
    perform {
      if self.progress.committable > self.committed {
        self.committed = self.progress.committable
        self.commit(self.committed) {}
      }
    }
    deliver(after: 100 * Interval.millisecond) { self.tick() }
  }

  override func redisLost() { apply(.refresh) }

  override func release(_ done: @escaping () -> Void) {
    drain {
      self.apply(.flush)
      self.perform {
        self.drain {
          self.commit(self.progress.committable) {}
          done()
        }
      }
    }
  }

  private func drain(_ done: @escaping () -> Void) {
    guard outstanding > 0 else { return done() }
    deliver(after: Interval.millisecond) { self.drain(done) }
  }

  // MARK: Effects

  private func apply(_ event: RiskEvent, for input: Int64? = nil) {
    engine?.apply(event, at: wallClock, into: &effects)
    let effects = effects
    self.effects.removeAll(keepingCapacity: true)
    for effect in effects { perform { self.carryOut(effect, input) } }
  }

  private func carryOut(_ effect: RiskEffect, _ input: Int64?) {
    switch effect {
    case .approve(let approval):
      world.trace(
        "\(self) approves \(approval.clientOrderID)\(approval.isDuplicate ? " again" : "") of \(approval.source.offset)")
      send(Topic.approved, approval.request.account.text, approval.encoded(), input)
    case .reject(let rejection):
      world.trace("\(self) rejects \(rejection.clientOrderID): \(rejection.code)")
      send(Topic.rejected, rejection.account.text, rejection.encoded(), input)
    case .deadLetter(let letter):
      world.trace("\(self) dead letter: \(letter.reason)")
      send(Topic.deadLetters, letter.source.topic, letter.encoded(), input)
    case .rekey: break  // The simulated clients hit the right partition.
    case .snapshot(let key, let value):
      held.append((key, value, nextOutcome))
      sendHeldSnapshots()
    case .alert(let alert):
      world.trace("\(self) alert \(alert.code): \(alert.message)")
      send(Topic.alerts, alert.service, alert.encoded(), nil)
    case .position(let view): world.redis["position:\(view.account):\(view.symbol)"] = view.encoded()
    case .risk(let view): world.redis["risk:\(view.control.account)"] = view.encoded()
    }
  }

  /// A snapshot waits until every outcome before it is in the log.
  private func sendHeldSnapshots() {
    while let first = held.first, outcomes.committable >= first.outcomes {
      held.removeFirst()
      send(Topic.riskState, first.key, first.value, nil)
    }
  }

  /// True when somebody else has marked the partition: what is written here counts no more.
  private func isFenced(_ place: Place, from expected: Int64, to offset: Int64) -> Bool {
    var fence = EpochFence(epoch: epoch)
    let newest = world.broker.end(Place(Topic.approved, partition)) - 1
    for record in world.broker.records(place, from: expected, to: offset) {
      guard let reader = record.value.flatMap({ try? RecordReader($0) }), let marker = EpochMarker(reader) else { continue }
      _ = place.topic == Topic.approved ? fence.see(marker, at: record.offset) : fence.see(marker, notAbove: newest)
    }
    return fence.epoch > epoch
  }

  private func send(_ topic: String, _ key: String, _ value: [UInt8], _ input: Int64?) {
    if let input { progress.add(input) }
    let outcome = topic == Topic.riskState ? nil : nextOutcome
    if let outcome {
      outcomes.begin(outcome)
      nextOutcome += 1
    }
    let isShared = topic == Topic.alerts || topic == Topic.deadLetters
    let place = Place(topic, isShared ? 0 : partition)
    produce(place, key: Array(key.utf8), value: value, headers: RecordHeaders(epoch: epoch)) { offset in
      if let outcome { self.outcomes.finish(outcome) }
      let expected = topic == Topic.approved ? self.approvedNext : topic == Topic.rejected ? self.rejectedNext : offset
      if offset > expected, self.isFenced(place, from: expected, to: offset) { return self.restart("is fenced") }
      if let input { self.progress.finish(input) }
      switch topic {
      case Topic.approved: self.approvedNext = offset + 1
      case Topic.rejected: self.rejectedNext = offset + 1
      default: break
      }
      self.sendHeldSnapshots()
      self.apply(.acknowledged(approved: self.approvedNext, rejected: self.rejectedNext))
    }
  }
}
