import COpenSSL

/// A server's certificate and key, loaded once. Sendable because nothing changes it after `init`; OpenSSL counts its references itself.
final class TLSContext: @unchecked Sendable {
  fileprivate let pointer: OpaquePointer

  init(_ files: TLSFiles) throws(NetError) {
    guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw NetError("OpenSSL is out of memory") }
    self.pointer = pointer
    // The macro SSL_CTX_set_min_proto_version.
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    guard SSL_CTX_use_certificate_chain_file(pointer, files.certificateChain) == 1 else {
      throw NetError("cannot load the certificates in \(files.certificateChain)")
    }
    guard SSL_CTX_use_PrivateKey_file(pointer, files.privateKey, SSL_FILETYPE_PEM) == 1, SSL_CTX_check_private_key(pointer) == 1
    else { throw NetError("cannot load the private key in \(files.privateKey), or it is not the certificate's") }
  }

  deinit {
    SSL_CTX_free(pointer)
  }
}

/// The server's side of one TLS connection, between bytes in memory: it never touches the socket. Used by one thread.
final class TLSSession {
  /// What came out of the bytes received so far.
  enum Received {
    case open
    /// The client said that nothing more comes.
    case ended
    /// The handshake or a record was wrong.
    case failed
  }

  private let session: OpaquePointer
  private let fromNetwork: OpaquePointer
  private let toNetwork: OpaquePointer

  init?(_ context: TLSContext) {
    guard let session = SSL_new(context.pointer) else { return nil }
    guard let fromNetwork = BIO_new(BIO_s_mem()), let toNetwork = BIO_new(BIO_s_mem()) else {
      SSL_free(session)
      return nil
    }
    self.session = session
    self.fromNetwork = fromNetwork
    self.toNetwork = toNetwork
    // The session owns both from here on.
    SSL_set_bio(session, fromNetwork, toNetwork)
    SSL_set_accept_state(session)
  }

  deinit {
    SSL_free(session)
  }

  var isHandshakeDone: Bool { SSL_is_init_finished(session) == 1 }

  /// Takes bytes from the network; adds what they decrypt to `plaintext` and what must be sent in answer to `output`.
  func receive(_ bytes: UnsafeRawBufferPointer, plaintext: inout [UInt8], output: inout [UInt8]) -> Received {
    defer { drain(into: &output) }
    guard BIO_write(fromNetwork, bytes.baseAddress, Int32(bytes.count)) == Int32(bytes.count) else { return .failed }
    return withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
      while true {
        ERR_clear_error()
        let count = SSL_read(session, buffer.baseAddress, Int32(buffer.count))
        if count > 0 {
          plaintext.append(contentsOf: buffer.prefix(Int(count)))
          continue
        }
        switch SSL_get_error(session, count) {
        case SSL_ERROR_WANT_READ: return .open
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: return .failed
        }
      }
    }
  }

  /// Encrypts; false when the session cannot send (any more).
  func send(_ plaintext: [UInt8], output: inout [UInt8]) -> Bool {
    defer { drain(into: &output) }
    if plaintext.isEmpty { return true }
    ERR_clear_error()
    return SSL_write(session, plaintext, Int32(clamping: plaintext.count)) == Int32(clamping: plaintext.count)
  }

  /// Says that nothing more comes.
  func end(output: inout [UInt8]) {
    ERR_clear_error()
    if isHandshakeDone { SSL_shutdown(session) }
    drain(into: &output)
  }

  private func drain(into output: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
      while case let count = BIO_read(toNetwork, buffer.baseAddress, Int32(buffer.count)), count > 0 {
        output.append(contentsOf: buffer.prefix(Int(count)))
      }
    }
  }
}
