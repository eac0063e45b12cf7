import Domain
import Floors
import Glibc
import Kafka
import Measuring
import Runtime
import TestSupport
import Wire

private let perSecond = 200

/// From when a record on `orders` was due to its bytes at the venue's socket, beside one chained bare program over the same broker to the
/// same socket; and the share of each part, from the records' own headers. The program makes two hops and the POST; with a third append it
/// also awaits the broker's acknowledgement of a record before each POST, as OrderManager does for the order's plan.
func measureOrderPath(_ stack: NativeStack, _ options: Options) throws -> [Line] {
  let count = options.isShort ? 100 : 600
  let topics = ["bench.chain.orders", "bench.chain.approved", "bench.chain.plans"]
  try KafkaAdmin(stack.settings).createTopics(topics.map { KafkaTopicSpecification($0, partitionCount: 1) })
  // As the services on the way do; processes that are started by now keep what they have.
  takeShortTurns()
  var floors = ChainRuns()
  var ours: [OrderRun] = []
  for run in 0...options.runs {
    let two = try chain(stack, topics, appends: 2, count)
    let own = try orders(stack, count)
    let three = try chain(stack, topics, appends: 3, count)
    if run > 0 {
      floors.twoAppends.append(two)
      floors.threeAppends.append(three)
      ours.append(own)
    }
  }
  return lines(floors, ours)
}

/// The chained program's runs.
private struct ChainRuns {
  var twoAppends: [Percentiles] = []
  var threeAppends: [Percentiles] = []
}

private func lines(_ floors: ChainRuns, _ ours: [OrderRun]) -> [Line] {
  func microseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e3 }
  func line(_ name: String, _ target: Line.Target?, beside floor: [Percentiles], _ value: (Percentiles) -> Int64) -> Line {
    Line(
      name, unit: "µs", target: target, ours: ours.map { microseconds(value($0.whole)) },
      floor: floor.map { microseconds(value($0)) })
  }
  func best(_ runs: [Percentiles]) -> Double { microseconds(runs.map(\.best).min() ?? 0) }
  var lines = [
    line("orders/p50", .ratio(1.2), beside: floors.twoAppends, \.p50).telling("best", best(ours.map(\.whole)))
      .telling("floor's best", best(floors.twoAppends)),
    line("orders/p99", .ratio(1.5), beside: floors.twoAppends, \.p99),
    line("orders/p50-three-appends", nil, beside: floors.threeAppends, \.p50).telling("floor's best", best(floors.threeAppends)),
    line("orders/p99-three-appends", nil, beside: floors.threeAppends, \.p99),
    Line("orders/p50-absolute", unit: "µs", target: .atMost(300), ours: ours.map { microseconds($0.whole.p50) }),
  ]
  for (index, part) in OrderRun.parts.enumerated() {
    let times = ours.map { $0.shares[index] }
    lines.append(
      Line("orders/\(part.name)", unit: "µs", ours: times.map { microseconds($0.p50) })
        .telling("p99", Spread(times.map { microseconds($0.p99) }).median))
  }
  return lines
}

/// One run of the real thing.
private struct OrderRun {
  /// The parts of the way: what begins each and ends it. The last ends at the venue's socket.
  static let parts: [(name: String, from: String, to: String?)] = [
    ("client-to-riskgate", "client.out", "riskgate.in"), ("in-riskgate", "riskgate.in", "riskgate.out"),
    ("riskgate-to-ordermanager", "riskgate.out", "ordermanager.in"), ("ordermanager-to-venue", "ordermanager.in", nil),
  ]

  let whole: Percentiles
  let shares: [Percentiles]
}

private func orders(_ stack: NativeStack, _ count: Int) throws -> OrderRun {
  _ = stack.takeArrivals()
  let journal = try OrderJournal(stack.settings)
  try OrderSender(accounts: ["main"]).send(count, perSecond: perSecond, to: stack.bootstrap)
  let arrivals = try awaitArrivals(count, at: stack)
  let plans = try journal.plans()
  var whole: [Int64] = []
  var shares = [[Int64]](repeating: [], count: OrderRun.parts.count)
  // The first tenth is warmth: connections are young.
  for arrival in arrivals.dropFirst(count / 10) {
    guard let plan = plans[arrival.name], let due = Int64(plan.id.dropFirst()) else {
      throw FloorFailure(description: "the venue got an order that no plan names: \(arrival.name)")
    }
    whole.append(arrival.monotonic - due)
    for (index, part) in OrderRun.parts.enumerated() {
      let end = part.to.map { plan.time($0) } ?? Timestamp(nanoseconds: arrival.wall)
      if let start = plan.time(part.from), let end { shares[index].append(end - start) }
    }
  }
  guard shares.allSatisfy({ !$0.isEmpty }) else {
    throw FloorFailure(description: "the plans' headers do not tell every part of the way")
  }
  return OrderRun(whole: Percentiles(whole), shares: shares.map { Percentiles($0) })
}

private func chain(_ stack: NativeStack, _ topics: [String], appends: Int, _ count: Int) throws -> Percentiles {
  _ = stack.takeArrivals()
  let texts = ([stack.bootstrap] + topics).map { UnsafePointer(strdup($0)) }
  defer { for text in texts { free(UnsafeMutableRawPointer(mutating: text)) } }
  var chain = floor_chain(
    bootstrap: texts[0], first: texts[1], second: texts[2], third: appends > 2 ? texts[3] : nil, port: stack.frontPort,
    per_second: Int32(perSecond), count: Int32(count), order_bytes: 200, approval_bytes: 900, plan_bytes: 1_100,
    request_bytes: 290)
  try check(floor_run_chain(&chain))
  let arrivals = try awaitArrivals(count, at: stack)
  return Percentiles(
    arrivals.dropFirst(count / 10).compactMap { arrival in Int64(arrival.name.dropFirst(4)).map { arrival.monotonic - $0 } })
}

/// What has arrived once it is so many, each under another id; fails when they do not come.
func awaitArrivals(_ count: Int, at stack: NativeStack, seconds: Int = 60) throws -> [floor_arrival] {
  var arrivals: [floor_arrival] = []
  _ = waitUntil(timeoutMilliseconds: seconds * 1_000) {
    arrivals += stack.takeArrivals()
    return arrivals.count >= count
  }
  let names = Set(arrivals.map(\.name))
  guard arrivals.count == count, names.count == count else {
    throw FloorFailure(
      description: "\(arrivals.count) orders under \(names.count) ids have arrived at the venue instead of \(count)")
  }
  return arrivals
}
