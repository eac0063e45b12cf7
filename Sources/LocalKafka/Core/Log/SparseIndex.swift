/// Where in a segment to begin looking for an offset or a time: one entry every few kilobytes.
struct SparseIndex: Equatable {
  struct Entry: Equatable {
    /// First offset of the batch at `position`.
    var offset: Int64
    var position: Int
    /// Latest timestamp of all batches before `position`.
    var timestampBefore: Int64
  }

  /// Bytes of log between two entries.
  static let interval = 8 * 1024

  private(set) var entries: [Entry] = []
  /// Latest timestamp in the segment, `Int64.min` when it is empty.
  private(set) var maxTimestamp = Int64.min
  private(set) var nextOffset: Int64
  /// Bytes covered.
  private(set) var size = 0

  init(baseOffset: Int64) { nextOffset = baseOffset }

  /// Notes the batch that follows what is covered.
  mutating func note(_ header: BatchHeader) {
    if size >= (entries.last?.position ?? 0) + Self.interval {
      entries.append(Entry(offset: header.baseOffset, position: size, timestampBefore: maxTimestamp))
    }
    size += header.totalSize
    maxTimestamp = max(maxTimestamp, header.maxTimestamp)
    nextOffset = header.lastOffset + 1
  }

  /// A position at or before the batch that holds `offset`.
  func position(before offset: Int64) -> Int {
    let index = entries.partitioningIndex { $0.offset > offset }
    return index == 0 ? 0 : entries[index - 1].position
  }

  /// A position at or before the first batch whose latest timestamp is `timestamp` or later.
  func position(beforeTime timestamp: Int64) -> Int {
    let index = entries.partitioningIndex { $0.timestampBefore >= timestamp }
    return index == 0 ? 0 : entries[index - 1].position
  }

  var encoded: [UInt8] {
    var writer = WireWriter()
    writer.int64(nextOffset)
    writer.int64(Int64(size))
    writer.int64(maxTimestamp)
    writer.int32(Int32(entries.count))
    for entry in entries {
      writer.int64(entry.offset)
      writer.int64(Int64(entry.position))
      writer.int64(entry.timestampBefore)
    }
    return writer.bytes
  }

  init(from reader: inout WireReader) throws {
    nextOffset = try reader.int64()
    size = Int(try reader.int64())
    maxTimestamp = try reader.int64()
    let count = Int(try reader.int32())
    guard count >= 0, count * 24 == reader.remaining else { throw WireError.truncated }
    entries.reserveCapacity(count)
    for _ in 0..<count {
      entries.append(
        Entry(offset: try reader.int64(), position: Int(try reader.int64()), timestampBefore: try reader.int64()))
    }
  }
}

extension Array {
  /// The first index whose element belongs to the second part; the array must be partitioned already.
  func partitioningIndex(where belongsToSecond: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
