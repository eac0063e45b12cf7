import Domain

/// An approved order, for as long as it can still fill: what of it is reserved.
struct TrackedOrder: Hashable, Sendable {
  let id: ClientOrderID
  /// The id's hash.
  let key: UInt64
  let symbol: Int
  let base: Int
  let venue: Venue
  let side: Side
  /// Reserved at the approval.
  let total: Quantity
  /// What was approved to be sent; less than `total` where a quote amount buys more below the reference.
  let quantity: Quantity
  let limitPrice: Price?
  /// Grows with every approval of the account.
  let number: Int64
  /// True once OrderManager has planned it: there will be no other children.
  var hasPlan = false
  var children: [Child] = []
  /// Fills that are counted; the oldest are forgotten beyond the limit.
  var fills: [FillKey] = []
  /// What the exposures hold for it now.
  var reserved: Quantity
  /// False once it has ended and nothing is left to arrive.
  var isTracked = true

  static let maximumFills = 4_096

  /// One order at one venue.
  struct Child: Hashable, Sendable {
    let number: Int
    /// Base quantity that it may fill.
    var quantity: Quantity
    /// Sum of the fills that have arrived.
    var filled = Quantity.zero
    /// Filled by the venue's count.
    var cumulative = Quantity.zero
    /// The venue will add nothing by itself.
    var isOver = false

    /// While it lives all that may still fill; after its end only what the venue has counted and we have not seen.
    var outstanding: Quantity { max(.zero, (isOver ? cumulative : quantity) - filled) }
  }

  init(
    id: ClientOrderID, key: UInt64, symbol: Int, base: Int, venue: Venue, side: Side, total: Quantity, quantity: Quantity,
    limitPrice: Price?, number: Int64
  ) {
    self.id = id
    self.key = key
    self.symbol = symbol
    self.base = base
    self.venue = venue
    self.side = side
    self.total = total
    self.quantity = quantity
    self.limitPrice = limitPrice
    self.number = number
    reserved = total
  }

  /// True until every child that it will have has ended.
  var isLive: Bool { children.isEmpty || children.contains { !$0.isOver } }

  /// Everything that the fills have brought so far.
  var filled: Quantity { children.reduce(.zero) { $0.addingClamped($1.filled) } }

  /// What is or will be sent of it.
  var planned: Quantity { hasPlan ? children.reduce(.zero) { $0.addingClamped($1.quantity) } : quantity }

  /// What may still fill. The part that no child has taken is held back until the order's end.
  var outstanding: Quantity {
    let inChildren = children.reduce(Quantity.zero) { $0.addingClamped($1.outstanding) }
    guard isLive else { return inChildren }
    let taken = children.reduce(Quantity.zero) { $0.addingClamped($1.quantity) }
    return inChildren.addingClamped(max(.zero, total - taken))
  }

  /// The child called `number`; one that no plan has named takes what the order was approved for.
  mutating func withChild(_ number: Int, _ body: (inout Child) -> Void) {
    if let index = children.firstIndex(where: { $0.number == number }) {
      body(&children[index])
    } else {
      children.append(Child(number: number, quantity: number == 0 ? total : .zero))
      body(&children[children.count - 1])
    }
  }
}

extension Quantity {
  /// The sum, or the largest quantity: what other programs wrote must not stop this one.
  func addingClamped(_ other: Quantity) -> Quantity {
    let (sum, overflow) = units.addingReportingOverflow(other.units)
    return overflow ? Quantity(units: other.units < 0 ? .min : .max) : Quantity(units: sum)
  }

  /// The nearest quantity to a count of units.
  init(clamping units: Int128) { self.init(units: Int64(clamping: units)) }
}

/// What makes a fill unique within an account.
struct FillKey: Hashable, Sendable {
  let venue: Venue
  let symbol: Int
  let venueOrderID: String
  let tradeID: String
}

/// The orders of one account: the live ones, and the last that ended, since fills may come late and twice.
struct OrderTable: Sendable {
  private var slots = Pages<TrackedOrder?>()
  private var freeSlots: [Int] = []
  private var slotByID = HashIndex()
  private var ended = Queue<Int>()
  /// Fills that are counted, of the orders in the table.
  private var counted: Set<FillKey> = []
  private(set) var liveCount = 0
  private(set) var lastNumber: Int64 = 0

  /// Orders that ended and are still remembered.
  static let maximumEnded = 1_000
  /// Orders that may be live at once.
  static let maximumLive = 20_000

  init() {}

  func slot(of id: ClientOrderID) -> Int? { slot(of: id, key: id.stableHash) }

  /// The slot of an id whose hash is known.
  func slot(of id: ClientOrderID, key: UInt64) -> Int? { slotByID.find(key) { slots[$0]?.id == id } }

  subscript(slot: Int) -> TrackedOrder {
    guard let order = slots[slot] else { preconditionFailure("a slot that an id leads to holds its order") }
    return order
  }

  /// All orders, oldest approval first.
  var all: [TrackedOrder] {
    let places = (0..<slots.count).compactMap { slot in slots[slot].map { (number: $0.number, slot: slot) } }
    return places.sorted { $0.number < $1.number }.map { self[$0.slot] }
  }
  /// Ids of the orders that ended, in the order of their ends.
  var endedIDs: [ClientOrderID] { ended.map { self[$0].id } }

  /// The number of the next approval.
  mutating func nextNumber() -> Int64 {
    lastNumber += 1
    return lastNumber
  }

  @inline(__always)
  mutating func add(_ order: consuming TrackedOrder) {
    if order.isTracked { liveCount += 1 }
    lastNumber = max(lastNumber, order.number)
    for fill in order.fills { counted.insert(fill) }
    let (id, key) = (order.id, order.key)
    let slot = freeSlots.popLast() ?? slots.count
    if slot < slots.count { slots[slot] = consume order } else { slots.append(consume order) }
    // Of two orders with one id the newer is meant.
    slotByID.set(key, slot) { [slots] in slots[$0]?.id == id }
  }

  /// Takes back the order of the ends, as `endedIDs` gave it.
  mutating func restoreEnded(_ ids: [ClientOrderID]) {
    for id in ids {
      if let slot = slot(of: id) { ended.append(slot) }
    }
  }

  /// Goes on counting approvals from here.
  mutating func restoreNumber(_ number: Int64) { lastNumber = max(lastNumber, number) }

  /// Changes an order in its place.
  mutating func update(_ slot: Int, _ body: (inout TrackedOrder) -> Void) {
    guard slots[slot] != nil else { preconditionFailure("only a tracked order is changed") }
    body(&slots[slot]!)
  }

  /// Notes a fill; false when it was counted before.
  mutating func count(_ fill: FillKey, of slot: Int) -> Bool {
    guard counted.insert(fill).inserted else { return false }
    var forgotten: FillKey?
    update(slot) { order in
      order.fills.append(fill)
      if order.fills.count > TrackedOrder.maximumFills { forgotten = order.fills.removeFirst() }
    }
    if let forgotten { counted.remove(forgotten) }
    return true
  }

  /// Takes note that the order has ended with nothing left to arrive; the oldest such order is forgotten beyond the limit.
  mutating func end(_ slot: Int) {
    liveCount -= 1
    ended.append(slot)
    guard ended.count > Self.maximumEnded, let oldest = ended.popFirst() else { return }
    free(oldest)
  }

  /// Forgets an order that lives, as if it had never been.
  mutating func remove(_ slot: Int) {
    liveCount -= 1
    free(slot)
  }

  private mutating func free(_ slot: Int) {
    let order = self[slot]
    for fill in order.fills { counted.remove(fill) }
    // A later order may have the id by now, and keeps it.
    slotByID.remove(order.key, slot)
    slots[slot] = nil
    freeSlots.append(slot)
  }

  /// The real world: an order that had ended lives again.
  mutating func revive(_ slot: Int) {
    liveCount += 1
    ended.remove(slot)
  }
}
