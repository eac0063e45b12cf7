import CRdKafka

/// Records that share topic, partition, key and the names of their two headers, whose values are whole numbers (times, mostly): what stays
/// the same is prepared once, so that a record costs no look-up and no memory but librdkafka's own.
/// Sendable: nothing changes after `init`, and librdkafka's handles may be used from any thread.
public final class KafkaLane: @unchecked Sendable {
  private let handle: KafkaHandle
  private let topic: OpaquePointer
  private let partition: Int32
  private let key: UnsafeMutableRawBufferPointer
  /// Of the headers, each with the zero that C wants.
  private let names: InlineArray<2, UnsafeMutableBufferPointer<CChar>>

  /// The topic need not exist yet: records wait for it as they wait for a broker.
  public init(
    _ producer: KafkaProducer, topic: String, partition: Int32, key: [UInt8], headerNames: (String, String)
  ) throws(KafkaError) {
    handle = producer.handle
    guard let topic = rd_kafka_topic_new(handle.pointer, topic, nil) else { throw KafkaError(rd_kafka_last_error()) }
    self.topic = topic
    self.partition = partition
    self.key = .allocate(byteCount: key.count, alignment: 1)
    self.key.copyBytes(from: key)
    func copy(_ name: String) -> UnsafeMutableBufferPointer<CChar> {
      let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: name.utf8.count + 1)
      _ = copy.initialize(from: name.utf8.map { CChar(bitPattern: $0) } + [0])
      return copy
    }
    names = [copy(headerNames.0), copy(headerNames.1)]
  }

  deinit {
    rd_kafka_topic_destroy(topic)
    key.deallocate()
    for index in names.indices { names[index].deallocate() }
  }

  /// Hands a record to the local queue without waiting, as `KafkaProducer.send` does; the bytes are copied. `numbers` are the headers'
  /// values.
  public func send(
    _ value: UnsafeBufferPointer<UInt8>, numbers: InlineArray<2, Int64>, token: UInt64
  ) throws(KafkaError) -> SendResult {
    let headers = makeHeaders(numbers)
    let error = withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 7) { arguments in
      arguments.initializeElement(at: 0, to: rd_kafka_vu_t(RD_KAFKA_VTYPE_RKT) { $0.rkt = topic })
      arguments.initializeElement(at: 1, to: rd_kafka_vu_t(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = partition })
      arguments.initializeElement(at: 2, to: rd_kafka_vu_t(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = RD_KAFKA_MSG_F_COPY })
      arguments.initializeElement(
        at: 3, to: rd_kafka_vu_t(RD_KAFKA_VTYPE_KEY) { $0.mem = .init(ptr: key.baseAddress, size: key.count) })
      arguments.initializeElement(
        at: 4,
        to: rd_kafka_vu_t(RD_KAFKA_VTYPE_VALUE) {
          $0.mem = .init(ptr: UnsafeMutableRawPointer(mutating: value.baseAddress), size: value.count)
        })
      arguments.initializeElement(
        at: 5, to: rd_kafka_vu_t(RD_KAFKA_VTYPE_OPAQUE) { $0.ptr = UnsafeMutableRawPointer(bitPattern: UInt(token)) })
      arguments.initializeElement(at: 6, to: rd_kafka_vu_t(RD_KAFKA_VTYPE_HEADERS) { $0.headers = headers })
      return rd_kafka_produceva(handle.pointer, arguments.baseAddress, arguments.count)
    }
    // The library owns the headers only when it took the record.
    if error != nil { rd_kafka_headers_destroy(headers) }
    return try SendResult(taking: error)
  }

  private func makeHeaders(_ numbers: InlineArray<2, Int64>) -> OpaquePointer? {
    let list = rd_kafka_headers_new(names.count)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      for index in names.indices {
        let start = Self.write(numbers[index], at: digits)
        rd_kafka_header_add(
          list, names[index].baseAddress, names[index].count - 1, digits.baseAddress.map { $0 + start }, 20 - start)
      }
    }
    return list
  }

  /// Writes a number to the end of twenty bytes; gives the index of its first.
  private static func write(_ number: Int64, at digits: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var start = 20
    var rest = number.magnitude
    repeat {
      start -= 1
      digits[start] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
      rest /= 10
    } while rest > 0
    if number < 0 {
      start -= 1
      digits[start] = UInt8(ascii: "-")
    }
    return start
  }
}
