import CRdKafka

/// A Kafka or librdkafka error: the protocol's or the library's code, its name, and a sentence.
public struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The code; negative ones are librdkafka's own (`_ALL_BROKERS_DOWN` is -187), the others are the protocol's.
  public let code: Int32
  /// What went wrong, in words.
  public let reason: String
  /// The client instance cannot go on (a fenced producer, a fenced static member): end the process and start afresh.
  public let isFatal: Bool

  /// A code with its standard sentence, or a better one.
  public init(code: Int32, reason: String? = nil, isFatal: Bool = false) {
    self.code = code
    self.reason = reason ?? String(cString: rd_kafka_err2str(rd_kafka_resp_err_t(code)))
    self.isFatal = isFatal
  }

  init(_ code: rd_kafka_resp_err_t, reason: String? = nil, isFatal: Bool = false) {
    self.init(code: code.rawValue, reason: reason, isFatal: isFatal || code == RD_KAFKA_RESP_ERR__FATAL)
  }

  /// The code's name: `UNKNOWN_TOPIC_OR_PART`, `_TIMED_OUT`.
  public var name: String { String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(code))) }

  /// `ILLEGAL_GENERATION (22): Broker: Specified group generation id is not valid`.
  public var description: String { "\(name) (\(code)): \(reason)" }

  /// The brokers are away, changing their roles, or slow: the same call may succeed later.
  public var isTemporary: Bool {
    guard !isFatal else { return false }
    switch rd_kafka_resp_err_t(code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
      RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_CONTROLLER, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return true
    default: return false
    }
  }

  /// Another member or generation owns what this one claims: the commit was refused, the lease is gone.
  public var meansOwnershipLost: Bool {
    switch rd_kafka_resp_err_t(code) {
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      true
    default: false
    }
  }
}

/// Throws what a librdkafka call returned as a code.
func check(_ code: rd_kafka_resp_err_t, _ what: @autoclosure () -> String) throws(KafkaError) {
  guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
  throw KafkaError(code, reason: "\(what()): \(String(cString: rd_kafka_err2str(code)))")
}

/// Throws what a librdkafka call returned as an error object, and frees it.
func check(_ error: OpaquePointer?) throws(KafkaError) {
  guard let error else { return }
  defer { rd_kafka_error_destroy(error) }
  throw KafkaError(
    rd_kafka_error_code(error), reason: String(cString: rd_kafka_error_string(error)),
    isFatal: rd_kafka_error_is_fatal(error) == 1)
}
