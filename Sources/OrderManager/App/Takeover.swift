import Domain
import Kafka
import OrderManagerCore
import Runtime
import Wire

/// Takes partitions over from a former owner: fences, waits until nobody else can be sending, and reads what the log holds.
struct Takeover {
  /// Where to go on reading, and what to start the core with.
  struct Result {
    var restored: RestoredOrders
    var nextExecution: Int64
  }

  let configuration: OrderManagerConfiguration
  let producer: KafkaProducer
  let reader: KafkaReader
  let logger: Logger
  /// Hears of reports on records of others.
  let onReport: (DeliveryReport) throws -> Void

  /// Takes `partitions`; `committed` is where the group stands on `orders.approved`. Blocks for a lease's length when anybody may
  /// have owned one of them before.
  func run(
    _ partitions: [Int32], committed: [Int32: Int64], stop: Latch, leaseNanoseconds: Int64
  ) throws -> [Int32: Result] {
    let leaseEnd = monotonicNanoseconds() + leaseNanoseconds
    var epochs: [Int32: Int64] = [:]
    for partition in partitions {
      epochs[partition] = try mark(partition, epoch: -1)
      boundary("ordermanager.takeover.marked")
    }
    var restorations: [Int32: OrderRestoration] = [:]
    for (partition, epoch) in epochs { restorations[partition] = try read(partition, epoch: epoch) }
    boundary("ordermanager.takeover.read")
    if epochs.values.contains(where: { $0 > 0 }) {
      stop.wait(timeoutMilliseconds: Int(max(0, leaseEnd - monotonicNanoseconds()) / Interval.millisecond) + 1)
    }
    var results: [Int32: Result] = [:]
    for partition in partitions {
      guard let epoch = epochs[partition], var restoration = restorations[partition] else { continue }
      let end = try mark(partition, epoch: epoch) + 1
      boundary("ordermanager.takeover.marked_again")
      // What a former owner wrote after its time.
      if end > epoch + 2 {
        try reader.readPartition(Topic.executions, partition, from: epoch + 1, to: end) { message in
          restoration.readExecution(InputRecord(message))
        }
      }
      guard restoration.newestEpoch <= epoch else { throw ShellError("another owner has marked partition \(partition)") }
      let restored = restoration.finish(nextApproval: committed[partition] ?? 0)
      results[partition] = Result(restored: restored, nextExecution: end)
    }
    return results
  }

  /// Reads what the log holds up to our first marker.
  private func read(_ partition: Int32, epoch: Int64) throws -> OrderRestoration {
    var restoration = OrderRestoration(epoch: epoch)
    try reader.readPartition(Topic.orderState, partition) { message in
      restoration.readState(InputRecord(message), key: String(decoding: message.key ?? [], as: UTF8.self))
    }
    try reader.readPartition(Topic.executions, partition, from: restoration.executionsStart, to: epoch + 1) { message in
      restoration.readExecution(InputRecord(message))
    }
    logger.debug("read partition \(partition)")
    return restoration
  }

  /// Appends a marker to `executions` and to `order.state`; the offset of the first. An epoch of -1 becomes that offset.
  private func mark(_ partition: Int32, epoch: Int64) throws -> Int64 {
    let marker = EpochMarker(epoch: epoch, owner: configuration.owner)
    let offset = try append(Topic.executions, partition, key: nil, marker.encoded())
    let resolved = EpochMarker(epoch: epoch < 0 ? offset : epoch, owner: configuration.owner)
    _ = try append(Topic.orderState, partition, key: Array("epoch+\(partition)".utf8), resolved.encoded())
    return offset
  }

  /// Appends a record and waits until the log has it.
  private func append(_ topic: String, _ partition: Int32, key: [UInt8]?, _ value: [UInt8]) throws -> Int64 {
    let deadline = Deadline(afterMilliseconds: 30_000)
    guard try producer.send(topic: topic, partition: partition, key: key, value: value, token: .max) == .queued else {
      throw ShellError("the producer's queue is full")
    }
    while !deadline.isPast {
      for report in try producer.poll(timeoutMilliseconds: 100) {
        guard report.token == .max else {
          try onReport(report)
          continue
        }
        if let error = report.error { throw error }
        return report.offset
      }
    }
    throw ShellError("no acknowledgement of a marker on \(topic)[\(partition)]")
  }
}

/// Why the shell cannot go on. The process ends, and its successor starts from the log.
struct ShellError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension InputRecord {
  /// A fetched record as the core sees it.
  init(_ message: KafkaMessage) {
    self.init(
      source: RecordSource(
        topic: message.topic, partition: message.partition, offset: message.offset, timestamp: message.timestamp),
      value: message.value, headers: RecordHeaders(message.headers.map { ($0.name, $0.value ?? []) }))
  }
}
