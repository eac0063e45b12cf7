import Glibc
import Runtime

/// Something that a test needs is not there, or did not come in time.
public struct TestSupportError: Error, CustomStringConvertible {
  /// What is missing.
  public let description: String

  /// Says what is missing.
  public init(_ description: String) {
    self.description = description
  }
}

/// Asks until the condition holds or the time is over; true when it held. For conditions of other processes, which nobody announces.
public func waitUntil(timeoutMilliseconds: Int, _ condition: () -> Bool) -> Bool {
  let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
  while !condition() {
    if deadline.isPast { return condition() }
    usleep(10_000)
  }
  return true
}

/// A TCP port on 127.0.0.1 that nobody listens on right now.
public func freePort() throws -> Int {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { throw SystemError("socket") }
  defer { close(descriptor) }
  var address = loopback(port: 0)
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let code = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
      bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
    }
  }
  guard code == 0 else { throw SystemError("bind to a free port") }
  return Int(UInt16(bigEndian: address.sin_port))
}

/// True when somebody accepts connections on that port of 127.0.0.1.
public func isListening(port: Int) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  var address = loopback(port: UInt16(port))
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}

private func loopback(port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return address
}
