import Domain
import Wire

/// Everything that RiskGate knows of one account.
struct AccountState: Sendable {
  let account: Account
  var control: Control
  private(set) var limits: Limits
  /// The limits' largest positions by asset: an account may have a thousand.
  private var positionLimits = KeyedArray<String, Quantity>()
  /// By base asset.
  var exposures = KeyedArray<Int, Exposure>()
  /// By symbol.
  var ledgers = KeyedArray<Int, Ledger>()
  var orders = OrderTable()
  var identifiers = RecentIdentifiers()
  var approvals = RateWindow()
  /// Adjustments that are counted.
  var counted = RecentSet()
  var day: DayLoss
  /// Executions below this offset are in.
  var executionsNext: Int64 = 0

  /// A person was told that the day's loss has reached its limit.
  var isLossAlerted = false
  var valuation = Valuation()
  /// Something that a snapshot holds has changed since the last one.
  var isChanged = true
  /// Something that Redis shows of the account has changed.
  var isShownChanged = true
  /// A position, or what it is worth, has changed.
  var arePositionsChanged = true
  /// Number of snapshots written.
  var snapshots: Int64 = 0

  init(account: Account, day: Int64) {
    self.account = account
    control = .initial(account)
    limits = Limits(account: account)
    self.day = DayLoss(day: day)
    positionLimits = Self.byAsset(limits)
  }

  /// The position of a base asset's exposure, which begins at nothing.
  mutating func exposure(of base: Int, in market: Market) -> Int {
    if let known = exposures.position(of: base) { return known }
    let asset = market.bases.keys[base]
    let limit = positionLimit(of: asset)
    return exposures.position(of: base, adding: Exposure(limit: limit))
  }

  /// The largest position of a base asset, or nil when there is no limit for it.
  private func positionLimit(of asset: String) -> Quantity? { positionLimits.position(of: asset).map { positionLimits[$0] } }

  /// Takes other limits.
  mutating func take(_ limits: Limits, in market: Market) {
    self.limits = limits
    positionLimits = Self.byAsset(limits)
    for index in exposures.indices {
      let limit = positionLimit(of: market.bases.keys[exposures.keys[index]])
      exposures[index].limit = limit
    }
  }

  private static func byAsset(_ limits: Limits) -> KeyedArray<String, Quantity> {
    limits.maximumPosition.reduce(into: KeyedArray()) { _ = $0.position(of: $1.asset, adding: $1.quantity) }
  }

  /// Brings the exposure in line with what is outstanding of the order, and the order to its end when nothing is.
  mutating func settle(_ slot: Int) {
    let order = orders[slot]
    let outstanding = order.outstanding
    let wasTracked = order.isTracked
    let isTracked = order.isLive || outstanding.isPositive
    if outstanding != order.reserved || isTracked != wasTracked {
      let change = Int128(outstanding.units) - Int128(order.reserved.units)
      if let exposure = exposures.position(of: order.base) { exposures[exposure].reserve(order.side, change) }
      orders.update(slot) {
        $0.reserved = outstanding
        $0.isTracked = isTracked
      }
    }
    if wasTracked, !isTracked { orders.end(slot) }
    if !wasTracked, isTracked { orders.revive(slot) }
  }

  /// Nothing will be sent of this approval. An order that OrderManager works on is not meant: it stays as it is.
  mutating func withdraw(_ id: ClientOrderID) {
    guard let slot = orders.slot(of: id) else { return }
    let order = orders[slot]
    guard order.children.isEmpty, !order.hasPlan else { return }
    if let exposure = exposures.position(of: order.base) {
      exposures[exposure].reserve(order.side, -Int128(order.reserved.units))
    }
    orders.remove(slot)
  }

  /// True when the holdings are valued at the market's version.
  func isValued(at version: UInt64) -> Bool { valuation.version == version && valuation.count == ledgers.count }

  /// Values the holdings at the last marks.
  mutating func value(in market: Market) { valuation.update(ledgers, in: market) }

  /// A ledger has changed.
  mutating func revalue(_ ledger: Int, in market: Market) { valuation.update(ledger, of: ledgers, in: market) }

  /// The symbol of a position that no book values which is young enough to give a reference; nil when there is none.
  mutating func overduePosition(now: Timestamp) -> Int? {
    guard valuation.mayBeOverdue(now: now, maximumAge: limits.referenceMaximumAge) else { return nil }
    return valuation.overdue(ledgers, now: now, maximumAge: limits.referenceMaximumAge)
  }
}

/// Position and reservations of one base asset, over venues, quotes and perpetuals. In units of `Quantity`, wide enough for any sum.
struct Exposure: Hashable, Sendable {
  /// The account's largest position of the asset; nil when it has none.
  var limit: Quantity?
  /// Signed sum of fills and adjustments.
  var position: Int128 = 0
  /// What approved, open and unknown buys may still fill.
  var openBuys: Int128 = 0
  /// What approved, open and unknown sells may still fill.
  var openSells: Int128 = 0

  init(limit: Quantity?) { self.limit = limit }

  mutating func reserve(_ side: Side, _ change: Int128) {
    switch side {
    case .buy: openBuys += change
    case .sell: openSells += change
    }
  }

  /// The position if an order of `quantity` and every other on its side filled.
  func position(after side: Side, _ quantity: Quantity) -> Int128 {
    switch side {
    case .buy: position + openBuys + Int128(quantity.units)
    case .sell: position - openSells - Int128(quantity.units)
    }
  }

  /// True when the order, and every other on its side, could only make the position smaller.
  func isReduced(by side: Side, _ quantity: Quantity) -> Bool {
    switch side {
    case .buy: position < 0 && position(after: side, quantity) <= 0
    case .sell: position > 0 && position(after: side, quantity) >= 0
    }
  }
}

/// Profit and loss since 00:00 UTC.
struct DayLoss: Hashable, Sendable {
  /// Days since 1970.
  var day: Int64
  /// The equity at the last valid marks before the day began.
  var baseline = Money.zero
  /// The limit was reached: only reducing orders pass, until midnight or an operator.
  var isReached = false

  init(day: Int64) { self.day = day }
}

/// Names of things that count once. Remembers the last 2,000.
struct RecentSet: Sendable {
  static let capacity = 2_000
  private(set) var order = Queue<String>()
  private var names: Set<String> = []

  init() {}

  /// False when the name is known.
  mutating func insert(_ name: String) -> Bool {
    guard names.insert(name).inserted else { return false }
    order.append(name)
    if order.count > Self.capacity, let oldest = order.popFirst() { names.remove(oldest) }
    return true
  }
}
