/// Base64 text of RFC 4648 §4: the standard alphabet, padded, no line breaks.
public enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// Four characters for every three bytes or part of them.
  public static func encode(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { output in
      var position = 0
      for start in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - start)
        var group: UInt32 = 0
        for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
        for place in 0..<4 {
          let index = Int(group >> UInt32(18 - 6 * place) & 63)
          output[position + place] = place <= count ? alphabet[index] : padding
        }
        position += 4
      }
      return position
    }
  }

  /// The bytes behind the text; nil unless it is exactly what `encode` would have written for them.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 4) else { return nil }
    let padded = characters.suffix(2).reversed().prefix { $0 == padding }.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 4 * 3)
    for start in stride(from: 0, to: characters.count, by: 4) {
      let missing = start + 4 == characters.count ? padded : 0
      var group: UInt32 = 0
      for place in 0..<4 {
        guard let value = place < 4 - missing ? value(of: characters[start + place]) : 0 else { return nil }
        group = group << 6 | UInt32(value)
      }
      // The bits that the padding cuts off must be zero, so that one byte string has one text.
      guard group & ((1 << UInt32(8 * missing)) - 1) == 0 else { return nil }
      for shift in [16, 8, 0].prefix(3 - missing) { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(shift))) }
    }
    return bytes
  }

  private static func value(of character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
