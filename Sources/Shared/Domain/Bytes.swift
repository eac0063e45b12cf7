extension [UInt8] {
  /// Appends what `write` writes, at most `room` bytes, from the address that it is handed; it gives the end.
  @inlinable @inline(__always)
  public mutating func append(
    atMost room: Int, _ write: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
  ) {
    append(addingCapacity: room) { span in
      span.withUnsafeMutableBufferPointer { buffer, count in
        guard let start = buffer.baseAddress else { preconditionFailure("there is room for what is appended") }
        count = write(start) - start
      }
    }
  }
}

extension UnsafeMutablePointer<UInt8> {
  /// Writes a byte and steps behind it.
  @inlinable @inline(__always)
  public mutating func write(_ byte: UInt8) {
    initialize(to: byte)
    self += 1
  }

  /// Writes `count` bytes and steps behind them.
  @inlinable @inline(__always)
  public mutating func write(from bytes: UnsafePointer<UInt8>, count: Int) {
    initialize(from: bytes, count: count)
    self += count
  }

  /// Writes text known at compile time and steps behind it.
  @inlinable @inline(__always)
  public mutating func write(_ text: StaticString) { write(from: text.utf8Start, count: text.utf8CodeUnitCount) }
}

extension UnsafeBufferPointer<UInt8> {
  /// Eight bytes from `index` on, the first of them lowest; zeros stand for those behind the end.
  @inlinable @inline(__always)
  public func word(at index: Int) -> UInt64 {
    guard index <= count - 8, let start = baseAddress else { return lastWord(at: index) }
    return UInt64(littleEndian: UnsafeRawPointer(start + index).loadUnaligned(as: UInt64.self))
  }

  @usableFromInline
  func lastWord(at index: Int) -> UInt64 {
    guard index < count, let start = baseAddress.map({ UnsafeRawPointer($0) }) else { return 0 }
    if count >= 8 {
      return UInt64(littleEndian: (start + count - 8).loadUnaligned(as: UInt64.self)) >> UInt64(8 * (index - (count - 8)))
    }
    guard count >= 4 else {
      // The first, the middle and the last are all there are.
      let (middle, last) = (count / 2, count - 1)
      let word = UInt64(self[0]) | UInt64(self[middle]) << UInt64(8 * middle) | UInt64(self[last]) << UInt64(8 * last)
      return word >> UInt64(8 * index)
    }
    // Two halves that overlap.
    let first = UInt64(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
    let last = UInt64(UInt32(littleEndian: (start + count - 4).loadUnaligned(as: UInt32.self)))
    return (first | last << UInt64(8 * (count - 4))) >> UInt64(8 * index)
  }

  /// Whether both hold the same bytes.
  @inlinable
  public func equals(_ other: Self) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where self[index] != other[index] { return false }
    return true
  }

  /// True when every byte is in `set`.
  @inlinable
  public func allAre(_ set: ByteSet) -> Bool {
    for byte in self where !set.contains(byte) { return false }
    return true
  }
}

/// Some of the ASCII characters, a bit for each.
public struct ByteSet: Sendable {
  /// 0 to 63.
  @usableFromInline let lower: UInt64
  /// 64 to 127.
  @usableFromInline let upper: UInt64

  /// Letters, digits, `-` and `_`.
  public static let plain = ByteSet(lower: 0x03FF_2000_0000_0000, upper: 0x07FF_FFFE_87FF_FFFE)
  /// Letters, digits, `-`, `_` and `.`.
  public static let name = ByteSet(lower: 0x03FF_6000_0000_0000, upper: 0x07FF_FFFE_87FF_FFFE)
  /// Letters, digits, `-`, `_`, `.` and `~`: what needs no percent-encoding (RFC 3986 §2.3).
  public static let unreserved = ByteSet(lower: 0x03FF_6000_0000_0000, upper: 0x47FF_FFFE_87FF_FFFE)

  /// Whether a byte is in it.
  @inlinable @inline(__always)
  public func contains(_ byte: UInt8) -> Bool {
    let word = byte & 64 == 0 ? lower : upper
    return byte < 128 && word &>> UInt64(byte) & 1 == 1
  }
}
