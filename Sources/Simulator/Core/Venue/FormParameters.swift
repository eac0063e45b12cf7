/// Names and values of a query string or a form body, decoded, in the order sent.
struct FormParameters: Sendable {
  private(set) var pairs: [(name: String, value: String)] = []
  /// False when a percent sign was followed by anything but two hexadecimal digits of UTF-8 text.
  private(set) var isWellFormed = true

  init(_ raw: String) {
    for part in raw.utf8.split(separator: UInt8(ascii: "&")) {
      let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
      let name = decode(part[..<equals])
      let value = decode(part[equals...].dropFirst())
      if let name, let value { pairs.append((name, value)) } else { isWellFormed = false }
    }
  }

  func first(_ name: String) -> String? { pairs.first { $0.name == name }?.value }
}

private func decode(_ raw: Substring.UTF8View) -> String? {
  var bytes: [UInt8] = []
  var rest = raw
  while let byte = rest.popFirst() {
    switch byte {
    case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
    case UInt8(ascii: "%"):
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
      bytes.append(high << 4 | low)
    default: bytes.append(byte)
    }
  }
  return String(validating: bytes, as: UTF8.self)
}

private func digit(_ character: UInt8) -> UInt8? {
  switch character {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
  default: nil
  }
}
