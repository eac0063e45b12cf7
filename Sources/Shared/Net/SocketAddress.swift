import Glibc

/// A numeric IPv4 or IPv6 address with a port, as the system calls take it.
struct SocketAddress {
  private var storage = sockaddr_storage()
  private var length: socklen_t = 0

  /// Throws a sentence when the text is no numeric address.
  init(_ address: String, port: UInt16) throws(NetError) {
    let found = withUnsafeMutableBytes(of: &storage) { bytes -> socklen_t? in
      guard let start = bytes.baseAddress else { return nil }
      let ipv4 = start.assumingMemoryBound(to: sockaddr_in.self)
      if inet_pton(AF_INET, address, &ipv4.pointee.sin_addr) == 1 {
        ipv4.pointee.sin_family = sa_family_t(AF_INET)
        ipv4.pointee.sin_port = port.bigEndian
        return socklen_t(MemoryLayout<sockaddr_in>.size)
      }
      let ipv6 = start.assumingMemoryBound(to: sockaddr_in6.self)
      guard inet_pton(AF_INET6, address, &ipv6.pointee.sin6_addr) == 1 else { return nil }
      ipv6.pointee.sin6_family = sa_family_t(AF_INET6)
      ipv6.pointee.sin6_port = port.bigEndian
      return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
    guard let found else { throw NetError("\(address) is not a numeric address") }
    length = found
  }

  /// `AF_INET` or `AF_INET6`.
  var family: Int32 { Int32(storage.ss_family) }

  /// Lends the address to a system call.
  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}
