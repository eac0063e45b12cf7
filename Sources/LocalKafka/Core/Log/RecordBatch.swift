/// The fixed head of a record batch, format version 2 (Kafka documentation, "Record Batch").
struct BatchHeader: Equatable {
  static let size = 61
  /// Bytes up to and including the length field, which does not count itself.
  static let lengthEnd = 12
  /// The checksum covers everything from the attributes on.
  static let checksumStart = 21

  var baseOffset: Int64
  /// Bytes after the length field.
  var length: Int32
  var leaderEpoch: Int32
  var magic: Int8
  var checksum: UInt32
  var attributes: Int16
  var lastOffsetDelta: Int32
  var baseTimestamp: Int64
  var maxTimestamp: Int64
  var producerID: Int64
  var producerEpoch: Int16
  var baseSequence: Int32
  var recordCount: Int32

  /// `bytes` must hold at least `size` bytes from `position` on.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as: T.Type) -> T {
      T(bigEndian: bytes.loadUnaligned(fromByteOffset: position + offset, as: T.self))
    }
    precondition(position >= 0 && bytes.count - position >= Self.size, "a batch header needs \(Self.size) bytes")
    baseOffset = load(0, as: Int64.self)
    length = load(8, as: Int32.self)
    leaderEpoch = load(12, as: Int32.self)
    magic = load(16, as: Int8.self)
    checksum = load(17, as: UInt32.self)
    attributes = load(21, as: Int16.self)
    lastOffsetDelta = load(23, as: Int32.self)
    baseTimestamp = load(27, as: Int64.self)
    maxTimestamp = load(35, as: Int64.self)
    producerID = load(43, as: Int64.self)
    producerEpoch = load(51, as: Int16.self)
    baseSequence = load(53, as: Int32.self)
    recordCount = load(57, as: Int32.self)
  }

  var totalSize: Int { Int(length) + Self.lengthEnd }
  var lastOffset: Int64 { baseOffset + Int64(lastOffsetDelta) }
  var isCompressed: Bool { attributes & 0b111 != 0 }
  /// The broker has stamped the batch: its latest timestamp is every record's.
  var isAppendTime: Bool { attributes & 0b1000 != 0 }
  var isIdempotent: Bool { producerID >= 0 }
  /// Sequences wrap around after `Int32.max`.
  var lastSequence: Int32 {
    Int32(truncatingIfNeeded: (Int64(baseSequence) + Int64(lastOffsetDelta)) & Int64(Int32.max))
  }

  /// Whether the head makes sense at all; the checksum is another question.
  var isPlausible: Bool {
    magic == 2 && length >= Int32(Self.size - Self.lengthEnd) && lastOffsetDelta >= 0 && baseOffset >= 0
      && baseOffset <= Int64.max - Int64(Int32.max)
  }

  /// Appends the head as it is stored.
  func encode(into bytes: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: Self.size, alignment: 1) { head in
      func store(_ value: some FixedWidthInteger & BitwiseCopyable, _ offset: Int) {
        head.storeBytes(of: value.bigEndian, toByteOffset: offset, as: type(of: value))
      }
      store(baseOffset, 0)
      store(length, 8)
      store(leaderEpoch, 12)
      store(magic, 16)
      store(checksum, 17)
      store(attributes, 21)
      store(lastOffsetDelta, 23)
      store(baseTimestamp, 27)
      store(maxTimestamp, 35)
      store(producerID, 43)
      store(producerEpoch, 51)
      store(baseSequence, 53)
      store(recordCount, 57)
      bytes.append(contentsOf: UnsafeRawBufferPointer(head))
    }
  }

  /// The head as it is stored.
  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    encode(into: &bytes)
    return bytes
  }

  /// The checksum of this head and the records that follow it.
  func computedChecksum(records: UnsafeRawBufferPointer) -> UInt32 {
    encoded.withUnsafeBytes {
      CRC32C.extend(CRC32C.extend(0, UnsafeRawBufferPointer(rebasing: $0[Self.checksumStart...])), records)
    }
  }

  /// Kafka's LogAppendTime: the broker's time stands for every record's.
  mutating func stamp(appendTimeMs: Int64, records: UnsafeRawBufferPointer) {
    attributes |= 0b1000
    maxTimestamp = appendTimeMs
    checksum = computedChecksum(records: records)
  }
}

/// One record inside an uncompressed batch; keys and values as positions in the bytes it was read from.
struct Record {
  /// The whole record, its length included.
  var extent: Range<Int>
  var timestampDelta: Int64
  var offsetDelta: Int64
  var key: Range<Int>?
  var value: Range<Int>?

  /// Reads one record and checks that it fills exactly the length it states.
  init(from reader: inout WireReader) throws {
    let start = reader.position
    let length = try reader.varint()
    guard length >= 0, length <= reader.remaining else { throw WireError.truncated }
    let end = reader.position + Int(length)
    _ = try reader.int8()  // attributes: none defined
    timestampDelta = try reader.varint()
    offsetDelta = try reader.varint()
    key = try Self.field(&reader)
    value = try Self.field(&reader)
    let headers = try reader.varint()
    guard headers >= 0, headers <= length else { throw WireError.malformed("header count") }
    for _ in 0..<headers {
      guard try Self.field(&reader) != nil else { throw WireError.malformed("null header key") }
      _ = try Self.field(&reader)
    }
    guard reader.position == end else { throw WireError.malformed("record length") }
    extent = start..<end
  }

  private static func field(_ reader: inout WireReader) throws -> Range<Int>? {
    let length = try reader.varint()
    guard length >= -1 else { throw WireError.malformed("negative length") }
    return length < 0 ? nil : try reader.take(Int(clamping: length))
  }
}

/// A whole batch inside larger bytes: a frame, or what was read from a segment.
struct RecordBatch {
  var header: BatchHeader
  let bytes: [UInt8]
  /// The batch, head included.
  let extent: Range<Int>

  var body: Range<Int> { extent.lowerBound + BatchHeader.size..<extent.upperBound }

  /// Why a producer's batch is refused, by Kafka's rules for its own log.
  struct Refusal: Error, Equatable {
    var code: ErrorCode
    var reason: String
  }

  /// The one batch that `extent` of a produce request must hold: its frame, format and checksum are checked.
  init(produced bytes: [UInt8], extent: Range<Int>) throws(Refusal) {
    guard extent.count >= BatchHeader.size else { throw Refusal(code: .corruptMessage, reason: "batch too short") }
    let header = bytes.withUnsafeBytes { BatchHeader($0, at: extent.lowerBound) }
    guard header.magic == 2 else {
      throw Refusal(code: .unsupportedForMessageFormat, reason: "only record batches of format 2 are stored")
    }
    guard header.length >= 0, header.totalSize <= extent.count else {
      throw Refusal(code: .corruptMessage, reason: "batch longer than its field")
    }
    guard header.totalSize == extent.count else {
      throw Refusal(code: .invalidRecord, reason: "exactly one batch a partition and request")
    }
    self.header = header
    self.bytes = bytes
    self.extent = extent
    guard withBody(header.computedChecksum) == header.checksum else {
      throw Refusal(code: .corruptMessage, reason: "checksum mismatch")
    }
  }

  /// A batch that has been checked before, as in a segment.
  init(header: BatchHeader, bytes: [UInt8], extent: Range<Int>) {
    self.header = header
    self.bytes = bytes
    self.extent = extent
  }

  func withBody<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[self.body])) }
  }

  /// Every record of an uncompressed batch, in order.
  func records() throws -> [Record] {
    var reader = WireReader(bytes, range: body)
    var records: [Record] = []
    records.reserveCapacity(min(Int(max(header.recordCount, 0)), reader.remaining))
    while reader.remaining > 0 { records.append(try Record(from: &reader)) }
    return records
  }

  /// What else must hold before a batch enters a topic's log. A compressed body is taken on trust, as it cannot be seen.
  func validate(compact: Bool) throws(Refusal) {
    guard header.recordCount > 0, header.lastOffsetDelta == header.recordCount - 1 else {
      throw Refusal(code: .invalidRecord, reason: "record count and last offset disagree")
    }
    guard header.attributes & 0b11_0000 == 0 else {
      throw Refusal(code: .invalidRecord, reason: "transactions and control batches are not supported")
    }
    guard header.attributes & 0b111 <= 4 else {
      throw Refusal(code: .unsupportedCompressionType, reason: "unknown compression")
    }
    guard !header.isIdempotent || (header.producerEpoch >= 0 && header.baseSequence >= 0) else {
      throw Refusal(code: .invalidRecord, reason: "a producer id without epoch or sequence")
    }
    if header.isCompressed {
      guard !compact else {
        throw Refusal(code: .unsupportedCompressionType, reason: "a compact topic takes uncompressed batches only")
      }
      return
    }
    guard let records = try? records(), records.count == Int(header.recordCount) else {
      throw Refusal(code: .invalidRecord, reason: "malformed records")
    }
    for (index, record) in records.enumerated() {
      guard record.offsetDelta == Int64(index) else {
        throw Refusal(code: .invalidRecord, reason: "offsets inside the batch are not consecutive")
      }
      guard !compact || record.key != nil else {
        throw Refusal(code: .invalidRecord, reason: "a compact topic takes records with a key only")
      }
    }
  }
}
