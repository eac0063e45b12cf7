import Domain
import ReconcilerCore
import Venues
import Wire

/// PostgreSQL: rows and input offsets, changed together or not at all. What each change does to the rows follows
/// `Sources/Reconciler/App/Projection/RowSQL.swift`.
struct Database {
  struct OrderKey: Hashable, Comparable {
    let account: Account
    let id: ClientOrderID
    static func < (left: Self, right: Self) -> Bool { (left.account, left.id) < (right.account, right.id) }
  }

  struct OrderRow {
    var status: OrderStatus
    var approvedOffset: Int64?
    var executionOffset: Int64?
    var filled = Quantity.zero
    var provenance: Provenance?
    var decidedAt: Timestamp?
  }

  /// An order has one for each venue at most.
  private static let maximumChildren = 2

  struct ChildKey: Hashable, Comparable {
    let order: OrderKey
    let number: Int
    static func < (left: Self, right: Self) -> Bool { (left.order, left.number) < (right.order, right.number) }
  }

  struct ChildRow {
    var venue: Venue
    var clientID: String?
    var venueOrderID: String?
    var symbol: Symbol
    var status: OrderStatus
    var filled = Quantity.zero
    var updated: Timestamp
    var executionOffset: Int64
  }

  struct FillKey: Hashable {
    let venue: Venue
    let account: Account
    let venueOrderID: String
    let tradeID: String
  }

  struct FillRow {
    let order: OrderKey
    let side: Side
    let quantity: Quantity
  }

  private(set) var orders: [OrderKey: OrderRow] = [:]
  private(set) var children: [ChildKey: ChildRow] = [:]
  private(set) var fills: [FillKey: FillRow] = [:]
  private var inputs: [Place: InputState] = [:]
  private var memories: [Subject: AccountReconciliation] = [:]

  func input(_ place: Place) -> InputState {
    inputs[place] ?? InputState(topic: place.topic, partition: place.partition)
  }

  /// False, and nothing is stored, when another process has moved an input on.
  mutating func store(_ batch: Batch) -> Bool {
    for advance in batch.advances where input(Place(advance.before.topic, advance.before.partition)) != advance.before {
      return false
    }
    for advance in batch.advances { inputs[Place(advance.after.topic, advance.after.partition)] = advance.after }
    for change in batch.changes { apply(change.change, change.place.offset) }
    return true
  }

  private mutating func apply(_ change: RowChange, _ offset: Int64) {
    switch change {
    case .approved(let approval): approve(approval, offset)
    case .rejected(let rejection):
      let action = rejection.request?.action ?? .new
      let key = OrderKey(account: rejection.account, id: rejection.clientOrderID)
      guard action == .new || action == .replace, orders[key] == nil else { return }
      orders[key] = OrderRow(status: .rejected, decidedAt: rejection.decidedAt)
    case .planned(let plan): self.plan(plan, offset)
    case .progressed(let event): progress(event, offset)
    }
  }

  private mutating func approve(_ approval: Approval, _ offset: Int64) {
    guard !approval.isDuplicate, [.new, .replace].contains(approval.request.action) else { return }
    let key = OrderKey(account: approval.request.account, id: approval.clientOrderID)
    var row = orders[key] ?? OrderRow(status: .received)
    guard row.approvedOffset == nil else { return }
    if row.executionOffset == nil { row.status = .received }
    row.approvedOffset = offset
    row.decidedAt = approval.decidedAt
    orders[key] = row
  }

  private mutating func plan(_ plan: Plan, _ offset: Int64) {
    approve(plan.approval, offset)
    let key = OrderKey(account: plan.approval.request.account, id: plan.approval.clientOrderID)
    for child in plan.children {
      let name = ChildKey(order: key, number: child.number)
      guard children[name] == nil else { continue }
      children[name] = ChildRow(
        venue: child.venue, clientID: child.venueClientID, symbol: plan.approval.request.symbol, status: .submitting,
        updated: plan.time, executionOffset: offset)
    }
    guard orders[key]?.executionOffset == nil else { return }
    orders[key]?.status = .submitting
    orders[key]?.executionOffset = offset
  }

  private mutating func progress(_ event: OrderEvent, _ offset: Int64) {
    let key = OrderKey(account: event.account, id: event.clientOrderID)
    progressChild(ChildKey(order: key, number: event.child), event, offset)
    var row = orders[key] ?? OrderRow(status: event.status)
    if row.executionOffset.map({ $0 < offset }) ?? true {
      row.status = event.status
      row.filled = (0..<Self.maximumChildren).reduce(.zero) { $0 + (children[ChildKey(order: key, number: $1)]?.filled ?? .zero) }
      row.provenance = event.provenance
      row.executionOffset = offset
      orders[key] = row
    }
    guard let fill = event.fill else { return }
    let name = FillKey(venue: event.venue, account: event.account, venueOrderID: event.venueOrderID ?? "", tradeID: fill.tradeID)
    guard fills[name] == nil else { return }
    fills[name] = FillRow(order: key, side: event.side, quantity: fill.quantity)
  }

  private mutating func progressChild(_ name: ChildKey, _ event: OrderEvent, _ offset: Int64) {
    let state = event.childState
    var child =
      children[name]
      ?? ChildRow(venue: event.venue, symbol: event.symbol, status: state.status, updated: event.time, executionOffset: -1)
    guard child.executionOffset < offset else { return }
    child.venue = event.venue
    child.clientID = event.venueClientID ?? child.clientID
    child.venueOrderID = event.venueOrderID ?? child.venueOrderID
    child.status = state.status
    child.filled = max(child.filled, state.cumulativeQuantity)
    child.updated = event.time
    child.executionOffset = offset
    children[name] = child
  }
}

// MARK: - Reconciliation

extension Database {
  func memory(of subject: Subject, tradeOrder: TradeOrder) -> AccountReconciliation {
    let comparison = Comparison(deployment: "apus", tradeOrder: tradeOrder)
    guard let kept = memories[subject] else { return AccountReconciliation(subject: subject, comparison: comparison) }
    return AccountReconciliation(
      subject: subject, comparison: comparison, cursors: kept.cursors, expectedBalances: kept.balanceCheck.expected,
      open: kept.open)
  }

  mutating func remember(_ memory: AccountReconciliation) { memories[memory.subject] = memory }

  func firstDecision(of account: Account) -> Timestamp? {
    orders.filter { $0.key.account == account }.compactMap(\.value.decidedAt).min()
  }

  /// What is live at the venue, and what the question names.
  func answer(_ question: LedgerQuestion, of subject: Subject) -> LedgerAnswer {
    var found: [LedgerOrder] = []
    for (key, child) in children.sorted(by: { $0.key < $1.key })
    where key.order.account == subject.account && child.venue == subject.venue {
      guard let clientID = child.clientID else { continue }
      let isNamed = question.venueClientIDs.contains(clientID) || child.venueOrderID.map(question.venueOrderIDs.contains) ?? false
      guard isNamed || (!child.status.isTerminal && child.status != .received) else { continue }
      found.append(
        LedgerOrder(
          venueClientID: clientID, venueOrderID: child.venueOrderID, clientOrderID: key.order.id, symbol: child.symbol,
          status: child.status, cumulativeQuantity: child.filled, decidedAt: orders[key.order]?.decidedAt ?? .zero,
          changedAt: child.updated))
    }
    let known = Set(fills.keys.filter { $0.account == subject.account && $0.venue == subject.venue }.map(\.tradeID))
    let names = question.trades.flatMap { trades in
      trades.tradeIDs.filter { known.contains($0) }.map { TradeName(symbol: trades.symbol, tradeID: $0) }
    }
    return LedgerAnswer(orders: found, knownTrades: Set(names))
  }
}
