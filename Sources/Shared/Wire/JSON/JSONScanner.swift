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
@inline(__always)
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
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        position = index + 1
        isFirst = false
        return slice(start, index)
      }
      guard byte >= 0x20 else { break }
      index += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    position = min(index, bytes.count)
    throw malformed
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
      guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { return nil }
      index += 1
    }
    guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "["), bytes[index + 1] == UInt8(ascii: "\"") else { return nil }
    index += 2
    guard let left = plainDecimal(at: &index, scale: first), index + 2 < bytes.count, bytes[index] == UInt8(ascii: "\""),
      bytes[index + 1] == UInt8(ascii: ","), bytes[index + 2] == UInt8(ascii: "\"")
    else { return nil }
    index += 3
    guard let right = plainDecimal(at: &index, scale: second), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\""),
      bytes[index + 1] == UInt8(ascii: "]")
    else { return nil }
    position = index + 2
    isFirst = false
    return (left, right)
  }

  /// Reads `digits` or `digits.digits`, at most 18 of them and at most `scale` behind the point, and steps behind them.
  @inline(__always)
  private func plainDecimal(at index: inout Int, scale: Int) -> Int64? {
    var value: UInt64 = 0
    let start = index
    while index < bytes.count, bytes[index] &- 0x30 < 10 {
      value = value &* 10 &+ UInt64(bytes[index] &- 0x30)
      index += 1
    }
    let whole = index - start
    guard whole > 0 else { return nil }
    var decimals = 0
    if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
      index += 1
      let fractionStart = index
      // Venues like to write eight decimals.
      if let eight = eightDigits(at: index) {
        value = value &* 100_000_000 &+ eight
        index += 8
      }
      while index < bytes.count, bytes[index] &- 0x30 < 10 {
        value = value &* 10 &+ UInt64(bytes[index] &- 0x30)
        index += 1
      }
      decimals = index - fractionStart
      guard decimals > 0, decimals <= scale else { return nil }
    }
    // Eighteen digits fit; more may have wrapped round.
    guard whole + decimals <= 18, var units = Int64(exactly: value) else { return nil }
    for _ in decimals..<scale {
      let (product, overflow) = units.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      units = product
    }
    return units
  }

  /// The number that eight digits make, read at once; nil when there is another byte among them.
  @inline(__always)
  private func eightDigits(at index: Int) -> UInt64? {
    guard index + 8 <= bytes.count, let start = bytes.baseAddress else { return nil }
    let text = UInt64(littleEndian: UnsafeRawPointer(start + index).loadUnaligned(as: UInt64.self))
    let digits = text &- 0x3030_3030_3030_3030
    // The highest bit of a byte shows whether it was, or with 118 added becomes, more than 127: then it was no digit.
    guard (digits | (digits &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 == 0 else { return nil }
    // Neighbours become pairs, pairs become fours, fours become the whole; the first digit lies lowest.
    let pairs = (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
    return (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF
  }

  /// A whole number.
  public mutating func integer() throws(JSONError) -> Int64 {
    skipSpace()
    let negative = take(UInt8(ascii: "-"))
    let start = position
    var value: Int64 = 0
    while position < bytes.count {
      let digit = bytes[position] &- 0x30
      guard digit < 10 else { break }
      let (raised, tooBig) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = raised.subtractingReportingOverflow(Int64(digit))
      guard !tooBig, !overflow else { throw malformed }
      value = sum
      position += 1
    }
    guard position > start, negative || value != .min else { throw malformed }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") || (bytes[position] | 0x20) == UInt8(ascii: "e") {
      throw malformed
    }
    isFirst = false
    return negative ? value : -value
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
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private func slice(_ start: Int, _ end: Int) -> JSONText { JSONText(rebasing: bytes[start..<end]) }
}
