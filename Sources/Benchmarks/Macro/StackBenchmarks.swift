import Glibc
import Measuring

/// What only the whole stack shows: what it takes at rest, how long an order is on its way, how many it can decide and send.
func measureStack(_ options: Options) throws -> [Line] {
  let stack = try NativeStack()
  var lines = try measureRest(stack, options)
  lines += try measureOrderPath(stack, options)
  if !options.isShort { lines += try measureOrderLoad(stack, options) }
  return lines
}

private let services = ["ingestor-0", "riskgate-0", "ordermanager-0", "reconciler-0", "strategy-0"]

/// Nobody sends an order; one feed brings ten diffs a second.
private func measureRest(_ stack: NativeStack, _ options: Options) throws -> [Line] {
  let programs = services + ["kafka", "redis"]
  let processes = try programs.map { try stack.process($0) }
  var shares = [[Double]](repeating: [], count: programs.count)
  for _ in 0..<options.runs {
    let percents = try corePercent(of: processes) { usleep(options.isShort ? 500_000 : 3_000_000) }
    for (index, percent) in percents.enumerated() { shares[index].append(percent) }
  }
  let resident = try processes.map { Double(try ProcessUsage(of: $0).residentBytes) / 1e6 }
  let totals = (0..<options.runs).map { run in shares.reduce(0) { $0 + $1[run] } }
  var lines = [Line("rest/all", unit: "% of a core", target: .atMost(10), ours: totals)]
  for (index, program) in programs.enumerated() {
    lines.append(Line("rest/\(program)", unit: "% of a core", ours: shares[index]))
  }
  for (index, program) in programs.enumerated() where program != "redis" {
    lines.append(Line("rest/\(program)/memory", unit: "MB resident", target: .atMost(30), ours: [resident[index]]))
  }
  return lines
}
