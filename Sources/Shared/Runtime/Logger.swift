import Domain
import Glibc
import Synchronization

/// How much a log line matters.
public enum LogLevel: String, Sendable, CaseIterable, Comparable {
  case debug, info, warning, error, critical

  private var rank: Int {
    switch self {
    case .debug: 0
    case .info: 1
    case .warning: 2
    case .error: 3
    case .critical: 4
    }
  }

  /// Ordered by severity.
  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}

/// A value beside a log message. Literals and interpolations convert by themselves: `["venue": "binance", "count": 3]`.
public enum LogValue: Sendable, Equatable, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  case string(String)
  case int(Int64)
  case bool(Bool)

  /// Text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .int(value) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Any integer; what does not fit is clamped.
  public init(_ value: some BinaryInteger) { self = .int(Int64(clamping: value)) }
  /// Anything by its description; a `Secret` stays hidden.
  public init(describing value: some Any) { self = .string(String(describing: value)) }
}

/// Writes log lines: one JSON object a line (`ts`, `level`, `service`, `message`, then the caller's fields), or plain text when the
/// output is a terminal. Thread safe; each line is one `write`.
public final class Logger: Sendable {
  /// The shape of a line.
  public enum Format: String, Sendable, CaseIterable {
    case json, text
  }

  /// The program, in every line.
  public let service: String
  /// Lines below this level are not written, nor are their messages built.
  public let level: LogLevel
  /// The shape of a line.
  public let format: Format

  private let descriptor: Int32
  private let clock: @Sendable () -> Timestamp
  private let line = Mutex(LogLine())
  private let lostLines = Atomic<Int>(0)

  /// Writes to a descriptor (standard error by default). Without a format: text on a terminal, else JSON.
  public init(
    service: String, level: LogLevel = .info, format: Format? = nil, descriptor: Int32 = STDERR_FILENO,
    clock: @escaping @Sendable () -> Timestamp = wallClock
  ) {
    self.service = service
    self.level = level
    self.format = format ?? (isatty(descriptor) == 1 ? .text : .json)
    self.descriptor = descriptor
    self.clock = clock
  }

  /// Level and format from `APUS_LOG_LEVEL` and `APUS_LOG_FORMAT`.
  public convenience init(service: String, configuration: inout Configuration) {
    let level: LogLevel? = configuration.choice("APUS_LOG_LEVEL", default: .info, help: "least level that is logged")
    let format = configuration.value(
      "APUS_LOG_FORMAT", default: "auto", help: "json, text, or auto: text on a terminal", expected: "json, text or auto"
    ) { text -> Format?? in text == "auto" ? .some(nil) : Format(rawValue: text).map { .some($0) } }
    self.init(service: service, level: level ?? .info, format: format ?? nil)
  }

  /// Lines that could not be written.
  public var lost: Int { lostLines.load(ordering: .relaxed) }

  /// Detail for whoever is looking for something.
  public func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    log(.debug, message(), fields())
  }

  /// What happens in a normal day.
  public func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    log(.info, message(), fields())
  }

  /// Something is off; the program copes.
  public func warning(
    _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) {
    log(.warning, message(), fields())
  }

  /// Something failed.
  public func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]) {
    log(.error, message(), fields())
  }

  /// A person must look now.
  public func critical(
    _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) {
    log(.critical, message(), fields())
  }

  /// Writes one line when `level` is high enough.
  public func log(
    _ level: LogLevel, _ message: @autoclosure () -> String,
    _ fields: @autoclosure () -> KeyValuePairs<String, LogValue> = [:]
  ) {
    guard level >= self.level else { return }
    let message = message()
    let fields = fields()
    let time = clock()
    line.withLock { line in
      switch format {
      case .json: line.setJSON(time: time, level: level, service: service, message: message, fields: fields)
      case .text: line.setText(time: time, level: level, service: service, message: message, fields: fields)
      }
      do throws(SystemError) {
        try writeAll(line.bytes, to: descriptor)
      } catch {
        lostLines.add(1, ordering: .relaxed)
      }
    }
  }
}
