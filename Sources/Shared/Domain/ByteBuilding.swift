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
