import Domain
import Floors
import Glibc
import Measuring
import TestSupport
import Wire

/// As many orders as the broker takes, for several accounts: how many a second are decided, how many a second reach the venue, and that
/// none of those approved is missing there.
func measureOrderLoad(_ stack: NativeStack, _ options: Options) throws -> [Line] {
  let runs = try (0..<options.runs).map { _ in try load(stack) }
  return [
    Line("load/decided", unit: "orders/s", target: .atLeast(5_000), ours: runs.map(\.decidedPerSecond))
      .telling("approved %", runs.map(\.approvedPercent).min() ?? 0),
    Line("load/sent", unit: "orders/s", target: .atLeast(1_000), ours: runs.map(\.sentPerSecond))
      .telling("at the venue", runs.reduce(0) { $0 + Double($1.arrived) }).telling(
        "lost", runs.reduce(0) { $0 + Double($1.lost) }
      )
      .telling("accounts", Double(NativeStack.accounts.count)).telling("answers after ms", 0),
  ]
}

/// One run.
private struct OrderLoad {
  let decidedPerSecond: Double
  let approvedPercent: Double
  let sentPerSecond: Double
  let arrived: Int
  let lost: Int
}

private func load(_ stack: NativeStack) throws -> OrderLoad {
  let count = 10_000
  _ = stack.takeArrivals()
  let journal = try OrderJournal(stack.settings)
  try OrderSender(accounts: NativeStack.accounts).send(count, perSecond: 0, to: stack.bootstrap)
  let isDecided = waitUntil(timeoutMilliseconds: 60_000) {
    // Asking is work for the broker, too.
    usleep(200_000)
    return ((try? journal.count(of: Topic.approved)) ?? 0) + ((try? journal.count(of: Topic.rejected)) ?? 0) >= count
  }
  guard isDecided else { throw FloorFailure(description: "not every one of \(count) orders was decided within a minute") }
  let approved = try journal.count(of: Topic.approved)
  let arrivals = try awaitArrivals(approved, at: stack, seconds: 120)
  let (orders, decisions) = (try journal.span(of: Topic.orders), try journal.span(of: Topic.approved))
  let times = arrivals.map(\.monotonic)
  return OrderLoad(
    decidedPerSecond: Double(count) / (Double(decisions.last - orders.first) / 1e9),
    approvedPercent: Double(approved) / Double(count) * 100,
    sentPerSecond: Double(approved) / (Double((times.max() ?? 1) - (times.min() ?? 0)) / 1e9),
    arrived: arrivals.count, lost: approved - Set(arrivals.map(\.name)).count)
}
