/// CRC-32C (Castagnoli), reflected polynomial 0x82F63B78, eight bytes a step.
enum CRC32C {
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for index in 0..<256 {
      var value = UInt32(index)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
      tables[index] = value
    }
    for index in 256..<8 * 256 {
      let previous = tables[index - 256]
      tables[index] = previous >> 8 ^ tables[Int(previous & 0xff)]
    }
    return tables
  }()

  /// Continues `sum` (0 at the start) over `bytes`.
  static func extend(_ sum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { table in
      var crc = ~sum
      var position = 0
      while bytes.count - position >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(crc)
        crc = 0
        for lane in 0..<8 {
          crc ^= table[(7 - lane) * 256 + Int(word >> (UInt64(lane) * 8) & 0xff)]
        }
        position += 8
      }
      while position < bytes.count {
        crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[position])) & 0xff)]
        position += 1
      }
      return ~crc
    }
  }

  static func of(_ bytes: some Collection<UInt8>) -> UInt32 {
    let sum = bytes.withContiguousStorageIfAvailable { extend(0, UnsafeRawBufferPointer($0)) }
    return sum ?? Array(bytes).withUnsafeBytes { extend(0, $0) }
  }
}
