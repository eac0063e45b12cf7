import Domain
import Kafka
import Postgres
import ReconcilerCore
import Runtime
import Wire

/// The thread that carries the log into PostgreSQL. The group assigns partitions of `executions`; the same partitions of the decision
/// topics are read beside them. Every input goes on from the offset in the database. Whenever the database fails, reading stops, what
/// is in memory is dropped, and all starts over from the database's offsets: nothing else needs to be right.
final class Projector {
  private static let decisionTopics = [Topic.approved, Topic.rejected]
  private static let batchLimit = 500

  private let settings: ReconcilerSettings
  private let outbox: Outbox
  private let ownership: Ownership
  private let health: Health
  private let logger: Logger
  private let meters: ProjectorMeters

  private let wakeup: Wakeup
  private let group: KafkaConsumer
  private let decisions: KafkaConsumer

  private var store: ProjectionStore?
  private var owned: [Int32] = []
  /// The inputs as the database has them; empty while nothing is read.
  private var inputs: [TopicPartition: InputState] = [:]
  private var backoff = Backoff(initialMilliseconds: 100, maximumMilliseconds: 5_000)
  private var nextAttempt = Deadline(afterMilliseconds: 0)
  /// Topics on which strangers were found.
  private var strangers: Set<String> = []

  init(
    settings: ReconcilerSettings, outbox: Outbox, ownership: Ownership, health: Health, metrics: Metrics, logger: Logger
  ) throws {
    self.settings = settings
    self.outbox = outbox
    self.ownership = ownership
    self.health = health
    self.logger = logger
    meters = ProjectorMeters(metrics)
    wakeup = try Wakeup()
    // A few large transactions cost far less than many small ones, and leave the log to those who act on it.
    group = try KafkaConsumer(settings.kafka, group: "reconciler", instanceID: settings.instance, inBulk: true)
    decisions = try KafkaConsumer(manual: settings.kafka, inBulk: true)
    group.attach(wakeup)
    decisions.attach(wakeup)
  }

  func run(until stop: Latch) throws {
    stop.onSet { [wakeup] in wakeup.signal() }
    try group.subscribe([Topic.executions])
    while !stop.isSet {
      if inputs.isEmpty, !owned.isEmpty, nextAttempt.isPast { takeUp() }
      let records = try drain()
      if records.isEmpty {
        wakeup.wait(timeoutMilliseconds: inputs.isEmpty ? Int(min(100, nextAttempt.remainingMilliseconds + 1)) : 500)
      } else {
        store(records)
      }
    }
    group.close(timeoutMilliseconds: 2_000)
  }

  /// Connects if need be, asks the database where each input goes on, and starts to read there.
  private func takeUp() {
    do {
      let store = try store ?? ProjectionStore(url: settings.databaseURL, migrations: settings.migrations)
      self.store = store
      var states: [TopicPartition: InputState] = [:]
      var places: [TopicPartitionOffset] = []
      for partition in owned {
        for topic in Self.decisionTopics + [Topic.executions] {
          let state = try store.input(topic: topic, partition: partition)
          let place = TopicPartition(topic, partition)
          states[place] = state
          places.append(TopicPartitionOffset(place, offset: try firstOffset(of: state)))
        }
      }
      inputs = states
      try group.assign(places.filter { $0.topic == Topic.executions })
      try decisions.assign(places.filter { $0.topic != Topic.executions })
      announce()
      backoff.reset()
      health.set("postgres", .healthy)
      logger.info("projecting", ["partitions": .string(owned.map { String($0) }.joined(separator: ","))])
    } catch {
      stopReading(because: error)
    }
  }

  /// The next offset, or the oldest that is left when the next record has expired. A log that ends before what was read from it is
  /// another log: reading it as this one would lose whatever it holds.
  private func firstOffset(of state: InputState) throws -> Int64 {
    let ends = try decisions.watermarks(state.topic, state.partition, timeoutMilliseconds: 1_500)
    guard state.nextOffset <= ends.high else {
      throw ProjectionFailure(
        "\(state.topic)[\(state.partition)] ends at \(ends.high), yet \(state.nextOffset) records of it are stored: it is another log"
      )
    }
    if state.nextOffset > 0, state.nextOffset < ends.low {
      outbox.raise(
        .critical, "log_expired",
        "\(state.topic)[\(state.partition)]: \(ends.low - state.nextOffset) records expired before they were read.")
    }
    return max(state.nextOffset, ends.low)
  }

  /// Everything that has come, up to one batch.
  private func drain() throws -> [LogRecord] {
    var records: [LogRecord] = []
    for consumer in [decisions, group] {
      while records.count < Self.batchLimit, let event = consumer.poll(timeoutMilliseconds: 0) {
        if try handle(event, &records) { break }
      }
    }
    return records
  }

  /// True when what was drained so far must be dropped, and was.
  private func handle(_ event: KafkaEvent, _ records: inout [LogRecord]) throws -> Bool {
    switch event {
    case .message(let message):
      let place = message.topicPartition
      // What was fetched before a rebalance may still come out of the queue.
      guard inputs[place] != nil else { break }
      do throws(KafkaError) {
        records.append(try logRecord(message))
      } catch {
        records = []
        stopReading(because: error)
        return true
      }
    case .assigned(let partitions):
      owned = partitions.map(\.partition)
      ownership.take(owned)
      records = []
      try pause()
      health.set("kafka", .healthy)
      return true
    case .revoked, .lost:
      owned = []
      ownership.take([])
      records = []
      inputs = [:]
      try group.unassign()
      try decisions.unassign()
      return true
    case .committed, .endOfPartition: break
    case .error(let error):
      if error.isFatal { throw error }
      logger.warning("kafka", ["error": .init(describing: error)])
    }
    return false
  }

  /// With a marker on `orders.rejected` comes the newest epoch that can have begun; only markers have no key.
  private func logRecord(_ message: KafkaMessage) throws(KafkaError) -> LogRecord {
    var record = LogRecord(message)
    guard message.topic == Topic.rejected, message.key == nil else { return record }
    record.newestEpoch = try decisions.watermarks(Topic.approved, message.partition, timeoutMilliseconds: 1_500).high - 1
    return record
  }

  private func store(_ records: [LogRecord]) {
    do {
      guard let store else { throw ProjectionFailure("records came without a database") }
      let started = monotonicNanoseconds()
      boundary("reconciler.batch.drained")
      do {
        try keep(makeBatch(records), in: store)
      } catch let error as PostgresError where error.isFaultOfTheRecord {
        for record in records { try keepAlone(record, in: store) }
      }
      meters.batches.observe(nanoseconds: monotonicNanoseconds() - started)
      meters.records.add(Int64(records.count))
      boundary("reconciler.batch.stored")
      announce()
      commitToGroup()
    } catch {
      stopReading(because: error)
    }
  }

  private func makeBatch(_ records: [LogRecord]) -> Batch {
    var batch = Batch()
    for record in records {
      guard let stored = inputs[TopicPartition(record.place.topic, record.place.partition)] else { continue }
      batch.add(record, stored: stored)
    }
    return batch
  }

  /// Dead letters first: once the offset has moved on nobody reads the record again.
  private func keep(_ batch: Batch, in store: ProjectionStore) throws {
    for letter in batch.unreadable { bury(letter.record, letter.error) }
    if !batch.unreadable.isEmpty, try !outbox.flush(timeoutMilliseconds: 3_000) {
      throw ProjectionFailure("dead letters are not acknowledged")
    }
    try store.store(batch)
    for advance in batch.advances { inputs[TopicPartition(advance.after.topic, advance.after.partition)] = advance.after }
    meters.fenced.add(Int64(batch.fencedCount))
  }

  /// One record by itself, so that values which the database refuses cost that record alone.
  private func keepAlone(_ record: LogRecord, in store: ProjectionStore) throws {
    let batch = makeBatch([record])
    do {
      try keep(batch, in: store)
    } catch let error as PostgresError where error.isFaultOfTheRecord {
      bury(record, RecordError(.outOfRange, "PostgreSQL refuses the record: \(error)"))
      outbox.raise(.critical, "record_not_stored", "\(record.place.source) cannot be stored: \(error)")
      try keep(batch.skippingChanges(), in: store)
    }
  }

  private func bury(_ record: LogRecord, _ error: RecordError) {
    if error.code == .unfenced { noteStranger(record.place, error) } else { meters.unreadable.add() }
    outbox.send(DeadLetter(service: Outbox.service, error: error, source: record.place.source, payload: record.value))
  }

  /// Somebody writes where only an owner may: a person is told once of each topic.
  private func noteStranger(_ place: LogPlace, _ error: RecordError) {
    meters.unfenced.add()
    guard strangers.insert(place.topic).inserted else { return }
    outbox.raise(.critical, "unfenced_record", "Somebody else writes to \(place.topic). \(error.reason) It is ignored.")
  }

  /// The group's offsets steer nothing; they show the usual tools how far this program is.
  private func commitToGroup() {
    let places = inputs.filter { $0.key.topic == Topic.executions }.map {
      TopicPartitionOffset($0.key, offset: $0.value.nextOffset)
    }
    do { try group.commitAsync(places, token: 0) } catch { logger.debug("commit: \(error)") }
  }

  private func announce() {
    for partition in owned {
      guard let state = inputs[TopicPartition(Topic.executions, partition)] else { continue }
      ownership.set(partition, storedUpTo: state.nextOffset)
    }
  }

  /// The membership goes on; the offsets in the database say where to begin again.
  private func stopReading(because error: any Error) {
    logger.error("the projection is interrupted", ["error": .init(describing: error)])
    health.set("postgres", .unhealthy("\(error)"))
    meters.interruptions.add()
    if (error as? PostgresError)?.isConnectionLost ?? true { store = nil }
    var generator = SystemRandomNumberGenerator()
    nextAttempt = Deadline(afterMilliseconds: backoff.nextDelayMilliseconds(using: &generator))
    ownership.take(owned)
    do { try pause() } catch { logger.error("kafka", ["error": .init(describing: error)]) }
  }

  /// Answers the group without fetching anything.
  private func pause() throws {
    inputs = [:]
    try group.assign([])
    try decisions.unassign()
  }
}

/// Why the projection cannot go on for now.
struct ProjectionFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// What the projector counts.
struct ProjectorMeters: Sendable {
  let records: Counter
  let fenced: Counter
  let unfenced: Counter
  let unreadable: Counter
  let interruptions: Counter
  let batches: Histogram

  init(_ metrics: Metrics) {
    records = metrics.counter("apus_reconciler_records_total", help: "Records of the log that were stored")
    fenced = metrics.counter("apus_reconciler_fenced_total", help: "Records of former owners that were ignored")
    unfenced = metrics.counter(
      "apus_reconciler_unfenced_total", help: "Records where only an owner writes, without its epoch")
    unreadable = metrics.counter("apus_reconciler_unreadable_total", help: "Records that became dead letters")
    interruptions = metrics.counter("apus_reconciler_interruptions_total", help: "Times that the projection had to start over")
    batches = metrics.histogram("apus_reconciler_batch_seconds", help: "Time to store one batch")
  }
}

extension LogRecord {
  /// A copy of a fetched record.
  init(_ message: KafkaMessage) {
    let epoch = message.header("epoch").flatMap { Int64(String(decoding: $0.prefix(32), as: UTF8.self)) }
    let place = LogPlace(
      topic: message.topic, partition: message.partition, offset: message.offset, appendedAt: message.timestamp)
    self.init(place: place, epoch: epoch, value: message.value)
  }
}
