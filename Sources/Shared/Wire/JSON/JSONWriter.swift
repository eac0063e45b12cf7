import Domain

/// Appends JSON to a byte buffer that can be used again and again: the only way records are written. Commas come by themselves.
public struct JSONWriter: Sendable {
  /// What has been written.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// A writer with room for `capacity` bytes.
  public init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  /// Forgets what was written and keeps the memory.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  /// One whole object written by `body`.
  public static func object(capacity: Int = 512, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: capacity)
    writer.beginObject()
    body(&writer)
    writer.endObject()
    return writer.bytes
  }

  /// `{`
  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  /// `}`
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  /// `[`
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  /// `]`
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// A member's name that needs no escapes; its value must follow.
  public mutating func name(_ name: StaticString) {
    append(atMost: name.utf8CodeUnitCount + 4) { start in
      var end = start
      end.write(UInt8(ascii: "\""))
      end.write(name)
      end.write(UInt8(ascii: "\""))
      end.write(UInt8(ascii: ":"))
      return end
    }
    needsComma = false
  }

  /// A member's name from data; its value must follow.
  public mutating func name(dynamic name: String) {
    value(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A string.
  public mutating func value(_ text: String) {
    var text = text
    text.withUTF8 { value(utf8: $0) }
  }

  /// A string.
  private mutating func value(utf8 text: UnsafeBufferPointer<UInt8>) {
    var isPlain = true
    append(atMost: text.count + 3) { start in
      var end = start
      end.write(UInt8(ascii: "\""))
      for byte in text {
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { isPlain = false }
        end.write(byte)
      }
      end.write(UInt8(ascii: "\""))
      return isPlain ? end : start
    }
    if !isPlain {
      bytes.append(UInt8(ascii: "\""))
      for byte in text { appendEscaped(byte) }
      bytes.append(UInt8(ascii: "\""))
    }
    needsComma = true
  }

  /// A whole number.
  public mutating func value(_ number: Int64) {
    append(atMost: DecimalText.maximumCount + 1) { DecimalText.write(Int128(number), scale: 0, to: $0) }
    needsComma = true
  }

  /// A whole number.
  public mutating func value(_ number: Int) { value(Int64(number)) }

  /// `true` or `false`.
  public mutating func value(_ flag: Bool) {
    separate()
    bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    needsComma = true
  }

  /// An exact decimal as a string: readers that hold numbers in binary floating point would spoil a bare one.
  public mutating func value<Value: FixedPoint>(_ decimal: Value, minimumDecimals: Int = 0) {
    append(atMost: DecimalText.maximumCount + 3) { start in
      var end = start
      end.write(UInt8(ascii: "\""))
      end = DecimalText.write(Int128(decimal.units), scale: Value.scale, minimumDecimals: minimumDecimals, to: end)
      end.write(UInt8(ascii: "\""))
      return end
    }
    needsComma = true
  }

  /// A symbol's name as a string.
  public mutating func value(_ symbol: Symbol) {
    // Assets are capital letters and digits.
    append(atMost: symbol.base.utf8.count + symbol.quote.utf8.count + 9) { start in
      var end = start
      end.write(UInt8(ascii: "\""))
      for byte in symbol.base.utf8 { end.write(byte) }
      end.write(UInt8(ascii: "-"))
      for byte in symbol.quote.utf8 { end.write(byte) }
      if symbol.isPerpetual { for byte in "-PERP".utf8 { end.write(byte) } }
      end.write(UInt8(ascii: "\""))
      return end
    }
    needsComma = true
  }

  /// An instant as whole nanoseconds since 1970, UTC.
  public mutating func value(_ time: Timestamp) { value(time.nanoseconds) }

  /// `null`
  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
    needsComma = true
  }

  /// A tree.
  public mutating func value(_ json: JSON) {
    switch json {
    case .null: null()
    case .bool(let flag): value(flag)
    case .number(let text): raw(text)
    case .string(let text): value(text)
    case .array(let elements):
      beginArray()
      for element in elements { value(element) }
      endArray()
    case .object(let members):
      beginObject()
      for member in members {
        name(dynamic: member.name)
        value(member.value)
      }
      endObject()
    }
  }

  /// Text that is JSON already: a number as a venue wrote it.
  public mutating func raw(_ json: String) {
    separate()
    bytes.append(contentsOf: json.utf8)
    needsComma = true
  }

  /// JSON that `body` writes itself, to room for at most so many bytes; it gives the end.
  mutating func raw(atMost room: Int, _ body: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>) {
    append(atMost: room + 1, body)
    needsComma = true
  }

  /// `"name":value` when there is a value, nothing otherwise.
  public mutating func member(_ name: StaticString, _ text: String?) {
    guard let text else { return }
    self.name(name)
    value(text)
  }

  /// `"name":value` when there is a value, nothing otherwise.
  public mutating func member(_ name: StaticString, _ number: Int64?) {
    guard let number else { return }
    self.name(name)
    value(number)
  }

  /// `"name":value` when there is a value, nothing otherwise.
  public mutating func member(_ name: StaticString, _ number: Int?) { member(name, number.map(Int64.init)) }

  /// `"name":value` when there is a value, nothing otherwise.
  public mutating func member(_ name: StaticString, _ flag: Bool?) {
    guard let flag else { return }
    self.name(name)
    value(flag)
  }

  /// `"name":"value"` when there is a value, nothing otherwise.
  public mutating func member<Value: FixedPoint>(_ name: StaticString, _ decimal: Value?) {
    guard let decimal else { return }
    self.name(name)
    value(decimal)
  }

  /// `"name":"BASE-QUOTE"` when there is a value, nothing otherwise.
  public mutating func member(_ name: StaticString, _ symbol: Symbol?) {
    guard let symbol else { return }
    self.name(name)
    value(symbol)
  }

  /// `"name":nanoseconds` when there is a value, nothing otherwise.
  public mutating func member(_ name: StaticString, _ time: Timestamp?) { member(name, time?.nanoseconds) }

  /// `"name":"text"` when there is a value, nothing otherwise.
  public mutating func member<Kind>(_ name: StaticString, _ identifier: Identifier<Kind>?) { member(name, identifier?.text) }

  /// `"name":"token"` when there is a value, nothing otherwise.
  public mutating func member<Token: RawRepresentable<String>>(_ name: StaticString, _ token: Token?) {
    member(name, token?.rawValue)
  }

  private mutating func open(_ byte: UInt8) {
    separate()
    bytes.append(byte)
  }

  private mutating func close(_ byte: UInt8) {
    bytes.append(byte)
    needsComma = true
  }

  /// Appends a comma if one is due, then what `body` writes, which is at most `room` bytes less one and ends where it says.
  @inline(__always)
  private mutating func append(
    atMost room: Int, _ body: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
  ) {
    let needsComma = needsComma
    bytes.append(atMost: room) { start in
      var end = start
      if needsComma { end.write(UInt8(ascii: ",")) }
      return body(end)
    }
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = false
  }

  private mutating func appendEscaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0A: bytes.append(contentsOf: "\\n".utf8)
    case 0x00..<0x20:
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(digits[Int(byte >> 4)])
      bytes.append(digits[Int(byte & 15)])
    default: bytes.append(byte)
    }
  }
}
