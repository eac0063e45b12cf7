import Glibc

/// Everything that was wrong with the configuration, all at once.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence for each problem.
  public let problems: [String]

  /// One problem a line.
  public var description: String { problems.joined(separator: "\n") }
}

/// Reads typed settings from `--key value` arguments, then environment variables, then defaults, and remembers every problem
/// until `finish()` so that a user sees all of them at once.
///
/// A setting has one name, that of its environment variable; its argument is the same in lower case with dashes and without
/// `APUS_`: `KAFKA_BOOTSTRAP` is `--kafka-bootstrap`, `APUS_LOG_LEVEL` is `--log-level`. `--key=value` works too, and a flag
/// may stand alone. An empty environment variable counts as absent.
public struct Configuration: Sendable {
  /// One setting as it was asked for: the text of `--help`.
  public struct Setting: Sendable, Equatable {
    /// The environment variable.
    public let name: String
    /// What it means, in a few words.
    public let help: String
    /// The default as text; nil when the setting must be given.
    public let fallback: String?
  }

  private let environment: [String: String]
  private var arguments: [String: String] = [:]
  private var problems: [String] = []
  private var asked: Set<String> = []
  /// Every setting asked for, in order.
  public private(set) var settings: [Setting] = []
  /// True when `--help` is among the arguments: `finish()` then reports nothing.
  public private(set) var wantsHelp = false

  /// The environment and the arguments (without the program's name).
  public init(environment: [String: String], arguments: [String]) {
    self.environment = environment
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--help" || argument == "-h" {
        wantsHelp = true
        continue
      }
      guard argument.hasPrefix("--"), argument.utf8.count > 2 else {
        problems.append("unexpected argument \(argument)")
        continue
      }
      let body = argument.dropFirst(2)
      let key: String
      let value: String
      if let equals = body.firstIndex(of: "=") {
        key = String(body[..<equals])
        value = String(body[body.index(after: equals)...])
      } else {
        key = String(body)
        value = rest.first.map { $0.hasPrefix("--") ? "true" : $0 } ?? "true"
        if let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
      }
      if self.arguments.updateValue(value, forKey: key) != nil { problems.append("--\(key) is given twice") }
    }
  }

  /// The environment and the arguments of this process.
  public static func ofProcess() -> Configuration {
    Configuration(environment: processEnvironment(), arguments: Array(CommandLine.arguments.dropFirst()))
  }

  /// Text, as it is.
  public mutating func string(_ name: String, default fallback: String? = nil, help: String = "") -> String {
    value(name, default: fallback, help: help, expected: "text") { $0 } ?? ""
  }

  /// Text that may be absent.
  public mutating func optionalString(_ name: String, help: String = "") -> String? {
    let text = string(name, default: "", help: help)
    return text.isEmpty ? nil : text
  }

  /// A whole number within a range.
  public mutating func int(_ name: String, default fallback: Int? = nil, in range: ClosedRange<Int>, help: String = "") -> Int {
    value(name, default: fallback.map(String.init), help: help, expected: "a whole number in \(range)") { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    } ?? range.lowerBound
  }

  /// `true/false`, `yes/no`, `on/off`, `1/0`.
  public mutating func bool(_ name: String, default fallback: Bool, help: String = "") -> Bool {
    value(name, default: fallback ? "true" : "false", help: help, expected: "true or false") { text in
      switch text.lowercased() {
      case "true", "yes", "on", "1": true
      case "false", "no", "off", "0": false
      default: nil
      }
    } ?? fallback
  }

  /// Comma-separated text; blanks around the items and empty items are dropped.
  public mutating func list(_ name: String, default fallback: String? = nil, help: String = "") -> [String] {
    string(name, default: fallback, help: help).split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
  }

  /// One of the cases of an enumeration with text values.
  public mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default fallback: Choice? = nil, help: String = ""
  ) -> Choice? where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    return value(name, default: fallback?.rawValue, help: help, expected: "one of \(names)", parse: Choice.init(rawValue:))
  }

  /// A secret: from the environment variable `name`, or from the file that `<name>_FILE` names (a trailing line end is dropped);
  /// never from arguments, which every user of the machine can see. Absent gives nil, or a problem when `required`.
  public mutating func secret(_ name: String, required: Bool = false, help: String = "") -> Secret? {
    let fallback: String? = required ? nil : ""
    if arguments[argumentName(name)] != nil {
      problems.append("\(name) is a secret: set the environment variable or \(name)_FILE, not an argument")
    }
    note(name, help: help, fallback: fallback)
    if let text = environment[name], !text.isEmpty { return Secret(text) }
    if let path = environment["\(name)_FILE"], !path.isEmpty {
      do {
        let bytes = try readFile(path, limitBytes: 1 << 20)
        return Secret(trimmed(String(decoding: bytes, as: UTF8.self)[...]))
      } catch {
        problems.append("\(name)_FILE: \(error)")
        return nil
      }
    }
    if required { problems.append("\(name) is missing") }
    return nil
  }

  /// A value of any type: `parse` gives nil for text that is not `expected`. nil is returned only together with a problem, which quotes
  /// the text unless it `mayHoldSecrets` (a URL with a password).
  public mutating func value<Value>(
    _ name: String, default fallback: String? = nil, help: String = "", expected: String, mayHoldSecrets: Bool = false,
    parse: (String) -> Value?
  ) -> Value? {
    note(name, help: help, fallback: fallback)
    let fromEnvironment = environment[name].flatMap { $0.isEmpty ? nil : $0 }
    guard let text = arguments[argumentName(name)] ?? fromEnvironment ?? fallback else {
      problems.append("\(name) is missing: \(expected)\(help.isEmpty ? "" : " (\(help))")")
      return nil
    }
    guard let value = parse(text) else {
      problems.append("\(name) is \(mayHoldSecrets ? "malformed" : "\"\(text)\""): expected \(expected)")
      return nil
    }
    return value
  }

  /// Records a problem that the caller found, such as two settings that exclude each other.
  public mutating func reject(_ problem: String) {
    problems.append(problem)
  }

  /// Throws everything that was wrong, arguments that nobody asked for included. Call it after the last setting.
  public func check() throws(ConfigurationError) {
    let unknown = arguments.keys.filter { !asked.contains($0) }.sorted().map { "unknown argument --\($0)" }
    guard problems.isEmpty && unknown.isEmpty else { throw ConfigurationError(problems: problems + unknown) }
  }

  /// For `main`: prints the settings and exits 0 when `--help` was asked for; prints every problem and exits 2 when there are any.
  public func finish(program: String) {
    if wantsHelp {
      writeText(usage(program: program), to: STDOUT_FILENO)
      exit(0)
    }
    do {
      try check()
    } catch {
      writeText(error.problems.map { "\(program): \($0)\n" }.joined(), to: STDERR_FILENO)
      exit(2)
    }
  }

  /// The text of `--help`.
  public func usage(program: String) -> String {
    var text = "usage: \(program) [--key value]...   (each setting is also an environment variable)\n"
    for setting in settings {
      let fallback = setting.fallback.map { $0.isEmpty ? "" : " [\($0)]" } ?? " (required)"
      text += "  --\(argumentName(setting.name))  \(setting.name)\(fallback)  \(setting.help)\n"
    }
    return text
  }

  private mutating func note(_ name: String, help: String, fallback: String?) {
    guard asked.insert(argumentName(name)).inserted else { return }
    settings.append(Setting(name: name, help: help, fallback: fallback))
  }

  private func argumentName(_ name: String) -> String {
    let short = name.hasPrefix("APUS_") ? name.dropFirst(5) : name[...]
    return String(short.lowercased().map { $0 == "_" ? "-" : $0 })
  }
}

private func trimmed(_ text: Substring) -> String {
  let isBlank: (Character) -> Bool = { $0.isWhitespace }
  let start = text.drop(while: isBlank)
  return String(start.reversed().drop(while: isBlank).reversed())
}

private func writeText(_ text: String, to descriptor: Int32) {
  // Nothing is left to tell anyone when the terminal itself refuses.
  try? writeAll(Array(text.utf8), to: descriptor)
}

/// The environment of this process.
public func processEnvironment() -> [String: String] {
  var variables: [String: String] = [:]
  var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
  while let pointer = entry.pointee {
    let text = String(cString: pointer)
    if let equals = text.firstIndex(of: "=") {
      variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
    entry += 1
  }
  return variables
}
