import Domain
import Kafka
import RiskGateCore
import Runtime
import Wire

/// The gate's thread: reads orders and everything that decisions rest on, lets the partitions' engines decide, and carries out what
/// they want.
final class GateLoop {
  static let group = "riskgate"
  private static let tickNanoseconds = 100 * Interval.millisecond

  private let context: GateContext
  private let consumer: KafkaConsumer
  private let feed: ReferenceFeed
  private let outbox: Outbox
  private let takeOver: TakeOverDriver
  /// The partitions that are decided here, in their order.
  private var gates: [Gate] = []
  private var outputs: [GateOutput] = []
  private var hasKnownMarket = false

  /// A partition and its number. In a place of its own: a collection of values would move all of it for every change.
  private final class Gate {
    let partition: Int32
    var core: GatePartition

    init(_ partition: Int32, _ core: GatePartition) {
      self.partition = partition
      self.core = core
    }
  }

  /// Runs until the end, with every outcome acknowledged.
  static func run(_ context: GateContext, until stop: Latch) throws {
    context.health.set("orders", .unhealthy("no partitions yet"))
    context.health.set("market", .unhealthy("no instrument with a valid book yet"))
    guard try createTopics(context, until: stop) else { return }
    let loop = try GateLoop(context)
    try loop.run(until: stop)
  }

  private static func createTopics(_ context: GateContext, until stop: Latch) throws -> Bool {
    var backoff = Backoff(initialMilliseconds: 250, maximumMilliseconds: 5_000)
    var generator = SeededGenerator(seed: UInt64(bitPattern: monotonicNanoseconds()))
    while !stop.isSet {
      do throws(KafkaError) {
        try KafkaAdmin(context.settings.kafka).createTopics(context.settings.topics, timeoutMilliseconds: 2_000)
        return true
      } catch {
        context.logger.warning("no topics yet: \(error)")
      }
      stop.wait(timeoutMilliseconds: backoff.nextDelayMilliseconds(using: &generator))
    }
    return false
  }

  private init(_ context: GateContext) throws {
    self.context = context
    let kafka = context.settings.kafka
    outbox = try Outbox(kafka)
    feed = try ReferenceFeed(context)
    takeOver = TakeOverDriver(context: context, reader: try KafkaReader(kafka), outbox: outbox)
    consumer = try KafkaConsumer(kafka, group: Self.group, instanceID: context.settings.instance)
    consumer.attach(context.wakeup)
    try consumer.subscribe([Topic.orders])
  }

  private func run(until stop: Latch) throws {
    var nextTick = monotonicNanoseconds()
    while !stop.isSet {
      context.wakeup.wait(timeoutMilliseconds: 50)
      var isBusy = true
      while isBusy, !stop.isSet {
        isBusy = try takeNews()
        isBusy = try takeOrders() || isBusy
        try takeAcknowledgements()
        guard monotonicNanoseconds() >= nextTick else { continue }
        nextTick = monotonicNanoseconds() + Self.tickNanoseconds
        try tick()
      }
    }
    try release()
    consumer.close(timeoutMilliseconds: 1_000)
    feed.close()
  }

  // MARK: Inputs

  /// Executions and references come first: a decision rests on all that is known.
  private func takeNews() throws -> Bool {
    let news = try feed.take(limit: 1_000)
    for item in news {
      switch item {
      case .forAll(let event): for gate in gates { try apply(event, to: gate) }
      case .execution(let partition, let event): if let gate = gate(partition) { try apply(event, to: gate) }
      }
    }
    // Said once: a book that breaks later is not this program's ill health.
    if !hasKnownMarket, feed.knowsMarket {
      hasKnownMarket = true
      context.health.set("market", .healthy)
    }
    return !news.isEmpty
  }

  private func takeOrders() throws -> Bool {
    // While nobody knows how old an order is, it waits.
    guard !context.clock.isInDoubt else { return false }
    var count = 0
    while count < 200, !outbox.isFull, let event = consumer.poll(timeoutMilliseconds: 0) {
      count += 1
      switch event {
      case .message(let message): try take(message)
      case .assigned(let partitions): try assume(partitions.map(\.partition))
      case .revoked:
        try release()
        try consumer.unassign()
      case .lost:
        context.logger.warning("the group took the partitions")
        try drop()
        try consumer.unassign()
      case .committed(_, _, let error):
        boundary("riskgate.commit.answered")
        if let error { context.logger.warning("offsets were not committed: \(error)") }
      case .error(let error):
        if error.isFatal { throw error }
        context.logger.warning("orders: \(error)")
      case .endOfPartition: continue
      }
    }
    return count > 0
  }

  private func take(_ message: KafkaMessage) throws {
    guard let gate = gate(message.partition) else { return }
    boundary("riskgate.order.polled")
    let time = context.clock.now()
    let source = RecordSource(message)
    context.metrics.sinceAppend.observe(nanoseconds: time - source.timestamp)
    gate.core.decide(message.value, source: source, headers: message.recordHeaders, at: time, into: &outputs)
    let decided = context.clock.now()
    try carryOut(gate, at: decided)
    context.metrics.decision.observe(nanoseconds: decided - time)
  }

  // MARK: Partitions

  private func assume(_ partitions: [Int32]) throws {
    context.health.set("orders", .unhealthy("restoring"))
    // A replica that gets nothing stands by.
    let places = partitions.map { TopicPartition(Topic.orders, $0) }
    let committed = places.isEmpty ? [:] : try consumer.committed(places)
    var starts: [TopicPartitionOffset] = []
    for partition in partitions {
      let taken = try takeOver.run(partition)
      let (core, start) = taken.partition(
        committed: committed[TopicPartition(Topic.orders, partition)] ?? 0, at: context.clock.now())
      let gate = Gate(partition, core)
      gates.removeAll { $0.partition == partition }
      gates.append(gate)
      gates.sort { $0.partition < $1.partition }
      gate.core.begin(knowing: feed.known, at: context.clock.now(), into: &outputs)
      try carryOut(gate, at: context.clock.now())
      try feed.follow(partition, from: taken.executionsNext)
      starts.append(TopicPartitionOffset(Topic.orders, partition, offset: start))
    }
    try consumer.assign(starts)
    boundary("riskgate.takeover.assigned", if: !starts.isEmpty)
    context.metrics.partitions.set(Int64(gates.count))
    context.health.set("orders", .healthy)
  }

  /// Gives the partitions back with everything written: snapshots, outcomes, offsets. All of it within the time that a program has to
  /// stop.
  private func release() throws {
    context.health.set("orders", .unhealthy("no partitions"))
    for gate in gates { try apply(.flush, to: gate) }
    if try settle(timeoutMilliseconds: 2_000), !gates.isEmpty {
      // Whoever comes next finds the outcomes in the log, with these offsets or without.
      do throws(KafkaError) {
        let places = gates.map { TopicPartitionOffset(Topic.orders, $0.partition, offset: $0.core.committable) }
        try consumer.commit(places, timeoutMilliseconds: 1_000)
      } catch {
        context.logger.warning("offsets were not committed: \(error)")
      }
    }
    try drop()
  }

  private func drop() throws {
    for gate in gates { try feed.leave(gate.partition) }
    gates.removeAll()
    context.metrics.partitions.set(0)
  }

  /// Waits until the broker has everything; false when the time is over first.
  private func settle(timeoutMilliseconds: Int) throws -> Bool {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    while !gates.allSatisfy(\.core.isSettled) {
      guard !deadline.isPast else { return false }
      try takeAcknowledgements(timeoutMilliseconds: 50)
    }
    return true
  }

  // MARK: Time and acknowledgements

  private func tick() throws {
    let isForgetful = context.isRedisForgetful.take()
    var commits: [TopicPartitionOffset] = []
    for gate in gates {
      if isForgetful { try apply(.refresh, to: gate) }
      try apply(.tick, to: gate)
      if let offset = gate.core.takeCommit() {
        commits.append(TopicPartitionOffset(Topic.orders, gate.partition, offset: offset))
      }
    }
    context.metrics.outstanding.set(Int64(outbox.outstanding))
    guard !commits.isEmpty else { return }
    boundary("riskgate.commit.due")
    try consumer.commitAsync(commits, token: 0)
  }

  private func takeAcknowledgements(timeoutMilliseconds: Int = 0) throws {
    let acknowledged = try outbox.takeAcknowledged(timeoutMilliseconds: timeoutMilliseconds)
    guard !acknowledged.isEmpty else { return }
    let time = context.clock.now()
    for done in acknowledged {
      boundary("riskgate.outcome.acknowledged", if: done.receipt.isOutcome)
      guard let gate = gate(done.partition) else { continue }
      if let stretch = gate.core.intrusion(before: done.receipt, at: done.offset) { try checkAlone(gate, stretch) }
      gate.core.acknowledge(done.receipt, at: done.offset, time: time, into: &outputs)
      try carryOut(gate, at: time)
    }
  }

  /// Somebody else has written where only the owner writes.
  private func checkAlone(_ gate: Gate, _ stretch: LogStretch) throws {
    let newest = try takeOver.reader.watermarks(Topic.approved, gate.partition).high - 1
    try takeOver.reader.readPartition(stretch.topic, gate.partition, from: stretch.from, to: stretch.to) { message in
      gate.core.readIntruder(message.value, of: stretch.topic, at: message.offset, newest: newest)
    }
    guard gate.core.isFenced else { return }
    throw OutboxError(description: "another owner has marked \(stretch.topic)[\(gate.partition)]")
  }

  // MARK: Outputs

  private func gate(_ partition: Int32) -> Gate? { gates.first { $0.partition == partition } }

  private func apply(_ event: RiskEvent, to gate: Gate) throws {
    let time = context.clock.now()
    gate.core.apply(event, at: time, into: &outputs)
    try carryOut(gate, at: time)
  }

  /// Carries out what a partition wants, in order.
  private func carryOut(_ gate: Gate, at time: Timestamp) throws {
    for output in outputs {
      note(output.effect)
      guard let record = output.record else { continue }
      boundary("riskgate.outcome.decided", if: record.receipt.isOutcome)
      try outbox.send(record, of: gate.partition, at: time)
      boundary("riskgate.outcome.sent", if: record.receipt.isOutcome)
      boundary("riskgate.snapshot.sent", if: record.topic == Topic.riskState)
    }
    outputs.removeAll(keepingCapacity: true)
  }

  private func note(_ effect: RiskEffect) {
    switch effect {
    case .approve(let approval):
      if approval.isDuplicate { context.metrics.duplicates.add() } else { context.metrics.approved.add() }
    case .reject(let rejection):
      context.metrics.count(rejection)
      context.logger.info(
        rejection.reason, ["account": .string(rejection.account.text), "order": .string(rejection.clientOrderID.text)])
    case .deadLetter: context.metrics.deadLetters.add()
    case .rekey: context.metrics.moved.add()
    case .alert(let alert): if alert.severity == .critical { context.logger.error(alert.message) }
    case .position(let view): context.live.show(view)
    case .risk(let view): context.live.show(view)
    case .snapshot: break
    }
  }
}
