/// Writes the primitive types of the Kafka protocol.
struct WireWriter {
  private(set) var bytes: [UInt8] = []
  /// Compact lengths and tagged fields (KIP-482).
  var isFlexible = false

  private mutating func integer<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func int8(_ value: Int8) { integer(value) }
  mutating func int16(_ value: Int16) { integer(value) }
  mutating func int32(_ value: Int32) { integer(value) }
  mutating func int64(_ value: Int64) { integer(value) }
  mutating func uint32(_ value: UInt32) { integer(value) }
  mutating func bool(_ value: Bool) { integer(value ? Int8(1) : 0) }
  mutating func error(_ code: ErrorCode) { integer(code.rawValue) }

  mutating func unsignedVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Zigzag-encoded varint, as inside records.
  mutating func varint(_ value: Int64) {
    unsignedVarint(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  private mutating func length(_ count: Int?, wide: Bool) {
    if isFlexible {
      unsignedVarint(UInt64((count ?? -1) + 1))
    } else if wide {
      int32(Int32(count ?? -1))
    } else {
      int16(Int16(count ?? -1))
    }
  }

  mutating func string(_ text: String?) {
    length(text?.utf8.count, wide: false)
    if let text { bytes.append(contentsOf: text.utf8) }
  }

  mutating func byteArray(_ content: [UInt8]?) {
    length(content?.count, wide: true)
    if let content { bytes.append(contentsOf: content) }
  }

  mutating func raw(_ content: some Sequence<UInt8>) { bytes.append(contentsOf: content) }

  mutating func array<C: Collection>(_ elements: C, _ element: (inout WireWriter, C.Element) throws -> Void) rethrows {
    length(elements.count, wide: true)
    for each in elements { try element(&self, each) }
  }

  mutating func nullArray() { length(nil, wide: true) }

  /// Ends a structure: no tagged fields.
  mutating func tags() {
    if isFlexible { unsignedVarint(0) }
  }

  /// The bytes with their own length, less these four, in the first four.
  consuming func framed() -> [UInt8] {
    let count = Int32(bytes.count - 4).bigEndian
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: count, as: Int32.self) }
    return bytes
  }
}
