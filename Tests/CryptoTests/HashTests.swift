import Crypto
import Domain
import TestSupport
import Testing

@Suite struct SHA256Tests {
  @Test(
    "FIPS 180-4 examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func published(message: String, expected: String) {
    #expect(SHA256.digest(of: message).hex == expected)
    #expect(SHA256.digest(of: Array(message.utf8)).hex == expected)
  }

  @Test func aMillionTimesTheLetterA() {
    let digest = SHA256.digest(of: [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
    #expect(digest.hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func truncatedTextsArePrefixes() {
    let digest = SHA256.digest(of: "abc")
    #expect(digest.hexPrefix(10) == "ba7816bf8f")
    #expect(digest.hexPrefix(64) == digest.hex)
    #expect(digest.base32Prefix(52) == Base32.encode(digest.bytes))
    #expect(digest.base32Prefix(52).hasPrefix(digest.base32Prefix(20)))
  }

  @Test func sha1OfTheWebSocketHandshakeExample() {
    let digest = SHA1.digest(of: Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
    #expect(Base64.encode(digest) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }
}

@Suite struct HMACSHA256Tests {
  @Test(
    "RFC 4231",
    arguments: [
      (
        [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
      ),
      (
        Array(1...25), [UInt8](repeating: 0xcd, count: 50),
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
      ),
      (
        [UInt8](repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
      (
        [UInt8](repeating: 0xaa, count: 131),
        Array(
          "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm."
            .utf8),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
      ),
    ])
  func published(key: [UInt8], message: [UInt8], expected: String) {
    #expect(HMACSHA256(key: key).signatureHex(of: message) == expected)
  }

  @Test func theEmptyKeyIsAKey() {
    #expect(
      HMACSHA256(key: "").signatureHex(of: "") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func oneKeyedObjectSignsManyMessagesLikeTheDefinition(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let key = random.bytes(upTo: 200)
      let code = HMACSHA256(key: key)
      for _ in 0..<3 {
        let message = random.bytes(upTo: 300)
        #expect(code.signature(of: message).bytes == naiveHMAC(key: key, message: message), "seed \(seed)")
      }
    }
  }

  @Test func threadsShareAKey() async {
    let code = HMACSHA256(key: "k")
    let expected = (0..<64).map { HMACSHA256(key: "k").signatureHex(of: "message \($0)") }
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<64 {
        group.addTask {
          for _ in 0..<200 { #expect(code.signatureHex(of: "message \(index)") == expected[index]) }
        }
      }
    }
  }

  /// RFC 2104 written out over the hash alone.
  private func naiveHMAC(key: [UInt8], message: [UInt8]) -> [UInt8] {
    var block = key.count > 64 ? SHA256.digest(of: key).bytes : key
    block += [UInt8](repeating: 0, count: 64 - block.count)
    let inner = SHA256.digest(of: block.map { $0 ^ 0x36 } + message).bytes
    return SHA256.digest(of: block.map { $0 ^ 0x5c } + inner).bytes
  }
}
