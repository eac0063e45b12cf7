/// A JSON value as a tree: for replies and records off the hot path. Numbers keep their text, so decimals stay exact.
public enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// The number as it was written.
  case number(String)
  case string(String)
  case array([JSON])
  /// Members in the order written; names are unique.
  case object([JSONMember])

  /// Values nested deeper than this are refused.
  public static let maximumDepth = 32

  /// Reads one value that fills `bytes`. Refuses what is not strict JSON in UTF-8, and objects that repeat a name.
  public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
    try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in try parse(buffer) }
  }

  /// Reads one value that fills `bytes`. Refuses what is not strict JSON in UTF-8, and objects that repeat a name.
  public static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSON {
    var scanner = JSONScanner(bytes)
    let value = try read(&scanner, depth: 0)
    try scanner.end()
    return value
  }

  /// The member of an object, or nil.
  public subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The text of a string, or nil for any other kind.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The text of a number or of a string: how decimals and ids arrive.
  public var text: String? {
    switch self {
    case .string(let text), .number(let text): text
    default: nil
    }
  }

  /// A whole number, written as a number or as a string; nil for anything else.
  public var integer: Int64? { text.flatMap { Int64($0) } }

  /// A boolean, or nil for any other kind.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The elements of an array, or nil for any other kind.
  public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

  /// The members of an object, or nil for any other kind.
  public var members: [JSONMember]? { if case .object(let members) = self { members } else { nil } }

  private static func read(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) -> JSON {
    guard depth < maximumDepth else { throw .tooDeep }
    switch scanner.peek() {
    case UInt8(ascii: "{"): return try readObject(&scanner, depth: depth)
    case UInt8(ascii: "["):
      try scanner.beginArray()
      var elements: [JSON] = []
      while try scanner.nextElement() { elements.append(try read(&scanner, depth: depth + 1)) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try decodeJSONString(try scanner.rawString()))
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try scanner.bool())
    case UInt8(ascii: "n"):
      _ = try scanner.null()
      return .null
    default: return .number(String(decoding: try scanner.numberText(), as: UTF8.self))
    }
  }

  private static func readObject(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) -> JSON {
    try scanner.beginObject()
    var members: [JSONMember] = []
    // Linear search is fastest for the few names of our records; a hostile object with thousands gets a set.
    var seen: Set<String> = []
    while let raw = try scanner.nextName() {
      let name = try decodeJSONString(raw)
      if members.count == 16 { seen = Set(members.map(\.name)) }
      let isRepeated = members.count < 16 ? members.contains { $0.name == name } : !seen.insert(name).inserted
      guard !isRepeated else { throw .repeatedName(name) }
      members.append(JSONMember(name: name, value: try read(&scanner, depth: depth + 1)))
    }
    return .object(members)
  }
}

/// A name and its value in a JSON object.
public struct JSONMember: Equatable, Sendable {
  /// The name, escapes resolved.
  public var name: String
  /// The value.
  public var value: JSON

  /// A member called `name`.
  public init(name: String, value: JSON) {
    self.name = name
    self.value = value
  }
}

/// The text between a JSON string's quotes with its escapes resolved; refuses broken UTF-8, unknown escapes and lone surrogates.
public func decodeJSONString(_ raw: JSONText) throws(JSONError) -> String {
  guard raw.contains(UInt8(ascii: "\\")) else {
    guard let text = String(validating: raw, as: UTF8.self) else { throw .invalidText }
    return text
  }
  var decoder = JSONStringDecoder(raw)
  let bytes = try decoder.decode()
  guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidText }
  return text
}

private struct JSONStringDecoder {
  private let raw: JSONText
  private var position = 0
  private var bytes: [UInt8] = []

  init(_ raw: JSONText) {
    self.raw = raw
    bytes.reserveCapacity(raw.count)
  }

  mutating func decode() throws(JSONError) -> [UInt8] {
    while position < raw.count {
      let byte = raw[position]
      position += 1
      if byte == UInt8(ascii: "\\") { try escape() } else { bytes.append(byte) }
    }
    return bytes
  }

  private mutating func escape() throws(JSONError) {
    guard position < raw.count else { throw .invalidText }
    let kind = raw[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(kind)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"): bytes.append(contentsOf: String(try scalar()).utf8)
    default: throw .invalidText
    }
  }

  private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
    let first = try hexUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), position + 1 < raw.count, raw[position] == UInt8(ascii: "\\"),
      raw[position + 1] == UInt8(ascii: "u")
    else { throw .invalidText }
    position += 2
    let second = try hexUnit()
    guard (0xDC00..<0xE000).contains(second) else { throw .invalidText }
    guard let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else { throw .invalidText }
    return scalar
  }

  private mutating func hexUnit() throws(JSONError) -> UInt32 {
    guard position + 4 <= raw.count else { throw .invalidText }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      let byte = raw[position]
      position += 1
      switch byte {
      case 0x30...0x39: unit = unit << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: unit = unit << 4 | UInt32(byte - 0x41 + 10)
      case 0x61...0x66: unit = unit << 4 | UInt32(byte - 0x61 + 10)
      default: throw .invalidText
      }
    }
    return unit
  }
}
