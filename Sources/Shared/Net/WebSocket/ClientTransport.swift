import COpenSSL
import Glibc

/// Whom a client trusts: loaded once. Sendable because nothing changes it after `init`; OpenSSL counts its references itself.
final class ClientTLSContext: @unchecked Sendable {
  fileprivate let pointer: OpaquePointer

  /// The authorities in a PEM file, or the system's. Throws a sentence when they cannot be loaded.
  init(caFile: String?) throws(NetError) {
    guard let pointer = SSL_CTX_new(TLS_client_method()) else { throw NetError("OpenSSL is out of memory") }
    self.pointer = pointer
    // What OpenSSL calls SSL_CTX_set_min_proto_version, SSL_CTX_set_mode and SSL_CTX_set_read_ahead are macros.
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    let mode = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(mode), nil)
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_READ_AHEAD, 1, nil)
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    if let caFile {
      guard SSL_CTX_load_verify_locations(pointer, caFile, nil) == 1 else {
        throw NetError("cannot load the certificates in \(caFile)")
      }
    } else {
      SSL_CTX_set_default_verify_paths(pointer)
    }
  }

  deinit { SSL_CTX_free(pointer) }
}

/// The bytes to and from a server: a socket, under TLS or in the clear. Used by one thread, which it never holds up.
final class ClientTransport {
  /// What became of an attempt.
  enum Outcome {
    /// So many bytes moved; for a handshake: it is done.
    case moved(Int)
    /// Nothing to be done before the socket is ready.
    case blocked
    /// The server says that nothing more comes.
    case ended
    case failed(String)
  }

  let socket: Int32
  /// TLS must write before it can go on, whatever was attempted.
  private(set) var wantsToWrite = false
  private var session: OpaquePointer?

  /// Begins a connection to a numeric address; it stands when the socket becomes writable and `connectError` is nil.
  init(to address: SocketAddress) throws(NetError) {
    socket = Glibc.socket(
      address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw NetError("no socket: \(Self.describe(errno))") }
    var one: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    let socket = self.socket
    guard address.withPointer({ connect(socket, $0, $1) }) == 0 || errno == EINPROGRESS else {
      throw NetError("not connected: \(Self.describe(errno))")
    }
  }

  /// Prepares a TLS session with `host`, whose certificate must name it.
  func secure(_ context: ClientTLSContext, host: String) throws(NetError) {
    session = SSL_new(context.pointer)
    guard let session, SSL_set_fd(session, socket) == 1 else { throw NetError("OpenSSL is out of memory") }
    let names =
      AddressResolver.isNumeric(host)
      ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) : SSL_set1_host(session, host)
    guard names == 1 else { throw NetError("\(host) cannot be verified") }
    if !AddressResolver.isNumeric(host) {
      // The macro SSL_set_tlsext_host_name.
      host.withCString { name in
        _ = SSL_ctrl(
          session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), UnsafeMutableRawPointer(mutating: name))
      }
    }
    let protocols = [UInt8(8)] + Array("http/1.1".utf8)
    _ = SSL_set_alpn_protos(session, protocols, UInt32(protocols.count))
    SSL_set_connect_state(session)
  }

  deinit {
    if let session { SSL_free(session) }
    if socket >= 0 { close(socket) }
  }

  /// Why the connection could not be made; nil when it stands.
  var connectError: String? {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else { return Self.describe(code) }
    return nil
  }

  /// True when bytes that were read from the socket wait inside the TLS session, where no poll sees them.
  var holdsBytes: Bool { session.map { SSL_has_pending($0) == 1 } ?? false }

  /// Goes on with the TLS handshake.
  func handshake() -> Outcome {
    guard let session else { return .moved(0) }
    ERR_clear_error()
    return outcome(of: SSL_do_handshake(session), session)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
    if let session {
      ERR_clear_error()
      return outcome(of: SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)), session)
    }
    while true {
      let count = recv(socket, buffer.baseAddress, buffer.count, 0)
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      if errno == EAGAIN { return .blocked }
      if errno != EINTR { return .failed(Self.describe(errno)) }
    }
  }

  /// Sends as much as goes out at once.
  func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    if let session {
      ERR_clear_error()
      return outcome(of: SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)), session)
    }
    while true {
      let count = send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .moved(count) }
      if errno == EAGAIN { return .blocked }
      if errno != EINTR { return .failed(Self.describe(errno)) }
    }
  }

  /// Says that nothing more comes; what the server still sends can be read.
  func finishWriting() {
    if let session {
      ERR_clear_error()
      SSL_shutdown(session)
    }
    shutdown(socket, Int32(SHUT_WR))
  }

  private func outcome(of result: Int32, _ session: OpaquePointer) -> Outcome {
    wantsToWrite = false
    if result > 0 { return .moved(Int(result)) }
    switch SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ: return .blocked
    case SSL_ERROR_WANT_WRITE:
      wantsToWrite = true
      return .blocked
    case SSL_ERROR_ZERO_RETURN: return .ended
    default: return .failed(Self.describeFailure(of: session))
    }
  }

  private static func describeFailure(of session: OpaquePointer) -> String {
    let verdict = SSL_get_verify_result(session)
    if verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) {
      return "the server is not trusted: \(String(cString: text))"
    }
    let code = ERR_peek_error()
    if code != 0, let text = ERR_reason_error_string(code) { return "TLS failed: \(String(cString: text))" }
    return "TLS failed"
  }

  private static func describe(_ code: Int32) -> String { String(cString: strerror(code)) }
}
