import Glibc
import Measuring
import Runtime

/// What runs as a process of its own, told by the environment what to do: the same code as the services' in a bare loop, against a server
/// that replays a venue.
let harnessLoops: [String: @Sendable () throws -> Int32] = [
  "orders": placeOrders, "ingest": followVenue, "ingest-venue": serveVenue, "floor-stream": followFloor,
]

do {
  let words = Array(CommandLine.arguments.dropFirst())
  if let name = words.first, let loop = harnessLoops[name] { exit(try loop()) }
  exit(try measure(try Options(words)))
} catch {
  try? writeAll(Array("Benchmarks: \(error)\n".utf8), to: STDERR_FILENO)
  exit(error is Options.Wrong ? 2 : 1)
}

/// Measures what was asked for, prints the table, writes the JSON, judges by the margins.
func measure(_ options: Options) throws -> Int32 {
  if options.wantsHelp {
    try writeAll(Array(Options.usage.utf8), to: STDOUT_FILENO)
    return 0
  }
  let margins = try options.marginFile.map { try Margins(String(decoding: try readFile($0), as: UTF8.self)) }
  var lines: [Line] = []
  for suite in suites where suite.isWanted(by: options) { lines += try measure(suite, options, margins) }
  try writeAll(Array(Table(lines).text.utf8), to: STDOUT_FILENO)
  if let file = options.jsonFile { try replaceFile(file, with: Array(Line.document(lines).utf8)) }
  guard let margins else { return 0 }
  let faults = margins.faults(in: lines, isEverything: options.names.isEmpty)
  for fault in faults { try writeAll(Array("worse than its margin: \(fault)\n".utf8), to: STDOUT_FILENO) }
  return faults.isEmpty ? 0 : 1
}

/// Measures a suite. What is worse than its margin is measured up to twice more, and its best measurement counts: neighbours spoil one, a
/// path that has become slow spoils all.
func measure(_ suite: Suite, _ options: Options, _ margins: Margins?) throws -> [Line] {
  try writeAll(Array("measuring \(suite.name)\n".utf8), to: STDERR_FILENO)
  var lines = try suite.measure(options)
  for _ in 0..<2 {
    let worse = margins?.exceeded(by: lines) ?? []
    guard !worse.isEmpty else { break }
    try writeAll(Array("once more, for \(worse.sorted().joined(separator: ", "))\n".utf8), to: STDERR_FILENO)
    let again = try suite.measure(options)
    lines = lines.map { line in
      guard worse.contains(line.name), let other = again.first(where: { $0.name == line.name }) else { return line }
      return line.better(other)
    }
  }
  return lines
}
