import Domain

/// An exchange without a protocol: markets, accounts, orders and their matching. Pure: time comes in with each call, and what
/// happened goes out as events. Index 0 of the accounts is the synthetic participants', whose means are unlimited.
public struct Exchange: Sendable {
  /// A market to open.
  public struct Listing: Sendable {
    /// The rules.
    public var instrument: Instrument
    /// The price that the market starts at.
    public var startingPrice: Price

    /// A market that starts at `startingPrice`.
    public init(instrument: Instrument, startingPrice: Price) {
      self.instrument = instrument
      self.startingPrice = startingPrice
    }
  }

  /// What the venue charges clients, in basis points of what each side receives.
  public struct Fees: Sendable {
    /// For the order that rested.
    public var makerBasisPoints: Int64
    /// For the order that arrived.
    public var takerBasisPoints: Int64

    /// Ten basis points each unless said otherwise.
    public init(makerBasisPoints: Int64 = 10, takerBasisPoints: Int64 = 10) {
      self.makerBasisPoints = makerBasisPoints
      self.takerBasisPoints = takerBasisPoints
    }
  }

  /// A client's order is found by its account, market and client id; the latest of that id wins.
  private struct ClientKey: Hashable {
    let account: Int
    let market: Int
    let clientOrderID: String
  }

  /// The account of the synthetic participants.
  public static let participants = 0
  /// Closed orders and fills beyond this many an account are forgotten, the oldest first.
  static let historyLimit = 200_000

  /// The markets, in the order of their listing.
  public internal(set) var markets: [Market]
  /// Everybody's balances.
  public internal(set) var ledger: Ledger
  /// What clients pay.
  public let fees: Fees
  /// Orders that the engine refuses stay in the account's history, as at venues that take an order before they match it.
  var keepsRejectedOrders = false
  /// Events since they were taken last.
  var events: [ExchangeEvent] = []

  private var orders: [Int64: VenueOrder] = [:]
  private var latest: [ClientKey: Int64] = [:]
  private var open: [[Int64]] = []
  private var history: [[Int64]] = []
  private var fillHistory: [[VenueFill]] = []
  private var lastOrderID: Int64
  private var lastTradeID: Int64
  private var lastExecutionID: Int64

  /// Opens the markets with empty books. `firstID` starts the numbering of orders, trades and updates, so that a venue that is
  /// started again does not give the same numbers to other things.
  public init(listings: [Listing], fees: Fees = Fees(), firstID: Int64 = 1) {
    var assets: [String] = []
    for symbol in listings.map(\.instrument.symbol) {
      for asset in [symbol.base, symbol.quote] where !assets.contains(asset) { assets.append(asset) }
    }
    assets.sort()
    let index = { (name: String) in assets.firstIndex(of: name) ?? 0 }
    ledger = Ledger(assets: assets)
    markets = listings.map {
      Market(
        instrument: $0.instrument, baseAsset: index($0.instrument.symbol.base), quoteAsset: index($0.instrument.symbol.quote),
        startingPrice: $0.startingPrice, firstUpdateID: firstID)
    }
    self.fees = fees
    lastOrderID = firstID
    lastTradeID = firstID
    lastExecutionID = firstID
    _ = addAccount([:], isUnlimited: true)
  }

  /// Adds a client with holdings by asset name and gives the account's index. Names of assets that nothing trades are ignored.
  public mutating func addClient(_ holdings: [(asset: String, amount: Money)]) -> Int {
    var byIndex: [Int: Money] = [:]
    for (name, amount) in holdings {
      if let asset = ledger.asset(name) { byIndex[asset] = amount }
    }
    return addAccount(byIndex, isUnlimited: false)
  }

  private mutating func addAccount(_ holdings: [Int: Money], isUnlimited: Bool) -> Int {
    open.append([])
    history.append([])
    fillHistory.append([])
    return ledger.addAccount(holdings, isUnlimited: isUnlimited)
  }

  /// Forgets every client's orders and fills and gives each its first holdings again; the participants stay. Numbers go on.
  mutating func wipe(_ holdings: [(asset: String, amount: Money)]) {
    for account in open.indices where account != Self.participants {
      for id in open[account] { cancel(id, at: order(id).updated) }
      for id in history[account] { orders[id] = nil }
      history[account] = []
      fillHistory[account] = []
      for asset in ledger.assets.indices {
        let first = holdings.first { $0.asset == ledger.assets[asset] }?.amount ?? .zero
        ledger.adjust(account, asset, by: first - ledger.balance(account, asset).free)
      }
    }
    latest = [:]
    // A testnet that is wiped says nothing on the private streams.
    events.removeAll { if case .order = $0 { true } else { false } }
  }

  /// Index of the market that the venue spells so.
  public func market(spelled venueSymbol: String) -> Int? {
    markets.firstIndex { $0.instrument.venueSymbol == venueSymbol }
  }

  /// An account's order by its number.
  public func order(_ id: Int64, of account: Int, in market: Int) -> VenueOrder? {
    guard let order = orders[id], order.request.account == account, order.request.market == market else { return nil }
    return order
  }

  /// An account's latest order of that client id.
  public func order(named clientOrderID: String, of account: Int, in market: Int) -> VenueOrder? {
    latest[ClientKey(account: account, market: market, clientOrderID: clientOrderID)].flatMap { orders[$0] }
  }

  /// An account's open orders, oldest first.
  public func openOrders(of account: Int) -> [VenueOrder] { open[account].compactMap { orders[$0] } }

  /// An account's orders, open and closed, oldest first.
  public func allOrders(of account: Int) -> [VenueOrder] { allOrders(of: account, from: 0, limit: .max) }

  /// A part of them, by place in the account's history: at most `limit` from the place `from` on.
  func allOrders(of account: Int, from: Int, limit: Int) -> [VenueOrder] {
    history[account].dropFirst(from).prefix(limit).compactMap { orders[$0] }
  }

  /// An account's fills, oldest first.
  public func fills(of account: Int) -> [VenueFill] { fillHistory[account] }

  /// True while the order is remembered, open or closed.
  func knows(_ id: Int64) -> Bool { orders[id] != nil }

  /// An order that is known to exist.
  func order(_ id: Int64) -> VenueOrder {
    guard let order = orders[id] else { preconditionFailure("a resting order is known") }
    return order
  }

  /// An order that the participants have in the book, or nil when it is gone.
  func quote(_ id: Int64) -> VenueOrder? { orders[id] }

  /// Withdraws a participants' order if it is still there.
  mutating func cancelQuote(_ id: Int64, at now: Timestamp) {
    if orders[id] != nil { cancel(id, at: now) }
  }

  /// Events since the last call.
  public mutating func takeEvents() -> [ExchangeEvent] {
    defer { events.removeAll(keepingCapacity: true) }
    return events
  }

  // MARK: Bookkeeping

  mutating func nextTradeID() -> Int64 {
    lastTradeID += 1
    return lastTradeID
  }

  mutating func register(
    _ request: NewOrder, numbered id: Int64?, quantity: Quantity, reserved: Money, at now: Timestamp
  ) -> Int64 {
    var order = VenueOrder(id: id ?? nextOrderID(), request: request, quantity: quantity, created: now, updated: now)
    order.reserved = reserved
    orders[order.id] = order
    if request.account != Self.participants {
      enter(order)
      open[request.account].append(order.id)
    }
    return order.id
  }

  /// Puts a refused order into its account's history.
  mutating func keep(rejected order: VenueOrder) {
    orders[order.id] = order
    enter(order)
  }

  private mutating func enter(_ order: VenueOrder) {
    let request = order.request
    if !request.clientOrderID.isEmpty {
      latest[ClientKey(account: request.account, market: request.market, clientOrderID: request.clientOrderID)] = order.id
    }
    history[request.account].append(order.id)
    forgetOldest(of: request.account)
  }

  /// True when the account has an open order of that client id in that market.
  func isOpen(_ request: NewOrder) -> Bool {
    order(named: request.clientOrderID, of: request.account, in: request.market)?.status.isOpen ?? false
  }

  /// A number for an order that is still to be placed, or that is refused.
  public mutating func nextOrderID() -> Int64 {
    lastOrderID += 1
    return lastOrderID
  }

  /// Changes an order in place.
  mutating func update(_ id: Int64, at now: Timestamp, _ change: (inout VenueOrder) -> Void) {
    guard var order = orders[id] else { preconditionFailure("a changing order is known") }
    change(&order)
    order.updated = now
    orders[id] = order
  }

  /// Takes an order that has ended off the list of open ones; the participants' are forgotten at once.
  mutating func retire(_ id: Int64) {
    let order = order(id)
    if order.request.account == Self.participants {
      orders[id] = nil
    } else if let place = open[order.request.account].firstIndex(of: id) {
      open[order.request.account].remove(at: place)
    }
  }

  mutating func remember(_ fill: VenueFill) {
    guard fill.account != Self.participants else { return }
    fillHistory[fill.account].append(fill)
    if fillHistory[fill.account].count > Self.historyLimit { fillHistory[fill.account].removeFirst(Self.historyLimit / 10) }
  }

  /// Reports a change of a client's order.
  mutating func report(_ change: OrderUpdate.Change, _ order: VenueOrder, at now: Timestamp) {
    let account = order.request.account
    guard account != Self.participants else { return }
    let market = markets[order.request.market]
    lastExecutionID += 1
    events.append(
      .order(
        OrderUpdate(
          change: change, order: order, executionID: lastExecutionID, base: ledger.balance(account, market.baseAsset),
          quote: ledger.balance(account, market.quoteAsset), time: now)))
  }

  private mutating func forgetOldest(of account: Int) {
    guard history[account].count > Self.historyLimit else { return }
    let oldest = history[account].prefix(Self.historyLimit / 10)
    let kept = oldest.filter { orders[$0]?.status.isOpen ?? false }
    for id in oldest {
      guard let order = orders[id], !order.status.isOpen else { continue }
      orders[id] = nil
      let key = ClientKey(account: account, market: order.request.market, clientOrderID: order.request.clientOrderID)
      if latest[key] == id { latest[key] = nil }
    }
    history[account].replaceSubrange(0..<oldest.count, with: kept)
  }
}

extension Exchange.Listing {
  /// A market with the usual rules for its starting price: ticks near a hundred-thousandth of the price and lots worth less than a
  /// quote unit, powers of ten both, together of at most eight decimals so that notionals are exact in the venues' own digits.
  public init(symbol: Symbol, startingPrice: Price) {
    var tick = Price(units: 100_000_000)  // 0.01
    var lot = Quantity(units: 1_000)  // 0.00001
    while tick.units > 100, startingPrice.units / tick.units < 10_000 {
      tick = Price(units: tick.units / 10)
      lot = Quantity(units: lot.units * 10)
    }
    guard let venue = Venue("simulator") else { preconditionFailure("the name is legal") }
    self.init(
      instrument: Instrument(
        venue: venue, symbol: symbol, venueSymbol: symbol.base + symbol.quote, tick: tick, minimumPrice: tick,
        maximumPrice: Price(units: 1_000_000 * 10_000_000_000), lot: lot, minimumQuantity: lot,
        maximumQuantity: Quantity(units: lot.units * 900_000_000), minimumNotional: Money(units: 5_000_000_000_000_000_000)),
      startingPrice: startingPrice)
  }
}
