/// A universal symbol: `BTC-USDT`, or `BTC-USDT-PERP` for the perpetual. Assets are upper-case letters and digits, at most 20 each.
public struct Symbol: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// What is bought and sold.
  public let base: String
  /// What it is paid in.
  public let quote: String
  /// True for the perpetual contract.
  public let isPerpetual: Bool

  /// Nil when an asset is empty, longer than 20 characters or has anything but `[A-Z0-9]`.
  public init?(base: String, quote: String, isPerpetual: Bool = false) {
    guard Self.isAsset(base), Self.isAsset(quote) else { return nil }
    self.base = base
    self.quote = quote
    self.isPerpetual = isPerpetual
  }

  /// Reads `BASE-QUOTE` or `BASE-QUOTE-PERP`; lower case is accepted.
  public init?(_ text: String) {
    var text = text
    guard let symbol = text.withUTF8({ Symbol(utf8: $0) }) else { return nil }
    self = symbol
  }

  /// Reads the UTF-8 bytes of `BASE-QUOTE` or `BASE-QUOTE-PERP`; lower case is accepted.
  public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
    guard text.count <= 48, let first = text.firstIndex(of: Self.dash) else { return nil }
    let second = text[(first + 1)...].firstIndex(of: Self.dash)
    if let second {
      guard Self.capitals(text[(second + 1)...]) == "PERP" else { return nil }
    }
    self.init(
      base: Self.capitals(text[..<first]), quote: Self.capitals(text[(first + 1)..<(second ?? text.count)]),
      isPerpetual: second != nil)
  }

  private static let dash = UInt8(ascii: "-")

  private static func capitals(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String {
    String(unsafeUninitializedCapacity: text.count) { room in
      for (index, byte) in text.enumerated() {
        room.initializeElement(at: index, to: (0x61...0x7A).contains(byte) ? byte - 0x20 : byte)
      }
      return text.count
    }
  }

  private static func isAsset(_ text: String) -> Bool {
    (1...20).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
  }

  /// `BTC-USDT` or `BTC-USDT-PERP`.
  public var description: String { isPerpetual ? "\(base)-\(quote)-PERP" : "\(base)-\(quote)" }

  /// The tail of a topic's name: `btc_usdt` or `btc_usdt_perp`.
  public var topicSuffix: String {
    (isPerpetual ? "\(base)_\(quote)_PERP" : "\(base)_\(quote)").lowercased()
  }

  /// By name.
  public static func < (left: Symbol, right: Symbol) -> Bool { left.description < right.description }
}
