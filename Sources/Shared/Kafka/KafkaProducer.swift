import CRdKafka
import Runtime

/// A header of a record.
public struct KafkaHeader: Sendable, Hashable {
  /// The name; names may repeat.
  public let name: String
  /// The value; nil is not the same as empty.
  public let value: [UInt8]?

  /// A header with a value of bytes.
  public init(_ name: String, _ value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  /// A header with a value of text.
  public init(_ name: String, text: String) {
    self.init(name, Array(text.utf8))
  }
}

/// What became of a record handed to `send`.
public enum SendResult: Sendable, Equatable {
  /// It is in the local queue; a delivery report with its token will follow.
  case queued
  /// The local queue is full: serve `poll` and send it again. Nothing was taken.
  case queueFull
}

extension SendResult {
  /// What librdkafka's answer to a record means; the answer is freed.
  init(taking error: OpaquePointer?) throws(KafkaError) {
    guard let error else {
      self = .queued
      return
    }
    if rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL {
      rd_kafka_error_destroy(error)
      self = .queueFull
      return
    }
    try check(error)
    self = .queued
  }
}

/// The fate of one record.
public struct DeliveryReport: Sendable, Equatable {
  /// The number given to `send`.
  public let token: UInt64
  /// Where the record is.
  public let topicPartition: TopicPartition
  /// Its offset there; negative when it was not delivered.
  public let offset: Int64
  /// nil: acknowledged by all in-sync replicas. Else the record may or may not be in the log.
  public let error: KafkaError?
}

/// An idempotent producer (`acks=all`, no linger). Records of one partition are delivered in the order of their sends. One thread owns
/// it and serves `poll`; nothing is reported otherwise.
public final class KafkaProducer: Sendable {
  let handle: KafkaHandle
  private let events: EventQueue

  /// Connects in the background; an unreachable broker shows as errors from `poll` and as records that stay queued until
  /// `message.timeout.ms` (30 s) ends them with `_MSG_TIMED_OUT`.
  public init(_ settings: KafkaSettings) throws(KafkaError) {
    let defaults = [
      ("queue.buffering.max.ms", "0"), ("acks", "all"), ("enable.idempotence", "true"), ("partitioner", "murmur2_random"),
      ("queue.buffering.max.messages", "100000"), ("queue.buffering.max.kbytes", "262144"), ("message.timeout.ms", "30000"),
      ("message.max.bytes", "1000000"),
    ]
    handle = try KafkaHandle(
      RD_KAFKA_PRODUCER, settings, defaults: defaults, events: RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR)
    events = EventQueue(rd_kafka_queue_get_main(handle.pointer), of: handle)
  }

  /// Signals `wakeup` whenever reports have come, so that one thread can wait for several sources.
  public func attach(_ wakeup: Wakeup) {
    events.attach(wakeup)
  }

  /// Hands a record to the local queue without waiting. Without a partition, the key's murmur2 hash chooses it (no key: at random).
  /// A nil value is a tombstone on compacted topics. Throws for what will never work: an unknown partition, a record over
  /// `message.max.bytes`, a fatal state.
  public func send(
    topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?, headers: [KafkaHeader] = [], token: UInt64 = 0
  ) throws(KafkaError) -> SendResult {
    let error = produce(
      topic: topic, partition: partition ?? RD_KAFKA_PARTITION_UA, key: key, value: value, headers: headers, token: token)
    return try SendResult(taking: error)
  }

  /// Delivery reports that have come; waits for the first at most so long, then takes what is there. Throws when the instance is
  /// dead; other errors of the connection are temporary and only logged.
  public func poll(timeoutMilliseconds: Int) throws(KafkaError) -> [DeliveryReport] {
    var reports: [DeliveryReport] = []
    try serve(timeoutMilliseconds) { reports.append(DeliveryReport($0.pointee)) }
    return reports
  }

  /// As `poll`, for whoever needs no more of a report than the token and the error: hundreds of thousands a second cost no memory.
  /// Gives the number of reports.
  public func pollTokens(
    timeoutMilliseconds: Int, _ body: (_ token: UInt64, _ error: KafkaError?) -> Void
  ) throws(KafkaError) -> Int {
    try serve(timeoutMilliseconds) { message in
      let code = message.pointee.err
      body(UInt64(UInt(bitPattern: message.pointee._private)), code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code))
    }
  }

  @discardableResult
  private func serve(
    _ timeoutMilliseconds: Int, _ body: (UnsafePointer<rd_kafka_message_t>) -> Void
  ) throws(KafkaError) -> Int {
    var count = 0
    var timeout = timeoutMilliseconds
    while count < 10_000, let event = events.next(timeoutMilliseconds: timeout) {
      timeout = 0
      switch event.type {
      case RD_KAFKA_EVENT_DR:
        event.forEachMessage { message in
          count += 1
          body(message)
        }
      case RD_KAFKA_EVENT_ERROR: if let error = event.fatalError(of: handle), count == 0 { throw error }
      default: break
      }
    }
    return count
  }

  /// Serves reports until every record has one or the time is over; true when none is outstanding.
  @discardableResult
  public func flush(timeoutMilliseconds: Int, onReport: (DeliveryReport) -> Void = { _ in }) throws(KafkaError) -> Bool {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    while outstanding > 0 && !deadline.isPast {
      for report in try poll(timeoutMilliseconds: Int(min(100, deadline.remainingMilliseconds))) { onReport(report) }
    }
    for report in try poll(timeoutMilliseconds: 0) { onReport(report) }
    return outstanding == 0
  }

  /// Records without a report that was polled, and events not polled yet.
  public var outstanding: Int { Int(rd_kafka_outq_len(handle.pointer)) }

  /// The error that ended this instance for good, if one did.
  public var fatalError: KafkaError? { handle.fatalError }

  /// The partitions of a topic; nil when there is no such topic.
  public func partitionCount(of topic: String, timeoutMilliseconds: Int = 5_000) throws(KafkaError) -> Int32? {
    try handle.partitionCount(topic, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
  }

  private func produce(
    topic: String, partition: Int32, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader], token: UInt64
  ) -> OpaquePointer? {
    topic.withCString { topic in
      withBytes(key) { key in
        withBytes(value) { value in
          var arguments: [rd_kafka_vu_t] = []
          arguments.reserveCapacity(7)
          arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_TOPIC) { $0.cstr = topic })
          arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = partition })
          arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = RD_KAFKA_MSG_F_COPY })
          arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_OPAQUE) { $0.ptr = UnsafeMutableRawPointer(bitPattern: UInt(token)) })
          arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_KEY) { $0.mem = .init(ptr: key.baseAddress, size: key.count) })
          arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_VALUE) { $0.mem = .init(ptr: value.baseAddress, size: value.count) })
          var list: OpaquePointer?
          if !headers.isEmpty {
            let made = makeHeaders(headers)
            list = made
            arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_HEADERS) { $0.headers = made })
          }
          let error = rd_kafka_produceva(handle.pointer, arguments, arguments.count)
          // The library owns the headers only when it took the record.
          if error != nil, let list { rd_kafka_headers_destroy(list) }
          return error
        }
      }
    }
  }

  private func makeHeaders(_ headers: [KafkaHeader]) -> OpaquePointer? {
    let list = rd_kafka_headers_new(headers.count)
    for header in headers {
      if let value = header.value {
        _ = value.withUnsafeBytes { rd_kafka_header_add(list, header.name, -1, $0.baseAddress ?? emptyBytes, $0.count) }
      } else {
        rd_kafka_header_add(list, header.name, -1, nil, 0)
      }
    }
    return list
  }
}

/// An address for empty values, never read: a null pointer would mean a null value.
var emptyBytes: UnsafeRawPointer? { UnsafeRawPointer(bitPattern: 8) }

/// Lends bytes to C; nil becomes a null pointer, empty does not.
private func withBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
  guard let bytes else { return body(UnsafeMutableRawBufferPointer(start: nil, count: 0)) }
  return bytes.withUnsafeBytes { buffer in
    body(
      UnsafeMutableRawBufferPointer(
        start: UnsafeMutableRawPointer(mutating: buffer.count == 0 ? emptyBytes : buffer.baseAddress), count: buffer.count))
  }
}

extension rd_kafka_vu_t {
  /// One argument of `rd_kafka_produceva`.
  init(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_s.__Unnamed_union_u) -> Void) {
    self.init()
    vtype = type
    set(&u)
  }
}

extension DeliveryReport {
  fileprivate init(_ message: rd_kafka_message_t) {
    token = UInt64(UInt(bitPattern: message._private))
    topicPartition = TopicPartition(String(cString: rd_kafka_topic_name(message.rkt)), message.partition)
    error = message.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(message.err)
    offset = error == nil ? message.offset : -1
  }
}
