import Glibc

/// Turns a host name into a numeric address. Blocks for as long as the system's resolver does, so it has a thread of its own.
enum AddressResolver {
  /// Whether the text is an address already.
  static func isNumeric(_ host: String) -> Bool {
    var address = in6_addr()
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
  }

  /// One of the host's addresses: `attempt` counts through them, so that a dead one is not tried for ever. The failure is a sentence.
  static func resolve(_ host: String, attempt: UInt64) -> Result<String, NetError> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &list)
    defer { if list != nil { freeaddrinfo(list) } }
    guard code == 0 else { return .failure(NetError("\(host) has no address: \(String(cString: gai_strerror(code)))")) }
    let addresses = sequence(first: list, next: { $0?.pointee.ai_next }).prefix { $0 != nil }.compactMap { numericText($0) }
    guard !addresses.isEmpty else { return .failure(NetError("\(host) has no address")) }
    return .success(addresses[Int(attempt % UInt64(addresses.count))])
  }

  private static func numericText(_ entry: UnsafeMutablePointer<addrinfo>?) -> String? {
    guard let entry else { return nil }
    var text = [CChar](repeating: 0, count: 64)
    let code = getnameinfo(entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, 64, nil, 0, NI_NUMERICHOST)
    return code == 0 ? text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } : nil
  }
}
