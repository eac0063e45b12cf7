import CRdKafka
import Domain
import Runtime

/// A topic that exists.
public struct KafkaTopic: Sendable, Hashable {
  /// Its name.
  public let name: String
  /// Its number of partitions.
  public let partitionCount: Int32
}

/// A topic that should exist.
public struct KafkaTopicSpecification: Sendable, Equatable {
  /// Its name.
  public let name: String
  /// Its number of partitions.
  public let partitionCount: Int32
  /// More partitions are as good: for writers that name a record's partition themselves.
  public let mayHaveMore: Bool
  /// Copies of each record; -1 is the broker's default.
  public let replicationFactor: Int32
  /// Topic settings such as `cleanup.policy`.
  public let settings: [String: String]

  /// Describes a topic.
  public init(
    _ name: String, partitionCount: Int32, mayHaveMore: Bool = false, replicationFactor: Int32 = 1,
    settings: [String: String] = [:]
  ) {
    self.name = name
    self.partitionCount = partitionCount
    self.mayHaveMore = mayHaveMore
    self.replicationFactor = replicationFactor
    self.settings = settings
  }
}

/// Creates and lists topics.
public final class KafkaAdmin: Sendable {
  private let handle: KafkaHandle

  /// Connects in the background.
  public init(_ settings: KafkaSettings) throws(KafkaError) {
    handle = try KafkaHandle(RD_KAFKA_PRODUCER, settings, defaults: [], events: 0)
  }

  /// Creates what is missing and waits until all topics are there with the stated number of partitions. Safe to repeat and to race:
  /// a topic that exists is left as it is, and a wrong number of partitions is an error, since keys would move.
  public func createTopics(_ topics: [KafkaTopicSpecification], timeoutMilliseconds: Int = 15_000) throws(KafkaError) {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    let existing = Set(try listTopics(timeoutMilliseconds: timeoutMilliseconds).map(\.name))
    let missing = topics.filter { !existing.contains($0.name) }
    if !missing.isEmpty { try create(missing, deadline) }
    let counts = try waitForTopics(topics.map(\.name), timeoutMilliseconds: Int(deadline.remainingMilliseconds))
    for topic in topics where counts[topic.name] != topic.partitionCount {
      if topic.mayHaveMore, let count = counts[topic.name], count > topic.partitionCount { continue }
      throw KafkaError(
        RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
        reason: "\(topic.name) has \(counts[topic.name] ?? 0) partitions instead of \(topic.partitionCount)")
    }
  }

  /// Does `createTopics` for a program that starts before its broker: tries again, backing off, until it is done (true) or `stop` is set
  /// (false). Throws what waiting does not mend, such as a wrong number of partitions.
  public func createTopics(_ topics: [KafkaTopicSpecification], until stop: Latch, logger: Logger) throws(KafkaError) -> Bool {
    var backoff = Backoff(initialMilliseconds: 200, maximumMilliseconds: 5_000)
    var generator = SeededGenerator(seed: UInt64(bitPattern: monotonicNanoseconds()))
    while !stop.isSet {
      do throws(KafkaError) {
        // Short, so that a stop is not held up.
        try createTopics(topics, timeoutMilliseconds: 2_000)
        return true
      } catch {
        guard error.isTemporary else { throw error }
        logger.warning("the topics cannot be created yet: \(error)")
        stop.wait(timeoutMilliseconds: backoff.nextDelayMilliseconds(using: &generator))
      }
    }
    return false
  }

  /// All topics of the cluster.
  public func listTopics(timeoutMilliseconds: Int = 5_000) throws(KafkaError) -> [KafkaTopic] {
    try handle.metadata(of: nil, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
  }

  /// Waits until all these topics are there and gives their numbers of partitions; throws `_TIMED_OUT` with the names that are missing.
  @discardableResult
  public func waitForTopics(_ names: [String], timeoutMilliseconds: Int) throws(KafkaError) -> [String: Int32] {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    let pause = Latch()
    while true {
      let topics = try listTopics(timeoutMilliseconds: Int(max(1_000, deadline.remainingMilliseconds)))
      let counts = Dictionary(topics.map { ($0.name, $0.partitionCount) }, uniquingKeysWith: { first, _ in first })
      let missing = names.filter { counts[$0] == nil }
      if missing.isEmpty { return counts.filter { names.contains($0.key) } }
      guard !deadline.isPast else {
        throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, reason: "no topic \(missing.joined(separator: ", "))")
      }
      // The protocol has no way to be told of a new topic: ask again in a while.
      pause.wait(timeoutMilliseconds: 100)
    }
  }

  private func create(_ topics: [KafkaTopicSpecification], _ deadline: Deadline) throws(KafkaError) {
    var requests: [OpaquePointer?] = []
    defer { rd_kafka_NewTopic_destroy_array(&requests, requests.count) }
    for topic in topics {
      var text = [CChar](repeating: 0, count: 256)
      guard
        let request = rd_kafka_NewTopic_new(topic.name, topic.partitionCount, topic.replicationFactor, &text, text.count)
      else { throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, reason: "topic \(topic.name) cannot be created as described") }
      requests.append(request)
      for (key, value) in topic.settings.sorted(by: { $0.key < $1.key }) {
        try check(rd_kafka_NewTopic_set_config(request, key, value), "\(topic.name): \(key)")
      }
    }
    let queue = EventQueue(rd_kafka_queue_new(handle.pointer), of: handle)
    let options = rd_kafka_AdminOptions_new(handle.pointer, RD_KAFKA_ADMIN_OP_CREATETOPICS)
    defer { rd_kafka_AdminOptions_destroy(options) }
    rd_kafka_AdminOptions_set_request_timeout(options, max(1_000, deadline.remainingMilliseconds), nil, 0)
    rd_kafka_CreateTopics(handle.pointer, &requests, requests.count, options, queue.pointer)
    guard let event = queue.next(timeoutMilliseconds: Int(deadline.remainingMilliseconds) + 1_000) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, reason: "create topics: no answer")
    }
    if let error = event.error { throw error }
    var count = 0
    let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.pointer), &count)
    for index in 0..<count {
      let result = results?[index]
      let code = rd_kafka_topic_result_error(result)
      // Somebody was faster: that is what we wanted.
      if code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { continue }
      let name = String(cString: rd_kafka_topic_result_name(result))
      let words = rd_kafka_topic_result_error_string(result).map { String(cString: $0) }
      throw KafkaError(code, reason: "create topic \(name): \(words ?? "refused")")
    }
  }
}
