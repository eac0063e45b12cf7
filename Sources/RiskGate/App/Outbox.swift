import Domain
import Kafka
import RiskGateCore
import Runtime
import Wire

/// Writes records and knows which of them the broker has. A record that it refuses for good ends the process: the state is ahead of
/// the log then, and only a fresh start from the log knows what is true.
final class Outbox {
  /// A record that the broker has acknowledged.
  struct Acknowledgement {
    let topicPartition: TopicPartition
    let offset: Int64
    /// The record on `orders` that it answers.
    let input: Int64?
    /// Its partition.
    let inputPartition: Int32
  }

  /// More records than this without acknowledgement, and no more orders are read.
  static let maximumOutstanding = 20_000

  private static let topics = [
    Topic.approved, Topic.rejected, Topic.riskState, Topic.orders, Topic.deadLetters, Topic.alerts,
  ]

  private let producer: KafkaProducer
  private var inFlight: [UInt64: (input: Int64?, partition: Int32)] = [:]
  private var acknowledged: [Acknowledgement] = []
  private var lastToken: UInt64 = 0
  /// Snapshots that wait for the outcomes that they know of, by partition.
  private var holdbacks: [Int32: Holdback<Snapshot>] = [:]

  private struct Snapshot {
    let key: String
    let value: [UInt8]
    let headers: RecordHeaders
  }

  init(_ settings: KafkaSettings, wakeup: Wakeup) throws(KafkaError) {
    producer = try KafkaProducer(settings)
    producer.attach(wakeup)
    // A first record waits up to a second for the library to learn of its topic: let it learn now.
    for topic in Self.topics { _ = try producer.partitionCount(of: topic) }
  }

  var outstanding: Int { inFlight.count }
  var isFull: Bool { inFlight.count >= Self.maximumOutstanding }

  /// Sends a record; `input` is the offset of the order on `inputPartition` that is done when the broker has this.
  func send(
    _ topic: String, partition: Int32, key: String?, value: [UInt8], headers: RecordHeaders, input: Int64?, inputPartition: Int32
  ) throws {
    lastToken += 1
    let encoded = headers.encoded().map { KafkaHeader($0.name, $0.value) }
    let deadline = Deadline(afterMilliseconds: 10_000)
    while true {
      let result = try producer.send(
        topic: topic, partition: partition, key: key.map { Array($0.utf8) }, value: value, headers: encoded, token: lastToken)
      if result == .queued { break }
      guard !deadline.isPast else { throw OutboxError(description: "the producer's queue stays full") }
      try serve(timeoutMilliseconds: 100)
    }
    inFlight[lastToken] = (input, inputPartition)
    holdbacks[inputPartition, default: Holdback()].begin(lastToken)
  }

  /// Sends a snapshot of `partition` as soon as everything that was sent for it before is in the log.
  func sendSnapshot(_ partition: Int32, key: String, value: [UInt8], headers: RecordHeaders) throws {
    holdbacks[partition, default: Holdback()].hold(Snapshot(key: key, value: value, headers: headers))
    try sendFreeSnapshots(of: partition)
  }

  /// Forgets the snapshots that wait: the partition is somebody else's now.
  func forget(_ partition: Int32) { holdbacks[partition] = nil }

  private func sendFreeSnapshots(of partition: Int32) throws {
    while let snapshot = holdbacks[partition]?.takeFree() {
      try send(
        Topic.riskState, partition: partition, key: snapshot.key, value: snapshot.value, headers: snapshot.headers, input: nil,
        inputPartition: partition)
      boundary("riskgate.snapshot.sent")
    }
  }

  /// What the broker has acknowledged since the last call.
  func takeAcknowledged() throws -> [Acknowledgement] {
    try serve(timeoutMilliseconds: 0)
    defer { acknowledged.removeAll(keepingCapacity: true) }
    return acknowledged
  }

  /// Sends a record and waits until the broker has it; gives its offset.
  func append(_ topic: String, partition: Int32, key: String?, value: [UInt8], headers: RecordHeaders) throws -> Int64 {
    try send(topic, partition: partition, key: key, value: value, headers: headers, input: nil, inputPartition: partition)
    let token = lastToken
    let deadline = Deadline(afterMilliseconds: 15_000)
    while inFlight[token] != nil {
      guard !deadline.isPast else { throw OutboxError(description: "\(topic)[\(partition)] does not acknowledge") }
      try serve(timeoutMilliseconds: 100)
    }
    let place = TopicPartition(topic, partition)
    guard let offset = acknowledged.last(where: { $0.topicPartition == place })?.offset else {
      preconditionFailure("an acknowledged record has an offset")
    }
    return offset
  }

  /// Waits until the broker has everything; false when the time is over first.
  func drain(timeoutMilliseconds: Int) throws -> Bool {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    while !inFlight.isEmpty, !deadline.isPast { try serve(timeoutMilliseconds: 50) }
    return inFlight.isEmpty && holdbacks.values.allSatisfy(\.isEmpty)
  }

  private func serve(timeoutMilliseconds: Int) throws {
    for report in try producer.poll(timeoutMilliseconds: timeoutMilliseconds) {
      guard let sent = inFlight.removeValue(forKey: report.token) else { continue }
      if let error = report.error {
        throw OutboxError(description: "a record for \(report.topicPartition) was not stored: \(error)")
      }
      acknowledged.append(
        Acknowledgement(
          topicPartition: report.topicPartition, offset: report.offset, input: sent.input, inputPartition: sent.partition))
      holdbacks[sent.partition]?.finish(report.token)
      try sendFreeSnapshots(of: sent.partition)
    }
  }
}

/// Why nothing can be written any more.
struct OutboxError: Error, CustomStringConvertible {
  let description: String
}

/// Which records of a partition are done: those below `committable`, whose outcomes the broker has.
struct InputProgress {
  private var open: [Int64: Int] = [:]
  private var order: [Int64] = []
  private var head = 0
  /// The offset to commit.
  private(set) var committable: Int64

  init(from offset: Int64) { committable = offset }

  /// A record is being decided.
  mutating func begin(_ offset: Int64) {
    open[offset] = 1
    order.append(offset)
  }

  /// One more outcome of it is on its way.
  mutating func add(_ offset: Int64) { open[offset, default: 0] += 1 }

  /// The decision itself, or one of its outcomes, is done.
  mutating func finish(_ offset: Int64) {
    guard let count = open[offset] else { return }
    open[offset] = count - 1
    while head < order.count, open[order[head]] == 0 {
      open[order[head]] = nil
      committable = order[head] + 1
      head += 1
    }
    if head > 1_024, head > order.count / 2 {
      order.removeFirst(head)
      head = 0
    }
  }
}
