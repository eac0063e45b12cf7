import Domain
import Kafka
import RiskGateCore
import Runtime
import Wire

/// Writes records and knows which of them the broker has. Acknowledgements wake nobody: only commits and snapshots wait for them, and
/// whoever would be woken by them takes a processor from those who wait for the record. A record that it refuses for good ends the process: the state is ahead of
/// the log then, and only a fresh start from the log knows what is true.
final class Outbox {
  /// A record that the broker has acknowledged.
  struct Acknowledgement {
    /// Whose record it is.
    let partition: Int32
    let receipt: GateReceipt
    let offset: Int64
  }

  /// More records than this without acknowledgement, and no more orders are read.
  static let maximumOutstanding = 20_000

  private static let topics = [
    Topic.approved, Topic.rejected, Topic.riskState, Topic.orders, Topic.deadLetters, Topic.alerts,
  ]

  private let producer: KafkaProducer
  private var inFlight: [UInt64: (partition: Int32, receipt: GateReceipt)] = [:]
  private var acknowledged: [Acknowledgement] = []
  private var lastToken: UInt64 = 0
  /// A record whose sender waits, and its offset once the broker has it.
  private var awaited: (token: UInt64, offset: Int64?)?

  init(_ settings: KafkaSettings) throws(KafkaError) {
    producer = try KafkaProducer(settings)
    // A first record waits up to a second for the library to learn of its topic: let it learn now.
    for topic in Self.topics { _ = try producer.partitionCount(of: topic) }
  }

  var outstanding: Int { inFlight.count }
  var isFull: Bool { inFlight.count >= Self.maximumOutstanding }

  /// Sends a record of `partition` that was decided at `time`.
  func send(_ record: GateRecord, of partition: Int32, at time: Timestamp) throws {
    let headers = record.headers.adding("riskgate.out", time)
    let token = try send(
      record.topic, partition: record.partition, key: Array(record.key.utf8), value: record.value, headers: headers)
    inFlight[token] = (partition, record.receipt)
  }

  /// Sends a record and waits until the broker has it; gives its offset.
  func append(_ topic: String, partition: Int32, key: [UInt8]?, value: [UInt8], headers: RecordHeaders) throws -> Int64 {
    awaited = (try send(topic, partition: partition, key: key, value: value, headers: headers), nil)
    defer { awaited = nil }
    let deadline = Deadline(afterMilliseconds: 15_000)
    while !deadline.isPast {
      if let offset = awaited?.offset { return offset }
      try serve(timeoutMilliseconds: 100)
    }
    throw OutboxError(description: "\(topic)[\(partition)] does not acknowledge")
  }

  /// What the broker has acknowledged since the last call; waits a while for the first.
  func takeAcknowledged(timeoutMilliseconds: Int = 0) throws -> [Acknowledgement] {
    try serve(timeoutMilliseconds: timeoutMilliseconds)
    defer { acknowledged.removeAll(keepingCapacity: true) }
    return acknowledged
  }

  private func send(
    _ topic: String, partition: Int32, key: [UInt8]?, value: [UInt8], headers: RecordHeaders
  ) throws -> UInt64 {
    lastToken += 1
    let encoded = headers.encoded().map { KafkaHeader($0.name, $0.value) }
    let deadline = Deadline(afterMilliseconds: 10_000)
    while try producer.send(topic: topic, partition: partition, key: key, value: value, headers: encoded, token: lastToken)
      != .queued
    {
      guard !deadline.isPast else { throw OutboxError(description: "the producer's queue stays full") }
      try serve(timeoutMilliseconds: 100)
    }
    return lastToken
  }

  private func serve(timeoutMilliseconds: Int) throws {
    for report in try producer.poll(timeoutMilliseconds: timeoutMilliseconds) {
      if let error = report.error {
        throw OutboxError(description: "a record for \(report.topicPartition) was not stored: \(error)")
      }
      if report.token == awaited?.token { awaited?.offset = report.offset }
      guard let sent = inFlight.removeValue(forKey: report.token) else { continue }
      acknowledged.append(Acknowledgement(partition: sent.partition, receipt: sent.receipt, offset: report.offset))
    }
  }
}

/// Why nothing can be written any more.
struct OutboxError: Error, CustomStringConvertible {
  let description: String
}
