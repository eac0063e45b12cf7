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
  private let index: JSONIndex
  /// The object's place in the index.
  private let object: Int

  /// Reads the object that fills `bytes`.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let index: JSONIndex
    do { index = try JSONIndex(bytes) } catch { throw RecordError(error) }
    try self.init(index, 0)
  }

  private init(_ index: JSONIndex, _ place: Int) throws(RecordError) {
    guard index.nodes[place].kind == .object else { throw RecordError(.malformed, "The record is not a JSON object.") }
    self.index = index
    object = place
  }

  /// The object's members in the order written.
  public var members: [JSONMember] { index.members(of: object) }

  /// The value called `name`, or nil when it is absent or null.
  public func value(_ name: StaticString) -> JSON? { place(name).map(index.tree) }

  /// True when there is a value called `name` that is not null.
  public func has(_ name: StaticString) -> Bool { place(name) != nil }

  /// How many members are not in `names`.
  public func unknownCount(known names: [StaticString]) -> Int {
    index.children(of: object).count { child in
      let node = index.nodes[child]
      if node.isNameEscaped { return !names.contains { $0.description == index.name(of: child) } }
      return index.withRaw(node.name) { name in !names.contains { name == $0 } }
    }
  }

  /// A string.
  public func string(_ name: StaticString) throws(RecordError) -> String? {
    guard let place = place(name) else { return nil }
    guard index.nodes[place].kind == .string else { throw notAString(name) }
    return index.text(of: place)
  }

  /// An id that somebody else made up: at most 128 bytes, since ids are kept.
  public func foreignID(_ name: StaticString) throws(RecordError) -> String? {
    guard let text = try string(name) else { return nil }
    guard text.utf8.count <= 128 else { throw RecordError(.outOfRange, "The field \(name) is longer than 128 bytes.") }
    return text
  }

  /// A whole number.
  public func integer(_ name: StaticString) throws(RecordError) -> Int64? {
    guard let place = place(name) else { return nil }
    guard let number = integer(at: place) else {
      throw RecordError(.invalidNumber, "The field \(name) is not a whole number.")
    }
    return number
  }

  /// A boolean.
  public func bool(_ name: StaticString) throws(RecordError) -> Bool? {
    guard let place = place(name) else { return nil }
    guard index.nodes[place].kind == .bool else { throw RecordError(.malformed, "The field \(name) is not true or false.") }
    return index.bool(of: place)
  }

  /// An exact decimal, written as a number or as a string.
  public func decimal<Value: FixedPoint>(_ name: StaticString, as type: Value.Type = Value.self) throws(RecordError) -> Value? {
    try place(name).map { place throws(RecordError) in try decimal(at: place) }
  }

  /// Every member as an exact decimal, in the order written; those that are null are left out.
  public func decimals<Value: FixedPoint>(as type: Value.Type = Value.self) throws(RecordError) -> [(name: String, value: Value)]
  {
    var decimals: [(name: String, value: Value)] = []
    for child in index.children(of: object) where index.nodes[child].kind != .null {
      decimals.append((index.name(of: child), try decimal(at: child)))
    }
    return decimals
  }

  /// One of the tokens of an enumeration.
  public func token<Token: RawRepresentable<String>>(_ name: StaticString, as type: Token.Type = Token.self) throws(RecordError)
    -> Token?
  {
    guard let text = try string(name) else { return nil }
    guard let token = Token(rawValue: text) else {
      throw RecordError(.unknownValue, "The field \(name) has the unknown value \(text.prefix(64)).")
    }
    return token
  }

  /// An identifier.
  public func identifier<Kind>(_ name: StaticString, as type: Identifier<Kind>.Type = Identifier<Kind>.self) throws(RecordError)
    -> Identifier<Kind>?
  {
    guard let place = place(name) else { return nil }
    let node = index.nodes[place]
    guard node.kind == .string else { throw notAString(name) }
    let identifier =
      node.isEscaped ? Identifier<Kind>(index.text(of: place)) : index.withRaw(node.text, Identifier<Kind>.init(utf8:))
    guard let identifier else {
      throw RecordError(.invalidIdentifier, "The field \(name) is not 1 to 64 of [A-Za-z0-9._-].")
    }
    return identifier
  }

  /// A universal symbol.
  public func symbol(_ name: StaticString) throws(RecordError) -> Symbol? {
    guard let place = place(name) else { return nil }
    let node = index.nodes[place]
    guard node.kind == .string else { throw notAString(name) }
    guard let symbol = node.isEscaped ? Symbol(index.text(of: place)) : index.withRaw(node.text, Symbol.init(utf8:)) else {
      throw RecordError(.unknownInstrument, "The field \(name) is not a symbol like BTC-USDT.")
    }
    return symbol
  }

  /// An instant in nanoseconds since 1970, UTC.
  public func time(_ name: StaticString) throws(RecordError) -> Timestamp? {
    try integer(name).map(Timestamp.init(nanoseconds:))
  }

  /// A nested object.
  public func object(_ name: StaticString) throws(RecordError) -> RecordReader? {
    try place(name).map { place throws(RecordError) in try RecordReader(index, place) }
  }

  /// A list of objects; empty when absent.
  public func objects(_ name: StaticString) throws(RecordError) -> [RecordReader] {
    var readers: [RecordReader] = []
    for element in try elements(name) { readers.append(try RecordReader(index, element)) }
    return readers
  }

  /// A list of strings; empty when absent.
  public func strings(_ name: StaticString) throws(RecordError) -> [String] {
    var texts: [String] = []
    for element in try elements(name) {
      guard index.nodes[element].kind == .string else {
        throw RecordError(.malformed, "The field \(name) is not a list of strings.")
      }
      texts.append(index.text(of: element))
    }
    return texts
  }

  /// `value`, or the error that `name` is missing.
  public func require<Value>(_ name: StaticString, _ value: Value?) throws(RecordError) -> Value {
    guard let value else { throw RecordError(.missingField, "The field \(name) is missing.") }
    return value
  }

  private func notAString(_ name: StaticString) -> RecordError { RecordError(.malformed, "The field \(name) is not a string.") }

  // MARK: Places

  private func place(_ name: StaticString) -> Int? {
    let text = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    guard let place = index.member(text, of: object), index.nodes[place].kind != .null else { return nil }
    return place
  }

  private func elements(_ name: StaticString) throws(RecordError) -> [Int] {
    guard let place = place(name) else { return [] }
    guard index.nodes[place].kind == .array else { throw RecordError(.malformed, "The field \(name) is not a list.") }
    return Array(index.children(of: place))
  }

  /// A number, or a string that holds one: how decimals and ids arrive.
  private func isText(_ place: Int) -> Bool { index.nodes[place].kind == .number || index.nodes[place].kind == .string }

  private func integer(at place: Int) -> Int64? {
    guard isText(place) else { return nil }
    let plain = index.nodes[place].isEscaped ? nil : index.withRaw(index.nodes[place].text, Int64.init(plain:))
    return plain ?? Int64(index.text(of: place))
  }

  private func decimal<Value: FixedPoint>(at place: Int) throws(RecordError) -> Value {
    let name = { index.name(of: place) }
    guard isText(place) else { throw RecordError(.invalidNumber, "The field \(name()) is not a number.") }
    let node = index.nodes[place]
    let value =
      node.isEscaped
      ? Swift.Result { () throws(DecimalError) in try Value(index.text(of: place)) }
      : index.withRaw(node.text) { raw in Swift.Result { () throws(DecimalError) in try Value(text: raw) } }
    switch value {
    case .success(let value): return value
    case .failure(.malformed): throw RecordError(.invalidNumber, "The field \(name()) is not a decimal number.")
    case .failure(.tooPrecise): throw RecordError(.tooPrecise, "The field \(name()) has more than \(Value.scale) decimals.")
    case .failure(.overflow): throw RecordError(.outOfRange, "The field \(name()) is too large.")
    }
  }
}

extension String {
  /// The text, or its first 300 scalars: words from outside have no length of their own accord.
  public func cut() -> String {
    guard utf8.count > 300 else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.prefix(300)))
  }
}

extension Int64 {
  /// The everyday whole number: digits, perhaps behind a minus. Nil says only that somebody else must look.
  init?(plain text: JSONText) {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = text.count - (isNegative ? 1 : 0)
    // As many digits fit 64 bits.
    guard (1...19).contains(digits) else { return nil }
    var magnitude: UInt64 = 0
    for byte in text[(isNegative ? 1 : 0)...] {
      guard byte &- 0x30 < 10 else { return nil }
      magnitude = magnitude &* 10 &+ UInt64(byte &- 0x30)
    }
    guard let value = Int64(exactly: magnitude) else { return nil }
    self = isNegative ? -value : value
  }
}
