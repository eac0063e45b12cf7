import COpenSSL
import Synchronization

/// HMAC-SHA256 (RFC 2104) under one key, which is hashed once and reused for every message.
///
/// Safe to call from any thread. The key lives only inside OpenSSL's context, which overwrites it when this object goes away;
/// the caller's own copy of the key is the caller's to forget.
public final class HMACSHA256: Sendable {
  private let context: Mutex<KeyedContext>

  /// Takes the key's bytes; any length is legal, the empty key included.
  public init(key: [UInt8]) {
    context = Mutex(KeyedContext(key: key))
  }

  /// Takes the UTF-8 bytes of a key given as text, as the venues hand their secrets out.
  public convenience init(key: String) {
    self.init(key: Array(key.utf8))
  }

  /// The code of `message`.
  public func signature(of message: [UInt8]) -> Digest256 {
    message.withUnsafeBufferPointer { bytes in context.withLock { $0.authenticate(bytes) } }
  }

  /// The code of the UTF-8 bytes of `message`.
  public func signature(of message: String) -> Digest256 {
    var message = message
    return message.withUTF8 { utf8 in context.withLock { $0.authenticate(utf8) } }
  }

  /// The code of `message` as 64 lowercase hexadecimal digits.
  public func signatureHex(of message: [UInt8]) -> String {
    signature(of: message).hex
  }

  /// The code of the UTF-8 bytes of `message` as 64 lowercase hexadecimal digits.
  public func signatureHex(of message: String) -> String {
    signature(of: message).hex
  }
}

/// The OpenSSL context that holds the key. Sendable because its one owner keeps it behind a lock.
private struct KeyedContext: ~Copyable, @unchecked Sendable {
  private let context: OpaquePointer

  init(key: [UInt8]) {
    let algorithm = EVP_MAC_fetch(nil, OSSL_MAC_NAME_HMAC, nil)
    guard let algorithm, let context = EVP_MAC_CTX_new(algorithm) else {
      preconditionFailure("OpenSSL's default provider has HMAC")
    }
    EVP_MAC_free(algorithm)
    self.context = context
    precondition(Self.key(context, with: key), "HMAC-SHA256 takes a key of any length")
  }

  private static func key(_ context: OpaquePointer, with key: [UInt8]) -> Bool {
    // OpenSSL keeps both addresses in the parameter, so both texts must outlive the call that makes it.
    var parameterName = Array(OSSL_MAC_PARAM_DIGEST.utf8CString)
    var digestName = Array("SHA256".utf8CString)
    // An empty key still needs an address: a nil key means "keep the old one".
    let keyBytes = key.isEmpty ? [0] : key
    return parameterName.withUnsafeMutableBufferPointer { parameterName in
      digestName.withUnsafeMutableBufferPointer { digestName in
        var parameters = [
          OSSL_PARAM_construct_utf8_string(parameterName.baseAddress, digestName.baseAddress, 0), OSSL_PARAM_construct_end(),
        ]
        return EVP_MAC_init(context, keyBytes, key.count, &parameters) == 1
      }
    }
  }

  deinit {
    EVP_MAC_CTX_free(context)
  }

  func authenticate(_ message: UnsafeBufferPointer<UInt8>) -> Digest256 {
    Digest256 { output in
      var count = 0
      let done =
        EVP_MAC_init(context, nil, 0, nil) == 1 && EVP_MAC_update(context, message.baseAddress, message.count) == 1
        && EVP_MAC_final(context, output, &count, Digest256.byteCount) == 1
      precondition(done && count == Digest256.byteCount, "an initialised HMAC-SHA256 does not fail")
    }
  }
}
