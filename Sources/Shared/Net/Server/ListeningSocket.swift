import Glibc
import Runtime

/// A TCP socket that listens. Owned by whoever closes it.
struct ListeningSocket: Sendable {
  let descriptor: Int32
  let port: UInt16

  /// Binds a numeric IPv4 or IPv6 address; port 0 takes a free one.
  init(address: String, port: UInt16) throws {
    var storage = sockaddr_storage()
    let length = try Self.fill(&storage, address: address, port: port)
    let family = Int32(storage.ss_family)
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError("open a socket") }
    do {
      var one: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
      guard Self.withSocketAddress(&storage, { bind(descriptor, $0, length) }) == 0 else {
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

  private static func fill(_ storage: inout sockaddr_storage, address: String, port: UInt16) throws -> socklen_t {
    try withUnsafeMutableBytes(of: &storage) { bytes in
      let ipv4 = bytes.assumingMemoryBound(to: sockaddr_in.self).baseAddress!
      if inet_pton(AF_INET, address, &ipv4.pointee.sin_addr) == 1 {
        ipv4.pointee.sin_family = sa_family_t(AF_INET)
        ipv4.pointee.sin_port = port.bigEndian
        return socklen_t(MemoryLayout<sockaddr_in>.size)
      }
      let ipv6 = bytes.assumingMemoryBound(to: sockaddr_in6.self).baseAddress!
      guard inet_pton(AF_INET6, address, &ipv6.pointee.sin6_addr) == 1 else {
        throw NetError("\(address) is not a numeric address")
      }
      ipv6.pointee.sin6_family = sa_family_t(AF_INET6)
      ipv6.pointee.sin6_port = port.bigEndian
      return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
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
