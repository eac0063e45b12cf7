import Domain

/// Who sent a signed request or opened a private stream, and whether it is fresh.
enum BybitSecurity {
  /// The client that signed timestamp, key, window and the query or body, exactly as they came.
  static func authenticate(_ request: WebRequest, _ world: World) throws(BybitError) -> ClientAccount {
    let header = { (name: String) in request.header(name) ?? "" }
    let (timestamp, key, signature) = (header("x-bapi-timestamp"), header("x-bapi-api-key"), header("x-bapi-sign"))
    guard !timestamp.isEmpty, !key.isEmpty, !signature.isEmpty else {
      throw .unsigned(timestamp: timestamp, key: key, signature: signature)
    }
    guard let client = world.client(withKey: key) else { throw .key }
    let windowText = header("x-bapi-recv-window")
    guard let sent = Int64(timestamp), let window = windowText.isEmpty ? 5_000 : Int64(windowText), window >= 0 else {
      throw .malformed
    }
    let windowNanoseconds = min(window, 86_400_000) * Interval.millisecond
    guard RequestAge(sent: Timestamp(milliseconds: sent), windowNanoseconds: windowNanoseconds, now: world.clock) == .fresh
    else { throw .window(sent: sent, now: world.clock, window: window) }
    let payload = request.method == "GET" ? request.query : String(decoding: request.body, as: UTF8.self)
    guard client.hasSigned(timestamp + key + windowText + payload, signature) else { throw .signature }
    return client
  }

  /// The client that signed `GET/realtime` and a time that is still to come; nil for anything else.
  static func authenticate(key: String, expires: Int64, signature: String, _ world: World) -> ClientAccount? {
    guard let client = world.client(withKey: key), expires > world.clock.milliseconds else { return nil }
    return client.hasSigned("GET/realtime\(expires)", signature) ? client : nil
  }
}
