import Domain

extension SeededGenerator {
  /// A number from 0 up to but not including `limit`, which is positive.
  public mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  /// At most `limit` bytes.
  public mutating func bytes(upTo limit: Int) -> [UInt8] {
    (0..<below(limit + 1)).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}
