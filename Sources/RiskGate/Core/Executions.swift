import Domain
import Wire

/// What the log of executions does to positions, reservations and profit.
extension RiskEngine {
  mutating func applyExecution(
    _ payload: [UInt8]?, source: RecordSource, epoch: Int64?, into effects: inout [RiskEffect]
  ) {
    let offset = source.offset
    if offset > checkpoint.executions { checkpoint.executionsFence.miss() }
    checkpoint.executions = max(checkpoint.executions, offset + 1)
    do {
      guard let payload else { throw RecordError(.malformed, "The payload is null.") }
      let record = try ExecutionRecord(payload)
      guard try counts(record, epoch, at: offset), let name = record.account else { return }
      guard isOurs(name), let account = position(of: name) else {
        throw RecordError(.wrongPartition, "The record of \(name) is not on its partition, or there are too many accounts.")
      }
      // The account's snapshot may be newer than the partition's checkpoint.
      guard accounts[account].executionsNext <= offset else { return }
      accounts[account].executionsNext = offset + 1
      try apply(record, to: account, into: &effects)
    } catch let error as RecordError {
      if error.code == .unfenced { noteStranger(error, into: &effects) }
      effects.append(.deadLetter(DeadLetter(service: "riskgate", error: error, source: source, payload: payload)))
    } catch {
      preconditionFailure("reading a record throws record errors only")
    }
  }

  /// False for markers, which are taken note of, and for what a former owner wrote.
  private mutating func counts(_ record: ExecutionRecord, _ epoch: Int64?, at offset: Int64) throws(RecordError) -> Bool {
    if case .epoch(let marker) = record {
      guard !marker.isOrderManagers || checkpoint.executionsFence.see(marker, at: offset) else { throw .impossibleMarker }
      return false
    }
    guard record.isOrderManagers else { return true }
    switch checkpoint.executionsFence.writer(of: epoch) {
    case .owner: return true
    case .former: return false
    case .stranger: throw .stranger
    }
  }

  /// Somebody writes where only OrderManager may: a person is told once.
  private mutating func noteStranger(_ error: RecordError, into effects: inout [RiskEffect]) {
    guard !hasToldOfStrangers else { return }
    hasToldOfStrangers = true
    let message = "Somebody else writes to \(Topic.executions). \(error.reason) It is ignored."
    effects.append(
      .alert(Alert(service: "riskgate", severity: .critical, code: "unfenced_record", message: message, time: now)))
  }

  private mutating func apply(
    _ record: ExecutionRecord, to account: Int, into effects: inout [RiskEffect]
  ) throws(RecordError) {
    switch record {
    case .order(let event): try apply(event, to: account, into: &effects)
    case .plan(let plan): try apply(plan, to: account, into: &effects)
    case .ignored(let ignored): accounts[account].withdraw(ignored.clientOrderID)
    case .adjustment(let adjustment): try apply(adjustment, to: account)
    // Observations conclude nothing; acknowledgements are OrderManager's; a marker has no account.
    case .observation, .controlAcknowledged, .epoch: return
    }
    accounts[account].isChanged = true
    accounts[account].isShownChanged = true
    accounts[account].arePositionsChanged = true
    noteDailyLoss(account, dailyProfit(of: account))
  }

  private mutating func apply(
    _ event: OrderEvent, to account: Int, into effects: inout [RiskEffect]
  ) throws(RecordError) {
    guard !event.quantity.isNegative, !event.cumulativeQuantity.isNegative, !event.childState.quantity.isNegative,
      !event.childState.cumulativeQuantity.isNegative, (0..<256).contains(event.child)
    else {
      throw RecordError(.outOfRange, "A quantity or child number of the event is out of range.")
    }
    let symbol = market.intern(event.symbol)
    var known = accounts[account].orders.slot(of: event.clientOrderID)
    if known == nil, event.fill != nil || !event.status.isTerminal {
      known = adopt(
        event.clientOrderID, symbol, event.venue, event.side, event.quantity, event.limitPrice, account, into: &effects)
    }
    // The end of an order that is not known, with nothing filled, changes nothing.
    guard let slot = known else { return }
    let state = event.childState
    accounts[account].orders.update(slot) { order in
      order.withChild(event.child) { child in
        if child.quantity.isZero { child.quantity = state.quantity }
        child.cumulative = max(child.cumulative, state.cumulativeQuantity)
        child.isOver = state.status.isTerminal
      }
    }
    if let fill = event.fill { try count(fill, of: event, slot, symbol, account, into: &effects) }
    accounts[account].settle(slot)
  }

  private mutating func count(
    _ fill: Fill, of event: OrderEvent, _ slot: Int, _ symbol: Int, _ account: Int, into effects: inout [RiskEffect]
  ) throws(RecordError) {
    guard fill.price.isPositive, fill.quantity.isPositive else {
      throw RecordError(.notPositive, "A fill has a price and a quantity.")
    }
    let key = FillKey(venue: event.venue, symbol: symbol, venueOrderID: event.venueOrderID ?? "", tradeID: fill.tradeID)
    guard accounts[account].orders.count(key, of: slot) else { return }
    accounts[account].orders.update(slot) { order in
      order.withChild(event.child) { $0.filled = $0.filled.addingClamped(fill.quantity) }
    }
    let fee = try charge(of: fill, symbol, account, event.clientOrderID, into: &effects)
    try enter(event.side, price: fill.price, quantity: fill.quantity, fee: fee, symbol, account)
  }

  /// Enters a change of position into the ledger of its symbol and the exposure of its base asset.
  private mutating func enter(
    _ side: Side, price: Price, quantity: Quantity, fee: FeeCharge, _ symbol: Int, _ account: Int
  ) throws(RecordError) {
    let base = market.symbols[symbol].base
    let ledger = accounts[account].ledgers.position(of: symbol, adding: Ledger())
    let exposure = accounts[account].exposure(of: base, in: market)
    let before = accounts[account].ledgers[ledger].position
    do throws(LedgerOverflow) {
      try accounts[account].ledgers[ledger].fill(side, price: price, quantity: quantity, fee: fee)
    } catch {
      throw RecordError(.outOfRange, "The amounts of the record do not fit the ledger.")
    }
    accounts[account].revalue(ledger, in: market)
    let after = accounts[account].ledgers[ledger].position
    accounts[account].exposures[exposure].position += Int128(after.units) - Int128(before.units)
  }

  private func charge(
    of fill: Fill, _ symbol: Int, _ account: Int, _ id: ClientOrderID, into effects: inout [RiskEffect]
  ) throws(RecordError) -> FeeCharge {
    let name = market.symbols[symbol].symbol
    guard !fill.fee.isZero else { return .none }
    if fill.feeAsset == name.quote { return .quote(fill.fee) }
    if fill.feeAsset == name.base {
      guard let coins = Quantity(fill.fee, .up) else { throw RecordError(.outOfRange, "The fee does not fit.") }
      return .base(coins)
    }
    guard let price = fill.feePrice else {
      let message = "The fee of \(fill.fee) \(fill.feeAsset) has no price and is not in the profit."
      effects.append(.alert(alert(.warning, "fee_without_price", message, account, id)))
      return .none
    }
    guard let amount = fill.fee.converted(at: price, .up) else { throw RecordError(.outOfRange, "The fee does not fit.") }
    return .quote(amount)
  }

  private mutating func apply(_ plan: Plan, to account: Int, into effects: inout [RiskEffect]) throws(RecordError) {
    guard plan.children.count <= 256, plan.children.allSatisfy({ !$0.quantity.isNegative }) else {
      throw RecordError(.outOfRange, "A plan has at most 256 children of positive quantities.")
    }
    let approval = plan.approval
    var known = accounts[account].orders.slot(of: approval.clientOrderID)
    if known == nil, let side = approval.request.side, let quantity = approval.quantity {
      let symbol = market.intern(approval.request.symbol)
      known = adopt(
        approval.clientOrderID, symbol, approval.request.venue, side, quantity, approval.limitPrice, account, into: &effects)
    }
    guard let slot = known else { return }
    accounts[account].orders.update(slot) { order in
      order.hasPlan = true
      for child in plan.children { order.withChild(child.number) { $0.quantity = child.quantity } }
    }
    accounts[account].settle(slot)
  }

  private mutating func apply(_ adjustment: Adjustment, to account: Int) throws(RecordError) {
    guard !adjustment.price.isNegative else { throw RecordError(.notPositive, "An adjustment has no negative price.") }
    guard accounts[account].counted.insert(adjustment.id) else { return }
    let side: Side = adjustment.quantity.isNegative ? .sell : .buy
    guard adjustment.quantity.units != .min else { throw RecordError(.outOfRange, "The adjustment does not fit the ledger.") }
    try enter(
      side, price: adjustment.price, quantity: adjustment.quantity.magnitude, fee: .none, market.intern(adjustment.symbol),
      account)
  }

  /// An order that OrderManager works on and nobody here approved counts like any other; a person is told.
  private mutating func adopt(
    _ id: ClientOrderID, _ symbol: Int, _ venue: Venue, _ side: Side, _ quantity: Quantity, _ limitPrice: Price?, _ account: Int,
    into effects: inout [RiskEffect]
  ) -> Int? {
    track(
      id, key: id.stableHash, symbol: symbol, exposure: accounts[account].exposure(of: market.symbols[symbol].base, in: market),
      venue: venue, side: side, total: quantity, quantity: quantity, limitPrice: limitPrice, account)
    effects.append(.alert(alert(.warning, "order_adopted", "An order that was not approved here is alive.", account, id)))
    return accounts[account].orders.slot(of: id)
  }

  func alert(
    _ severity: Alert.Severity, _ code: String, _ message: String, _ account: Int, _ id: ClientOrderID? = nil
  ) -> Alert {
    Alert(
      service: "riskgate", severity: severity, code: code, message: message, account: accounts[account].account,
      clientOrderID: id,
      time: now)
  }
}
