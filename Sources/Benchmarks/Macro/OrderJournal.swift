import Domain
import Kafka
import Runtime
import Wire

/// What the topics say about the orders of a measurement, read when it is over: nobody reads beside the services while time is taken.
struct OrderJournal {
  /// How an order was decided to be carried out, by the id that the venue knows it under.
  struct Planned {
    /// The client's id.
    let id: String
    /// The moments on the way to the plan, from the record's own headers.
    let hops: [RecordHeaders.Hop]

    /// When it passed a moment, the first time.
    func time(_ name: String) -> Timestamp? { hops.first { $0.name == name }?.time }
  }

  private let reader: KafkaReader
  private let starts: [TopicPartition: Int64]

  /// Everything from now on.
  init(_ settings: KafkaSettings) throws {
    reader = try KafkaReader(settings)
    var starts: [TopicPartition: Int64] = [:]
    for topic in [Topic.orders, Topic.approved, Topic.rejected, Topic.executions] {
      for partition in 0..<Topic.defaultAccountPartitions {
        starts[TopicPartition(topic, partition)] = try reader.watermarks(topic, partition).high
      }
    }
    self.starts = starts
  }

  /// The plans that were written.
  func plans() throws -> [String: Planned] {
    var plans: [String: Planned] = [:]
    try read(Topic.executions) { message in
      guard let value = message.value, let record = try? ExecutionRecord(value), case .plan(let plan) = record else { return }
      let headers = RecordHeaders(message.headers.map { ($0.name, $0.value ?? []) })
      for child in plan.children {
        plans[child.venueClientID] = Planned(id: plan.approval.clientOrderID.text, hops: headers.hops)
      }
    }
    return plans
  }

  /// How many records a topic got, and the times of the first and the last of them.
  func span(of topic: String) throws -> (count: Int, first: Timestamp, last: Timestamp) {
    var count = 0
    var (first, last) = (Timestamp(nanoseconds: .max), Timestamp.zero)
    try read(topic) { message in
      count += 1
      first = min(first, message.timestamp)
      last = max(last, message.timestamp)
    }
    return (count, first, last)
  }

  /// How many records a topic got so far.
  func count(of topic: String) throws -> Int {
    try starts.filter { $0.key.topic == topic }.reduce(0) { sum, start in
      sum + Int(try reader.watermarks(topic, start.key.partition).high - start.value)
    }
  }

  private func read(_ topic: String, _ body: (KafkaMessage) -> Void) throws {
    for (place, start) in starts.sorted(by: { $0.key < $1.key }) where place.topic == topic {
      try reader.readPartition(topic, place.partition, from: start, body)
    }
  }
}
