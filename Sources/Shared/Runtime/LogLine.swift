import Domain
import Wire

/// Builds log lines in memory that is kept from line to line.
struct LogLine: Sendable {
  /// The line, with its line end.
  private(set) var bytes: [UInt8] = []
  private var writer = JSONWriter()

  mutating func setJSON(
    time: Timestamp, level: LogLevel, service: String, message: String, fields: KeyValuePairs<String, LogValue>
  ) {
    bytes.removeAll(keepingCapacity: true)
    LogLine.appendISO8601(time.nanoseconds, to: &bytes)
    writer.removeAll()
    writer.beginObject()
    writer.name("ts")
    writer.value(String(decoding: bytes, as: UTF8.self))
    writer.name("level")
    writer.value(level.rawValue)
    writer.name("service")
    writer.value(service)
    writer.name("message")
    writer.value(message)
    for (key, value) in fields {
      writer.name(dynamic: key)
      switch value {
      case .string(let text): writer.value(text)
      case .int(let number): writer.value(number)
      case .bool(let flag): writer.value(flag)
      }
    }
    writer.endObject()
    bytes.removeAll(keepingCapacity: true)
    bytes.append(contentsOf: writer.bytes)
    bytes.append(UInt8(ascii: "\n"))
  }

  mutating func setText(
    time: Timestamp, level: LogLevel, service: String, message: String, fields: KeyValuePairs<String, LogValue>
  ) {
    bytes.removeAll(keepingCapacity: true)
    LogLine.appendISO8601(time.nanoseconds, to: &bytes)
    bytes.append(contentsOf: " \(level.rawValue) \(service): ".utf8)
    appendPrintable(message)
    for (key, value) in fields {
      bytes.append(contentsOf: " \(key)=".utf8)
      switch value {
      case .string(let text): appendPrintable(text)
      case .int(let number): bytes.append(contentsOf: String(number).utf8)
      case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
      }
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Text from outside must not forge a second line or move the cursor of a terminal.
  private mutating func appendPrintable(_ text: String) {
    for byte in text.utf8 { bytes.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: " ") : byte) }
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
}

extension Timestamp {
  /// The second in which it lies, for people: `2026-11-21T11:47:21Z`.
  public var secondText: String {
    var bytes: [UInt8] = []
    LogLine.appendISO8601(nanoseconds, to: &bytes)
    return String(decoding: bytes.prefix(19), as: UTF8.self) + "Z"
  }
}
