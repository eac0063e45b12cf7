import Domain
import SimulatorCore
import Wire

/// What PostgreSQL and Redis show in the end is what the log says and the venues have.
extension Checker {
  mutating func checkStores(_ story: Story) {
    checkPosition(story)
    checkFills(story)
    for (_, approval) in story.orders { checkRows(approval.clientOrderID, story) }
    let open = world.redis.keys.filter { $0.hasPrefix("open:\(story.account):") }.sorted()
    if !open.isEmpty,
      story.events.last(where: { "open:\(story.account):\($0.event.clientOrderID)" == open[0] })?.event.status.isTerminal == true
    {
      report("Redis shows \(open) as open")
    }
  }

  private mutating func checkFills(_ story: Story) {
    let position = story.trades.reduce(Quantity.zero) { $1.fill.side == .buy ? $0 + $1.fill.quantity : $0 - $1.fill.quantity }
    let rows = world.database.fills.filter { $0.key.account == story.account }
    let stored = rows.values.reduce(Quantity.zero) { $1.side == .buy ? $0 + $1.quantity : $0 - $1.quantity }
    let count = story.trades.count
    if rows.count != count || stored != position {
      report("PostgreSQL has \(rows.count) fills of \(stored) for \(story.account); the venues \(count) of \(position)")
    }
  }

  private mutating func checkRows(_ id: ClientOrderID, _ story: Story) {
    let events = story.events.map(\.event).filter { $0.clientOrderID == id }
    let row = world.database.orders[.init(account: story.account, id: id)]
    if row?.status != events.last?.status || row?.filled != events.last?.cumulativeQuantity {
      let has = row.map { "\($0.status) \($0.filled)" } ?? "nothing"
      report("PostgreSQL has \(has) of \(id); the log \(events.last.map { "\($0.status)" } ?? "nothing")")
    }
    for child in story.plans[id]?.plan.children ?? [] {
      let row = world.database.children[.init(order: .init(account: story.account, id: id), number: child.number)]
      let state = events.last { $0.child == child.number }?.childState
      guard let state, row?.status == state.status, row?.filled == state.cumulativeQuantity, row?.venue == child.venue else {
        let has = row.map { "\($0.status) \($0.filled) at \($0.venue)" } ?? "nothing"
        report("PostgreSQL has \(has) of child \(child.number) of \(id), which went to \(child.venue)")
        continue
      }
    }
  }

  /// RiskGate's position, as Redis shows it: fills, less the fees that were taken in coins.
  private mutating func checkPosition(_ story: Story) {
    var units: Int128 = 0
    for fill in story.trades.map(\.fill) {
      units += Int128(fill.quantity.units * fill.side.sign)
      if fill.side == .buy { units -= Int128((Quantity(fill.fee, .up) ?? .zero).units) }
    }
    let key = "position:\(story.account):\(World.symbol)"
    let reader = world.redis[key].flatMap { try? RecordReader($0) }
    let shown: Quantity = reader.flatMap { try? $0.decimal("quantity") } ?? .zero
    if Int128(shown.units) != units {
      report("RiskGate counts \(shown) for \(story.account); the venues \(Quantity(units: Int64(clamping: units)))")
    }
  }
}
