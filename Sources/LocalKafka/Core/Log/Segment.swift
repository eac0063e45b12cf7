/// A stretch of a partition's log in a file of its own, named by its first offset.
final class Segment {
  let baseOffset: Int64
  let path: String
  private(set) var index: SparseIndex
  /// Wall clock of the first append since the file was opened; decides when time alone rolls it.
  private(set) var firstAppendMs: Int64?
  private var opened: File?
  /// The batch appended last, unless it is large: whoever has read all before it waits for exactly this one.
  private var newest: (header: BatchHeader, bytes: [UInt8])?

  var size: Int { index.size }
  var nextOffset: Int64 { index.nextOffset }
  private var indexPath: String { String(path.dropLast(4)) + ".index" }

  static func path(_ directory: String, _ baseOffset: Int64) -> String {
    let digits = String(baseOffset)
    return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + ".log"
  }

  /// The base offset that a file's name states; nil for anything but a segment.
  static func baseOffset(ofName name: String) -> Int64? {
    guard name.utf8.count == 24, name.hasSuffix(".log"), let offset = Int64(name.dropLast(4)), offset >= 0 else { return nil }
    return offset
  }

  /// Opens or creates the segment. Whether its index is known already is for `loadIndex` or `rebuildIndex` to find out.
  init(directory: String, baseOffset: Int64) throws {
    self.baseOffset = baseOffset
    path = Self.path(directory, baseOffset)
    index = SparseIndex(baseOffset: baseOffset)
    opened = try File(path: path, create: true)
  }

  func file() throws -> File {
    if let opened { return opened }
    let file = try File(path: path)
    opened = file
    return file
  }

  /// A sealed segment that is not being read needs no descriptor.
  func closeFile() {
    opened = nil
    newest = nil
  }

  // MARK: Index

  /// Takes the index that was written when the segment was sealed, if it speaks of exactly this file.
  func loadIndex() throws -> Bool {
    guard let content = try SealedFile.read(indexPath) else { return false }
    var reader = WireReader(content)
    guard let saved = try? SparseIndex(from: &reader), saved.size == (try file().size()) else { return false }
    index = saved
    return true
  }

  /// Reads the whole file, checks every checksum and offset, and cuts off what follows the last good batch.
  /// - Returns: bytes cut off.
  func rebuildIndex() throws -> Int {
    index = SparseIndex(baseOffset: baseOffset)
    let file = try file()
    let size = try file.size()
    var cursor = BatchCursor(file, to: size)
    while let batch = try cursor.next() {
      guard batch.header.baseOffset >= index.nextOffset,
        batch.withBody(batch.header.computedChecksum) == batch.header.checksum
      else { break }
      index.note(batch.header)
    }
    if index.size < size { try file.truncate(to: index.size) }
    return size - index.size
  }

  /// After this the segment is trusted at the next start without being read.
  func seal() throws {
    try file().synchronize()
    try SealedFile.write(index.encoded, to: indexPath)
  }

  /// An index on disk would be wrong as soon as something is appended.
  func unseal() throws { try File.remove(indexPath) }

  func delete() throws {
    closeFile()
    try File.remove(indexPath)
    try File.remove(path)
  }

  // MARK: Batches

  /// Writes a batch behind the last one; when that fails the file is as it was before.
  func append(_ header: BatchHeader, body: UnsafeRawBufferPointer, atMs now: Int64) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(header.totalSize)
    header.encode(into: &bytes)
    bytes.append(contentsOf: body)
    let file = try file()
    do {
      try bytes.withUnsafeBytes { try file.write($0, at: size) }
    } catch {
      try file.truncate(to: size)
      throw error
    }
    index.note(header)
    newest = bytes.count <= SparseIndex.interval ? (header, bytes) : nil
    if firstAppendMs == nil { firstAppendMs = now }
  }

  func cursor(from position: Int = 0) throws -> BatchCursor {
    BatchCursor(try file(), from: position, to: size)
  }

  /// Whole batches, the first of them holding `offset` or, where offsets are missing, the next one that exists.
  /// - Parameter atLeastOne: the first batch is returned even if it alone exceeds `maxBytes`.
  func read(from offset: Int64, maxBytes: Int, atLeastOne: Bool) throws -> [UInt8] {
    if let newest, (newest.header.baseOffset...newest.header.lastOffset).contains(offset) {
      return newest.bytes.count <= maxBytes || atLeastOne ? newest.bytes : []
    }
    let file = try file()
    var position = index.position(before: offset)
    var bytes = try file.read(at: position, count: min(size - position, maxBytes + SparseIndex.interval))
    var start = 0
    while true {
      guard position + start < size else { return [] }
      if bytes.count - start < BatchHeader.size {
        position += start
        start = 0
        bytes = try file.read(at: position, count: min(size - position, max(maxBytes, BatchHeader.size)))
      }
      let header = bytes.withUnsafeBytes { BatchHeader($0, at: start) }
      if header.lastOffset >= offset {
        guard header.totalSize > min(maxBytes, bytes.count - start) else { break }
        guard header.totalSize <= maxBytes || atLeastOne else { return [] }
        return try file.read(at: position + start, count: header.totalSize)
      }
      start += header.totalSize
    }
    let end = Self.endOfWholeBatches(in: bytes, from: start, maxBytes: maxBytes)
    return start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
  }

  private static func endOfWholeBatches(in bytes: [UInt8], from start: Int, maxBytes: Int) -> Int {
    bytes.withUnsafeBytes { buffer in
      var end = start
      while buffer.count - end >= BatchHeader.size {
        let next = end + BatchHeader(buffer, at: end).totalSize
        guard next <= buffer.count, next - start <= maxBytes else { break }
        end = next
      }
      return end
    }
  }

  /// The first record that is not older than `timestamp`. Inside a compressed batch the batch itself has to do.
  func firstRecord(sinceMs timestamp: Int64) throws -> (timestampMs: Int64, offset: Int64)? {
    guard index.maxTimestamp >= timestamp else { return nil }
    var cursor = try cursor(from: index.position(beforeTime: timestamp))
    while let batch = try cursor.next() {
      let header = batch.header
      guard header.maxTimestamp >= timestamp else { continue }
      if header.isCompressed || header.isAppendTime { return (header.maxTimestamp, header.baseOffset) }
      for record in try batch.records() where header.baseTimestamp + record.timestampDelta >= timestamp {
        return (header.baseTimestamp + record.timestampDelta, header.baseOffset + record.offsetDelta)
      }
    }
    return nil
  }
}
