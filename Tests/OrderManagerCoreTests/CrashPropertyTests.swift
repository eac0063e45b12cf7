import Domain
import OrderManagerCore
import Testing
import Venues
import Wire

/// Random orders, faults and crashes; afterwards the venue's own books and the log must agree.
@Suite struct CrashPropertyTests {
  static let runs: ClosedRange<UInt64> = 1...100

  @Test func nothingIsLostOrDoubled() {
    var crashes = 0
    var orders = 0
    for seed in Self.runs {
      var world = run(seed: seed)
      world.settle()
      crashes += world.crashes
      orders += world.venue.orders.count
      let problems = check(world)
      #expect(problems.isEmpty, "seed \(seed): \(problems.joined(separator: "; "))")
    }
    #expect(crashes > 70 && orders > 350, "\(crashes) crashes and \(orders) orders are too few to prove anything")
  }

  /// Each run has its own random subset of the faults.
  private func run(seed: UInt64) -> World {
    var generator = SeededGenerator(seed: seed &* 7919)
    func maybe(_ probability: Double) -> Double { Bool.random(using: &generator) ? probability : 0 }
    let faults = World.Faults(
      loseRequest: maybe(0.1), loseReply: maybe(0.2), slowRequest: maybe(0.1), repeatStream: maybe(0.3), dropStream: maybe(0.3),
      hideOrder: maybe(0.3), refuse: maybe(0.1), crash: maybe(0.01), stall: maybe(0.5))
    var world = World(seed: seed, faults: faults)
    var sent = 0
    for _ in 0..<400 {
      if Double.random(in: 0..<1, using: &generator) < 0.05, sent < 20 {
        sent += 1
        let resting = Bool.random(using: &generator)
        let validity = Int64.random(in: 1...12, using: &generator) * Interval.second
        world.approve("o\(sent)", timeInForce: resting ? .gtc : .ioc, validFor: validity)
      }
      if sent > 0, Double.random(in: 0..<1, using: &generator) < 0.02 {
        let target = "o\(Int.random(in: 1...sent, using: &generator))"
        if Bool.random(using: &generator) {
          world.approve("c\(world.approvals.count)", action: .cancel, quantity: nil, price: nil, target: target)
        } else {
          world.approve("r\(world.approvals.count)", action: .replace, quantity: "1.5", timeInForce: .gtc, target: target)
        }
      }
      world.step()
    }
    // Whatever still rests is cancelled, so that every order must come to an end, crashes or not.
    world.approve("all", action: .cancelAll, quantity: nil, price: nil)
    for _ in 0..<200 { world.step() }
    return world
  }

  private func check(_ world: World) -> [String] {
    var problems = world.violations
    let events = world.events
    var clientIDs: [String: Set<String>] = [:]
    for event in events {
      if let id = event.venueClientID { clientIDs[id, default: []].insert(event.clientOrderID.text) }
    }
    for order in world.venue.orders where world.venue.orders(under: order.clientID).count > 1 {
      problems.append("\(order.clientID) was accepted more than once")
    }
    for order in world.venue.orders where clientIDs[order.clientID]?.count != 1 {
      problems.append("\(order.clientID) is not in the log")
    }
    for approval in world.approvals {
      guard let approval = try? Approval(approval.value ?? []), [.new, .replace].contains(approval.request.action) else {
        continue
      }
      problems += check(approval.clientOrderID, events.filter { $0.clientOrderID == approval.clientOrderID }, world)
    }
    return problems
  }

  /// One order: it has ended, each of its fills was said once, and the count is the venue's.
  private func check(_ id: ClientOrderID, _ events: [OrderEvent], _ world: World) -> [String] {
    guard let last = events.last else { return ["\(id) has no event"] }
    let accepted = last.venueClientID.flatMap { world.venue.orders(under: $0).first }
    guard last.status.isTerminal else {
      let isAlerted = world.alerts.contains { $0.clientOrderID == id && $0.code == "order_unknown" }
      return last.status == .unknown && isAlerted ? [] : ["\(id) is \(last.status) for ever"]
    }
    var problems: [String] = []
    let trades = events.compactMap(\.fill?.tradeID)
    if Set(trades).count != trades.count { problems.append("\(id): a fill was said twice: \(trades)") }
    if trades.sorted() != (accepted?.trades.map(\.tradeID) ?? []).sorted() {
      problems.append("\(id): fills \(trades) instead of \(accepted?.trades.map(\.tradeID) ?? [])")
    }
    if last.cumulativeQuantity != accepted?.filled ?? .zero {
      problems.append("\(id): ended \(last.status) at \(last.cumulativeQuantity) instead of \(accepted?.filled ?? .zero)")
    }
    if let accepted, !accepted.state.isTerminal { problems.append("\(id) has ended and is alive at the venue") }
    return problems
  }
}
