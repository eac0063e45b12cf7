/// Walks the batches of a segment file, a chunk at a time.
struct BatchCursor {
  private static let chunkSize = 256 * 1024

  private let file: File
  /// Where the next batch begins.
  private(set) var position: Int
  private let end: Int
  private var chunk: [UInt8] = []
  private var chunkStart: Int

  init(_ file: File, from position: Int = 0, to end: Int) {
    self.file = file
    self.position = position
    self.end = end
    chunkStart = position
  }

  /// The next batch, or nil at the end or where the bytes cannot be a whole batch. Checksums are the caller's affair.
  mutating func next() throws -> RecordBatch? {
    guard end - position >= BatchHeader.size else { return nil }
    try load(BatchHeader.size)
    let header = chunk.withUnsafeBytes { BatchHeader($0, at: position - chunkStart) }
    guard header.isPlausible, header.totalSize <= end - position else { return nil }
    try load(header.totalSize)
    let start = position - chunkStart
    position += header.totalSize
    return RecordBatch(header: header, bytes: chunk, extent: start..<start + header.totalSize)
  }

  /// Makes the chunk hold `count` bytes from `position` on.
  private mutating func load(_ count: Int) throws {
    guard position + count > chunkStart + chunk.count else { return }
    chunk = try file.read(at: position, count: min(end - position, max(count, Self.chunkSize)))
    chunkStart = position
    guard chunk.count >= count else { throw FileError("read past the end of", file.path, code: 0) }
  }
}
