/// Builds an uncompressed record batch: for the broker's own log of committed offsets, and for what compaction leaves.
struct BatchBuilder {
  struct Entry: Equatable {
    var key: [UInt8]?
    var value: [UInt8]?
  }

  /// A batch as a producer would send it: base offset 0, no producer id.
  static func batch(of entries: [Entry], timestampMs: Int64) -> [UInt8] {
    var body = WireWriter()
    for (index, entry) in entries.enumerated() {
      var record = WireWriter()
      record.int8(0)  // attributes
      record.varint(0)  // timestamp delta
      record.varint(Int64(index))
      field(entry.key, into: &record)
      field(entry.value, into: &record)
      record.varint(0)  // headers
      body.varint(Int64(record.bytes.count))
      body.raw(record.bytes)
    }
    return assemble(
      BatchHeader(
        lastOffsetDelta: Int32(entries.count - 1), recordCount: Int32(entries.count), timestampMs: timestampMs),
      body: body.bytes)
  }

  /// `batch` with only the records in `kept`, each at the offset it has: the head still spans what it spanned before.
  static func batch(_ batch: RecordBatch, keeping kept: [Record]) -> [UInt8] {
    var body: [UInt8] = []
    var header = batch.header
    header.recordCount = Int32(kept.count)
    for record in kept { body.append(contentsOf: batch.bytes[record.extent]) }
    if !header.isAppendTime {
      header.maxTimestamp = kept.map { header.baseTimestamp + $0.timestampDelta }.max() ?? header.maxTimestamp
    }
    return assemble(header, body: body)
  }

  private static func assemble(_ head: BatchHeader, body: [UInt8]) -> [UInt8] {
    var header = head
    header.length = Int32(BatchHeader.size - BatchHeader.lengthEnd + body.count)
    header.checksum = body.withUnsafeBytes(header.computedChecksum)
    return header.encoded + body
  }

  private static func field(_ content: [UInt8]?, into record: inout WireWriter) {
    record.varint(Int64(content?.count ?? -1))
    if let content { record.raw(content) }
  }
}

extension BatchHeader {
  /// The head of a batch of the broker's own; length and checksum are filled in when the body is known.
  fileprivate init(lastOffsetDelta: Int32, recordCount: Int32, timestampMs: Int64) {
    self = [UInt8](repeating: 0, count: Self.size).withUnsafeBytes { BatchHeader($0) }
    magic = 2
    self.lastOffsetDelta = lastOffsetDelta
    self.recordCount = recordCount
    baseTimestamp = timestampMs
    maxTimestamp = timestampMs
    producerID = -1
    producerEpoch = -1
    baseSequence = -1
  }
}
