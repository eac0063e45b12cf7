/// What the command line asks for.
struct Options {
  /// The command line makes no sense.
  struct Wrong: Error, CustomStringConvertible {
    let description: String
  }

  static let usage = """
    Benchmarks [name…] [--runs N] [--short] [--json FILE] [--margins FILE]
      Measures the hot paths, each beside its floor in the same run, and prints a table. Names choose suites:
        \(suites.map(\.name).joined(separator: ", "))
      without a name: all. --runs (default 5, at least 5) is how often each is measured; --short does the least of it and leaves out
      what takes long. --json FILE writes the lines as JSON. --margins FILE holds the highest ratio of some lines; worse fails.

    """

  var names: [String] = []
  var runs = 5
  var isShort = false
  var wantsHelp = false
  var jsonFile: String?
  var marginFile: String?

  init(_ words: [String]) throws {
    var rest = words[...]
    func value(of word: String) throws -> String {
      guard let value = rest.popFirst() else { throw Wrong(description: "\(word) needs a value") }
      return value
    }
    while let word = rest.popFirst() {
      switch word {
      case "--help": wantsHelp = true
      case "--short": isShort = true
      case "--json": jsonFile = try value(of: word)
      case "--margins": marginFile = try value(of: word)
      case "--runs":
        guard let count = Int(try value(of: word)), (5...1_000).contains(count) else {
          throw Wrong(description: "--runs is a number from 5 to 1000")
        }
        runs = count
      default:
        guard suites.contains(where: { $0.name == word }) else {
          throw Wrong(description: "nothing is called \(word)\n\(Self.usage)")
        }
        names.append(word)
      }
    }
  }
}
