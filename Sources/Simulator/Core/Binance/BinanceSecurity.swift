import Domain

/// Who sent a signed request, and whether it is fresh.
enum BinanceSecurity {
  static let signature = "signature"

  /// The bytes that the client signed: query and body exactly as they came, without the signature.
  static func signedPayload(query: String, body: String) -> (payload: String, signature: String?) {
    var found: String?
    func strip(_ raw: String) -> String {
      raw.split(separator: "&", omittingEmptySubsequences: false).filter { part in
        guard part.hasPrefix("\(signature)=") else { return true }
        found = String(part.dropFirst(signature.utf8.count + 1))
        return false
      }.joined(separator: "&")
    }
    let payload = strip(query) + strip(body)
    return (payload, found)
  }

  /// The client behind a key, or the venue's refusal of it.
  static func client(_ apiKey: String?, _ world: World) throws(BinanceError) -> ClientAccount {
    guard let apiKey, (1...128).contains(apiKey.utf8.count), apiKey.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .keyFormat
    }
    guard let client = world.client(withKey: apiKey) else { throw .unknownKey }
    return client
  }

  /// Refuses a signature that is not the client's own over `payload`, in either case of hexadecimal letters.
  static func verify(_ signature: String?, over payload: String, by client: ClientAccount) throws(BinanceError) {
    guard let signature, !signature.isEmpty else { throw .missing(Self.signature) }
    guard client.hasSigned(payload, signature) else { throw .signature }
  }

  /// Accepted when `timestamp < now + 1000` and `now - timestamp <= recvWindow`, in milliseconds. A timestamp in microseconds is
  /// known by its size; the window may have up to three decimals.
  static func checkFreshness(_ parameters: inout BinanceParameters, at now: Timestamp) throws(BinanceError) {
    let window: Money = try parameters.decimal("recvWindow") ?? milliseconds(5_000)
    guard window <= milliseconds(60_000) else { throw .recvWindow }
    guard let sent = try parameters.integer("timestamp") else { throw .missing("timestamp") }
    let isMicroseconds = sent >= 100_000_000_000_000
    let time =
      Timestamp(milliseconds: isMicroseconds ? sent / 1_000 : sent) + (isMicroseconds ? sent % 1_000 : 0) * Interval.microsecond
    let windowNanoseconds = Int64(window.units / (milliseconds(1).units / Int128(Interval.millisecond)))
    switch RequestAge(sent: time, windowNanoseconds: windowNanoseconds, now: now) {
    case .fresh: return
    case .ahead: throw .aheadOfServer
    case .late: throw .outsideWindow
    }
  }

  private static func milliseconds(_ count: Int128) -> Money { Money(units: count * 1_000_000_000_000_000_000) }
}
