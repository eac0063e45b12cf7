import Domain
import Wire

/// Changes that can be stored table by table, each table in one statement, and leave the rows that they would leave one after another.
/// Every record keeps its event and every trade its row; of an order or a child that changed several times only the sum is stored.
///
/// The tables are written in the order of the properties below: refusals, approvals, planned children, plans, progress of children, of
/// orders. A change that must not be put before one that it came after does not fit, and begins the next run.
public struct RowRun: Sendable {
  /// The key of an order's row.
  public struct OrderKey: Hashable, Sendable {
    var account: Account
    var id: ClientOrderID
  }

  private struct ChildKey: Hashable {
    var order: OrderKey
    var number: Int
  }

  /// What executions said of an order, summed up.
  public struct OrderProgress: Sendable {
    /// The newest; where the others are not asked, it alone counts.
    public var newest: OrderEvent
    /// Where it lies in its partition.
    public var offset: Int64
    /// As first said.
    public let quantity: Quantity
    /// As last said.
    public var limitPrice: Price?
    /// As first said.
    public var strategy: String?
    /// As last said.
    public var venueOrderID: String?

    init(_ event: OrderEvent, _ offset: Int64) {
      newest = event
      self.offset = offset
      quantity = event.quantity
      add(event, offset)
    }

    mutating func add(_ event: OrderEvent, _ offset: Int64) {
      newest = event
      self.offset = offset
      limitPrice = event.limitPrice ?? limitPrice
      strategy = strategy ?? event.strategy
      venueOrderID = event.venueOrderID ?? venueOrderID
    }
  }

  /// What executions said of a child, summed up.
  public struct ChildProgress: Sendable {
    /// The newest; where the others are not asked, it alone counts.
    public var newest: OrderEvent
    /// Where it lies in its partition.
    public var offset: Int64
    /// As last said.
    public var limitPrice: Price?
    /// As last said.
    public var venueClientID: String?
    /// As last said.
    public var venueOrderID: String?
    /// The most that was said: a late word does not take a fill back.
    public var cumulativeQuantity: Quantity
    /// Likewise.
    public var cumulativeQuote: Money

    init(_ event: OrderEvent, _ offset: Int64) {
      newest = event
      self.offset = offset
      cumulativeQuantity = event.childState.cumulativeQuantity
      cumulativeQuote = event.childState.cumulativeQuote
      add(event, offset)
    }

    mutating func add(_ event: OrderEvent, _ offset: Int64) {
      newest = event
      self.offset = offset
      limitPrice = event.limitPrice ?? limitPrice
      venueClientID = event.venueClientID ?? venueClientID
      venueOrderID = event.venueOrderID ?? venueOrderID
      cumulativeQuantity = max(cumulativeQuantity, event.childState.cumulativeQuantity)
      cumulativeQuote = max(cumulativeQuote, event.childState.cumulativeQuote)
    }
  }

  /// What the run has for an order so far.
  private struct Known {
    var isRefused = false
    var isApproved = false
    var isPlanned = false
    var progress: Int?

    /// After these the order has a row, whether it had one before or not.
    var hasRow: Bool { isRefused || isApproved || progress != nil }
  }

  /// All of them, in the order in which they came.
  public private(set) var changes: [Batch.Change] = []
  /// Refusals of orders that nothing else in the run knows.
  public private(set) var refused: [(rejection: Rejection, offset: Int64)] = []
  /// The first approval of each order.
  public private(set) var approved: [(approval: Approval, offset: Int64)] = []
  /// Children of plans, of which nothing was said before.
  public private(set) var plannedChildren: [(plan: Plan, child: Plan.Child, offset: Int64)] = []
  /// The first plan of each order: a second one finds its status set.
  private var plans: [(plan: Plan, offset: Int64)] = []
  /// In the order of their first words.
  public private(set) var children: [ChildProgress] = []
  /// In the order of their first words.
  public private(set) var orders: [OrderProgress] = []

  private var known: [OrderKey: Known] = [:]
  private var childIndex: [ChildKey: Int] = [:]

  /// An empty run.
  public init() {}

  /// False when the change must not be stored together with those before it; it is then not in the run.
  mutating func take(_ change: Batch.Change) -> Bool {
    let offset = change.place.offset
    let fits =
      switch change.change {
      case .approved(let approval): approve(approval, offset)
      case .rejected(let rejection): refuse(rejection, offset)
      case .planned(let plan): self.plan(plan, offset)
      case .progressed(let event): progress(event, offset)
      }
    if fits { changes.append(change) }
    return fits
  }

  /// Plans of orders that nothing in the run has moved on.
  public var plansInForce: [(plan: Plan, offset: Int64)] { plans.filter { known[$0.plan.order]?.progress == nil } }

  private mutating func refuse(_ rejection: Rejection, _ offset: Int64) -> Bool {
    let action = rejection.request?.action ?? .new
    guard action == .new || action == .replace else { return true }
    let order = OrderKey(account: rejection.account, id: rejection.clientOrderID)
    let before = known[order, default: Known()]
    // It may also answer a second use of an id, and changes nothing then.
    if before.hasRow { return true }
    // The plan was for a row that the table may not have; with the refusal's row in the table it would change that.
    if before.isPlanned { return false }
    refused.append((rejection, offset))
    known[order, default: Known()].isRefused = true
    return true
  }

  private mutating func approve(_ approval: Approval, _ offset: Int64) -> Bool {
    guard approval.makesOrder else { return true }
    let order = OrderKey(account: approval.request.account, id: approval.clientOrderID)
    let before = known[order, default: Known()]
    if before.isApproved { return true }
    if before.isPlanned || before.progress != nil { return false }
    approved.append((approval, offset))
    known[order, default: Known()].isApproved = true
    return true
  }

  private mutating func plan(_ plan: Plan, _ offset: Int64) -> Bool {
    guard approve(plan.approval, plan.approvalOffset ?? offset) else { return false }
    if !known[plan.order, default: Known()].isPlanned { plans.append((plan, offset)) }
    known[plan.order, default: Known()].isPlanned = true
    for child in plan.children where childIndex[ChildKey(order: plan.order, number: child.number)] == nil {
      plannedChildren.append((plan, child, offset))
    }
    return true
  }

  private mutating func progress(_ event: OrderEvent, _ offset: Int64) -> Bool {
    let order = OrderKey(account: event.account, id: event.clientOrderID)
    let child = ChildKey(order: order, number: event.child)
    if let index = childIndex[child] {
      children[index].add(event, offset)
    } else {
      childIndex[child] = children.count
      children.append(ChildProgress(event, offset))
    }
    if let index = known[order]?.progress {
      orders[index].add(event, offset)
    } else {
      known[order, default: Known()].progress = orders.count
      orders.append(OrderProgress(event, offset))
    }
    return true
  }
}

extension Batch {
  /// Its changes in as few runs as leave the same rows; nearly always one.
  public var runs: [RowRun] {
    var runs: [RowRun] = []
    for change in changes {
      if let last = runs.indices.last, runs[last].take(change) { continue }
      var next = RowRun()
      let fits = next.take(change)
      precondition(fits, "an empty run takes every change")
      runs.append(next)
    }
    return runs
  }
}

extension Approval {
  /// A repeated request changes nothing; a cancel is a request about an order, not an order.
  fileprivate var makesOrder: Bool { !isDuplicate && (request.action == .new || request.action == .replace) }
}

extension Plan {
  fileprivate var order: RowRun.OrderKey { RowRun.OrderKey(account: approval.request.account, id: approval.clientOrderID) }
}
