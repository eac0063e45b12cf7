import Domain

/// Why bytes are not the JSON that we accept.
public enum JSONError: Error, Equatable, Sendable {
  /// Not JSON, or not the kind of value that was expected, at this byte offset.
  case malformed(offset: Int)
  /// A name occurs twice in one object; nobody can say which one was meant.
  case repeatedName(String)
  /// Nested deeper than `JSON.maximumDepth`.
  case tooDeep
  /// A string is not UTF-8.
  case invalidText
}

/// A slice of the scanned bytes; valid only while they are.
public typealias JSONText = UnsafeBufferPointer<UInt8>

/// Compares scanned text with a name known at compile time.
@inlinable @inline(__always)
public func == (text: JSONText, name: StaticString) -> Bool {
  guard text.count == name.utf8CodeUnitCount else { return false }
  let start = name.utf8Start
  for index in 0..<text.count where text[index] != start[index] { return false }
  return true
}

/// Pulls values out of JSON bytes one by one, without allocating: the hot paths' reader. The caller names what it expects:
///
///     try scanner.beginObject()
///     while let name = try scanner.nextName() {
///       if name == "u" { update = try scanner.integer() } else { try scanner.skipValue() }
///     }
public struct JSONScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  /// Offset of the next byte to read.
  public private(set) var position = 0
  /// True when the string that was read last is ASCII without escapes.
  public private(set) var isPlain = true
  private var isFirst = true

  /// Scans `bytes`, which must stay alive as long as the scanner is used.
  public init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The error for the place that was reached.
  public var malformed: JSONError { .malformed(offset: position) }

  /// The first byte of the next value, or nil at the end.
  public mutating func peek() -> UInt8? {
    skipSpace()
    return position < bytes.count ? bytes[position] : nil
  }

  /// Succeeds when only white space is left.
  public mutating func end() throws(JSONError) {
    guard peek() == nil else { throw malformed }
  }

  /// Steps into an object.
  public mutating func beginObject() throws(JSONError) { try begin(UInt8(ascii: "{")) }
  /// Steps into an array.
  public mutating func beginArray() throws(JSONError) { try begin(UInt8(ascii: "[")) }

  /// The next name of the object and steps to its value, or nil behind the object's end. Names with escapes come as written.
  public mutating func nextName() throws(JSONError) -> JSONText? {
    guard try advance(until: UInt8(ascii: "}")) else { return nil }
    let name = try rawString()
    skipSpace()
    try expect(UInt8(ascii: ":"))
    return name
  }

  /// True when another element follows in the array; false behind the array's end.
  public mutating func nextElement() throws(JSONError) -> Bool {
    try advance(until: UInt8(ascii: "]"))
  }

  /// The bytes between the quotes, escapes as written.
  public mutating func rawString() throws(JSONError) -> JSONText {
    skipSpace()
    try expect(UInt8(ascii: "\""))
    let start = position
    // A cursor of its own keeps the loop in registers.
    var index = start
    var union: UInt64 = 0
    var hasEscapes = false
    while true {
      let word = bytes.word(at: index)
      let marks = Self.marks(in: word)
      // All of it, or what lies before the first mark.
      union |= marks == 0 ? word : word & (marks & (0 &- marks) &- 1)
      index += marks.trailingZeroBitCount >> 3
      guard marks != 0 else { continue }
      switch index < bytes.count ? bytes[index] : 0 {
      case UInt8(ascii: "\""):
        position = index + 1
        isFirst = false
        isPlain = !hasEscapes && union & 0x8080_8080_8080_8080 == 0
        return slice(start, index)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        index += 2
      default:
        position = min(index, bytes.count)
        throw malformed
      }
    }
  }

  /// The highest bit of the first byte that is a quote, a backslash or below a space, and perhaps of bytes behind it.
  @inline(__always)
  private static func marks(in word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    // Less one, only zero sets a highest bit that was not there; what it borrows spoils only bytes behind it.
    let (quotes, escapes) = (word ^ ones &* 0x22, word ^ ones &* 0x5C)
    let found = (quotes &- ones) & ~quotes | (escapes &- ones) & ~escapes | (word &- ones &* 0x20) & ~word
    return found & (ones &* 0x80)
  }

  /// The text of a number.
  public mutating func numberText() throws(JSONError) -> JSONText {
    skipSpace()
    let start = position
    _ = take(UInt8(ascii: "-"))
    try digits()
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
      try digits()
    }
    isFirst = false
    return slice(start, position)
  }

  /// The text of a number, or of a string that holds one: venues and clients write decimals both ways.
  public mutating func decimalText() throws(JSONError) -> JSONText {
    peek() == UInt8(ascii: "\"") ? try rawString() : try numberText()
  }

  /// The next element in units of `10^-first` and `10^-second` when it is written exactly like `["26796.10","0.25"]`, as book levels are;
  /// nil, without a step, when it is written in any other way, does not fit or there is none. Reads each byte once.
  public mutating func nextDecimalPair(scales first: Int, _ second: Int) -> (Int64, Int64)? {
    var index = position
    if !isFirst {
      guard take(",", at: &index) else { return nil }
    }
    guard take("[\"", at: &index), let left = DecimalText.scanShort(bytes, at: &index, scale: first),
      take("\",\"", at: &index), let right = DecimalText.scanShort(bytes, at: &index, scale: second), take("\"]", at: &index)
    else { return nil }
    position = index
    isFirst = false
    return (left, right)
  }

  @inline(__always)
  private func take(_ word: StaticString, at index: inout Int) -> Bool {
    guard index <= bytes.count - word.utf8CodeUnitCount else { return false }
    for offset in 0..<word.utf8CodeUnitCount where bytes[index + offset] != word.utf8Start[offset] { return false }
    index += word.utf8CodeUnitCount
    return true
  }

  /// A whole number.
  public mutating func integer() throws(JSONError) -> Int64 {
    skipSpace()
    let negative = take(UInt8(ascii: "-"))
    let start = position
    while position < bytes.count, bytes[position] == UInt8(ascii: "0") { position += 1 }
    var magnitude: UInt64 = 0
    let digits = DecimalText.scanDigits(bytes, at: &position, into: &magnitude)
    guard position > start, digits <= 19, magnitude <= Int64.max.magnitude + (negative ? 1 : 0) else { throw malformed }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") || (bytes[position] | 0x20) == UInt8(ascii: "e") {
      throw malformed
    }
    isFirst = false
    return Int64(truncatingIfNeeded: negative ? 0 &- magnitude : magnitude)
  }

  /// `true` or `false`.
  public mutating func bool() throws(JSONError) -> Bool {
    if peek() == UInt8(ascii: "t") {
      try literal("true")
      return true
    }
    try literal("false")
    return false
  }

  /// Steps over `null` and says true, or stays and says false.
  public mutating func null() throws(JSONError) -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    try literal("null")
    return true
  }

  /// Steps over the next value, whatever it is.
  public mutating func skipValue() throws(JSONError) { try skipValue(depth: 0) }

  private mutating func skipValue(depth: Int) throws(JSONError) {
    guard depth < JSON.maximumDepth else { throw .tooDeep }
    switch peek() {
    case UInt8(ascii: "{"):
      try beginObject()
      while try nextName() != nil { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try beginArray()
      while try nextElement() { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try rawString()
    case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
    case UInt8(ascii: "n"): _ = try null()
    default: _ = try numberText()
    }
  }

  private mutating func begin(_ opening: UInt8) throws(JSONError) {
    skipSpace()
    try expect(opening)
    isFirst = true
  }

  /// Steps over the comma to the next member, or over `closing` to the container's end.
  @inline(__always)
  private mutating func advance(until closing: UInt8) throws(JSONError) -> Bool {
    skipSpace()
    if take(closing) {
      isFirst = false
      return false
    }
    if !isFirst {
      try expect(UInt8(ascii: ","))
      skipSpace()
    }
    isFirst = false
    return true
  }

  private mutating func literal(_ word: StaticString) throws(JSONError) {
    skipSpace()
    for index in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[index]) }
    isFirst = false
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
    guard position > start else { throw malformed }
  }

  @inline(__always)
  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  @inline(__always)
  private mutating func expect(_ byte: UInt8) throws(JSONError) {
    guard take(byte) else { throw malformed }
  }

  @inline(__always)
  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] <= 0x20 {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private func slice(_ start: Int, _ end: Int) -> JSONText {
    JSONText(start: bytes.baseAddress.map { $0 + start }, count: end - start)
  }
}
