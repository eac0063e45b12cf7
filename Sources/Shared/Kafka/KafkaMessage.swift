import CRdKafka
import Domain
import Glibc

/// A record that was fetched. Its bytes stay in librdkafka's memory until it is released: borrow them with `withValue`, or copy.
/// Sendable: it is never changed.
public final class KafkaMessage: @unchecked Sendable {
  private let event: KafkaRawEvent
  private let message: UnsafePointer<rd_kafka_message_t>

  init(_ message: UnsafePointer<rd_kafka_message_t>, in event: KafkaRawEvent) {
    self.message = message
    self.event = event
  }

  /// What the timestamp is.
  public enum TimestampType: Sendable, Equatable {
    /// The topic carries no timestamps.
    case none
    /// Set by the producer.
    case createTime
    /// Set by the broker at the append (`message.timestamp.type=LogAppendTime`).
    case logAppendTime
  }

  /// The topic.
  public var topic: String { String(cString: rd_kafka_topic_name(message.pointee.rkt)) }
  /// The partition.
  public var partition: Int32 { message.pointee.partition }
  /// The topic and the partition.
  public var topicPartition: TopicPartition { TopicPartition(topic, partition) }
  /// The offset; commit the one after it.
  public var offset: Int64 { message.pointee.offset }

  /// The record's time (Kafka keeps milliseconds); zero when it has none.
  public var timestamp: Timestamp {
    let milliseconds = rd_kafka_message_timestamp(message, nil)
    return milliseconds < 0 ? .zero : Timestamp(milliseconds: milliseconds)
  }

  /// Who set the timestamp.
  public var timestampType: TimestampType {
    var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    _ = rd_kafka_message_timestamp(message, &type)
    switch type {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME: return .createTime
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: return .logAppendTime
    default: return .none
    }
  }

  /// Lends the value's bytes for the time of the call; nil is a null payload (a tombstone), which is not the same as empty.
  public func withValue<Result>(_ body: (UnsafeRawBufferPointer?) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(self) {} }
    guard let payload = message.pointee.payload else { return try body(nil) }
    return try body(UnsafeRawBufferPointer(start: payload, count: message.pointee.len))
  }

  /// A copy of the value; nil is a null payload.
  public var value: [UInt8]? { withValue { $0.map { Array($0) } } }

  /// The length of the value in bytes; 0 for a null payload.
  public var valueCount: Int { message.pointee.payload == nil ? 0 : message.pointee.len }

  /// A copy of the key; nil when there is none.
  public var key: [UInt8]? {
    guard let key = message.pointee.key else { return nil }
    return Array(UnsafeRawBufferPointer(start: key, count: message.pointee.key_len))
  }

  /// Copies of the headers, in order.
  public var headers: [KafkaHeader] {
    var list: OpaquePointer?
    // The C signature wants a mutable message only to parse the headers lazily.
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
    var headers: [KafkaHeader] = []
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let found = name {
      headers.append(KafkaHeader(String(cString: found), value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }))
    }
    return headers
  }

  /// Lends the headers one by one, in order; a null value comes as an empty one.
  public func forEachHeader(_ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Void) {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
    var count = 0
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while rd_kafka_header_get_all(list, count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let found = name {
      let nameBytes = UnsafeRawBufferPointer(start: found, count: strlen(found))
      let valueBytes = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size)
      body(nameBytes.assumingMemoryBound(to: UInt8.self), valueBytes.assumingMemoryBound(to: UInt8.self))
      count += 1
    }
  }

  /// A copy of the last header of that name; nil when there is none or its value is null.
  public func header(_ name: String) -> [UInt8]? {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return nil }
    var value: UnsafeRawPointer?
    var size = 0
    guard rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }
  }
}

/// What polling a consumer gives.
public enum KafkaEvent: Sendable {
  /// A record.
  case message(KafkaMessage)
  /// The end of a partition was reached; the next record will have this offset.
  case endOfPartition(TopicPartition, offset: Int64)
  /// The group gives these partitions: restore their state, then call `assign`. Nothing is fetched before.
  case assigned([TopicPartition])
  /// The group takes all partitions back: finish and commit, then call `unassign`.
  case revoked([TopicPartition])
  /// The partitions are gone already and may have another owner: commit nothing, drop their state, call `unassign`.
  case lost([TopicPartition])
  /// The answer to `commitAsync`; without an error the broker accepted it for this member and generation.
  case committed(token: UInt64, [TopicPartitionOffset], KafkaError?)
  /// Something failed. Temporary unless `isFatal`; then the consumer is dead.
  case error(KafkaError)
}
