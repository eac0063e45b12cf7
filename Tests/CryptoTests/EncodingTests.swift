import Crypto
import Domain
import Foundation
import TestSupport
import Testing

@Suite struct EncodingTests {
  @Test func hexRefusesOddLengthsAndOtherCharacters() {
    #expect(Hex.encode([0x00, 0x7f, 0xff]) == "007fff")
    #expect(Hex.decode("007FfF") == [0x00, 0x7f, 0xff])
    for text in ["0", "0g", "0x00", " 00", "é0"] { #expect(Hex.decode(text) == nil, "\(text)") }
  }

  @Test func base32IsCrockfordsAlphabet() {
    #expect(Base32.encode([]) == "")
    #expect(Base32.encode([0xff]) == "zw")
    #expect(Base32.encode([0x00, 0x44, 0x32, 0x14, 0xc7]) == "01234567")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func encodingsAgreeWithSlowOnes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let bytes = random.bytes(upTo: 70)
      #expect(Hex.encode(bytes) == bytes.map { String(format: "%02x", $0) }.joined(), "seed \(seed)")
      #expect(Hex.decode(Hex.encode(bytes)) == bytes, "seed \(seed)")
      #expect(Base32.encode(bytes) == naiveBase32(bytes), "seed \(seed)")
    }
  }

  @Test func equalityLooksAtEveryByte() {
    let bytes: [UInt8] = Array(0..<32)
    #expect(constantTimeEquals(bytes, bytes))
    #expect(constantTimeEquals([], []))
    #expect(!constantTimeEquals(bytes, Array(bytes.dropLast())))
    for index in bytes.indices {
      var other = bytes
      other[index] ^= 0x80
      #expect(!constantTimeEquals(bytes, other))
    }
  }

  private func naiveBase32(_ bytes: [UInt8]) -> String {
    let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
    let bits = bytes.flatMap { byte in (0..<8).map { Int(byte >> UInt8(7 - $0) & 1) } }
    return String(
      stride(from: 0, to: bits.count, by: 5).map { start in
        alphabet[(0..<5).reduce(0) { $0 * 2 + (start + $1 < bits.count ? bits[start + $1] : 0) }]
      })
  }
}
