import Domain

/// Hexadecimal text.
public enum Hex {
  /// Two lowercase digits a byte.
  public static func encode(_ bytes: [UInt8]) -> String { bytes.withUnsafeBufferPointer { encode($0) } }

  /// Two lowercase digits a byte.
  static func encode(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    String(unsafeUninitializedCapacity: 2 * bytes.count) { output in
      guard let start = output.baseAddress else { return 0 }
      return write(bytes, to: start) - start
    }
  }

  /// Writes two lowercase digits a byte to memory with room for them, and gives its end.
  @inline(__always)
  static func write(
    _ bytes: UnsafeBufferPointer<UInt8>, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    var end = start
    for byte in bytes {
      end.write(digit(byte >> 4))
      end.write(digit(byte & 15))
    }
    return end
  }

  /// Computed, so that the compiler makes many at once.
  @inline(__always)
  private static func digit(_ value: UInt8) -> UInt8 { value &+ UInt8(ascii: "0") &+ (value > 9 ? 39 : 0) }

  /// The bytes behind hexadecimal text of either case; nil for an odd length or any other character.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 2)
    for index in stride(from: 0, to: characters.count, by: 2) {
      guard let high = value(of: characters[index]), let low = value(of: characters[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(of character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// Base32 text in Crockford's alphabet, lowercase and unpadded: digits and letters without i, l, o and u, so it is legal in every
/// venue's client ids and hard to misread.
public enum Base32 {
  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// One character for every five bits, the most significant first; the last is filled up with zero bits.
  public static func encode(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: (bytes.count * 8 + 4) / 5) { output in
      var position = 0
      var bits: UInt32 = 0
      var bitCount: UInt32 = 0
      func emit(_ index: UInt32) {
        output[position] = alphabet[Int(index & 31)]
        position += 1
      }
      for byte in bytes {
        bits = bits << 8 | UInt32(byte)
        bitCount += 8
        while bitCount >= 5 {
          bitCount -= 5
          emit(bits >> bitCount)
        }
        bits &= (1 << bitCount) - 1
      }
      if bitCount > 0 { emit(bits << (5 - bitCount)) }
      return position
    }
  }
}
