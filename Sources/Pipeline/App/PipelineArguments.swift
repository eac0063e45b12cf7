import Glibc
import PipelineSimulation

/// What the command line asks for.
struct PipelineArguments: Sendable {
  var runs = 1_000
  var from: UInt64 = 1
  var threads = 2
  var mutation: Mutation?
  var isTracing = false

  /// The command line is not understood.
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  init(_ arguments: ArraySlice<String>) throws {
    var rest = arguments
    while let name = rest.popFirst() {
      switch name {
      case "--trace": isTracing = true
      case "--runs": runs = try Self.number(rest.popFirst(), name)
      case "--from": from = UInt64(try Self.number(rest.popFirst(), name))
      case "--threads": threads = try Self.number(rest.popFirst(), name)
      case "--mutation":
        guard let mutation = rest.popFirst().flatMap(Mutation.init(rawValue:)) else {
          throw Problem(description: "--mutation takes one of \(Mutation.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.mutation = mutation
      default: throw Problem(description: "\(name) is not understood: --runs N --from SEED --threads N --mutation NAME --trace")
      }
    }
  }

  private static func number(_ text: String?, _ name: String) throws -> Int {
    guard let number = text.flatMap({ Int($0) }), number > 0 else {
      throw Problem(description: "\(name) takes a positive number")
    }
    return number
  }
}

/// Writes a text whole.
func write(_ text: String, to descriptor: Int32) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return }
    bytes = bytes.dropFirst(count)
  }
}
