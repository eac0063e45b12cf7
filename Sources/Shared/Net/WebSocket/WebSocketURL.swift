/// The parts of a `ws://` or `wss://` URL. What follows the authority goes out exactly as it is.
struct WebSocketURL: Equatable {
  let isSecure: Bool
  /// A name or a numeric address, an IPv6 address without its brackets.
  let host: String
  let port: UInt16
  /// Path and query, `/` at least.
  let target: String

  private static let maxBytes = 16 * 1_024

  /// Throws a sentence that says what is wrong.
  init(_ text: String) throws(WebSocketRefusal) {
    let rest: Substring
    if text.hasPrefix("wss://") {
      isSecure = true
      rest = text.dropFirst(6)
    } else if text.hasPrefix("ws://") {
      isSecure = false
      rest = text.dropFirst(5)
    } else {
      throw .invalid("the URL must start with wss:// or ws://")
    }
    guard rest.utf8.count <= Self.maxBytes, rest.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") }) else {
      throw .invalid("the URL must be printable, without white space or fragment, and at most \(Self.maxBytes) bytes long")
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let tail = rest.dropFirst(authority.count)
    target = tail.hasPrefix("/") ? String(tail) : "/" + tail
    (host, port) = try Self.hostAndPort(authority, standardPort: isSecure ? 443 : 80)
  }

  private static func hostAndPort(_ authority: Substring, standardPort: UInt16) throws(WebSocketRefusal) -> (String, UInt16) {
    guard !authority.contains("@") else { throw .invalid("the URL must not name a user") }
    let host: Substring
    let rest: Substring
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      host = authority[authority.index(after: authority.startIndex)..<end]
      rest = authority[authority.index(after: end)...]
    } else {
      host = authority.prefix { $0 != ":" }
      rest = authority.dropFirst(host.count)
    }
    guard !host.isEmpty, host.utf8.count <= 253 else { throw .invalid("the URL names no host") }
    if rest.isEmpty { return (String(host), standardPort) }
    guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else {
      throw .invalid("the URL's port is not a port")
    }
    return (String(host), port)
  }
}
