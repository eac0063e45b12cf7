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
  func signature(of message: String) -> String { hmac.signatureHex(of: message) }

  /// The header fields that sign a request: over time, key, window and the bytes of the query or of the body (guide.mdx).
  func headers(signing payload: String, window: String, at time: Timestamp) -> [VenueRequest.Header] {
    let timestamp = String(time.milliseconds)
    return [
      .init("X-BAPI-API-KEY", apiKey), .init("X-BAPI-TIMESTAMP", timestamp), .init("X-BAPI-RECV-WINDOW", window),
      .init("X-BAPI-SIGN", signature(of: timestamp + apiKey + window + payload)),
    ]
  }

  /// Says that there is a key, not which.
  public var description: String { "BybitCredentials(hidden)" }
  /// Says that there is a key, not which.
  public var debugDescription: String { description }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
