import Domain
import Wire

/// The checks, in the order in which they run. Each gives nil when the order passes. To add one: a code in `RejectionCode`, a sentence
/// in `Refusal`, a function here, its place in `check`.
///
/// They are `mutating`, though only the last changes anything, and inlined into one another: so the engine is lent to them where it lies,
/// where a copy would be made for each, and what several of them look at is looked up once.
extension RiskEngine {
  /// Whether orders of the account are looked at at all.
  @inline(__always)
  mutating func checkAdmission(_ account: Int) -> Refusal? {
    if !isReady { return .notReady }
    return accounts[account].control.state == .halted ? .halted : nil
  }

  /// Runs every check on the proposal and fills in the figures that they are made on; throws the first that fails.
  @inline(__always)
  mutating func check(
    _ proposal: Proposal, of request: Shared<OrderRequest>, _ account: Int, _ source: RecordSource, isKnown: Bool,
    _ figures: inout DecisionFigures
  ) throws(Refusal) {
    let exposure = accounts[account].exposures[proposal.exposure]
    let reduces = exposure.isReduced(by: proposal.side, proposal.reserve) && proposal.reserve.isPositive
    let profit = dailyProfit(of: account)
    fill(&figures, proposal, exposure, profit, account)
    let refusal =
      checkReduceOnly(request, account, reduces)
      ?? checkInstrument(proposal)
      ?? checkIdentity(request, account, source, isKnown)
      ?? checkReference(proposal, account, reduces)
      ?? checkCollar(proposal, account)
      ?? checkSize(proposal, account, figures.notional)
      ?? checkPosition(proposal, exposure)
      ?? checkCount(account, figures.ordersInWindow)
      ?? checkDailyLoss(account, profit, reduces)
    if let refusal { throw refusal }
  }

  @inline(__always)
  private mutating func checkReduceOnly(_ request: Shared<OrderRequest>, _ account: Int, _ reduces: Bool) -> Refusal? {
    let mustReduce = accounts[account].control.state == .reduceOnly || request.reduceOnly
    return mustReduce && !reduces ? .mustReduce : nil
  }

  /// The venue's own rules; for `best` one venue that takes the whole order is enough, since the router splits by each child's rules.
  @inline(__always)
  private mutating func checkInstrument(_ proposal: Proposal) -> Refusal? {
    let price = rulePrice(of: proposal)
    if price != nil, !proposal.quantity.isPositive { return .lessThanOneLot }
    var first: Refusal?
    for index in market.symbols[proposal.symbol].listings.indices {
      let venue = market.symbols[proposal.symbol].listings[index].venue
      guard proposal.reach.includes(venue), let rules = market.symbols[proposal.symbol].listings[index].rules else { continue }
      let violation: Instrument.Violation? =
        if let price {
          rules.violation(price: price, quantity: proposal.quantity, checksTick: proposal.limit != nil)
        } else {
          // Without a price only the reference can be missed; a halted symbol is said all the same.
          rules.isTrading ? nil : .notTrading
        }
      guard let violation else { return nil }
      guard first == nil else { continue }
      first = .violation(violation, of: rules, market.symbols[proposal.symbol].symbol, at: market.venues.keys[venue])
    }
    return first
  }

  /// The price that the venue's smallest notional is judged by: the limit, or the lower of reference and collar.
  @inline(__always)
  private func rulePrice(of proposal: Proposal) -> Price? {
    if let limit = proposal.limit { return limit }
    guard let reference = proposal.reference?.price else { return nil }
    return min(reference, proposal.sendPrice ?? reference)
  }

  @inline(__always)
  private mutating func checkIdentity(
    _ request: Shared<OrderRequest>, _ account: Int, _ source: RecordSource, _ isKnown: Bool
  ) -> Refusal? {
    if isKnown { return .duplicate }
    if let expiresAt = request.expiresAt, now > expiresAt { return .expired }
    return now - source.timestamp > accounts[account].limits.orderMaximumAge ? .stale(accounts[account].limits) : nil
  }

  @inline(__always)
  private mutating func checkReference(_ proposal: Proposal, _ account: Int, _ reduces: Bool) -> Refusal? {
    guard proposal.reference == nil else { return nil }
    let passes = reduces && proposal.limit != nil
    return passes ? nil : .noReference(market.symbols[proposal.symbol].symbol, accounts[account].limits)
  }

  @inline(__always)
  private mutating func checkCollar(_ proposal: Proposal, _ account: Int) -> Refusal? {
    guard let reference = proposal.reference?.price else { return nil }
    guard let limit = proposal.limit else { return proposal.sendPrice?.isPositive == true ? nil : .noCollar }
    // The collar is rounded toward the reference, to a unit: no price lies between its exact value and this. One beyond all prices holds
    // none back.
    guard let collar = proposal.collar else { return nil }
    let isThrough = proposal.side == .buy ? limit > collar : limit < collar
    return isThrough ? .collar(accounts[account].limits, reference) : nil
  }

  @inline(__always)
  private mutating func checkSize(_ proposal: Proposal, _ account: Int, _ dollars: Money?) -> Refusal? {
    guard let dollars else { return .noReference(market.symbols[proposal.symbol].symbol, accounts[account].limits) }
    return dollars > accounts[account].limits.maximumOrderNotional ? .orderSize(accounts[account].limits) : nil
  }

  @inline(__always)
  private mutating func checkPosition(_ proposal: Proposal, _ exposure: Exposure) -> Refusal? {
    guard let limit = exposure.limit else { return .noPositionLimit(asset(of: proposal)) }
    let after = exposure.position(after: proposal.side, proposal.reserve)
    let isBeyond = proposal.side == .buy ? after > Int128(limit.units) : after < -Int128(limit.units)
    return isBeyond ? .position(limit, asset(of: proposal)) : nil
  }

  private func asset(of proposal: Proposal) -> String { market.bases.keys[market.symbols[proposal.symbol].base] }

  @inline(__always)
  private mutating func checkCount(_ account: Int, _ ordersInWindow: Int?) -> Refusal? {
    if accounts[account].orders.liveCount >= OrderTable.maximumLive { return .tooManyOrders }
    return ordersInWindow ?? 0 >= accounts[account].limits.maximumOrdersPerSecond
      ? .orderRate(accounts[account].limits) : nil
  }

  @inline(__always)
  private mutating func checkDailyLoss(_ account: Int, _ profit: Money, _ reduces: Bool) -> Refusal? {
    noteDailyLoss(account, profit)
    guard !reduces else { return nil }
    if accounts[account].day.isReached { return .dailyLoss(accounts[account].limits) }
    // A position without a valid book is worth its last mark, but nothing may be added on that ground.
    guard let overdue = accounts[account].overduePosition(now: now) else { return nil }
    return .noReference(market.symbols[overdue].symbol, accounts[account].limits)
  }

  /// Once reached, the daily loss stays reached until midnight or an operator.
  mutating func noteDailyLoss(_ account: Int, _ profit: Money) {
    guard !accounts[account].day.isReached, profit.units <= -accounts[account].limits.maximumDailyLoss.units
    else { return }
    accounts[account].day.isReached = true
    accounts[account].isLossAlerted = false
    accounts[account].isChanged = true
    accounts[account].isShownChanged = true
    lastSnapshot = .zero
  }

  @inline(__always)
  private mutating func fill(
    _ figures: inout DecisionFigures, _ proposal: Proposal, _ exposure: Exposure, _ profit: Money, _ account: Int
  ) {
    figures.referenceVenue = proposal.reference.map { market.venues.keys[$0.venue] }
    figures.referencePrice = proposal.reference?.price
    figures.referenceTime = proposal.reference?.time
    figures.collarPrice = proposal.collar
    figures.notional = market.dollars(
      proposal.notional, quoteOf: proposal.symbol, now: now, maximumAge: accounts[account].limits.referenceMaximumAge)
    figures.position = Quantity(clamping: exposure.position)
    figures.openBuys = Quantity(clamping: exposure.openBuys)
    figures.openSells = Quantity(clamping: exposure.openSells)
    figures.positionAfter = Quantity(clamping: exposure.position(after: proposal.side, proposal.reserve))
    figures.ordersInWindow = accounts[account].approvals.count(at: now)
    figures.dailyProfit = profit
  }
}
