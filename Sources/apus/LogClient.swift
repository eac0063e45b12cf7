import Domain
import Kafka
import Runtime
import Wire

/// The command line's way to the log: sends one record and watches what an account's records become.
struct LogClient {
  // The command says itself what failed; librdkafka's own lines would only repeat it.
  let settings = KafkaSettings(
    bootstrap: setting("KAFKA_BOOTSTRAP", default: "127.0.0.1:9092"), clientID: "apus-cli", properties: ["log_level": "0"])
  private let admin: KafkaAdmin

  /// Unreachable when no broker answers.
  init() throws {
    admin = try KafkaAdmin(settings)
  }

  /// Sends one record and waits until the broker has it.
  func send(topic: String, key: String, value: [UInt8]) throws {
    let producer = try KafkaProducer(settings)
    guard try producer.send(topic: topic, key: Array(key.utf8), value: value) == .queued else {
      throw CommandFailure(.unreachable, "the local queue is full")
    }
    var failure: KafkaError?
    let isDelivered = try producer.flush(timeoutMilliseconds: 10_000) { failure = $0.error ?? failure }
    if let failure { throw CommandFailure(.unreachable, "\(topic): \(failure)") }
    guard isDelivered else { throw CommandFailure(.unreachable, "the broker did not take the record within 10 s") }
  }

  /// The latest record of each key on a compacted topic of one partition.
  func latest(topic: String) throws -> [String: [UInt8]] {
    _ = try partitions(of: topic)
    var records: [String: [UInt8]] = [:]
    try KafkaReader(settings).readPartition(topic, 0) { message in
      guard let key = message.key else { return }
      records[String(decoding: key, as: UTF8.self)] = message.value
    }
    return records
  }

  /// The topics whose names begin like this, sorted.
  func topics(beginningWith prefix: String) throws -> [String] {
    do {
      return try admin.listTopics().map(\.name).filter { $0.hasPrefix(prefix) }.sorted()
    } catch {
      throw CommandFailure(.unreachable, "no broker at \(settings.bootstrap): \(error.reason)")
    }
  }

  /// Calls `body` with what is on a topic of one partition, oldest first.
  func records(of topic: String, _ body: ([UInt8]) -> Void) throws {
    try KafkaReader(settings).readPartition(topic, 0) { message in message.value.map(body) }
  }

  /// The last record of `topic` in the account's partition that `match` accepts.
  func lastRecord(topic: String, account: Account, where match: (KafkaMessage) -> Bool) throws -> [UInt8]? {
    var found: [UInt8]?
    try KafkaReader(settings).readPartition(topic, try partition(of: account, topic: topic)) { message in
      if match(message) { found = message.value }
    }
    return found
  }

  /// Watches the account's partition of `topics` from their ends on: whatever is sent after this call is seen.
  func watch(_ topics: [String], account: Account) throws -> KafkaConsumer {
    let reader = try KafkaReader(settings)
    var places: [TopicPartitionOffset] = []
    for topic in topics {
      let count = try partitions(of: topic)
      let partition = count == 1 ? 0 : Partitioner.partition(forKey: account.text.utf8, count: count)
      places.append(TopicPartitionOffset(topic, partition, offset: try reader.watermarks(topic, partition).high))
    }
    let consumer = try KafkaConsumer(manual: settings)
    try consumer.assign(places)
    return consumer
  }

  private func partition(of account: Account, topic: String) throws -> Int32 {
    Partitioner.partition(forKey: account.text.utf8, count: try partitions(of: topic))
  }

  private func partitions(of topic: String) throws -> Int32 {
    do {
      guard let count = try admin.waitForTopics([topic], timeoutMilliseconds: 5_000)[topic] else {
        throw CommandFailure(.unreachable, "there is no topic \(topic)")
      }
      return count
    } catch let error as KafkaError {
      throw CommandFailure(.unreachable, "no broker at \(settings.bootstrap), or no topic \(topic): \(error.reason)")
    }
  }
}
