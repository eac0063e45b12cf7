import Floors

/// Texts one behind the other in memory that never moves, each followed by as many readable bytes as simdjson wants to see: both sides
/// of a comparison read the very same bytes.
final class PackedBytes {
  private static let padding = 64

  let count: Int
  /// Bytes of all texts.
  let totalBytes: Int
  let bytes: UnsafeMutablePointer<UInt8>
  let offsets: UnsafeMutablePointer<Int>
  let lengths: UnsafeMutablePointer<Int>

  init(_ texts: [[UInt8]]) {
    count = texts.count
    totalBytes = texts.reduce(0) { $0 + $1.count }
    let capacity = totalBytes + texts.count * Self.padding
    bytes = .allocate(capacity: capacity)
    bytes.initialize(repeating: 0, count: capacity)
    offsets = .allocate(capacity: count)
    lengths = .allocate(capacity: count)
    var offset = 0
    for (index, text) in texts.enumerated() {
      text.withUnsafeBufferPointer { source in
        if let start = source.baseAddress { (bytes + offset).update(from: start, count: text.count) }
      }
      (offsets + index).initialize(to: offset)
      (lengths + index).initialize(to: text.count)
      offset += text.count + Self.padding
    }
  }

  deinit {
    bytes.deallocate()
    offsets.deallocate()
    lengths.deallocate()
  }

  subscript(index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes + offsets[index], count: lengths[index])
  }

  var frames: floor_frames { floor_frames(bytes: bytes, offsets: offsets, lengths: lengths, count: count) }
}
