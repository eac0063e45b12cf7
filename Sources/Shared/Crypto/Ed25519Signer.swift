import COpenSSL

/// Ed25519 signatures (RFC 8032) under one private key, as Binance's session log-on asks for.
///
/// Safe to call from any thread: OpenSSL only reads the key. The key is overwritten when this object goes away.
public final class Ed25519Signer: @unchecked Sendable {
  private let key: OpaquePointer

  /// Takes the 32-byte seed; nil for any other length.
  public init?(seed: [UInt8]) {
    guard seed.count == 32, let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else { return nil }
    self.key = key
  }

  deinit {
    EVP_PKEY_free(key)
  }

  /// The 64-byte signature of `message`, the same every time.
  public func signature(of message: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 64) { output, count in
      let context = EVP_MD_CTX_new()
      defer { EVP_MD_CTX_free(context) }
      count = 64
      let done =
        EVP_DigestSignInit(context, nil, nil, nil, key) == 1
        && EVP_DigestSign(context, output.baseAddress, &count, message, message.count) == 1
      precondition(done && count == 64, "Ed25519 signs any message")
    }
  }
}
