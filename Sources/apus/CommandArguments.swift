import Domain
import Glibc
import Runtime

/// What a command tells the shell. Stable: scripts rely on it.
enum ExitCode: Int32 {
  case done = 0
  case usage = 2
  case risk = 3
  case venue = 4
  case unknown = 5
  case unreachable = 6
}

/// Why a command ends early.
struct CommandFailure: Error {
  let code: ExitCode
  let message: String

  init(_ code: ExitCode, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// Words and `--options` of a command, and the settings that every command shares.
struct CommandArguments {
  private(set) var words: [String] = []
  private var options: [String: String] = [:]

  /// Options that stand alone.
  private static let flags: Set<String> = ["json", "csv", "post-only", "reduce-only", "consolidated"]

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        words.append(argument)
        continue
      }
      let name = String(argument.dropFirst(2))
      options[name] = Self.flags.contains(name) ? "" : rest.popFirst() ?? ""
    }
  }

  func has(_ flag: String) -> Bool { options[flag] != nil }

  func option(_ name: String) -> String? { options[name] }

  /// The option read by `parse`, or nil when it is absent; a value that cannot be read is a usage error.
  func option<Value>(_ name: String, _ parse: (String) throws -> Value?) throws -> Value? {
    guard let text = options[name] else { return nil }
    guard let value = (try? parse(text)) ?? nil else { throw CommandFailure(.usage, "--\(name) cannot be \(text)") }
    return value
  }

  func account() throws -> Account {
    let fallback = setting("APUS_DEFAULT_ACCOUNT", default: "main")
    guard let account = Account(option("account") ?? fallback) else {
      throw CommandFailure(.usage, "an account is 1 to 64 of [A-Za-z0-9._-]")
    }
    return account
  }

  func symbol(_ word: String?) throws -> Symbol {
    let text = word ?? setting("APUS_DEFAULT_SYMBOL", default: "BTC-USDT")
    guard let symbol = Symbol(text) else { throw CommandFailure(.usage, "\(text) is not a symbol like BTC-USDT") }
    return symbol
  }

  func timeoutMilliseconds() throws -> Int {
    let seconds = try option("timeout") { Int($0) } ?? 30
    guard (1...3600).contains(seconds) else { throw CommandFailure(.usage, "--timeout is 1 to 3600 seconds") }
    return seconds * 1000
  }
}

/// An environment variable, or its default; empty counts as absent.
func setting(_ name: String, default fallback: String) -> String {
  guard let value = processEnvironment()[name], !value.isEmpty else { return fallback }
  return value
}

/// A line on standard error.
func printError(_ line: String) {
  try? writeAll(Array((line + "\n").utf8), to: STDERR_FILENO)
}
