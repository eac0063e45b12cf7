import Domain
import Venues
import Wire

/// Names one order of one account.
struct OrderKey: Hashable, Comparable, Sendable {
  let account: Account
  let id: ClientOrderID

  /// `main+42`: its key on `order.state`.
  var text: String { "\(account)+\(id)" }

  static func < (left: OrderKey, right: OrderKey) -> Bool { (left.account, left.id) < (right.account, right.id) }
}

/// Names one child of one order.
struct ChildRef: Hashable, Sendable {
  let key: OrderKey
  let index: Int
}

/// An order in OrderManager's care, from its approval until it is forgotten.
struct ManagedOrder: Sendable {
  let key: OrderKey
  let venue: Venue
  let symbol: Symbol
  let side: Side
  /// What is to be bought or sold. The children may add up to less, never to more.
  var quantity: Quantity
  var limitPrice: Price?
  let timeInForce: TimeInForce
  let postOnly: Bool
  let reduceOnly: Bool
  let validUntil: Timestamp
  let controlVersion: Int64
  let strategy: String?
  /// Where its approval lies.
  let approvalOffset: Int64
  /// What carries it out; empty until it is planned.
  var children: [OrderChild] = []
  /// How it ended if it was never planned.
  var unplannedEnd: OrderStatus?
  /// The order that takes its place once it has ended.
  var replacedBy: ClientOrderID?
  var plannedAt: Timestamp?
  var changedAt: Timestamp
  var work = Work()

  /// What is under way for an order; not part of the snapshot.
  struct Work: Sendable {
    /// The approval, until its plan is written.
    var approval: Approval?
    /// Why no venue could take it so far.
    var obstacle: String?
    var headers = RecordHeaders()
    /// Input records that are done with the next event that settles them.
    var held: [Int64] = []
    var isPlanAcknowledged = false
    /// Own records that the log has not acknowledged.
    var unacknowledged = 0
    /// Offset of the first own record that no snapshot includes.
    var uncovered: Int64?
    /// A snapshot that must be in the log before the old leg of a replace is cancelled: wanted, then written.
    var replaceFence: ReplaceFence?
  }

  /// The steps by which a replace is made to survive a crash.
  enum ReplaceFence: Sendable {
    case wanted, written
  }

  /// A new order, or the new leg of a replace: then what the approval leaves open is as in `target`.
  init(_ approval: Approval, offset: Int64, target: ManagedOrder? = nil, at time: Timestamp) {
    let request = approval.request
    key = OrderKey(account: request.account, id: approval.clientOrderID)
    venue = target?.venue ?? request.venue
    symbol = target?.symbol ?? request.symbol
    side = target?.side ?? request.side ?? .buy
    quantity = approval.quantity ?? target?.quantity ?? .zero
    limitPrice = approval.limitPrice ?? target?.limitPrice
    timeInForce = target?.timeInForce ?? approval.timeInForce
    postOnly = request.postOnly || (target?.postOnly ?? false)
    reduceOnly = request.reduceOnly
    validUntil = min(approval.validUntil, request.expiresAt ?? approval.validUntil)
    controlVersion = approval.controlVersion
    strategy = request.strategy
    approvalOffset = offset
    changedAt = time
    work.approval = approval
  }

  /// An order known from its event alone: one that ended before it was planned.
  init(_ event: OrderEvent) {
    key = OrderKey(account: event.account, id: event.clientOrderID)
    venue = event.venue
    symbol = event.symbol
    side = event.side
    quantity = event.quantity
    limitPrice = event.limitPrice
    timeInForce = .gtc
    postOnly = false
    reduceOnly = false
    validUntil = .zero
    controlVersion = 0
    strategy = event.strategy
    approvalOffset = -1
    changedAt = event.time
    if let id = event.venueClientID, let price = event.limitPrice {
      // It was planned, and what said so is gone: the event names enough to look it up.
      children = [OrderChild(number: 0, venue: event.venue, venueClientID: id, quantity: event.quantity, price: price)]
    }
    fold(event)
  }

  init(
    key: OrderKey, venue: Venue, symbol: Symbol, side: Side, quantity: Quantity, limitPrice: Price?, timeInForce: TimeInForce,
    postOnly: Bool, reduceOnly: Bool, validUntil: Timestamp, controlVersion: Int64, strategy: String?, approvalOffset: Int64,
    changedAt: Timestamp
  ) {
    self.key = key
    self.venue = venue
    self.symbol = symbol
    self.side = side
    self.quantity = quantity
    self.limitPrice = limitPrice
    self.timeInForce = timeInForce
    self.postOnly = postOnly
    self.reduceOnly = reduceOnly
    self.validUntil = validUntil
    self.controlVersion = controlVersion
    self.strategy = strategy
    self.approvalOffset = approvalOffset
    self.changedAt = changedAt
  }

  /// Filled so far, over all children.
  var filled: Quantity { children.reduce(.zero) { $0 + $1.filled } }
  /// Paid or received so far, over all children.
  var filledQuote: Money { children.reduce(.zero) { $0 + $1.filledQuote } }
  var isTerminal: Bool { status.isTerminal }

  /// The order's state. With several children it has ended when all have; until then the least certain child speaks for it.
  var status: OrderStatus {
    guard let first = children.first else { return unplannedEnd ?? .received }
    guard children.count > 1 || first.quantity < quantity else { return first.status }
    if children.allSatisfy(\.isTerminal) { return filled >= quantity ? .filled : endOfRest }
    let order: [OrderStatus] = [.unknown, .received, .submitting, .pendingCancel, .pendingReplace]
    for status in order where children.contains(where: { $0.status == status }) { return status }
    return filled.isPositive ? .partiallyFilled : .open
  }

  /// The log says of every child that it has ended or that its cancel is on its way: whoever takes over goes on with all of them.
  var isBeingCancelled: Bool { !children.isEmpty && children.allSatisfy { $0.isTerminal || $0.status == .pendingCancel } }

  /// How an order of several children ended that did not fill: as its first child that did not; once something has filled it was
  /// cancelled or expired, since the venues did not refuse it as a whole.
  private var endOfRest: OrderStatus {
    let ends = children.map(\.status).filter { $0 != .filled }
    if filled.isPositive { return ends.contains(.cancelled) ? .cancelled : .expired }
    return ends.first ?? .expired
  }

  /// Where a child stands, for whoever counts child by child; nil where that is where the order stands.
  func part(_ index: Int) -> ChildState? {
    guard children.indices.contains(index), children.count > 1 || children[0].quantity < quantity else { return nil }
    let child = children[index]
    return ChildState(
      status: child.status, quantity: child.quantity, cumulativeQuantity: child.filled, cumulativeQuote: child.filledQuote)
  }

  /// Takes over an event that is in the log. Doing so twice changes nothing.
  mutating func fold(_ event: OrderEvent) {
    changedAt = max(changedAt, event.time)
    guard children.indices.contains(event.child) else {
      unplannedEnd = event.status
      return
    }
    if let fill = event.fill {
      _ = children[event.child].count(fill, venueOrderID: event.venueOrderID ?? "")
    }
    children[event.child].venueOrderID = event.venueOrderID ?? children[event.child].venueOrderID
    children[event.child].fold(event.childState.status)
  }
}
