import CRdKafka
import Runtime
import Synchronization

/// A queue of librdkafka events, polled by the owner's thread. Keeps its client instance alive.
/// Sendable: librdkafka's queues are thread safe.
final class EventQueue: @unchecked Sendable {
  let pointer: OpaquePointer?
  let handle: KafkaHandle
  private let wakeup = Mutex<Wakeup?>(nil)

  init(_ pointer: OpaquePointer?, of handle: KafkaHandle) {
    self.pointer = pointer
    self.handle = handle
  }

  deinit {
    rd_kafka_queue_io_event_enable(pointer, -1, nil, 0)
    rd_kafka_queue_destroy(pointer)
  }

  func next(timeoutMilliseconds: Int) -> KafkaRawEvent? {
    rd_kafka_queue_poll(pointer, Int32(clamping: timeoutMilliseconds)).map { KafkaRawEvent($0, of: handle) }
  }

  /// librdkafka writes an eventfd's 8-byte 1 when the empty queue gets something.
  func attach(_ wakeup: Wakeup) {
    self.wakeup.withLock { $0 = wakeup }
    var one: UInt64 = 1
    rd_kafka_queue_io_event_enable(pointer, wakeup.descriptor, &one, 8)
    // What is there already signals nothing.
    wakeup.signal()
  }
}

/// One librdkafka event, freed at the end of its life, before its client instance.
/// Sendable: it is only read after it was taken from the queue.
final class KafkaRawEvent: @unchecked Sendable {
  let pointer: OpaquePointer
  private let handle: KafkaHandle

  init(_ pointer: OpaquePointer, of handle: KafkaHandle) {
    self.pointer = pointer
    self.handle = handle
  }

  deinit { rd_kafka_event_destroy(pointer) }

  var type: Int32 { rd_kafka_event_type(pointer) }

  var error: KafkaError? {
    let code = rd_kafka_event_error(pointer)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return KafkaError(
      code, reason: String(cString: rd_kafka_event_error_string(pointer)), isFatal: rd_kafka_event_error_is_fatal(pointer) == 1)
  }

  /// The fatal error behind an error event; nil for the temporary ones.
  func fatalError(of handle: KafkaHandle) -> KafkaError? {
    guard let error, error.isFatal else { return nil }
    return handle.fatalError ?? error
  }

  func forEachMessage(_ body: (UnsafePointer<rd_kafka_message_t>) -> Void) {
    while let message = rd_kafka_event_message_next(pointer) { body(message) }
  }
}
