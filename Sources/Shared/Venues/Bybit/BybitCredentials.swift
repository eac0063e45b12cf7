import Crypto
import Domain

/// An API key and its secret. The secret cannot be read back, and neither shows in a log.
public struct BybitCredentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  let apiKey: String
  private let hmac: HMACSHA256

  /// Takes the key pair as Bybit handed it out.
  public init(apiKey: String, secret: String) {
    self.apiKey = apiKey
    hmac = HMACSHA256(key: secret)
  }

  /// The signature of `message`.
  func signature(of message: [UInt8]) -> Digest256 { hmac.signature(of: message) }

  /// The header fields that sign a request: over time, key, window and the bytes of the query or of the body (guide.mdx).
  func headers(signing payload: [UInt8], window: String, at time: Timestamp) -> [VenueRequest.Header] {
    let timestamp = String(time.milliseconds)
    var message: [UInt8] = []
    message.reserveCapacity(payload.count + 128)
    for part in [timestamp, apiKey, window] { message.append(contentsOf: part.utf8) }
    message.append(contentsOf: payload)
    return [
      .init("X-BAPI-API-KEY", apiKey), .init("X-BAPI-TIMESTAMP", timestamp), .init("X-BAPI-RECV-WINDOW", window),
      .init("X-BAPI-SIGN", signature(of: message).hex),
    ]
  }

  /// Says that there is a key, not which.
  public var description: String { "BybitCredentials(hidden)" }
  /// Says that there is a key, not which.
  public var debugDescription: String { description }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
