import Crypto

/// An API key and its secret. The secret cannot be read back, and neither shows in a log.
public struct BinanceCredentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  let apiKey: String
  private let hmac: HMACSHA256

  /// Takes the key pair as Binance handed it out.
  public init(apiKey: String, secret: String) {
    self.apiKey = apiKey
    hmac = HMACSHA256(key: secret)
  }

  /// The signature of `payload`: query string and body together (REST), or the sorted parameters (WebSocket API).
  func signature(of payload: [UInt8]) -> Digest256 { hmac.signature(of: payload) }

  /// Says that there is a key, not which.
  public var description: String { "BinanceCredentials(hidden)" }
  /// Says that there is a key, not which.
  public var debugDescription: String { description }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
