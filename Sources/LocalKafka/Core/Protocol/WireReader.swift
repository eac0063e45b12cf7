/// Why a frame could not be read. The connection that sent it is closed.
enum WireError: Error, Equatable {
  case truncated
  case limit(String)
  case malformed(String)
}

/// Reads the primitive types of the Kafka protocol from a frame, never past its end.
struct WireReader {
  let bytes: [UInt8]
  private(set) var position: Int
  private let end: Int
  /// Compact lengths and tagged fields (KIP-482).
  var isFlexible = false

  init(_ bytes: [UInt8], range: Range<Int>? = nil) {
    self.bytes = bytes
    position = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  var remaining: Int { end - position }

  mutating func take(_ count: Int) throws -> Range<Int> {
    guard count >= 0, count <= remaining else { throw WireError.truncated }
    defer { position += count }
    return position..<position + count
  }

  private mutating func integer<T: FixedWidthInteger>(_: T.Type) throws -> T {
    let range = try take(T.bitWidth / 8)
    return bytes[range].reduce(0) { T(truncatingIfNeeded: Int64($0) << 8 | Int64($1)) }
  }

  mutating func int8() throws -> Int8 { try integer(Int8.self) }
  mutating func int16() throws -> Int16 { try integer(Int16.self) }
  mutating func int32() throws -> Int32 { try integer(Int32.self) }
  mutating func int64() throws -> Int64 { try integer(Int64.self) }
  mutating func bool() throws -> Bool { try int8() != 0 }

  /// Base-128, least significant group first, at most ten bytes.
  mutating func unsignedVarint() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      let byte = bytes[try take(1).lowerBound]
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw WireError.malformed("varint too long")
  }

  /// Zigzag-encoded varint, as inside records.
  mutating func varint() throws -> Int64 {
    let raw = try unsignedVarint()
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }

  /// A length in the encoding at hand; nil stands for null.
  private mutating func length(wide: Bool) throws -> Int? {
    if isFlexible {
      let raw = try unsignedVarint()
      guard raw <= UInt64(Int32.max) else { throw WireError.truncated }
      return raw == 0 ? nil : Int(raw) - 1
    }
    let raw = wide ? Int(try int32()) : Int(try int16())
    guard raw >= -1 else { throw WireError.malformed("negative length") }
    return raw == -1 ? nil : raw
  }

  mutating func nullableString() throws -> String? {
    guard let count = try length(wide: false) else { return nil }
    guard let text = String(validating: bytes[try take(count)], as: UTF8.self) else {
      throw WireError.malformed("string is not UTF-8")
    }
    return text
  }

  mutating func string() throws -> String {
    guard let text = try nullableString() else { throw WireError.malformed("null string") }
    return text
  }

  /// A string that names something: bounded in length.
  mutating func name() throws -> String {
    let text = try string()
    guard text.utf8.count <= Limits.nameLength else { throw WireError.limit("name longer than \(Limits.nameLength)") }
    return text
  }

  mutating func nullableName() throws -> String? {
    let text = try nullableString()
    guard (text?.utf8.count ?? 0) <= Limits.nameLength else { throw WireError.limit("name longer than \(Limits.nameLength)") }
    return text
  }

  /// Where a byte field lies in the frame; nil stands for null.
  mutating func nullableBytes() throws -> Range<Int>? {
    guard let count = try length(wide: true) else { return nil }
    return try take(count)
  }

  mutating func byteArray() throws -> [UInt8] {
    guard let range = try nullableBytes() else { return [] }
    return Array(bytes[range])
  }

  mutating func nullableArray<T>(_ element: (inout WireReader) throws -> T) throws -> [T]? {
    guard let count = try length(wide: true) else { return nil }
    guard count <= Limits.arrayCount else { throw WireError.limit("array longer than \(Limits.arrayCount)") }
    guard count <= remaining else { throw WireError.truncated }
    var elements: [T] = []
    elements.reserveCapacity(min(count, 64))
    for _ in 0..<count { elements.append(try element(&self)) }
    return elements
  }

  mutating func array<T>(_ element: (inout WireReader) throws -> T) throws -> [T] {
    guard let elements = try nullableArray(element) else { throw WireError.malformed("null array") }
    return elements
  }

  /// The tagged fields that end a structure in a flexible version: none is known here, all are skipped.
  mutating func tags() throws {
    guard isFlexible else { return }
    for _ in 0..<(try unsignedVarint()) {
      _ = try unsignedVarint()
      let size = try unsignedVarint()
      guard size <= UInt64(remaining) else { throw WireError.truncated }
      _ = try take(Int(size))
    }
  }
}
