import Domain
import Wire

/// The parameters of one request by name, from a query string or a JSON body. What nobody reads is ignored, as the venue does; an empty
/// text counts as not sent.
struct BybitParameters {
  private let values: [(name: String, value: JSON)]

  init(query: String) throws(BybitError) {
    let form = FormParameters(query)
    guard form.isWellFormed else { throw .malformed }
    values = form.pairs.map { ($0.name, .string($0.value)) }
  }

  init(body: [UInt8]) throws(BybitError) {
    guard let members = (try? JSON.parse(body))?.members else { throw .malformed }
    values = members.map { ($0.name, $0.value) }
  }

  private func value(_ name: String) -> JSON? { values.first { $0.name == name }?.value }

  /// Text, a number or a flag as text.
  func text(_ name: String) -> String? {
    let value = value(name)
    let text = value?.bool.map { $0 ? "true" : "false" } ?? value?.text
    return text.flatMap { $0.isEmpty ? nil : $0 }
  }

  func required(_ name: String) throws(BybitError) -> String {
    guard let text = text(name) else { throw .missing(name) }
    return text
  }

  /// A decimal above zero without sign or exponent. The venue wants it as text, and refuses a bare number.
  func decimal<Value: FixedPoint>(_ name: String, tooPrecise: BybitError) throws(BybitError) -> Value? {
    guard let value = value(name), value.text != "" else { return nil }
    guard let text = value.string, text.utf8.allSatisfy({ $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") }) else {
      throw .parameter(name)
    }
    do throws(DecimalError) {
      let decimal = try Value(text)
      guard decimal.isPositive else { throw DecimalError.malformed }
      return decimal
    } catch {
      throw error == .tooPrecise ? tooPrecise : .parameter(name)
    }
  }

  func integer(_ name: String, in range: ClosedRange<Int64> = 0...Int64.max) throws(BybitError) -> Int64? {
    guard let text = text(name) else { return nil }
    guard let value = Int64(text), range.contains(value) else { throw .parameter(name) }
    return value
  }

  /// How many entries a page has; what is beyond `maximum` is cut to it.
  func limit(default usual: Int, maximum: Int) throws(BybitError) -> Int {
    Int(min(try integer("limit", in: 1...Int64.max) ?? Int64(usual), Int64(maximum)))
  }

  func category() throws(BybitError) -> BybitCategory {
    guard let category = BybitCategory(rawValue: try required("category")) else { throw .category }
    return category
  }

  /// The market that `symbol` names within a category; nil when no symbol was sent.
  func market(
    _ category: BybitCategory, _ world: World, otherwise error: BybitError = .parameter("symbol")
  ) throws(BybitError) -> Int? {
    guard let symbol = text("symbol") else { return nil }
    let markets = world.exchange.markets
    guard let market = markets.indices.first(where: { category.lists(markets[$0]) && world.symbol($0) == symbol }) else {
      throw error
    }
    return market
  }

  /// A client id: 1 to 36 letters, digits, `-` and `_`.
  func clientID(_ name: String) throws(BybitError) -> String? {
    guard let text = text(name) else { return nil }
    let isLegal = text.utf8.count <= 36 && text.utf8.allSatisfy { isLetterOrDigit($0) || "-_".utf8.contains($0) }
    guard isLegal else { throw .parameter(name) }
    return text
  }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
  default: false
  }
}
