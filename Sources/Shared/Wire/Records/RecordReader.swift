import Domain

/// Why a record is not what its topic promises.
public struct RecordError: Error, Equatable, Sendable {
  /// The stable code.
  public var code: RejectionCode
  /// The sentence for people.
  public var reason: String

  /// An error with its sentence, cut to a length that always fits a record.
  public init(_ code: RejectionCode, _ reason: String) {
    self.code = code
    self.reason = reason.cut()
  }

  /// The same error, said of bytes that are not JSON.
  public init(_ error: JSONError) {
    switch error {
    case .malformed(let offset): self.init(.malformed, "The record is not valid JSON at byte \(offset).")
    case .repeatedName(let name): self.init(.malformed, "The name \(name.prefix(64)) occurs twice.")
    case .tooDeep: self.init(.malformed, "The record is nested too deeply.")
    case .invalidText: self.init(.malformed, "The record is not valid UTF-8.")
    }
  }
}

/// Reads the members of one JSON object by name, with an error that names the field. Absent and `null` are the same.
public struct RecordReader: Sendable {
  /// The object's members in the order written.
  public let members: [JSONMember]

  /// Reads the object that fills `bytes`.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let json: JSON
    do { json = try JSON.parse(bytes) } catch { throw RecordError(error) }
    try self.init(json)
  }

  /// Reads `json`, which must be an object.
  public init(_ json: JSON) throws(RecordError) {
    guard let members = json.members else { throw RecordError(.malformed, "The record is not a JSON object.") }
    self.members = members
  }

  /// The value called `name`, or nil when it is absent or null.
  public func value(_ name: String) -> JSON? {
    for member in members where member.name == name { return member.value == .null ? nil : member.value }
    return nil
  }

  /// How many members are not in `names`.
  public func unknownCount(known names: Set<String>) -> Int { members.count { !names.contains($0.name) } }

  /// A string.
  public func string(_ name: String) throws(RecordError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string else { throw RecordError(.malformed, "The field \(name) is not a string.") }
    return text
  }

  /// An id that somebody else made up: at most 128 bytes, since ids are kept.
  public func foreignID(_ name: String) throws(RecordError) -> String? {
    guard let text = try string(name) else { return nil }
    guard text.utf8.count <= 128 else { throw RecordError(.outOfRange, "The field \(name) is longer than 128 bytes.") }
    return text
  }

  /// A whole number.
  public func integer(_ name: String) throws(RecordError) -> Int64? {
    guard let value = value(name) else { return nil }
    guard let number = value.integer else { throw RecordError(.invalidNumber, "The field \(name) is not a whole number.") }
    return number
  }

  /// A boolean.
  public func bool(_ name: String) throws(RecordError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard let flag = value.bool else { throw RecordError(.malformed, "The field \(name) is not true or false.") }
    return flag
  }

  /// An exact decimal, written as a number or as a string.
  public func decimal<Value: FixedPoint>(_ name: String, as type: Value.Type = Value.self) throws(RecordError) -> Value? {
    guard let value = value(name) else { return nil }
    guard let text = value.text else { throw RecordError(.invalidNumber, "The field \(name) is not a number.") }
    do { return try Value(text) } catch {
      switch error {
      case .malformed: throw RecordError(.invalidNumber, "The field \(name) is not a decimal number.")
      case .tooPrecise: throw RecordError(.tooPrecise, "The field \(name) has more than \(Value.scale) decimals.")
      case .overflow: throw RecordError(.outOfRange, "The field \(name) is too large.")
      }
    }
  }

  /// One of the tokens of an enumeration.
  public func token<Token: RawRepresentable<String>>(_ name: String, as type: Token.Type = Token.self) throws(RecordError)
    -> Token?
  {
    guard let text = try string(name) else { return nil }
    guard let token = Token(rawValue: text) else {
      throw RecordError(.unknownValue, "The field \(name) has the unknown value \(text.prefix(64)).")
    }
    return token
  }

  /// An identifier.
  public func identifier<Kind>(_ name: String, as type: Identifier<Kind>.Type = Identifier<Kind>.self) throws(RecordError)
    -> Identifier<Kind>?
  {
    guard let text = try string(name) else { return nil }
    guard let identifier = Identifier<Kind>(text) else {
      throw RecordError(.invalidIdentifier, "The field \(name) is not 1 to 64 of [A-Za-z0-9._-].")
    }
    return identifier
  }

  /// A universal symbol.
  public func symbol(_ name: String) throws(RecordError) -> Symbol? {
    guard let text = try string(name) else { return nil }
    guard let symbol = Symbol(text) else {
      throw RecordError(.unknownInstrument, "The field \(name) is not a symbol like BTC-USDT.")
    }
    return symbol
  }

  /// An instant in nanoseconds since 1970, UTC.
  public func time(_ name: String) throws(RecordError) -> Timestamp? {
    try integer(name).map(Timestamp.init(nanoseconds:))
  }

  /// A nested object.
  public func object(_ name: String) throws(RecordError) -> RecordReader? {
    guard let value = value(name) else { return nil }
    return try RecordReader(value)
  }

  /// A list of objects; empty when absent.
  public func objects(_ name: String) throws(RecordError) -> [RecordReader] {
    guard let value = value(name) else { return [] }
    guard let elements = value.array else { throw RecordError(.malformed, "The field \(name) is not a list.") }
    var readers: [RecordReader] = []
    for element in elements { readers.append(try RecordReader(element)) }
    return readers
  }

  /// A list of strings; empty when absent.
  public func strings(_ name: String) throws(RecordError) -> [String] {
    guard let value = value(name) else { return [] }
    guard let elements = value.array else { throw RecordError(.malformed, "The field \(name) is not a list.") }
    var texts: [String] = []
    for element in elements {
      guard let text = element.string else { throw RecordError(.malformed, "The field \(name) is not a list of strings.") }
      texts.append(text)
    }
    return texts
  }

  /// `value`, or the error that `name` is missing.
  public func require<Value>(_ name: String, _ value: Value?) throws(RecordError) -> Value {
    guard let value else { throw RecordError(.missingField, "The field \(name) is missing.") }
    return value
  }
}

extension String {
  /// The text, or its first 300 scalars: words from outside have no length of their own accord.
  public func cut() -> String {
    guard utf8.count > 300 else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.prefix(300)))
  }
}
