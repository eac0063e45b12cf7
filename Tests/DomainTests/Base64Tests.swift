import Domain
import Foundation
import Testing

@Suite struct Base64Tests {
  @Test(
    "RFC 4648 §10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func theExamplesOfTheStandard(plain: String, encoded: String) {
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
  }

  @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "=m9v", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm 9", "Zé=="])
  func whatItWouldNotWriteIsRefused(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func aSlowOneAgrees(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 0...70, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString(), "seed \(seed)")
      #expect(Base64.decode(Base64.encode(bytes)) == bytes, "seed \(seed)")
    }
  }
}
