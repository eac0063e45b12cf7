import Kafka
import Runtime
import TestSupport

/// A broker of one's own with what tests ask of it again and again.
struct Cluster {
  let server: LocalKafkaServer
  let settings: KafkaSettings

  init() throws {
    server = try LocalKafkaServer()
    settings = KafkaSettings(bootstrap: server.bootstrap, clientID: "test")
  }

  func create(_ topic: String, partitions: Int32 = 1, settings topicSettings: [String: String] = [:]) throws {
    let topic = KafkaTopicSpecification(topic, partitionCount: partitions, settings: topicSettings)
    try KafkaAdmin(settings).createTopics([topic])
  }

  /// Appends records with these values and waits for their reports.
  @discardableResult
  func append(_ values: [String], to topic: String, partition: Int32 = 0) throws -> [DeliveryReport] {
    let producer = try KafkaProducer(settings)
    for (index, value) in values.enumerated() {
      let result = try producer.send(topic: topic, partition: partition, value: Array(value.utf8), token: UInt64(index))
      guard result == .queued else { throw TestSupportError("the local queue is full") }
    }
    var reports: [DeliveryReport] = []
    guard try producer.flush(timeoutMilliseconds: 20_000, onReport: { reports.append($0) }) else {
      throw TestSupportError("records were not delivered in time")
    }
    return reports
  }
}

extension KafkaConsumer {
  /// Polls until `take` gives a value; throws after a while.
  func next<Value>(within milliseconds: Int = 30_000, _ take: (KafkaEvent) throws -> Value?) throws -> Value {
    let deadline = Deadline(afterMilliseconds: milliseconds)
    while !deadline.isPast {
      guard let event = poll(timeoutMilliseconds: 50) else { continue }
      if let value = try take(event) { return value }
    }
    throw TestSupportError("the event did not come in time")
  }

  /// Closes with all patience: that it ends is what counts.
  func leave() -> Bool { close(timeoutMilliseconds: 30_000) }

  /// The values of the next records.
  func values(_ count: Int) throws -> [String] {
    var values: [String] = []
    return try next { event in
      if case .message(let message) = event { values.append(String(decoding: message.value ?? [], as: UTF8.self)) }
      return values.count == count ? values : nil
    }
  }

  /// Waits for partitions from the group and takes them from the committed offsets on.
  func joined() throws -> [TopicPartition] {
    let partitions = try next { event -> [TopicPartition]? in
      if case .assigned(let partitions) = event { partitions } else { nil }
    }
    try assign(partitions.map { TopicPartitionOffset($0, offset: TopicPartitionOffset.stored) })
    return partitions
  }
}
