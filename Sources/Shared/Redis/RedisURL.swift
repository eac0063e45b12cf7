import Runtime

/// Where a Redis is: `redis://[[user]:password@]host[:port][/database]`.
public struct RedisURL: Sendable, Equatable {
  /// Host name or address.
  public let host: String
  /// TCP port, 6379 unless stated.
  public let port: Int32
  /// The user of an access list; nil is the default user.
  public let user: String?
  /// nil: no authentication.
  public let password: Secret?
  /// The database's number, from 0.
  public let database: Int

  /// Reads the URL; nil when it is malformed. `%XX` in user and password is decoded.
  public init?(_ text: String) {
    guard text.hasPrefix("redis://") else { return nil }
    var rest = text.dropFirst(8)
    var user: String?
    var password: Secret?
    if let at = rest.lastIndex(of: "@") {
      let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard credentials.count == 2, let name = RedisURL.decoded(credentials[0]), let word = RedisURL.decoded(credentials[1])
      else { return nil }
      user = name.isEmpty ? nil : name
      password = word.isEmpty ? nil : Secret(word)
      rest = rest[rest.index(after: at)...]
    }
    var database = 0
    if let slash = rest.firstIndex(of: "/") {
      let path = rest[rest.index(after: slash)...]
      if !path.isEmpty {
        guard let number = Int(path), (0...1_000_000).contains(number) else { return nil }
        database = number
      }
      rest = rest[..<slash]
    }
    var port: Int32 = 6379
    if let colon = rest.lastIndex(of: ":") {
      guard let number = Int32(rest[rest.index(after: colon)...]), (1...65_535).contains(number) else { return nil }
      port = number
      rest = rest[..<colon]
    }
    guard !rest.isEmpty else { return nil }
    host = String(rest)
    self.port = port
    self.user = user
    self.password = password
    self.database = database
  }

  /// Reads `REDIS_URL`; nil only together with a problem.
  public init?(configuration: inout Configuration) {
    let url = configuration.value(
      "REDIS_URL", default: "redis://127.0.0.1:6379", help: "live state",
      expected: "redis://[[user]:password@]host[:port][/database]", mayHoldSecrets: true, parse: RedisURL.init(_:))
    guard let url else { return nil }
    self = url
  }

  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
