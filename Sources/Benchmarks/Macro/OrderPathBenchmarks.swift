import Domain
import Floors
import Glibc
import Kafka
import Measuring
import Runtime
import TestSupport
import Wire

private let perSecond = 200

/// From when a record on `orders` was due to its bytes at the venue's socket, beside one chained bare program (two hops and the POST) over
/// the same broker to the same socket; and the share of each part, from the records' own headers.
func measureOrderPath(_ stack: NativeStack, _ options: Options) throws -> [Line] {
  let count = options.isShort ? 150 : 600
  let topics = ["bench.chain.orders", "bench.chain.approved"]
  try KafkaAdmin(stack.settings).createTopics(topics.map { KafkaTopicSpecification($0, partitionCount: 1) })
  var floors: [Percentiles] = []
  var ours: [OrderRun] = []
  for run in 0...options.runs {
    let (floor, own) = (try chain(stack, topics, count), try orders(stack, count))
    if run > 0 {
      floors.append(floor)
      ours.append(own)
    }
  }
  return lines(floors, ours)
}

private func lines(_ floors: [Percentiles], _ ours: [OrderRun]) -> [Line] {
  func microseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e3 }
  let p50 = ours.map { microseconds($0.whole.p50) }
  let best = microseconds(ours.map(\.whole.best).min() ?? 0)
  var lines = [
    Line("orders/p50", unit: "µs", target: .ratio(1.2), ours: p50, floor: floors.map { microseconds($0.p50) }).telling(
      "best", best
    )
    .telling("floor's best", microseconds(floors.map(\.best).min() ?? 0)),
    Line(
      "orders/p99", unit: "µs", target: .ratio(1.5), ours: ours.map { microseconds($0.whole.p99) },
      floor: floors.map { microseconds($0.p99) }),
    Line("orders/p50-absolute", unit: "µs", target: .atMost(300), ours: p50),
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

private func chain(_ stack: NativeStack, _ topics: [String], _ count: Int) throws -> Percentiles {
  _ = stack.takeArrivals()
  try stack.bootstrap.withCString { bootstrap in
    try topics[0].withCString { first in
      try topics[1].withCString { second in
        var chain = floor_chain(
          bootstrap: bootstrap, first: first, second: second, port: stack.frontPort, per_second: Int32(perSecond),
          count: Int32(count),
          order_bytes: 200, approval_bytes: 900, request_bytes: 290)
        try check(floor_run_chain(&chain))
      }
    }
  }
  let arrivals = try awaitArrivals(count, at: stack)
  return Percentiles(
    arrivals.dropFirst(count / 10).compactMap { arrival in Int64(arrival.name.dropFirst(4)).map { arrival.monotonic - $0 } })
}

/// What has arrived once it is so many, each under another id; fails when they do not come.
func awaitArrivals(_ count: Int, at stack: NativeStack, seconds: Int = 20) throws -> [floor_arrival] {
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
