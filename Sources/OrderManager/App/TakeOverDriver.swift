import Domain
import Kafka
import OrderManagerCore
import Runtime
import Wire

/// Carries out the steps of take-overs on the broker.
struct TakeOverDriver {
  let configuration: OrderManagerConfiguration
  let producer: KafkaProducer
  let reader: KafkaReader
  /// Hears of reports on records of others.
  let onReport: (DeliveryReport) throws -> Void

  /// Takes `partitions`. Blocks for a lease's length when anybody may have owned one of them before; all wait at the same time. Nothing is
  /// taken when `stop` comes first.
  func run(_ partitions: [Int32], stop: Latch) throws -> [Int32: TakeOver] {
    let begun = monotonicNanoseconds()
    var takeOvers: [Int32: TakeOver] = [:]
    for partition in partitions {
      var takeOver = TakeOver(partition, owner: configuration.owner, begun: begun)
      try advance(&takeOver, partition, stop: nil)
      takeOvers[partition] = takeOver
    }
    for partition in partitions { try advance(&takeOvers[partition]!, partition, stop: stop) }
    return takeOvers
  }

  /// Goes on until the take-over is done or, without `stop`, until it wants to wait.
  private func advance(_ takeOver: inout TakeOver, _ partition: Int32, stop: Latch?) throws {
    while true {
      switch takeOver.step {
      case .append(let topic, let key, let value):
        takeOver.appended(at: try append(topic, partition, key: key, value))
        boundary("ordermanager.takeover.marked", if: stop == nil && topic == Topic.orderState)
        boundary("ordermanager.takeover.marked_again", if: stop != nil && topic == Topic.orderState)
      case .read(let stretch):
        try reader.readPartition(stretch.topic, partition, from: stretch.from, to: stretch.to) { message in
          takeOver.read(InputRecord(message), key: message.key)
        }
        takeOver.finishReading()
        boundary("ordermanager.takeover.read", if: stop == nil && stretch.topic == Topic.executions)
      case .wait(let instant):
        guard let stop else { return }
        stop.wait(timeoutMilliseconds: Int(max(0, instant - monotonicNanoseconds()) / Interval.millisecond) + 1)
        guard !stop.isSet else { return }
        takeOver.waited()
      case .done:
        guard !takeOver.isFenced else { throw ShellError("another owner has marked partition \(partition)") }
        return
      }
    }
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
