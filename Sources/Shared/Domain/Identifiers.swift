/// A validated name: 1 to 64 of `[A-Za-z0-9._-]`. The phantom `Kind` keeps an account from passing as an order id.
public struct Identifier<Kind>: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The text, known to be legal.
  public let text: String

  /// Nil when `text` is not 1 to 64 of `[A-Za-z0-9._-]`.
  public init?(_ text: String) {
    var text = text
    guard text.withUTF8(Self.isLegal) else { return nil }
    self.text = text
  }

  /// Nil when the bytes are not 1 to 64 of `[A-Za-z0-9._-]`.
  public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
    guard Self.isLegal(text) else { return nil }
    self.text = String(decoding: text, as: UTF8.self)
  }

  private static func isLegal(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    (1...64).contains(text.count) && text.allAre(.name)
  }

  /// By text.
  public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
  /// The text itself.
  public var description: String { text }
}

/// Tells accounts from other identifiers.
public enum AccountKind: Sendable {}
/// Tells clients' order ids from other identifiers.
public enum ClientOrderKind: Sendable {}
/// Tells venues from other identifiers.
public enum VenueKind: Sendable {}

/// Whose order it is. (account, venue) names exactly one venue sub-account with its own keys.
public typealias Account = Identifier<AccountKind>
/// The client's own name of an order; unique within the account.
public typealias ClientOrderID = Identifier<ClientOrderKind>
/// Where orders trade: `binance`, later `bybit` and others; `best` in an order leaves the choice to the router.
public typealias Venue = Identifier<VenueKind>

extension Identifier where Kind == VenueKind {
  private static func known(_ text: String) -> Venue {
    guard let venue = Venue(text) else { preconditionFailure("a venue's name is a legal identifier") }
    return venue
  }
  /// Binance.
  public static let binance = known("binance")
  /// Bybit.
  public static let bybit = known("bybit")
  /// Not a venue: the router chooses.
  public static let best = known("best")
}
