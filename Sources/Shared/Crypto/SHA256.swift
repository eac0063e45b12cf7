import COpenSSL
import Domain

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
  /// The digest of `bytes`.
  public static func digest(of bytes: [UInt8]) -> Digest256 {
    bytes.withUnsafeBytes { digest(of: $0) }
  }

  /// The digest of the UTF-8 bytes of `text`.
  public static func digest(of text: String) -> Digest256 {
    var text = text
    return text.withUTF8 { digest(of: UnsafeRawBufferPointer($0)) }
  }

  private static func digest(of bytes: UnsafeRawBufferPointer) -> Digest256 {
    Digest256 { COpenSSL.SHA256(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, $0) }
  }
}

/// SHA-1, which is broken as a hash: kept for the WebSocket handshake of RFC 6455 §4.2.2 alone.
public enum SHA1 {
  /// The 20-byte digest of `bytes`.
  public static func digest(of bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 20) { output, count in
      count = 20
      COpenSSL.SHA1(bytes, bytes.count, output.baseAddress)
    }
  }
}

/// 32 bytes that came out of SHA-256 or HMAC-SHA256.
public struct Digest256: Sendable {
  /// The size of the digest in bytes.
  public static let byteCount = 32
  // Not an array: it would be allocated for every signature.
  private var digest = InlineArray<32, UInt8>(repeating: 0)

  /// What `write` writes from the address that it is handed: `byteCount` bytes.
  init(_ write: (UnsafeMutablePointer<UInt8>) -> Void) {
    var span = digest.mutableSpan
    span.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { preconditionFailure("a digest has an address") }
      write(start)
    }
  }

  /// The digest itself, 32 bytes.
  public var bytes: [UInt8] { digest.span.withUnsafeBufferPointer { Array($0) } }

  /// 64 lowercase hexadecimal digits.
  public var hex: String { digest.span.withUnsafeBufferPointer { Hex.encode($0) } }

  /// Writes 64 lowercase hexadecimal digits to memory with room for them, and gives its end.
  public func writeHex(to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    digest.span.withUnsafeBufferPointer { Hex.write($0, to: start) }
  }

  /// 44 characters of base64 with padding.
  public var base64: String { Base64.encode(bytes) }

  /// The first `count` hexadecimal digits, for ids derived from a hash; `count` is 1…64.
  public func hexPrefix(_ count: Int) -> String {
    precondition((1...64).contains(count), "a SHA-256 digest has 64 hexadecimal digits")
    return String(hex.prefix(count))
  }

  /// The first `count` characters of the lowercase Crockford base32 text (5 bits each), for ids derived from a hash; `count` is 1…52.
  public func base32Prefix(_ count: Int) -> String {
    precondition((1...52).contains(count), "a SHA-256 digest has 52 base32 characters")
    return String(Base32.encode(bytes).prefix(count))
  }
}

extension Digest256: Equatable {
  /// Compares in constant time, since a digest may be a signature.
  public static func == (left: Digest256, right: Digest256) -> Bool {
    constantTimeEquals(left.bytes, right.bytes)
  }
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
public func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
