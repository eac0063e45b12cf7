import CRdKafka
import Runtime
import Synchronization

/// Where the brokers are and how this program names itself to them.
public struct KafkaSettings: Sendable {
  /// `host:port,host:port`.
  public var bootstrap: String
  /// The client's name in the broker's logs.
  public var clientID: String
  /// Further librdkafka properties; they win over the defaults of this module.
  public var properties: [String: String]
  /// Takes librdkafka's own log lines.
  public var logger: Logger?

  /// Brokers and a name.
  public init(bootstrap: String, clientID: String, properties: [String: String] = [:], logger: Logger? = nil) {
    self.bootstrap = bootstrap
    self.clientID = clientID
    self.properties = properties
    self.logger = logger
  }

  /// `KAFKA_BOOTSTRAP`, and further librdkafka properties from `KAFKA_PROPERTIES` (`key=value,key=value`).
  public init(clientID: String, configuration: inout Configuration, logger: Logger? = nil) {
    let bootstrap = configuration.string("KAFKA_BOOTSTRAP", default: "127.0.0.1:9092", help: "Kafka brokers, host:port,…")
    let pairs = configuration.value(
      "KAFKA_PROPERTIES", default: "", help: "more librdkafka properties", expected: "key=value,key=value",
      mayHoldSecrets: true
    ) { text -> [(String, String)]? in
      var pairs: [(String, String)] = []
      for item in text.split(separator: ",") {
        guard let equals = item.firstIndex(of: "=") else { return nil }
        pairs.append((String(item[..<equals]), String(item[item.index(after: equals)...])))
      }
      return pairs
    }
    let properties = Dictionary(pairs ?? [], uniquingKeysWith: { _, last in last })
    self.init(bootstrap: bootstrap, clientID: clientID, properties: properties, logger: logger)
  }
}

/// A librdkafka client instance. Sendable: librdkafka's functions may be called on one instance from any thread.
final class KafkaHandle: @unchecked Sendable {
  let pointer: OpaquePointer
  /// Kept alive for the log callback, which reaches it unretained through the instance's opaque pointer.
  private let logger: Logger?
  private let isAbandoned = Atomic<Bool>(false)

  init(
    _ type: rd_kafka_type_t, _ settings: KafkaSettings, defaults: [(String, String)], events: Int32
  ) throws(KafkaError) {
    logger = settings.logger
    let configuration = rd_kafka_conf_new()
    rd_kafka_conf_set_events(configuration, events)
    if let logger {
      rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(logger).toOpaque())
      rd_kafka_conf_set_log_cb(configuration, KafkaHandle.log)
    }
    let common = [
      ("bootstrap.servers", settings.bootstrap), ("client.id", settings.clientID), ("socket.nagle.disable", "true"),
      ("reconnect.backoff.ms", "50"), ("reconnect.backoff.max.ms", "2000"), ("socket.timeout.ms", "10000"),
      // Broken connections are normal life (idle brokers hang up); errors come back as events.
      ("log.connection.close", "false"), ("allow.auto.create.topics", "false"),
    ]
    var text = [CChar](repeating: 0, count: 512)
    for (key, value) in common + defaults + settings.properties.sorted(by: { $0.key < $1.key }) {
      guard rd_kafka_conf_set(configuration, key, value, &text, text.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(configuration)
        throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, reason: KafkaHandle.string(text))
      }
    }
    guard let made = rd_kafka_new(type, configuration, &text, text.count) else {
      rd_kafka_conf_destroy(configuration)
      throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, reason: KafkaHandle.string(text))
    }
    pointer = made
  }

  deinit {
    guard !isAbandoned.load(ordering: .acquiring) else { return }
    // Consumers are closed by their owner first; without the flag a forgotten close would block here on the broker.
    rd_kafka_destroy_flags(pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
  }

  /// Leaves the instance to the end of the process: one that waits for a dead broker would block its destruction for seconds.
  func abandon() {
    guard !isAbandoned.exchange(true, ordering: .acquiringAndReleasing) else { return }
    // Its threads may still log.
    if let logger { _ = Unmanaged.passRetained(logger) }
  }

  /// The fatal error that ended this instance, if one did.
  var fatalError: KafkaError? {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(pointer, &text, text.count)
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code, reason: KafkaHandle.string(text), isFatal: true)
  }

  /// The partitions of one topic; nil when there is no such topic.
  func partitionCount(_ topic: String, timeoutMilliseconds: Int32) throws(KafkaError) -> Int32? {
    let topics = try metadata(of: topic, timeoutMilliseconds: timeoutMilliseconds)
    return topics.first { $0.name == topic }?.partitionCount
  }

  /// All topics, or one.
  func metadata(of topic: String?, timeoutMilliseconds: Int32) throws(KafkaError) -> [KafkaTopic] {
    var handle: OpaquePointer?
    if let topic { handle = rd_kafka_topic_new(pointer, topic, nil) }
    defer { if let handle { rd_kafka_topic_destroy(handle) } }
    var metadata: UnsafePointer<rd_kafka_metadata_t>?
    let code = rd_kafka_metadata(pointer, topic == nil ? 1 : 0, handle, &metadata, timeoutMilliseconds)
    try check(code, "metadata of \(topic ?? "all topics")")
    guard let metadata else { return [] }
    defer { rd_kafka_metadata_destroy(metadata) }
    return (0..<Int(metadata.pointee.topic_cnt)).compactMap { index in
      let topic = metadata.pointee.topics[index]
      guard topic.err == RD_KAFKA_RESP_ERR_NO_ERROR, topic.partition_cnt > 0 else { return nil }
      return KafkaTopic(name: String(cString: topic.topic), partitionCount: topic.partition_cnt)
    }
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Runs on librdkafka's threads; the logger is thread safe.
  private static let log: @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Void = {
    handle, level, facility, text in
    guard let handle, let opaque = rd_kafka_opaque(handle), let facility, let text else { return }
    let logger = Unmanaged<Logger>.fromOpaque(opaque).takeUnretainedValue()
    // syslog's levels: 3 is error, 4 warning, 6 information.
    logger.log(
      level <= 3 ? .error : level == 4 ? .warning : level <= 6 ? .info : .debug, "librdkafka: \(String(cString: text))",
      ["facility": .string(String(cString: facility))])
  }
}
