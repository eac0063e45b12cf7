import Glibc
import Runtime

/// A TCP socket that listens. Owned by whoever closes it.
struct ListeningSocket: Sendable {
  let descriptor: Int32
  let port: UInt16

  /// Binds a numeric IPv4 or IPv6 address; port 0 takes a free one.
  init(address: String, port: UInt16) throws {
    let place = try SocketAddress(address, port: port)
    let descriptor = socket(place.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError("open a socket") }
    do {
      var one: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
      guard place.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
        throw SystemError("bind \(address) port \(port)")
      }
      guard listen(descriptor, 1_024) == 0 else { throw SystemError("listen on \(address) port \(port)") }
      self.port = try Self.boundPort(of: descriptor)
      self.descriptor = descriptor
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  func close() {
    Glibc.close(descriptor)
  }

  private static func boundPort(of descriptor: Int32) throws -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    guard withSocketAddress(&storage, { getsockname(descriptor, $0, &length) }) == 0 else {
      throw SystemError("read a socket's address")
    }
    // The port lies at the same place for both families.
    return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
  }

  private static func withSocketAddress(
    _ storage: inout sockaddr_storage, _ call: (UnsafeMutablePointer<sockaddr>) -> Int32
  ) -> Int32 {
    withUnsafeMutableBytes(of: &storage) { call($0.assumingMemoryBound(to: sockaddr.self).baseAddress!) }
  }
}
