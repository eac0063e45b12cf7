import Domain
import Venues
import Wire

/// Orders about which nobody can say: asked for by client id until there is evidence one way or the other.
///
/// Found is found. Absent is proven only when every question was put after the venue's clock had passed the end of the last
/// signed window and a margin, and the order itself, the open orders and the trades all lack it. An order that the venue once
/// acknowledged is never proven absent: if the venue forgets it, a person is told, unless the venue has forgotten everything.
extension OrderManagerPartition {
  /// From now on only evidence tells whether the venue has it. `time` (ours) is the latest at which a request for it can have
  /// been signed.
  mutating func doubt(_ ref: ChildRef, signedBy time: Timestamp) {
    guard let venue = child(ref)?.venue else { return }
    let signedBy = venueTime(venue, at: time, latest: true)
    update(ref) { child in
      child.isDoubtful = true
      child.signedBy = signedBy
    }
  }

  /// Begins to ask, unless that is under way.
  mutating func inquire(_ ref: ChildRef, after delay: Int64) {
    guard let child = child(ref), child.work.inquiry == nil else { return }
    let inquiry = OrderChild.Inquiry(since: now)
    update(ref) { $0.work.inquiry = inquiry }
    agenda.add(.inquire(ref), at: now + delay)
  }

  mutating func startInquiry(_ ref: ChildRef, _ lane: Int) {
    guard let order = orders[ref.key], let child = child(ref), var inquiry = child.work.inquiry else { return }
    guard let symbol = venueSymbol(ref) else { return again(ref, after: settings.retryMaximumDelay) }
    let action: AccountRequest
    switch inquiry.step {
    case .order:
      inquiry.askedAt = now
      inquiry.attempts += 1
      inquiry.unexplained = []
      inquiry.askedFrom = nil
      action = .order(clientID: child.venueClientID, venueSymbol: symbol)
    case .openOrders: action = .openOrders(venueSymbol: symbol)
    case .trades:
      let start = venueTime(child.venue, at: order.plannedAt ?? order.changedAt, latest: false) ?? .zero
      action = .trades(venueSymbol: symbol, .since(start + -settings.receiveWindow))
    case .allOrders: action = .allOrders(venueSymbol: symbol, fromOrderID: inquiry.askedFrom)
    }
    update(ref) { $0.work.inquiry = inquiry }
    call(action, .inquire(ref), lane)
  }

  /// Takes the answer to one question.
  mutating func takeEvidence(_ ref: ChildRef, _ answer: AccountAnswer, _ call: CallUnderWay) {
    // No inquiry: meanwhile the order has been found, or has ended.
    guard let order = orders[ref.key], let child = child(ref), let inquiry = child.work.inquiry else { return }
    let route = settings.routes[call.lane]
    switch (inquiry.step, answer) {
    case (.order, .order(.confirmed(let report))): found(ref, report)
    case (.order, .order(.failed(let failure))) where failure.kind == .noSuchOrder: takeAbsence(ref)
    case (.openOrders, .orders(.confirmed(let reports))):
      if let report = reports.first(where: { $0.clientID == child.venueClientID }) { return found(ref, report) }
      ask(ref, .trades)
    case (.trades, .trades(.confirmed(let trades))) where child.venueOrderID != nil:
      let hasTraded = trades.contains { $0.venueOrderID == child.venueOrderID }
      if wentWithWipe(ref), !hasTraded { endWiped(ref) } else { askFromStart(ref) }
    case (.trades, .trades(.confirmed(let trades))):
      var unexplained: [String] = []
      for trade in trades where trade.side == order.side {
        // Where trades name the client id, the order's own shows up when asked for by it.
        if trade.clientID == child.venueClientID { return askFromStart(ref) }
        let key = VenueOrderKey(route: route, symbol: order.symbol, venueOrderID: trade.venueOrderID)
        if trade.clientID == nil, byVenueOrder[key] == nil, unexplained.last != key.venueOrderID {
          unexplained.append(key.venueOrderID)
        }
      }
      guard !unexplained.isEmpty else { return absenceIsProven(ref) }
      update(ref) { $0.work.inquiry?.unexplained = unexplained }
      ask(ref, .allOrders)
    case (.allOrders, .orders(.confirmed(let reports))):
      if let report = reports.first(where: { $0.clientID == child.venueClientID }) { return found(ref, report) }
      explain(ref, inquiry, by: Set(reports.map(\.venueOrderID)))
    default: askFromStart(ref)
    }
  }

  /// Trades belong to orders under another client id: to newer ones, or to old ones that are not remembered any more. Where the
  /// newest do not explain them all, the rest is asked for from the oldest on.
  private mutating func explain(_ ref: ChildRef, _ inquiry: OrderChild.Inquiry, by listed: Set<String>) {
    let rest = inquiry.unexplained.filter { !listed.contains($0) }
    guard let first = rest.first else { return absenceIsProven(ref) }
    guard first != inquiry.askedFrom else { return askFromStart(ref) }
    update(ref) { child in
      child.work.inquiry?.unexplained = rest
      child.work.inquiry?.askedFrom = first
    }
    ask(ref, .allOrders)
  }

  private mutating func found(_ ref: ChildRef, _ report: VenueOrderReport) {
    guard isOfPlan(report, ref) else {
      if let venue = child(ref)?.venue { takeForeign(report, Route(ref.key.account, venue)) }
      return askFromStart(ref)
    }
    update(ref) { $0.work.inquiry = nil }
    take(report, on: ref, provenance: .reconciled)
    guard let child = child(ref) else { return }
    if let state = report.state, !state.isTerminal,
      [.pendingCancel, .pendingReplace].contains(child.status) || child.work.isRevenant
    {
      // The cancel has not done its work.
      guard child.work.cancelAttempts < 4 * settings.maximumAttempts else {
        return alert(
          .critical, "cancel_refused", "An order lives on after \(child.work.cancelAttempts) cancels.", account: ref.key.account,
          order: ref.key.id)
      }
      if orders[ref.key]?.work.replaceFence == nil { requestCancel(ref) }
    }
  }

  /// The venue does not know the id.
  private mutating func takeAbsence(_ ref: ChildRef) {
    guard let child = child(ref) else { return }
    if child.isTerminal {
      return update(ref) { child in
        child.work.inquiry = nil
        child.work.isRevenant = false
      }
    }
    guard child.venueOrderID == nil else {
      if wentWithWipe(ref) { return ask(ref, .openOrders) }
      if child.status != .unknown {
        advance(ref, .loseTrack, provenance: .reconciled, reason: "The venue does not know an order that it had acknowledged.")
      }
      return askFromStart(ref)
    }
    guard child.isDoubtful else { return update(ref) { $0.work.inquiry = nil } }
    guard let signedBy = child.signedBy else {
      // Its clock was not measured at the time; counting from now is later, which is safe.
      doubt(ref, signedBy: now)
      return askFromStart(ref)
    }
    let end = signedBy + settings.receiveWindow + settings.absenceMargin
    guard let askedAt = child.work.inquiry?.askedAt, let asked = venueTime(child.venue, at: askedAt, latest: false), asked > end
    else { return askFromStart(ref) }
    ask(ref, .openOrders)
  }

  private mutating func absenceIsProven(_ ref: ChildRef) {
    guard let order = orders[ref.key], let child = child(ref), !child.isTerminal else { return }
    update(ref) { child in
      child.isDoubtful = false
      child.signedBy = nil
      child.work.inquiry = nil
    }
    let reason = "The venue never had the order."
    if child.work.wantsCancel { return advance(ref, .cancel, provenance: .reconciled, reason: reason) }
    switch permit(order) {
    case .refuse(let transition, _): advance(ref, transition, provenance: .reconciled, reason: reason)
    case .send, .wait:
      guard child.work.placeAttempts < settings.maximumAttempts else {
        return advance(ref, .expire, provenance: .reconciled, reason: reason)
      }
      // The same id, never a new one.
      advance(ref, .submit, provenance: .reconciled, reason: reason)
      enqueue(.place(ref), ref)
    }
  }

  // MARK: The next question

  private mutating func ask(_ ref: ChildRef, _ step: OrderChild.Inquiry.Step) {
    update(ref) { $0.work.inquiry?.step = step }
    enqueue(.inquire(ref), ref)
  }

  /// Begins another round after a pause, and tells a person when it has gone on for too long.
  private mutating func askFromStart(_ ref: ChildRef) {
    guard let inquiry = child(ref)?.work.inquiry else { return }
    update(ref) { $0.work.inquiry?.step = .order }
    if !inquiry.isAlerted, now - inquiry.since >= settings.unknownAlertAfter {
      update(ref) { $0.work.inquiry?.isAlerted = true }
      alert(
        .critical, "order_unknown", "Nobody can say whether the venue has this order. Its exposure stays reserved.",
        account: ref.key.account, order: ref.key.id)
    }
    again(ref, after: backoff(inquiry.attempts))
  }

  private mutating func again(_ ref: ChildRef, after delay: Int64) {
    agenda.add(.inquire(ref), at: now + delay)
  }
}

// MARK: - Many at once

extension OrderManagerPartition {
  /// Takes over what a former owner left: everything that was in flight is looked up.
  mutating func restore(_ restored: RestoredOrders) {
    epoch = restored.epoch
    approvalsEpochs = restored.approvalsEpochs
    // Markers behind the next record are read again; until then an older owner's records count.
    fence = EpochFence(epoch: approvalsEpochs.last { $0 < restored.nextApproval } ?? -1, next: restored.nextApproval)
    progress = InputProgress(from: restored.nextApproval)
    committed = restored.nextApproval
    checkpoint.executionsOffset = restored.executionsOffset
    checkpoint.successions = restored.successions
    // Tens of thousands of orders that have ended may be among them: they are moved about as little as may be.
    orders.reserveCapacity(restored.orders.count)
    byClientID.reserveCapacity(restored.orders.count)
    byVenueOrder.reserveCapacity(restored.orders.count)
    for var order in restored.orders {
      order.work.isPlanAcknowledged = true
      orders[order.key] = order
      for (index, child) in order.children.enumerated() {
        let ref = ChildRef(key: order.key, index: index)
        byClientID[child.venueClientID] = ref
        if let id = child.venueOrderID { byVenueOrder[venueOrderKey(order, child, id)] = ref }
      }
      if !order.isTerminal { live.insert(order.key) }
      if order.work.uncovered != nil { checkpoint.changed.append(order.key) }
    }
    let ends = restored.orders.lazy.filter(\.isTerminal).map { ($0.key, $0.changedAt) }
    for end in ends.sorted(by: { ($0.1, $0.0) < ($1.1, $1.0) }) { ended.add(end) }
    for order in restored.orders where !order.isTerminal {
      // Its cancel came after the replace, whose new leg ended with it: the snapshot may be older.
      if order.children.contains(where: { $0.status == .pendingCancel }) { orders[order.key]?.replacedBy = nil }
      for index in order.children.indices { resume(ChildRef(key: order.key, index: index)) }
    }
    for lane in lanes.indices { sweep(lane) }
    redisRefresh.restoredEnds = restored.orders.filter { $0.isTerminal && $0.changedAt + RedisRefresh.keyLifetime > now }
      .map(\.key)
    refreshRedis()
  }

  private mutating func resume(_ ref: ChildRef) {
    guard let child = child(ref), !child.isTerminal else { return }
    let isPending = child.status == .pendingCancel || child.status == .pendingReplace
    if isPending || orders[ref.key]?.replacedBy != nil { update(ref) { $0.work.wantsCancel = true } }
    if child.venueOrderID == nil { doubt(ref, signedBy: now) }
    if child.status == .received || child.status == .submitting {
      // A snapshot from between the plan and the wire call says `received`: the call may have come after it.
      update(ref) { $0.status = .submitting }
      advance(ref, .loseTrack, provenance: .engine, reason: "OrderManager restarted while the order was being sent.")
    }
  }

  /// Looks up all live orders of a lane, one question for each symbol. Whoever is missing there is asked for by id.
  mutating func sweep(_ lane: Int) {
    var symbols: [Symbol] = []
    for key in live.sorted() where key.account == settings.routes[lane].account {
      guard let order = orders[key], !symbols.contains(order.symbol),
        order.children.contains(where: { $0.venue == settings.routes[lane].venue && !$0.isTerminal })
      else { continue }
      symbols.append(order.symbol)
    }
    lanes[lane].sweptAt = now
    lanes[lane].mustSweep = false
    for symbol in symbols { lanes[lane].add(.sweep(symbol)) }
  }

  /// Looks up live orders from time to time: often while the private stream is down, seldom while it is up, since a stream may
  /// lose events and look healthy.
  mutating func sweepWhenDue() {
    for lane in lanes.indices {
      let isUrgent = !lanes[lane].isConnected || lanes[lane].mustSweep
      let interval = isUrgent ? settings.sweepInterval : settings.connectedSweepInterval
      if now >= lanes[lane].sweptAt + interval { sweep(lane) }
    }
  }

  mutating func takeSweep(_ symbol: Symbol, _ outcome: VenueOutcome<[VenueOrderReport]>, _ call: CallUnderWay) {
    let route = settings.routes[call.lane]
    guard case .confirmed(let reports) = outcome else {
      return lanes[call.lane].mustSweep = true
    }
    for report in reports {
      if let ref = find(report, route) { take(report, on: ref, provenance: .reconciled) } else { takeForeign(report, route) }
    }
    let listed = Set(reports.map(\.clientID))
    for key in live.sorted() where key.account == route.account {
      guard let order = orders[key], order.symbol == symbol, order.changedAt <= call.startedAt else { continue }
      for (index, child) in order.children.enumerated()
      where child.venue == route.venue && !child.isTerminal && child.status != .received && !child.work.isPlaceOut
        && !listed.contains(child.venueClientID)
      {
        inquire(ChildRef(key: key, index: index), after: 0)
      }
    }
  }
}
