/// The bytes of one log line.
enum LogLine {
  static func appendJSON(
    to line: inout [UInt8], time: Int64, level: LogLevel, service: String, message: String,
    fields: KeyValuePairs<String, LogValue>
  ) {
    line.append(contentsOf: "{\"ts\":\"".utf8)
    appendISO8601(time, to: &line)
    line.append(contentsOf: "\",\"level\":\"".utf8)
    line.append(contentsOf: level.rawValue.utf8)
    line.append(contentsOf: "\",\"service\":".utf8)
    appendQuoted(service, to: &line)
    line.append(contentsOf: ",\"message\":".utf8)
    appendQuoted(message, to: &line)
    for (key, value) in fields {
      line.append(UInt8(ascii: ","))
      appendQuoted(key, to: &line)
      line.append(UInt8(ascii: ":"))
      switch value {
      case .string(let text): appendQuoted(text, to: &line)
      case .int(let number): line.append(contentsOf: String(number).utf8)
      case .bool(let flag): line.append(contentsOf: (flag ? "true" : "false").utf8)
      }
    }
    line.append(contentsOf: "}\n".utf8)
  }

  static func appendText(
    to line: inout [UInt8], time: Int64, level: LogLevel, service: String, message: String,
    fields: KeyValuePairs<String, LogValue>
  ) {
    appendISO8601(time, to: &line)
    line.append(contentsOf: " \(level.rawValue) \(service): ".utf8)
    appendOneLine(message, to: &line)
    for (key, value) in fields {
      line.append(contentsOf: " \(key)=".utf8)
      switch value {
      case .string(let text): appendOneLine(text, to: &line)
      case .int(let number): line.append(contentsOf: String(number).utf8)
      case .bool(let flag): line.append(contentsOf: (flag ? "true" : "false").utf8)
      }
    }
    line.append(UInt8(ascii: "\n"))
  }

  /// `2026-11-21T11:47:21.123456789Z`
  static func appendISO8601(_ time: Int64, to line: inout [UInt8]) {
    let (seconds, nanoseconds) = floorDivide(time, by: 1_000_000_000)
    let (days, secondOfDay) = floorDivide(seconds, by: 86_400)
    let date = civilDate(daysSince1970: days)
    appendPadded(date.year, width: 4, to: &line)
    line.append(UInt8(ascii: "-"))
    appendPadded(date.month, width: 2, to: &line)
    line.append(UInt8(ascii: "-"))
    appendPadded(date.day, width: 2, to: &line)
    line.append(UInt8(ascii: "T"))
    appendPadded(secondOfDay / 3600, width: 2, to: &line)
    line.append(UInt8(ascii: ":"))
    appendPadded(secondOfDay / 60 % 60, width: 2, to: &line)
    line.append(UInt8(ascii: ":"))
    appendPadded(secondOfDay % 60, width: 2, to: &line)
    line.append(UInt8(ascii: "."))
    appendPadded(nanoseconds, width: 9, to: &line)
    line.append(UInt8(ascii: "Z"))
  }

  /// The Gregorian date of a day number. Eras of 400 years with the year starting in March make leap days fall at the end.
  private static func civilDate(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  private static func floorDivide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func appendPadded(_ value: Int64, width: Int, to line: inout [UInt8]) {
    let start = line.count
    line.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width))
    var rest = value
    for index in stride(from: start + width - 1, through: start, by: -1) {
      line[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  /// A JSON string. Swift strings are valid Unicode, so only quotes, backslashes and control bytes need escaping.
  static func appendQuoted(_ text: String, to line: inout [UInt8]) {
    line.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        line.append(UInt8(ascii: "\\"))
        line.append(byte)
      case UInt8(ascii: "\n"): line.append(contentsOf: "\\n".utf8)
      case 0..<0x20, 0x7F:
        line.append(contentsOf: "\\u00".utf8)
        line.append(hexDigit(byte >> 4))
        line.append(hexDigit(byte & 15))
      default: line.append(byte)
      }
    }
    line.append(UInt8(ascii: "\""))
  }

  /// Text from outside must not forge a second line or move the cursor of a terminal.
  private static func appendOneLine(_ text: String, to line: inout [UInt8]) {
    for byte in text.utf8 { line.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: " ") : byte) }
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
  }
}
