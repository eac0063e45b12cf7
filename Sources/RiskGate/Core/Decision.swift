import Domain
import Wire

extension RiskEngine {
  /// Decides one legal request: exactly one approval or rejection.
  mutating func decide(
    _ request: Shared<OrderRequest>, _ content: UInt64, _ known: Int?, _ source: RecordSource, into effects: inout [RiskEffect]
  ) {
    let id = request.clientOrderID ?? .derived(from: source)
    guard let account = known ?? position(of: request.account) else {
      effects.append(.reject(rejection(.tooManyAccounts, request.account, id, source, request: request)))
      return
    }
    if let known = decision(onMoved: source, account) {
      return effects.append(repeated(known, request, id, account, source))
    }
    var code: RejectionCode?
    switch request.action {
    case .cancel, .cancelAll: effects.append(.approve(approval(of: request, id, account, source, lifetime: Interval.day)))
    case .new, .replace: code = decideOrder(request, content, id, account, source, into: &effects)
    }
    remember(moved: source, content, code: code, account)
  }

  /// A RiskGate that ends while it moves a record may move it again: both copies name the place where it lay first, and the second is
  /// answered as a repetition, whatever it asks for.
  private mutating func decision(onMoved source: RecordSource, _ account: Int) -> RecentIdentifiers.Entry? {
    guard isMoved(source) else { return nil }
    return accounts[account].identifiers.find(ClientOrderID.derived(from: source).stableHash, now: now)
  }

  /// Remembers the place where a moved record lay first.
  mutating func remember(moved source: RecordSource, _ content: UInt64, code: RejectionCode?, _ account: Int) {
    guard isMoved(source), decision(onMoved: source, account) == nil else { return }
    remember(ClientOrderID.derived(from: source).stableHash, content, code: code, account)
  }

  private mutating func isMoved(_ source: RecordSource) -> Bool {
    source.partition != settings.partition && source.topic == Topic.orders
  }

  /// The rejection's code; nil when it is approved.
  private mutating func decideOrder(
    _ request: Shared<OrderRequest>, _ content: UInt64, _ id: ClientOrderID, _ account: Int, _ source: RecordSource,
    into effects: inout [RiskEffect]
  ) -> RejectionCode? {
    let key = id.stableHash
    let known = accounts[account].identifiers.find(key, now: now)
    if let known, known.content == content {
      effects.append(repeated(known, request, id, account, source))
      return RejectionCode(rawValue: Int(known.code))
    }
    var figures = DecisionFigures()
    figures.executionsOffset = checkpoint.executions
    figures.ordersOffset = deciding
    var code: RejectionCode?
    do throws(Refusal) {
      let proposal = try propose(request, account)
      // An order that lives longer than the horizon of ids still owns its id.
      let isKnown = known != nil || accounts[account].orders.slot(of: id, key: key) != nil
      try check(proposal, of: request, account, source, isKnown: isKnown, &figures)
      reserve(proposal, id, key, account)
      effects.append(.approve(approval(of: request, proposal, id, account, source, consume figures)))
    } catch {
      code = error.code
      effects.append(.reject(rejection(error, request.account, id, source, request: request, figures: figures)))
    }
    // Whatever is refused under it, an id keeps naming the first request that it named.
    if known == nil, Self.isRemembered(code) { remember(key, content, code: code, account) }
    return code
  }

  /// True for decisions that a repetition of the request is answered with. One that came too early may be tried again, and an id that
  /// names two orders keeps naming the first.
  static func isRemembered(_ code: RejectionCode?) -> Bool { code != .notReady && code != .duplicateIdentifier }

  mutating func remember(_ key: UInt64, _ content: UInt64, code: RejectionCode?, _ account: Int) {
    accounts[account].identifiers.insert(
      RecentIdentifiers.Entry(id: key, content: content, time: now, code: Int16(code?.rawValue ?? 0)))
    accounts[account].isChanged = true
  }

  /// The flagged answer to a repetition, on the topic of the first decision. It approves nothing.
  private mutating func repeated(
    _ known: RecentIdentifiers.Entry, _ request: Shared<OrderRequest>, _ id: ClientOrderID, _ account: Int, _ source: RecordSource
  ) -> RiskEffect {
    if let code = RejectionCode(rawValue: Int(known.code)) {
      return .reject(rejection(.repeated(code), request.account, id, source, request: request, isDuplicate: true))
    }
    var answer = approval(of: request, id, account, source, lifetime: 0)
    answer.isDuplicate = true
    if let slot = accounts[account].orders.slot(of: id) {
      answer.quantity = accounts[account].orders[slot].quantity
      answer.limitPrice = accounts[account].orders[slot].limitPrice
    }
    return .approve(answer)
  }

  /// An approval that lives `lifetime` nanoseconds, without quantity and price.
  mutating func approval(
    of request: Shared<OrderRequest>, _ id: ClientOrderID, _ account: Int, _ source: RecordSource, lifetime: Int64
  ) -> Approval {
    var figures = DecisionFigures()
    figures.executionsOffset = checkpoint.executions
    figures.ordersOffset = deciding
    return Approval(
      request: request, clientOrderID: id, timeInForce: request.timeInForce, validUntil: now + lifetime,
      controlVersion: accounts[account].control.version, limitsVersion: accounts[account].limits.version, decidedAt: now,
      source: source, figures: figures)
  }

  /// The approval of what was proposed; no longer valid than the client wants.
  private mutating func approval(
    of request: Shared<OrderRequest>, _ proposal: Proposal, _ id: ClientOrderID, _ account: Int, _ source: RecordSource,
    _ figures: consuming DecisionFigures
  ) -> Approval {
    let validUntil = now + accounts[account].limits.approvalLifetime
    return Approval(
      request: request, clientOrderID: id, quantity: proposal.total, limitPrice: proposal.sendPrice,
      timeInForce: request.timeInForce, validUntil: request.expiresAt.map { min(validUntil, $0) } ?? validUntil,
      controlVersion: accounts[account].control.version, limitsVersion: accounts[account].limits.version, decidedAt: now,
      source: source, figures: figures)
  }

  /// Approval reserves: from here on the order counts as if it were filled.
  @inline(__always)
  private mutating func reserve(_ proposal: Proposal, _ id: ClientOrderID, _ key: UInt64, _ account: Int) {
    track(
      id, key: key, symbol: proposal.symbol, exposure: proposal.exposure, venue: market.venue(of: proposal.reach),
      side: proposal.side, total: proposal.reserve, quantity: proposal.quantity, limitPrice: proposal.sendPrice, account)
    accounts[account].approvals.add(now)
  }

  /// Begins to count an order.
  @inline(__always)
  mutating func track(
    _ id: ClientOrderID, key: UInt64, symbol: Int, exposure: Int, venue: Venue, side: Side, total: Quantity, quantity: Quantity,
    limitPrice: Price?, _ account: Int
  ) {
    accounts[account].exposures[exposure].reserve(side, Int128(total.units))
    let number = accounts[account].orders.nextNumber()
    accounts[account].orders.add(
      TrackedOrder(
        id: id, key: key, symbol: symbol, base: market.symbols[symbol].base, venue: venue, side: side, total: total,
        quantity: quantity, limitPrice: limitPrice, number: number))
    accounts[account].isChanged = true
    accounts[account].isShownChanged = true
  }
}
