/// Where a venue is reached: a checked base address such as `https://testnet.binance.vision` or `ws://127.0.0.1:9001`.
///
/// The check is the last fence between test money and real money, so it lets through only what it knows: this machine and its
/// private neighbourhood, the venue's own test hosts, and anything else only when it was asked for in so many words.
public struct VenueAddress: Sendable, Hashable, CustomStringConvertible {
  /// What must be said, in `APUS_ALLOW_MAINNET`, before an address that may trade real money is used.
  public static let mainnetConsent = "yes-trade-real-money"

  /// What the address is used for.
  public enum Transport: Sendable {
    case http, webSocket

    fileprivate var plain: String { self == .http ? "http" : "ws" }
    fileprivate var secured: String { self == .http ? "https" : "wss" }
  }

  /// Why an address is not used.
  public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not `scheme://host[:port]` with an optional path.
    case malformed(String)
    /// Another scheme than the transport's.
    case scheme(String)
    /// Neither local nor one of the venue's test hosts, and nobody consented.
    case mainnet(host: String)
    /// Credentials would travel in the clear to another machine's public address.
    case unencrypted(host: String)
    /// One address is of real money and the other is not.
    case mixed(String, String)

    /// A sentence for the operator.
    public var description: String {
      switch self {
      case .malformed(let text): "\(text) is not an address of the form scheme://host[:port][/path]"
      case .scheme(let text): "\(text) has the wrong scheme: http(s) for REST, ws(s) for streams"
      case .mainnet(let host):
        "\(host) is not a test host: set APUS_ALLOW_MAINNET=\(VenueAddress.mainnetConsent) if real money is what you mean"
      case .mixed(let first, let second): "\(first) and \(second): real and test money must not mix"
      case .unencrypted(let host): "\(host) is reached over the network and must be addressed with https or wss"
      }
    }
  }

  /// The base address without a trailing slash: targets that begin with `/` are appended to it.
  public let text: String
  /// True when real money may be at stake.
  public let isMainnet: Bool

  /// Checks `text`. `testHosts` are the venue's own; `consent` is the value of `APUS_ALLOW_MAINNET`, if any.
  public init(_ text: String, _ transport: Transport, testHosts: [String], consent: String?) throws(Refusal) {
    let parts = try Self.split(text)
    guard parts.scheme == transport.plain || parts.scheme == transport.secured else { throw .scheme(text) }
    let isLocal = Self.isLocal(parts.host)
    isMainnet = !isLocal && !testHosts.contains(parts.host)
    if isMainnet && consent != Self.mainnetConsent { throw .mainnet(host: parts.host) }
    if !isLocal && parts.scheme != transport.secured { throw .unencrypted(host: parts.host) }
    self.text = text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  /// The address of something below the base; `target` begins with `/`.
  public func appending(_ target: String) -> String { text + target }

  /// The base address.
  public var description: String { text }

  /// Splits off scheme and host. Everything unusual is refused: user names, fragments, queries, and bytes that two parsers could read
  /// in two ways.
  private static func split(_ text: String) throws(Refusal) -> (scheme: String, host: String) {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "-._~:/[]".utf8.contains(byte)
      }
    }
    guard isPlain, text.utf8.count <= 256, let separator = text.firstRange(of: "://") else { throw .malformed(text) }
    let scheme = text[..<separator.lowerBound].lowercased()
    let authority = text[separator.upperBound...].prefix { $0 != "/" }
    guard let host = splitPort(authority.lowercased()) else { throw .malformed(text) }
    return (scheme, host)
  }

  /// The host of `host[:port]`, or nil when it is not one.
  private static func splitPort(_ authority: String) -> String? {
    if authority.hasPrefix("[") {
      guard authority == "[::1]" || authority.hasPrefix("[::1]:") else { return nil }
      return isPort(authority.dropFirst(5)) ? "[::1]" : nil
    }
    let host = authority.prefix { $0 != ":" }
    guard !host.isEmpty, !host.contains(where: { "[]~_".contains($0) }), isPort(authority.dropFirst(host.count)) else {
      return nil
    }
    return String(host)
  }

  /// Nothing, or `:` and a port.
  private static func isPort(_ text: Substring) -> Bool {
    guard let colon = text.first else { return true }
    let digits = text.dropFirst()
    guard colon == ":", (1...5).contains(digits.utf8.count), let port = UInt16(digits) else { return false }
    return port > 0
  }

  /// This machine, a name without dots (a neighbour in the same container network), a private name, or a private IPv4 address.
  private static func isLocal(_ host: String) -> Bool {
    if host == "[::1]" { return true }
    let labels = host.split(separator: ".", omittingEmptySubsequences: false)
    if let octets = octets(labels) { return isPrivate(octets) }
    // A name begins with a letter: digits and 0x… are addresses in disguise.
    guard let last = labels.last, last.first?.isLetter == true, labels.allSatisfy({ !$0.isEmpty }) else { return false }
    return labels.count == 1 || ["localhost", "local", "internal"].contains(last)
  }

  private static func octets(_ labels: [Substring]) -> [UInt8]? {
    guard labels.count == 4 else { return nil }
    let octets = labels.compactMap { label in UInt8(label).flatMap { String($0) == label ? $0 : nil } }
    return octets.count == 4 ? octets : nil
  }

  private static func isPrivate(_ octets: [UInt8]) -> Bool {
    switch (octets[0], octets[1]) {
    case (127, _), (10, _), (192, 168): true
    case (172, 16...31): true
    default: false
    }
  }
}
