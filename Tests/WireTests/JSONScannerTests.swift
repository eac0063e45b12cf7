import Domain
import Testing

@testable import Wire

/// The scanner reads eight bytes at once; here it is compared with what looks at one after the other.
@Suite struct JSONScannerTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func stringsEndWhereTheyDo(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    // Plain text, and every byte that means something or might be taken for one that does.
    let special: [UInt8] = [0x22, 0x5C, 0x00, 0x1F, 0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF]
    for _ in 0..<2_000 {
      let length = Int.random(in: 0...30, using: &generator)
      var text: [UInt8] = [0x22]
      for _ in 0..<length {
        text.append(
          Int.random(in: 0..<6, using: &generator) == 0
            ? special.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0x61...0x7A, using: &generator))
      }
      let expected = plainString(text)
      text.withUnsafeBufferPointer { bytes in
        var scanner = JSONScanner(bytes)
        let read = Result<[UInt8], JSONError> { () throws(JSONError) in Array(try scanner.rawString()) }
        #expect(read == expected, "seed \(seed): \(text)")
        guard case .success(let string) = read else { return }
        #expect(scanner.position == string.count + 2, "seed \(seed): \(text)")
        #expect(scanner.isPlain == string.allSatisfy { $0 < 0x80 && $0 != 0x5C }, "seed \(seed): \(text)")
      }
    }
  }

  /// The bytes between the first quote and the one that ends the string, or the error that says how far it is legal.
  private func plainString(_ text: [UInt8]) -> Result<[UInt8], JSONError> {
    var index = 1
    while index < text.count, text[index] != 0x22, text[index] >= 0x20 { index += text[index] == 0x5C ? 2 : 1 }
    guard index < text.count, text[index] == 0x22 else { return .failure(.malformed(offset: min(index, text.count))) }
    return .success(Array(text[1..<index]))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func integersAreWhatTheirDigitsSay(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      let zeros = String(repeating: "0", count: Int.random(in: 0..<8, using: &generator) == 0 ? 12 : 0)
      let digits = (0..<Int.random(in: 0...21, using: &generator)).map { _ in String(Int.random(in: 0...9, using: &generator)) }
      let text = (Bool.random(using: &generator) ? "-" : "") + zeros + digits.joined()
      expect(text, "seed \(seed): \(text)")
    }
  }

  @Test(arguments: [
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "0",
    "-0", "-", "", "000000000000000000000000001", "12345678", "123456789",
  ])
  func integersAtTheirLimits(text: String) { expect(text, "\(text)") }

  private func expect(_ text: String, _ comment: Comment) {
    for tail in ["", " ", ",\"longer\":1", "}", ".5", "e3", "E3"] {
      let isWhole = tail.isEmpty || !".eE".contains(tail.prefix(1))
      Array("\(text)\(tail)".utf8).withUnsafeBufferPointer { bytes in
        var scanner = JSONScanner(bytes)
        #expect((try? scanner.integer()) == (isWhole ? Int64(text) : nil), comment)
      }
    }
  }
}
