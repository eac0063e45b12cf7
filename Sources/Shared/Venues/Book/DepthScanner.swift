import Domain
import Wire

/// What the depth frames of most venues have in common: levels as `[["price","quantity"],…]`, and symbols that repeat from frame to
/// frame. Reads without building a tree and, once the arrays have grown, without allocating.
struct DepthScanner {
  /// Where the reading is.
  var scanner: JSONScanner
  /// A number that our types cannot hold: more telling than the scanner's error.
  private(set) var failure: ReplyError?

  init(_ bytes: UnsafeBufferPointer<UInt8>) { scanner = JSONScanner(bytes) }

  /// Keeps the string of the last frame when it is the same, as it nearly always is.
  mutating func symbol(into text: inout String) throws(JSONError) {
    try take(scanner.rawString(), into: &text)
  }

  /// The same for a part of a string.
  func take(_ raw: JSONText, into text: inout String) throws(JSONError) {
    if text.withUTF8({ $0.equals(raw) }) { return }
    guard raw.count <= 32 else { throw scanner.malformed }
    text = String(decoding: raw, as: UTF8.self)
  }

  /// Reads `[["price","quantity"],…]`. False when the value is no array: other events use the same names for single numbers.
  mutating func levels(into levels: inout [BookLevel]) throws(JSONError) -> Bool {
    guard scanner.peek() == UInt8(ascii: "[") else {
      try scanner.skipValue()
      return false
    }
    try scanner.beginArray()
    while true {
      while let (price, quantity) = scanner.nextDecimalPair(scales: Price.scale, Quantity.scale) {
        guard price > 0 else { throw scanner.malformed }
        levels.append(BookLevel(price: Price(units: price), quantity: Quantity(units: quantity)))
      }
      guard try scanner.nextElement() else { return true }
      try scanner.beginArray()
      guard try scanner.nextElement() else { throw scanner.malformed }
      let price = try scanner.decimalText()
      guard try scanner.nextElement() else { throw scanner.malformed }
      levels.append(try level(price, try scanner.decimalText()))
      // Some venues' levels have further elements.
      while try scanner.nextElement() { try scanner.skipValue() }
    }
  }

  private mutating func level(_ price: JSONText, _ quantity: JSONText) throws(JSONError) -> BookLevel {
    let level: BookLevel
    do throws(DecimalError) {
      level = BookLevel(price: try Price(text: price), quantity: try Quantity(text: quantity))
    } catch {
      failure = .number("level", error)
      throw scanner.malformed
    }
    guard level.price.isPositive, !level.quantity.isNegative else { throw scanner.malformed }
    return level
  }
}
