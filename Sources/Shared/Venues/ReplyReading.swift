import Domain
import Wire

/// Why a venue's reply cannot be read. Names the field, never shows the value: replies may hold what is not ours to log.
public enum ReplyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Not JSON, or not the kind of JSON expected.
  case malformed
  /// A field that must be there is missing or of another kind.
  case missing(String)
  /// A number that our types cannot hold exactly.
  case number(String, DecimalError)

  /// For the log.
  public var description: String {
    switch self {
    case .malformed: "not the JSON expected"
    case .missing(let field): "field \(field) is missing or of another kind"
    case .number(let field, let error): "field \(field): \(error)"
    }
  }
}

extension JSON {
  /// The tree of a reply's bytes.
  static func reply(_ bytes: [UInt8]) throws(ReplyError) -> JSON {
    do { return try JSON.parse(bytes) } catch { throw .malformed }
  }

  /// A string that must be there.
  func requiredString(_ field: String) throws(ReplyError) -> String {
    guard let text = self[field]?.string else { throw .missing(field) }
    return text
  }

  /// A whole number, or the text of one, that must be there.
  func requiredInteger(_ field: String) throws(ReplyError) -> Int64 {
    guard let number = self[field]?.integer else { throw .missing(field) }
    return number
  }

  /// A decimal that must be there.
  func requiredDecimal<Value: FixedPoint>(_ field: String) throws(ReplyError) -> Value {
    guard let value: Value = try decimal(field) else { throw .missing(field) }
    return value
  }

  /// A decimal that may be absent or null.
  func decimal<Value: FixedPoint>(_ field: String) throws(ReplyError) -> Value? {
    guard let json = self[field], json != .null else { return nil }
    guard let text = json.text else { throw .missing(field) }
    do { return try Value(text) } catch { throw .number(field, error) }
  }

  /// An amount that may be absent or null, never beyond `Money.limit`.
  func amount(_ field: String) throws(ReplyError) -> Money? {
    guard let amount: Money = try decimal(field) else { return nil }
    guard amount.magnitude <= Money.limit else { throw .number(field, .overflow) }
    return amount
  }

  /// An amount that must be there.
  func requiredAmount(_ field: String) throws(ReplyError) -> Money {
    guard let amount = try amount(field) else { throw .missing(field) }
    return amount
  }

  /// Milliseconds since 1970 that must be there.
  func requiredTime(_ field: String) throws(ReplyError) -> Timestamp {
    Timestamp(milliseconds: try requiredInteger(field))
  }

  /// How many members are not in `names`.
  func unknownCount(known names: Set<String>) -> Int { members?.count { !names.contains($0.name) } ?? 0 }

  /// The elements of an array that must be there.
  func requiredArray(_ field: String) throws(ReplyError) -> [JSON] {
    guard let array = self[field]?.array else { throw .missing(field) }
    return array
  }
}
