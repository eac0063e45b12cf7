import Domain
import Venues
import Wire

/// Wire calls: when they may go, and what their outcomes mean.
extension OrderManagerPartition {
  /// Starts what may go now.
  mutating func pumpLanes() {
    guard !isStopping else { return }
    for lane in lanes.indices {
      // Without a clock nothing can be signed; without a lease nothing may change at the venue.
      guard clocks[settings.routes[lane].venue] != nil else { continue }
      if now < lanes[lane].pausedUntil || now >= leaseUntil { lanes[lane].waitingPlaces.forEach { endIfRefused($0) } }
      while let intent = lanes[lane].take(at: now, limit: settings.maximumCalls, mayTrade: now < leaseUntil) {
        start(intent, lane)
      }
    }
  }

  private mutating func start(_ intent: Intent, _ lane: Int) {
    switch intent {
    case .place(let ref): startPlace(ref, lane)
    case .cancel(let ref): startCancel(ref, lane)
    case .inquire(let ref): startInquiry(ref, lane)
    case .fetchFills(let ref): startFetch(ref, lane)
    case .sweep(let symbol):
      let instrument = instruments[InstrumentKey(venue: settings.routes[lane].venue, symbol: symbol)]
      if let instrument { call(.openOrders(venueSymbol: instrument.venueSymbol), intent, lane) }
    case .balances:
      lanes[lane].accountAskedAt = now
      call(.account, intent, lane)
    }
  }

  mutating func call(_ action: AccountRequest, _ intent: Intent, _ lane: Int, notAfter: Timestamp? = nil) {
    let token = makeToken()
    calls[token] = CallUnderWay(lane: lane, intent: intent, startedAt: now, notAfter: notAfter)
    lanes[lane].begin()
    effects.append(.call(VenueCall(token: token, route: settings.routes[lane], action: action, notAfter: notAfter)))
  }

  /// The last look before an order is sent: approval, control and lease.
  private mutating func startPlace(_ ref: ChildRef, _ lane: Int) {
    guard let order = orders[ref.key], let child = child(ref), !child.work.isPlaceOut, !child.isDoubtful,
      child.status == .received || child.status == .submitting, !endIfRefused(ref)
    else { return }
    guard let symbol = venueSymbol(ref) else {
      return advance(ref, .reject, provenance: .engine, reason: "The venue does not list \(order.symbol) any more.")
    }
    let now = now
    update(ref) { child in
      child.status = .submitting  // As the plan has said already.
      child.work.isPlaceOut = true
      child.work.placeAttempts += 1
      child.work.firstSentAt = child.work.firstSentAt ?? now
    }
    counters.placed += 1
    call(
      .place(order.venueOrder(child, venueSymbol: symbol)), .place(ref), lane, notAfter: min(order.validUntil, leaseUntil))
  }

  private mutating func startCancel(_ ref: ChildRef, _ lane: Int) {
    guard let child = child(ref), let symbol = venueSymbol(ref),
      child.status == .pendingCancel || child.status == .pendingReplace || child.work.isRevenant
    else { return update(ref) { $0.work.isCancelling = false } }
    update(ref) { $0.work.cancelAttempts += 1 }
    call(.cancel(clientID: child.venueClientID, venueSymbol: symbol), .cancel(ref), lane, notAfter: leaseUntil)
  }

  private mutating func startFetch(_ ref: ChildRef, _ lane: Int) {
    guard let child = child(ref), let id = child.venueOrderID, let symbol = venueSymbol(ref), child.filled < child.venueCumulative
    else {
      update(ref) { $0.work.isFetchingFills = false }
      return settle(ref, provenance: .venue)
    }
    call(.trades(venueSymbol: symbol, .order(venueOrderID: id)), .fetchFills(ref), lane)
  }

  // MARK: Outcomes

  mutating func takeAnswer(_ token: UInt64, _ answer: AccountAnswer) {
    guard let call = calls.removeValue(forKey: token) else { return }
    lanes[call.lane].finish()
    takePause(answer, call.lane)
    switch (call.intent, answer) {
    case (.place(let ref), .order(let outcome)): takePlaced(ref, outcome, call)
    case (.cancel(let ref), .order(let outcome)): takeCancelled(ref, outcome)
    case (.inquire(let ref), _): takeEvidence(ref, answer, call)
    case (.fetchFills(let ref), .trades(let outcome)): takeFetched(ref, outcome)
    case (.sweep(let symbol), .orders(let outcome)): takeSweep(symbol, outcome, call)
    case (.balances, .account(let outcome)):
      if case .confirmed(let account) = outcome {
        takeBalances(account.balances, of: settings.routes[call.lane], isWhole: true, at: call.startedAt)
        takeAccountMode(account.mayTrade, call.lane)
      }
    default: preconditionFailure("an answer is of the kind that its call asks for")
    }
  }

  /// Obeys a venue that wants silence, which is meant for every kind of request.
  private mutating func takePause(_ answer: AccountAnswer, _ lane: Int) {
    guard let failure = answer.failure else { return lanes[lane].pauses = 0 }
    if failure.needsAlert {
      alert(.critical, "venue_refusal", "\(settings.routes[lane].venue): \(failure)", account: settings.routes[lane].account)
    }
    switch failure.kind {
    case .rateLimited where failure.limitsPurposeAlone: break  // Requests of other kinds may go on.
    case .rateLimited(let seconds):
      lanes[lane].pauses += 1
      let pause = seconds.map { Int64($0) * Interval.second } ?? backoff(lanes[lane].pauses + 3)
      // One address, one budget: the venue's other accounts wait as well.
      for other in lanes.indices where settings.routes[other].venue == settings.routes[lane].venue {
        lanes[other].pausedUntil = max(lanes[other].pausedUntil, now + pause)
      }
    case .clock: effects.append(.measureClock(settings.routes[lane].venue))
    default: break
    }
  }

  private mutating func takePlaced(_ ref: ChildRef, _ outcome: VenueOutcome<VenueOrderReport>, _ call: CallUnderWay) {
    update(ref) { $0.work.isPlaceOut = false }
    switch outcome {
    case .confirmed(let report): take(report, on: ref, provenance: .venue)
    case .failed(let failure): takeRefused(ref, failure)
    case .unknown(let failure):
      counters.unknown += 1
      guard let child = child(ref), child.status == .submitting else { return }  // The stream has told us more.
      doubt(ref, signedBy: min(now, call.notAfter ?? now))
      advance(ref, .loseTrack, provenance: .engine, reason: failure.reason, venueCode: failure.code)
      inquire(ref, after: 0)
    }
  }

  /// A place request that the venue certainly did not carry out.
  private mutating func takeRefused(_ ref: ChildRef, _ failure: VenueFailure) {
    guard let child = child(ref), !child.isTerminal else { return }
    guard child.status == .submitting else { return inquire(ref, after: 0) }
    guard !child.work.wantsCancel else { return pursueCancel(ref) }
    switch failure.kind {
    case .rateLimited:
      // The lane waits until the venue listens again; how long the order may wait is up to its approval.
      update(ref) { $0.work.placeAttempts -= 1 }
      if failure.limitsPurposeAlone { agenda.add(.place(ref), at: now + backoff(3)) } else { enqueue(.place(ref), ref) }
    case .transient, .clock:
      guard child.work.placeAttempts < settings.maximumAttempts else {
        return advance(
          ref, .expire, provenance: .engine, reason: "Given up: \(failure.reason)", venueCode: failure.code)
      }
      agenda.add(.place(ref), at: now + backoff(child.work.placeAttempts))
    case .permanent, .noSuchOrder:
      advance(ref, .reject, provenance: .venue, reason: failure.reason, venueCode: failure.code)
      if failure.needsAlert, let lane = lane(ref) { doubtAccountMode(lane) }
    }
  }

  private mutating func takeCancelled(_ ref: ChildRef, _ outcome: VenueOutcome<VenueOrderReport>) {
    update(ref) { $0.work.isCancelling = false }
    guard let child = child(ref) else { return }
    switch outcome {
    case .confirmed(let report): take(report, on: ref, provenance: .venue)
    case .unknown:
      counters.unknown += 1
      inquire(ref, after: 0)
    case .failed(let failure):
      guard !child.isTerminal || child.work.isRevenant else { return }
      switch failure.kind {
      // It has ended, or is not visible yet: only a question can tell.
      case .noSuchOrder: inquire(ref, after: 0)
      case .transient, .clock, .rateLimited: retryCancel(ref, failure)
      case .permanent: giveUpCancel(ref, failure)
      }
    }
  }

  private mutating func retryCancel(_ ref: ChildRef, _ failure: VenueFailure) {
    guard let child = child(ref) else { return }
    guard child.work.cancelAttempts < 4 * settings.maximumAttempts else { return giveUpCancel(ref, failure) }
    update(ref) { $0.work.isCancelling = true }
    agenda.add(.cancel(ref), at: now + backoff(child.work.cancelAttempts))
  }

  /// The venue will not cancel it: the order lives on, whoever asked is told, and so is a person.
  private mutating func giveUpCancel(_ ref: ChildRef, _ failure: VenueFailure) {
    update(ref) { child in
      child.work.wantsCancel = false
      child.work.isRevenant = false
      child.work.cancelAttempts = 0
    }
    alert(
      .critical, "cancel_refused", "The venue does not cancel an order: \(failure).", account: ref.key.account, order: ref.key.id)
    guard let child = child(ref), [.pendingCancel, .pendingReplace].contains(child.status) else { return }
    dropSuccessor(ref.key, .reject, "The venue did not cancel the order to replace.")
    advance(ref, .keep, provenance: .venue, reason: failure.reason, venueCode: failure.code)
  }

  private mutating func takeFetched(_ ref: ChildRef, _ outcome: VenueOutcome<[VenueTrade]>) {
    update(ref) { child in
      child.work.isFetchingFills = false
      child.work.fetchAttempts += 1
    }
    guard let child = child(ref) else { return }
    if case .confirmed(let trades) = outcome {
      for trade in trades where trade.venueOrderID == child.venueOrderID {
        count(trade.fill, of: trade.venueOrderID, on: ref, provenance: .reconciled)
      }
    }
    guard let after = self.child(ref) else { return }
    guard after.filled < after.venueCumulative else {
      update(ref) { $0.work.fetchAttempts = 0 }
      return settle(ref, provenance: .reconciled)
    }
    if after.work.fetchAttempts == 2 * settings.maximumAttempts {
      alert(
        .critical, "fills_missing", "The venue counts \(after.venueCumulative) filled and names \(after.filled).",
        account: ref.key.account, order: ref.key.id)
    }
    fetchFills(ref, after: backoff(after.work.fetchAttempts))
  }
}
