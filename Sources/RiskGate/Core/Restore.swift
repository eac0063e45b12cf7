import Domain
import Wire

/// Puts a partition's state together again, in four steps: every record of `risk.state`; own decisions since the checkpoint up to the
/// new owner's markers; `engine`, which then is given `executions` from the checkpoint to the end; and `ready`. Nothing is decided anew.
public struct RiskRestore: Sendable {
  /// Where to go on reading, once `risk.state` has been read.
  public private(set) var checkpoint = Checkpoint()
  private let settings: RiskSettings
  private let epoch: Int64
  /// Compaction leaves only the last marker.
  private var stateFence = EpochFence(isBlind: true)
  private var accounts: [Account: [UInt8]] = [:]
  private var pages: [String: [UInt8]] = [:]
  private var decisions: [Decision] = []
  private var approvedFence: EpochFence?
  private var rejectedFence: EpochFence?

  private enum Verdict: Sendable {
    case approved(Approval)
    case rejected(Rejection)
  }

  private struct Decision: Sendable {
    let time: Timestamp
    let source: RecordSource
    /// Where the record that was decided lies on `orders`.
    let offset: Int64?
    let verdict: Verdict
  }

  /// Begins the restoration of one partition for the owner of `epoch`.
  public init(_ settings: RiskSettings, epoch: Int64) {
    self.settings = settings
    self.epoch = epoch
  }

  /// Takes one record of `risk.state`, in the order of the log. `epoch` is its writer's.
  public mutating func readState(key: [UInt8]?, value: [UInt8]?, epoch: Int64?) throws(RecordError) {
    guard let key, let value, let reader = try read(value, epoch, &stateFence) else { return }
    let name = String(decoding: key, as: UTF8.self)
    if name == Checkpoint.key {
      checkpoint = try Checkpoint(reader)
    } else if let account = Account(name) {
      accounts[account] = value
    } else {
      pages[name] = value
    }
  }

  /// Takes one record of `orders.approved` or `orders.rejected`, from the checkpoint's offset on.
  public mutating func readDecision(topic: String, value: [UInt8]?, epoch: Int64?, offset: Int64) throws(RecordError) {
    let isApproved = topic == Topic.approved
    let next = isApproved ? checkpoint.approved : checkpoint.rejected
    var fence = (isApproved ? approvedFence : rejectedFence) ?? EpochFence(epoch: checkpoint.epoch, isBlind: offset > next)
    defer { if isApproved { approvedFence = fence } else { rejectedFence = fence } }
    guard let value, let reader = try read(value, epoch, at: isApproved ? offset : nil, &fence) else { return }
    if isApproved {
      let approval = try Approval(reader)
      decisions.append(
        Decision(
          time: approval.decidedAt, source: approval.source, offset: approval.figures.ordersOffset, verdict: .approved(approval)))
    } else {
      let rejection = try Rejection(reader)
      decisions.append(
        Decision(
          time: rejection.decidedAt, source: rejection.source, offset: rejection.figures.ordersOffset,
          verdict: .rejected(rejection)))
    }
  }

  /// The record, when it is an owner's: those carry its epoch. Strangers' records count for nothing, readable or not; an owner's that
  /// cannot be read is an error, since nobody may decide on half of what was known. Markers that can be are taken note of: `offset` is
  /// that of a record on the topic where epochs begin.
  private func read(
    _ value: [UInt8], _ writer: Int64?, at offset: Int64? = nil, _ fence: inout EpochFence
  ) throws(RecordError) -> RecordReader? {
    let isOwners = fence.writer(of: writer) == .owner
    let reader: RecordReader
    do { reader = try RecordReader(value) } catch {
      guard isOwners else { return nil }
      throw error
    }
    if let marker = EpochMarker(reader) {
      _ = offset.map { fence.see(marker, at: $0) } ?? fence.see(marker, notAbove: epoch)
      return nil
    }
    return isOwners ? reader : nil
  }

  /// The engine with everything that was read in it. Its checkpoint says where `executions` go on; `orders` go on there too, and the
  /// records that were decided since are passed over.
  public func engine() throws(RecordError) -> RiskEngine {
    var engine = RiskEngine(settings)
    engine.checkpoint = checkpoint
    engine.checkpoint.epoch = epoch
    engine.now = checkpoint.time
    for account in accounts.keys.sorted() {
      guard let value = accounts[account] else { continue }
      var snapshot = try AccountSnapshot(try RecordReader(value))
      for key in snapshot.pageKeys {
        guard let page = pages[key] else { throw RecordError(.missingField, "The page \(key) of a snapshot is missing.") }
        try snapshot.readPage(try RecordReader(page))
      }
      engine.restore(snapshot)
    }
    let ordered = decisions.sorted { ($0.time, $0.offset ?? 0) < ($1.time, $1.offset ?? 0) }
    for decision in ordered where !isIncluded(decision) {
      if let offset = decision.offset {
        engine.decided.insert(offset)
        engine.decidedEnd = max(engine.decidedEnd, offset + 1)
      }
      switch decision.verdict {
      case .approved(let approval):
        engine.replay(approval)
        engine.replay(moved: decision.source, approval.$request, code: nil)
      case .rejected(let rejection):
        engine.replay(rejection)
        if let request = rejection.request { engine.replay(moved: decision.source, Shared(request), code: rejection.code) }
      }
    }
    return engine
  }

  /// True for the decision on a record that the snapshots have behind them: they may have forgotten its id since.
  private func isIncluded(_ decision: Decision) -> Bool {
    decision.offset.map { $0 < checkpoint.orders } ?? false
  }
}

extension RiskEngine {
  fileprivate mutating func restore(_ snapshot: AccountSnapshot) {
    guard isOurs(snapshot.account) else { return }
    now = max(now, snapshot.time)
    day = accounts.count == 0 ? snapshot.day.day : min(day, snapshot.day.day)
    var state = AccountState(account: snapshot.account, day: snapshot.day.day)
    state.control = snapshot.control
    state.take(snapshot.limits, in: market)
    state.day = snapshot.day
    state.executionsNext = snapshot.executionsNext
    state.approvals = RateWindow(snapshot.approvals)
    state.identifiers = snapshot.identifiers
    state.snapshots = snapshot.number
    state.isChanged = false
    for name in snapshot.adjustments { _ = state.counted.insert(name) }
    for entry in snapshot.ledgers { restore(entry, into: &state) }
    for entry in snapshot.orders { restore(entry, into: &state) }
    state.orders.restoreEnded(snapshot.ended)
    state.orders.restoreNumber(snapshot.lastOrderNumber)
    _ = accounts.position(of: snapshot.account, adding: state)
  }

  private mutating func restore(_ entry: AccountSnapshot.LedgerEntry, into state: inout AccountState) {
    let symbol = market.intern(entry.symbol)
    _ = state.ledgers.position(of: symbol, adding: entry.ledger)
    let base = market.symbols[symbol].base
    let exposure = state.exposure(of: base, in: market)
    state.exposures[exposure].position += Int128(entry.ledger.position.units)
    if let mark = entry.mark { market.setMark(mark, of: symbol) }
  }

  private mutating func restore(_ entry: AccountSnapshot.OrderEntry, into state: inout AccountState) {
    let kept = entry.order
    let symbol = market.intern(entry.symbol)
    let base = market.symbols[symbol].base
    var order = TrackedOrder(
      id: kept.id, key: kept.key, symbol: symbol, base: base, venue: kept.venue, side: kept.side, total: kept.total,
      quantity: kept.quantity, limitPrice: kept.limitPrice, number: kept.number)
    order.hasPlan = kept.hasPlan
    order.isTracked = kept.isTracked
    order.children = kept.children
    for (fill, name) in zip(kept.fills, entry.fillSymbols) {
      order.fills.append(
        FillKey(venue: fill.venue, symbol: market.intern(name), venueOrderID: fill.venueOrderID, tradeID: fill.tradeID))
    }
    order.reserved = order.outstanding
    let exposure = state.exposure(of: base, in: market)
    state.exposures[exposure].reserve(order.side, Int128(order.reserved.units))
    state.orders.add(order)
  }

  /// Reserves again what an approval in the log reserved. What the snapshot already has is known by its id.
  fileprivate mutating func replay(_ approval: Approval) {
    advance(to: approval.decidedAt)
    let request = approval.request
    guard !approval.isDuplicate, request.action == .new || request.action == .replace, isOurs(request.account),
      let account = position(of: request.account)
    else { return }
    let key = approval.clientOrderID.stableHash
    guard accounts[account].identifiers.find(key, now: now) == nil, let total = approval.quantity,
      let place = place(of: approval, account)
    else { return }
    let reserved = approval.figures.reserved(place.side) ?? total
    remember(key, approval.$request.contentHash, code: nil, account)
    accounts[account].approvals.add(approval.decidedAt)
    track(
      approval.clientOrderID, key: key, symbol: place.symbol,
      exposure: accounts[account].exposure(of: market.symbols[place.symbol].base, in: market), venue: place.venue,
      side: place.side,
      total: reserved, quantity: min(total, reserved), limitPrice: approval.limitPrice, account)
  }

  /// Remembers again where a moved record lay first.
  fileprivate mutating func replay(moved source: RecordSource, _ request: Shared<OrderRequest>, code: RejectionCode?) {
    guard isOurs(request.account), let account = position(of: request.account) else { return }
    remember(moved: source, request.contentHash, code: code, account)
  }

  /// What the order trades and where: a replacement's is that of the order that it replaces.
  private mutating func place(of approval: Approval, _ account: Int) -> (symbol: Int, venue: Venue, side: Side)? {
    let request = approval.request
    if request.action == .replace {
      guard let target = request.target, let slot = accounts[account].orders.slot(of: target) else { return nil }
      let old = accounts[account].orders[slot]
      return (old.symbol, old.venue, old.side)
    }
    return request.side.map { (market.intern(request.symbol), request.venue, $0) }
  }

  fileprivate mutating func replay(_ rejection: Rejection) {
    advance(to: rejection.decidedAt)
    guard !rejection.isDuplicate, let request = rejection.request, request.action == .new || request.action == .replace,
      Self.isRemembered(rejection.code), isOurs(request.account), let account = position(of: request.account)
    else { return }
    let key = rejection.clientOrderID.stableHash
    guard accounts[account].identifiers.find(key, now: now) == nil else { return }
    remember(key, Shared(request).contentHash, code: rejection.code, account)
    if rejection.code == .dailyLoss, rejection.limitsVersion == accounts[account].limits.version {
      accounts[account].day.isReached = true
    }
  }
}

extension DecisionFigures {
  /// What an approval of `side` reserved: the position after it less what was there and open before.
  fileprivate func reserved(_ side: Side) -> Quantity? {
    guard let position, let positionAfter, let openBuys, let openSells else { return nil }
    let (before, after) = (Int128(position.units), Int128(positionAfter.units))
    let reserved = side == .buy ? after - before - Int128(openBuys.units) : before - after - Int128(openSells.units)
    return Quantity(clamping: max(0, reserved))
  }
}
