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
  private let takeOver: TakeOver
  private var gates: [Int32: Gate] = [:]
  private var effects: [RiskEffect] = []
  private var hasKnownMarket = false

  /// One partition that is decided here.
  private struct Gate {
    var engine: RiskEngine
    let epoch: Int64
    var progress: InputProgress
    var committed: Int64
    /// Behind the last own record on each output: the offsets of the only writer have no gaps.
    var approvedNext: Int64
    var rejectedNext: Int64

    mutating func noteCommit() { committed = progress.committable }
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
    outbox = try Outbox(kafka, wakeup: context.wakeup)
    feed = try ReferenceFeed(context)
    takeOver = TakeOver(context: context, reader: try KafkaReader(kafka), outbox: outbox)
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
      case .forAll(let event): for partition in gates.keys.sorted() { try apply(event, to: partition) }
      case .execution(let partition, let event): try apply(event, to: partition)
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
    let partition = message.partition
    guard gates[partition] != nil else { return }
    boundary("riskgate.order.polled")
    let time = context.clock.now()
    let source = RecordSource(message)
    let headers = message.recordHeaders
    context.metrics.sinceAppend.observe(nanoseconds: time - source.timestamp)
    gates[partition]?.progress.begin(source.offset)
    let record = OrderRecord(payload: message.value, source: source, origin: headers.origin)
    let input = Input(offset: source.offset, headers: headers.adding("riskgate.in", time))
    try apply(.order(record), to: partition, at: time, for: input)
    gates[partition]?.progress.finish(source.offset)
    context.metrics.decision.observe(nanoseconds: context.clock.now() - time)
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
      // What was committed has its outcomes in the log, those that leave the partition included.
      let start = max(taken.engine.checkpoint.orders, committed[TopicPartition(Topic.orders, partition)] ?? 0)
      gates[partition] = Gate(
        engine: taken.engine, epoch: taken.epoch, progress: InputProgress(from: start), committed: start,
        approvedNext: taken.epoch + 1, rejectedNext: taken.rejectedNext)
      gates[partition]?.engine.beginReading(at: start)
      for event in feed.known { try apply(event, to: partition) }
      try apply(.ready, to: partition)
      try feed.follow(partition, from: taken.executions)
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
    for partition in gates.keys.sorted() { try apply(.flush, to: partition) }
    if try outbox.drain(timeoutMilliseconds: 2_000) {
      try takeAcknowledgements()
      let places = gates.keys.sorted().compactMap(place)
      // Whoever comes next finds the outcomes in the log, with these offsets or without.
      if !places.isEmpty {
        do throws(KafkaError) { try consumer.commit(places, timeoutMilliseconds: 1_000) } catch {
          context.logger.warning("offsets were not committed: \(error)")
        }
      }
    }
    try drop()
  }

  private func drop() throws {
    for partition in gates.keys.sorted() {
      try feed.leave(partition)
      outbox.forget(partition)
    }
    gates.removeAll()
    context.metrics.partitions.set(0)
  }

  private func place(_ partition: Int32) -> TopicPartitionOffset? {
    gates[partition].map { TopicPartitionOffset(Topic.orders, partition, offset: $0.progress.committable) }
  }

  // MARK: Time and acknowledgements

  private func tick() throws {
    let isForgetful = context.isRedisForgetful.take()
    for partition in gates.keys.sorted() {
      if isForgetful { try apply(.refresh, to: partition) }
      try apply(.tick, to: partition)
    }
    context.metrics.outstanding.set(Int64(outbox.outstanding))
    let changed = gates.keys.sorted().filter { gates[$0].map { $0.progress.committable > $0.committed } ?? false }
    guard !changed.isEmpty else { return }
    boundary("riskgate.commit.due")
    try consumer.commitAsync(changed.compactMap(place), token: 0)
    for partition in changed { gates[partition]?.noteCommit() }
  }

  private func takeAcknowledgements() throws {
    var touched: Set<Int32> = []
    for record in try outbox.takeAcknowledged() {
      let partition = record.inputPartition
      guard gates[partition] != nil else { continue }
      boundary("riskgate.outcome.acknowledged", if: record.input != nil)
      try checkAlone(record)
      if let input = record.input { gates[partition]?.progress.finish(input) }
      switch record.topicPartition.topic {
      case Topic.approved: gates[partition]?.approvedNext = record.offset + 1
      case Topic.rejected: gates[partition]?.rejectedNext = record.offset + 1
      default: break
      }
      touched.insert(partition)
    }
    for partition in touched.sorted() {
      guard let gate = gates[partition] else { continue }
      try apply(.acknowledged(approved: gate.approvedNext, rejected: gate.rejectedNext), to: partition)
    }
  }

  /// Somebody else has written where only the owner writes. Records of a former owner count for nobody; a marker means that ours do
  /// not count either, be it that of a process which stalled while it took the partition and does not know that it lost it again.
  private func checkAlone(_ record: Outbox.Acknowledgement) throws {
    guard let gate = gates[record.inputPartition] else { return }
    let place = record.topicPartition
    let expected: Int64
    switch place.topic {
    case Topic.approved: expected = gate.approvedNext
    case Topic.rejected: expected = gate.rejectedNext
    default: return
    }
    guard record.offset > expected else { return }
    let reader = takeOver.reader
    // Epochs begin on `orders.approved`; a marker that names one which cannot have begun there is nobody's.
    let newest = try reader.watermarks(Topic.approved, place.partition).high - 1
    var fence = EpochFence(epoch: gate.epoch)
    try reader.readPartition(place.topic, place.partition, from: expected, to: record.offset) { message in
      guard let value = message.value, let reader = try? RecordReader(value), let marker = EpochMarker(reader) else { return }
      _ = place.topic == Topic.approved ? fence.see(marker, at: message.offset) : fence.see(marker, notAbove: newest)
    }
    guard fence.epoch > gate.epoch else { return }
    throw OutboxError(description: "another owner has marked \(place.topic)[\(place.partition)]")
  }

  // MARK: Effects

  /// The record on `orders` that is being decided.
  private struct Input {
    let offset: Int64
    let headers: RecordHeaders
  }

  private func apply(_ event: RiskEvent, to partition: Int32, at time: Timestamp? = nil, for input: Input? = nil) throws {
    guard gates[partition] != nil else { return }
    gates[partition]?.engine.apply(event, at: time ?? context.clock.now(), into: &effects)
    for effect in effects { try carryOut(effect, partition, input) }
    effects.removeAll(keepingCapacity: true)
  }

  private func carryOut(_ effect: RiskEffect, _ partition: Int32, _ input: Input?) throws {
    switch effect {
    case .approve(let approval):
      if approval.isDuplicate { context.metrics.duplicates.add() } else { context.metrics.approved.add() }
      try send(Topic.approved, partition, approval.request.account.text, approval.encoded(), partition, input)
    case .reject(let rejection):
      context.metrics.count(rejection)
      context.logger.info(
        rejection.reason, ["account": .string(rejection.account.text), "order": .string(rejection.clientOrderID.text)])
      try send(Topic.rejected, partition, rejection.account.text, rejection.encoded(), partition, input)
    case .deadLetter(let letter):
      context.metrics.deadLetters.add()
      if letter.code == .unfenced { context.metrics.unfenced.add() }
      try send(Topic.deadLetters, 0, letter.source.topic, letter.encoded(), partition, input)
    case .rekey(let account, let right, let payload, let origin):
      context.metrics.moved.add()
      var moved = input?.headers ?? RecordHeaders()
      moved.origin = origin
      try send(Topic.orders, right, account.text, payload, partition, input.map { Input(offset: $0.offset, headers: moved) })
    case .snapshot(let key, let value):
      let headers = RecordHeaders(epoch: gates[partition]?.epoch).adding("riskgate.out", context.clock.now())
      try outbox.sendSnapshot(partition, key: key, value: value, headers: headers)
    case .alert(let alert): try send(Topic.alerts, 0, alert.service, alert.encoded(), partition, nil)
    case .position(let view): context.live.show(view)
    case .risk(let view): context.live.show(view)
    }
  }

  private func send(
    _ topic: String, _ target: Int32, _ key: String, _ value: [UInt8], _ partition: Int32, _ input: Input?
  ) throws {
    var headers = input?.headers ?? RecordHeaders()
    // `orders` has many writers and no owner: what is moved there carries no epoch.
    headers.epoch = topic == Topic.orders ? nil : gates[partition]?.epoch
    if let input { gates[partition]?.progress.add(input.offset) }
    boundary("riskgate.outcome.decided", if: input != nil)
    try outbox.send(
      topic, partition: target, key: key, value: value, headers: headers.adding("riskgate.out", context.clock.now()),
      input: input?.offset, inputPartition: partition)
    boundary("riskgate.outcome.sent", if: input != nil)
  }
}
