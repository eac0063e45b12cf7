import Domain
import Venues
import Wire

/// What a venue says about orders, and what it does to their states.
extension OrderManagerPartition {
  /// The one place where a child's state changes: by the table, with an event on `executions`.
  mutating func advance(
    _ ref: ChildRef, _ transition: OrderTransition, fill: Fill? = nil, of venueOrderID: String? = nil, isRepeated: Bool = false,
    provenance: Provenance, reason: String? = nil, venueCode: Int64? = nil, venueTime: Timestamp? = nil
  ) {
    guard let before = orders[ref.key], let child = child(ref) else { return }
    guard let status = child.status.after(transition, hasFills: child.filled.isPositive) else {
      return alert(
        .warning, "impossible_transition", "\(transition.rawValue) of an order that is \(child.status.rawValue).",
        account: ref.key.account, order: ref.key.id)
    }
    update(ref) { $0.status = status }
    guard status != child.status || fill != nil || isRepeated else { return }
    publishEvent(
      ref.key, child: ref.index, fill: fill, venueOrderID: venueOrderID, provenance: provenance, reason: reason,
      venueCode: venueCode, venueTime: venueTime)
    guard let after = orders[ref.key], after.isTerminal != before.isTerminal else { return }
    if after.isTerminal {
      didEnd(ref.key)
    } else {
      live.insert(ref.key)
    }
  }

  /// What follows from an order's end.
  mutating func didEnd(_ key: OrderKey) {
    live.remove(key)
    ended.add((key, now))
    guard let order = orders[key] else { return }
    for index in order.children.indices {
      update(ChildRef(key: key, index: index)) { child in
        child.end = nil
        child.isDoubtful = false
        child.signedBy = nil
        child.work.wantsCancel = false
        child.work.inquiry = nil
      }
    }
    if order.status == .filled { logFilled(order) }
    followReplaced(key)
  }

  /// `Order filled: BUY 0.25 BTC @ 26796.10 | Execution time: 42ms`: the average price in the tick's decimals, rounded against
  /// us; from the first wire call (after a restart: from the plan) to the event that completes the order.
  private mutating func logFilled(_ order: ManagedOrder) {
    guard let child = order.children.first,
      let average = order.filledQuote.price(of: order.filled, order.side == .buy ? .up : .down)
    else { return }
    let instrument = instruments[InstrumentKey(venue: child.venue, symbol: order.symbol)]
    let price = average.rounded(toMultipleOf: instrument?.tick ?? .zero, order.side == .buy ? .up : .down)
    let start = order.children.compactMap(\.work.firstSentAt).min() ?? order.plannedAt ?? now
    let milliseconds = max(0, now - start) / Interval.millisecond
    effects.append(
      .log(
        "Order filled: \(order.side.rawValue.uppercased()) \(order.filled) \(order.symbol.base) "
          + "@ \(price.text(decimals: instrument?.priceDecimals ?? 0)) | Execution time: \(milliseconds)ms"))
  }

  // MARK: Reports

  /// Takes in what a venue says about one of our orders, in a reply, on the stream or when asked. Reports may be old and come in
  /// any order: counts only grow, and an end stands.
  mutating func take(_ report: VenueOrderReport, on ref: ChildRef, provenance: Provenance) {
    guard let known = child(ref) else { return }
    let wasKnown = known.venueOrderID != nil
    note(report, on: ref)
    for fill in report.fills { count(fill, of: report.venueOrderID, on: ref, provenance: provenance) }
    if let cumulative = report.cumulativeQuantity, cumulative > known.venueCumulative {
      update(ref) { $0.venueCumulative = cumulative }
    }
    guard let state = report.state else {
      guard report.unrecognised != nil else {
        // Trades alone may be what an end waits for. Less than that is an acknowledgement.
        return report.fills.isEmpty ? takeAcknowledged(ref) : settle(ref, provenance: provenance)
      }
      counters.unrecognised += 1
      alert(
        .warning, "unrecognised_state", "The venue says an order is \(report.unrecognised ?? "(nothing)").",
        account: ref.key.account, order: ref.key.id)
      return inquire(ref, after: settings.retryInitialDelay)
    }
    if state.isTerminal {
      takeEnd(state, report, on: ref, provenance: provenance)
    } else {
      takeAlive(report, on: ref, wasKnown: wasKnown, provenance: provenance)
    }
  }

  /// The venue has taken a request in and does not say what became of it: that comes by the stream, or is asked for. Meanwhile nobody
  /// may treat the order as one that was not sent.
  private mutating func takeAcknowledged(_ ref: ChildRef) {
    if child(ref)?.status == .submitting { doubt(ref, signedBy: now) }
    inquire(ref, after: settings.acknowledgementGrace)
  }

  /// Remembers the venue's id. Two of them under one client id would mean that an order was doubled.
  private mutating func note(_ report: VenueOrderReport, on ref: ChildRef) {
    guard let order = orders[ref.key], let known = child(ref), known.venueOrderID != report.venueOrderID,
      !report.venueOrderID.isEmpty
    else { return }
    if known.venueOrderID != nil {
      alert(
        .critical, "two_orders_one_id", "The venue has two orders under the client id \(known.venueClientID).",
        account: ref.key.account, order: ref.key.id)
    } else {
      update(ref) { $0.venueOrderID = report.venueOrderID }
    }
    byVenueOrder[venueOrderKey(order, known, report.venueOrderID)] = ref
  }

  /// Counts a fill once and says so.
  mutating func count(_ fill: Fill, of venueOrderID: String, on ref: ChildRef, provenance: Provenance) {
    guard var child = child(ref), let order = orders[ref.key] else { return }
    switch child.count(fill, venueOrderID: venueOrderID) {
    case nil:
      return alert(
        .critical, "impossible_fill", "The trade \(fill.tradeID) cannot be counted.", account: ref.key.account, order: ref.key.id)
    case false?:
      counters.repeatedFills += 1
      return
    case true?: break
    }
    counters.fills += 1
    update(ref) { $0 = child }
    if child.filled > child.quantity {
      alert(
        .critical, "overfilled", "The venue filled \(child.filled) of an order of \(child.quantity).", account: ref.key.account,
        order: ref.key.id)
    }
    var record = fill
    record.feePrice = fill.feePrice ?? feePrice(fill.feeAsset, order.symbol)
    advance(
      ref, child.filled >= child.quantity ? .fillAll : .fillPart, fill: record, of: venueOrderID, provenance: provenance,
      venueTime: fill.time)
    if child.status == .submitting || child.status == .unknown { settleDoubt(ref) }
  }

  /// One unit of a fee's asset in the quote asset, when it is neither base nor quote and its price is known.
  private func feePrice(_ asset: String, _ symbol: Symbol) -> Price? {
    guard !asset.isEmpty, asset != symbol.base, asset != symbol.quote else { return nil }
    return prices[AssetPair(asset: asset, quote: symbol.quote)]
  }

  /// The venue has it: nothing is left to prove, and what waited for that goes on.
  mutating func settleDoubt(_ ref: ChildRef) {
    update(ref) { child in
      child.isDoubtful = false
      child.signedBy = nil
      child.work.inquiry = nil
    }
    pursueCancel(ref)
  }

  private mutating func takeAlive(
    _ report: VenueOrderReport, on ref: ChildRef, wasKnown: Bool, provenance: Provenance
  ) {
    guard let child = child(ref) else { return }
    if child.isTerminal {
      // An old report of an order that lived and ended says nothing new; one of an order that never was says that it lives.
      guard !wasKnown else { return settle(ref, provenance: provenance) }
      alert(
        .critical, "order_alive",
        "An order that was declared \(child.status.rawValue) is alive at the venue. It is being cancelled.",
        account: ref.key.account, order: ref.key.id)
      update(ref) { $0.work.isRevenant = true }
      advance(ref, .acknowledge, provenance: provenance, venueTime: report.time)
      return requestCancel(ref)
    }
    advance(ref, .acknowledge, provenance: provenance, venueTime: report.time)
    settleDoubt(ref)
    settle(ref, provenance: provenance)
  }

  private mutating func takeEnd(
    _ state: VenueOrderState, _ report: VenueOrderReport, on ref: ChildRef, provenance: Provenance
  ) {
    update(ref) { child in
      child.work.isRevenant = false
      guard !child.isTerminal, child.end == nil else { return }
      child.end = OrderChild.End(
        transition: state.transition, provenance: provenance, reason: report.reason, venueTime: report.time)
    }
    // Without the count it cannot be known which fills are still to come. A refused order has none.
    if report.cumulativeQuantity == nil, state != .rejected {
      update(ref) { $0.end = nil }
      return inquire(ref, after: 0)
    }
    settle(ref, provenance: provenance)
  }

  /// Publishes a child's end once every fill up to the venue's count has been counted; fetches those that stay away.
  mutating func settle(_ ref: ChildRef, provenance: Provenance) {
    guard let child = child(ref) else { return }
    guard child.filled >= child.venueCumulative else {
      return fetchFills(ref, after: provenance == .venue ? settings.fillGrace : 0)
    }
    guard let end = child.end, !child.isTerminal else { return }
    update(ref) { $0.end = nil }
    advance(ref, end.transition, provenance: end.provenance, reason: end.reason, venueTime: end.venueTime)
  }

  mutating func fetchFills(_ ref: ChildRef, after delay: Int64) {
    guard let child = child(ref), !child.work.isFetchingFills, child.venueOrderID != nil else { return }
    update(ref) { $0.work.isFetchingFills = true }
    agenda.add(.fetchFills(ref), at: now + delay)
  }
}

// MARK: - Stream and Reconciler

extension OrderManagerPartition {
  mutating func takeStream(_ event: VenueEvent, _ route: Route) {
    switch event {
    case .order(let report): takeStreamReport(report, route)
    case .balances(let changed, let time): takeBalances(changed, of: route, isWhole: false, at: time)
    case .balanceChange: askForBalances(route)
    case .authenticated, .subscribed, .refused, .ended: break  // The shell's business.
    case .ignored: counters.unrecognised += 1
    }
  }

  private mutating func takeStreamReport(_ report: VenueOrderReport, _ route: Route) {
    guard let ref = find(report, route) else { return takeForeign(report, route) }
    take(report, on: ref, provenance: .venue)
  }

  /// The child that a report is about.
  func find(_ report: VenueOrderReport, _ route: Route) -> ChildRef? {
    let symbol = symbols[VenueSymbolKey(venue: route.venue, venueSymbol: report.venueSymbol)]
    let byVenueID = symbol.flatMap {
      byVenueOrder[VenueOrderKey(route: route, symbol: $0, venueOrderID: report.venueOrderID)]
    }
    guard let ref = byClientID[report.clientID] ?? byVenueID, ref.key.account == route.account, isOfPlan(report, ref) else {
      return nil
    }
    return ref
  }

  /// False for an order under our id on other terms than planned: another engine has the same name for its own.
  func isOfPlan(_ report: VenueOrderReport, _ ref: ChildRef) -> Bool {
    guard let order = orders[ref.key], let child = child(ref) else { return false }
    return report.side ?? order.side == order.side && report.quantity ?? child.quantity == child.quantity
      && report.price ?? child.price == child.price
  }

  /// Orders that this deployment did not make, or no longer knows: said once, never touched.
  mutating func takeForeign(_ report: VenueOrderReport, _ route: Route) {
    counters.foreign += 1
    if VenueClientID.isOurs(report.clientID, deployment: settings.deployment) {
      alert(
        .critical, "orphan_order",
        "An order of this deployment at \(route.venue) is not in the log: \(report.clientID). Is there another engine?",
        account: route.account, order: ClientOrderID(report.clientID))
    } else {
      alert(
        .info, "foreign_order", "Somebody else trades on the account at \(route.venue): their orders are left alone.",
        account: route.account)
    }
  }

  mutating func takeExecution(_ record: InputRecord) {
    // Our own records and Reconciler's adjustments need no answer; a record that nobody can read is its readers' business.
    guard let value = record.value, let reader = try? RecordReader(value) else { return }
    if let marker = EpochMarker(reader) { return takeMarker(marker, at: record.source.offset) }
    guard reader.value("type")?.string == "observation", case .observation(let observation)? = try? ExecutionRecord(value)
    else { return }
    let route = Route(observation.account, observation.venue)
    guard settings.routes.contains(route) else { return }
    if let time = observation.wipedBy { takeWipe(time, route) }
    if !observation.mayTrade, let lane = settings.routes.firstIndex(of: route) { doubtAccountMode(lane) }
    for order in observation.orders {
      guard let symbol = instruments[InstrumentKey(venue: route.venue, symbol: order.symbol)]?.venueSymbol else { continue }
      let report = VenueOrderReport(order, venueSymbol: symbol)
      guard let ref = find(report, route) else { continue }
      take(report, on: ref, provenance: .reconciled)
    }
    for fill in observation.fills { takeObserved(fill, route) }
    for id in observation.missing { takeMissing(id, observation) }
  }

  /// A newer owner, be it one that has stalled while it took the partition and does not know that it has lost it again.
  private mutating func takeMarker(_ marker: EpochMarker, at offset: Int64) {
    guard marker.isOrderManagers else { return }
    var fence = EpochFence(epoch: epoch)
    guard fence.see(marker, at: offset) else { return noteStranger(Topic.executions, .impossibleMarker) }
    if fence.epoch > epoch { effects.append(.fenced) }
  }

  private mutating func takeObserved(_ fill: VenueFill, _ route: Route) {
    let key = VenueOrderKey(route: route, symbol: fill.symbol, venueOrderID: fill.venueOrderID)
    guard let ref = byVenueOrder[key] else { return }
    count(fill.fill, of: fill.venueOrderID, on: ref, provenance: .reconciled)
    settle(ref, provenance: .reconciled)
  }

  /// Reconciler did not find it. That is no proof; it is a reason to ask, if it was there before Reconciler looked.
  private mutating func takeMissing(_ clientID: String, _ observation: Observation) {
    guard let ref = byClientID[clientID], let order = orders[ref.key], let child = child(ref), !child.isTerminal,
      order.changedAt < observation.startedAt, child.status != .received, !child.work.isPlaceOut
    else { return }
    inquire(ref, after: 0)
  }

  mutating func takeConnected(_ route: Route, _ isConnected: Bool) {
    guard let lane = settings.routes.firstIndex(of: route) else { return }
    lanes[lane].isConnected = isConnected
    lanes[lane].sweptAt = now
    guard isConnected else { return }
    askForBalances(route)
    sweep(lane)
  }

  // MARK: Control, instruments, balances

  mutating func takeControl(_ control: Control) {
    guard settings.owns(control.account), control.version >= controls[control.account]?.version ?? 0 else { return }
    controls[control.account] = control
    for lane in lanes {
      for ref in lane.waitingPlaces where ref.key.account == control.account { endIfRefused(ref) }
    }
    let acknowledgement = ControlAcknowledgement(
      account: control.account, version: control.version, state: control.state, time: now)
    publish(
      Topic.executions, partitioned: true, key: control.account.text,
      ExecutionRecord.controlAcknowledged(acknowledgement).encoded())
  }

  /// Ends an order that waits to be sent and may not be sent any more; true when it did.
  @discardableResult
  mutating func endIfRefused(_ ref: ChildRef) -> Bool {
    guard let order = orders[ref.key], let child = child(ref), !child.isTerminal, !child.isDoubtful, !child.work.isPlaceOut,
      case .refuse(let transition, let reason) = permit(order)
    else { return false }
    advance(ref, transition, provenance: .engine, reason: reason)
    return true
  }

  mutating func takeInstrument(_ instrument: Instrument) {
    // Orders go to spot alone; some venues spell a perpetual as the spot pair of the same assets.
    guard !instrument.symbol.isPerpetual else { return }
    instruments[InstrumentKey(venue: instrument.venue, symbol: instrument.symbol)] = instrument
    symbols[VenueSymbolKey(venue: instrument.venue, venueSymbol: instrument.venueSymbol)] = instrument.symbol
  }

  mutating func askForBalances(_ route: Route) {
    guard let lane = settings.routes.firstIndex(of: route) else { return }
    lanes[lane].add(.balances)
  }

  /// Takes over the totals of some or of all assets and publishes the whole.
  mutating func takeBalances(_ totals: [AssetBalance], of route: Route, isWhole: Bool, at time: Timestamp) {
    var assets = isWhole ? [] : balances[route] ?? []
    for total in totals {
      assets.removeAll { $0.asset == total.asset }
      guard !total.free.isZero || !total.locked.isZero else { continue }
      assets.append(total)
    }
    assets.sort { $0.asset < $1.asset }
    // Before the first whole answer some assets are not known, and a partial record would say that they are gone.
    guard isWhole || balances[route] != nil else { return }
    balances[route] = assets
    let record = Balances(account: route.account, venue: route.venue, assets: assets, time: time)
    publish(Topic.balances, partitioned: false, key: record.key, record.encoded())
  }
}
