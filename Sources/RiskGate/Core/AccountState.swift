import Domain
import Wire

/// Everything that RiskGate knows of one account.
struct AccountState: Sendable {
  let account: Account
  var control: Control
  var limits: Limits { didSet { limitsChanged() } }
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
  var valuation: Valuation?
  /// Something that a snapshot holds has changed since the last one.
  var isChanged = true
  /// Something that Redis shows has changed.
  var isShownChanged = true
  /// Number of snapshots written.
  var snapshots: Int64 = 0

  init(account: Account, day: Int64) {
    self.account = account
    control = .initial(account)
    limits = Limits(account: account)
    self.day = DayLoss(day: day)
  }

  /// The position of a base asset's exposure, which begins at nothing.
  mutating func exposure(of base: Int, named asset: String) -> Int {
    exposures.position(of: base, adding: Exposure(asset: asset, limit: limits.maximumPosition(of: asset)))
  }

  private mutating func limitsChanged() {
    for index in exposures.indices { exposures[index].limit = limits.maximumPosition(of: exposures[index].asset) }
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

  /// Realised and unrealised profit in dollars at the last marks. Computed again only after a fill or a new mark.
  mutating func valuation(in market: Market) -> Valuation {
    if let valuation, valuation.version == market.version { return valuation }
    var total: Int128 = 0
    var oldest: (time: Timestamp, symbol: Int)?
    for index in ledgers.indices {
      let symbol = ledgers.keys[index]
      let equity = ledgers[index].equity(at: market.symbols[symbol].mark?.price)
      guard let dollars = market.markedDollars(equity, quoteOf: symbol) else {
        if !equity.isZero { oldest = (Timestamp(nanoseconds: .min), symbol) }
        continue
      }
      let (sum, overflow) = total.addingReportingOverflow(dollars.units)
      total = overflow ? (dollars.isNegative ? .min / 2 : .max / 2) : sum
      guard !ledgers[index].position.isZero else { continue }
      let time = market.newestValidTime(symbol) ?? Timestamp(nanoseconds: .min)
      if oldest.map({ time < $0.time }) ?? true { oldest = (time, symbol) }
    }
    let clamped = Money(units: min(max(total, -Valuation.bound), Valuation.bound))
    let result = Valuation(version: market.version, equity: clamped, oldest: oldest?.time, oldestSymbol: oldest?.symbol)
    valuation = result
    return result
  }
}

/// Position and reservations of one base asset, over venues, quotes and perpetuals. In units of `Quantity`, wide enough for any sum.
struct Exposure: Hashable, Sendable {
  let asset: String
  var limit: Quantity?
  /// Signed sum of fills and adjustments.
  var position: Int128 = 0
  /// What approved, open and unknown buys may still fill.
  var openBuys: Int128 = 0
  /// What approved, open and unknown sells may still fill.
  var openSells: Int128 = 0

  init(asset: String, limit: Quantity?) {
    self.asset = asset
    self.limit = limit
  }

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

/// What an account's holdings come to at the last marks.
struct Valuation: Sendable {
  /// The market's version that it was computed from.
  let version: UInt64
  /// Realised plus unrealised since ever, in dollars.
  let equity: Money
  /// Ingest time of the oldest of the books that value the open positions, the beginning of time when one is not valid; nil without
  /// positions.
  let oldest: Timestamp?
  let oldestSymbol: Int?

  static let bound: Int128 = 80_000_000_000_000_000_000_000_000_000_000_000_000
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
