import Glibc
import Testing

@testable import Net

/// A plain blocking socket on loopback: says exactly the bytes it is told to, and shows exactly those it gets.
final class RawSocket: Sendable {
  let descriptor: Int32

  init(descriptor: Int32) {
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Connects to a port of this machine.
  convenience init(port: UInt16) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let code = withUnsafeBytes(of: &address) {
      connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    try #require(code == 0, "cannot connect to port \(port)")
    self.init(descriptor: descriptor)
  }

  deinit {
    close(descriptor)
  }

  func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      try #require(count > 0, "the peer takes no more bytes")
      sent += count
    }
  }

  /// One read; empty at the end of the stream, on a reset and when a minute has passed.
  func receiveSome() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 * 1_024)
    var count = recv(descriptor, &buffer, buffer.count, 0)
    // A process that was stopped and goes on finds its call interrupted.
    while count < 0, errno == EINTR { count = recv(descriptor, &buffer, buffer.count, 0) }
    return Array(buffer.prefix(max(0, count)))
  }

  func receive(count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, case let more = receiveSome(), !more.isEmpty { bytes += more }
    return bytes
  }

  func receive(until mark: String) -> String {
    var bytes: [UInt8] = []
    while case let more = receiveSome(), !more.isEmpty {
      bytes += more
      if String(decoding: bytes, as: UTF8.self).contains(mark) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Everything until the peer ends the stream.
  func receiveAll() -> String {
    var bytes: [UInt8] = []
    while case let more = receiveSome(), !more.isEmpty { bytes += more }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A server that does to its clients what a script says: one call of the script a connection, each on its own thread.
final class ScriptedServer: Sendable {
  let port: UInt16
  private let listener: ListeningSocket

  init(_ script: @escaping @Sendable (_ connection: Int, RawSocket) throws -> Void) throws {
    let listener = try ListeningSocket(address: "127.0.0.1", port: 0)
    // Blocking, so that the accepting thread waits in `accept`; closing the write side of nothing wakes it at the end.
    _ = fcntl(listener.descriptor, F_SETFL, 0)
    self.listener = listener
    port = listener.port
    detach {
      var connection = 0
      while case let descriptor = accept(listener.descriptor, nil, nil), descriptor >= 0 {
        let socket = RawSocket(descriptor: descriptor)
        let number = connection
        connection += 1
        detach { try? script(number, socket) }
      }
      // Closed by whoever accepts: were it closed beside him, he might accept on what has its number next.
      listener.close()
    }
  }

  deinit {
    shutdown(listener.descriptor, Int32(SHUT_RDWR))
  }
}

private func detach(_ body: @escaping @Sendable () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { context in
      Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  pthread_detach(thread)
}
