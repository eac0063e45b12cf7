import Books
import Domain
import Venues
import Wire

/// What comes in on `orders.approved`.
extension OrderManagerPartition {
  mutating func takeApproved(_ record: InputRecord) {
    if record.source.offset > progress.next { fence.miss() }
    guard progress.begin(record.source.offset) else { return }
    guard let value = record.value else { return deadLetter(RecordError(.malformed, "The payload is null."), record) }
    do throws(RecordError) {
      let reader = try RecordReader(value)
      if let marker = EpochMarker(reader) {
        guard fence.see(marker, at: record.source.offset) else { throw .impossibleMarker }
        return note(fence.epoch, at: record.source.offset)
      }
      switch fence.writer(of: record.headers.epoch) {
      case .owner: break
      case .former:
        counters.fenced += 1
        return finish([record.source.offset])
      case .stranger: throw .stranger
      }
      let approval = try Approval(reader)
      guard settings.owns(approval.request.account) else {
        throw RecordError(.wrongPartition, "The account does not belong to partition \(settings.partition).")
      }
      take(approval, record)
    } catch {
      deadLetter(error, record)
    }
  }

  /// An epoch begins. Its marker is done when a cursor names it: then nobody goes on reading behind it without knowing of it.
  private mutating func note(_ epoch: Int64, at offset: Int64) {
    if approvalsEpochs.last ?? -1 < epoch { approvalsEpochs.append(epoch) }
    if approvalsEpochs.count > OrderSnapshot.Cursor.maximumEpochs { approvalsEpochs.removeFirst() }
    unnamedMarkers.append(offset)
  }

  private mutating func take(_ approval: Approval, _ record: InputRecord) {
    guard !approval.isDuplicate else {
      counters.duplicates += 1
      return finish([record.source.offset])
    }
    switch approval.request.action {
    case .new: takeNew(approval, record)
    case .replace: takeReplace(approval, record)
    case .cancel: takeCancel(approval, record)
    case .cancelAll: takeCancelAll(approval, record)
    }
  }

  // MARK: New

  private mutating func takeNew(_ approval: Approval, _ record: InputRecord) {
    guard let key = admit(ManagedOrder(approval, offset: record.source.offset, at: now), record) else { return }
    planOrEnd(key)
  }

  /// Takes an order into care; nil when its id was taken before: the first approval counts.
  private mutating func admit(_ order: ManagedOrder, _ record: InputRecord) -> OrderKey? {
    if let first = orders[order.key] {
      counters.duplicates += 1
      ignore(order, after: first)
      return nil
    }
    var order = order
    order.work.headers = record.headers.adding("ordermanager.in", now)
    order.work.held = [record.source.offset]
    orders[order.key] = order
    live.insert(order.key)
    counters.orders += 1
    return order.key
  }

  /// The id was taken before. Read again after a restart, the same approval says nothing; another one has reserved what will not be sent.
  private mutating func ignore(_ order: ManagedOrder, after first: ManagedOrder) {
    let offset = order.approvalOffset
    guard first.approvalOffset >= 0, offset > first.approvalOffset else { return finish([offset]) }
    let (account, id) = (order.key.account, order.key.id)
    alert(.warning, "approval_ignored", "The id \(id) was approved again and is ignored.", account: account, order: id)
    let ignored = IgnoredApproval(account: account, clientOrderID: id, approvalOffset: offset, time: now)
    publish(
      Topic.executions, partitioned: true, key: account.text, ExecutionRecord.ignored(ignored).encoded(), finishing: [offset])
  }

  /// Decides once how the order is carried out and writes it down, unless it may not be sent any more.
  mutating func planOrEnd(_ key: OrderKey) {
    guard let order = orders[key], order.children.isEmpty, !order.isTerminal, var approval = order.work.approval else { return }
    switch permit(order) {
    case .send, .wait: break
    case .refuse(let transition, let reason): return endUnsent(key, transition, order.work.obstacle ?? reason)
    }
    guard order.quantity.isPositive, let price = order.limitPrice, price.isPositive else {
      return endUnsent(key, .reject, "The approval has no quantity or no price.")
    }
    let shares: [RoutePlan.Child]
    switch route(order, limit: price) {
    case .children(let children): shares = children
    case .never(let reason): return endUnsent(key, .reject, reason)
    case .later(let reason):
      orders[key]?.work.obstacle = reason
      return agenda.add(.plan(key), at: min(now + settings.routingInterval, order.validUntil))
    }
    let children = shares.enumerated().map { number, share in
      Plan.Child(
        number: number, venue: share.venue,
        venueClientID: VenueClientID.derive(deployment: settings.deployment, key: key, child: number), quantity: share.quantity,
        price: share.price)
    }
    // The plan is what recovery reads: it says in full what a replace takes over from its target.
    approval.request.side = order.side
    approval.request.symbol = order.symbol
    approval.request.postOnly = order.postOnly
    approval.timeInForce = order.timeInForce
    approval.limitPrice = price
    let plan = Plan(
      approval: approval, quantity: order.quantity, children: children, approvalOffset: order.approvalOffset, time: now)
    orders[key]?.carryOut(plan)
    orders[key]?.work.approval = nil
    for child in children { byClientID[child.venueClientID] = ChildRef(key: key, index: child.number) }
    let finishing = orders[key]?.work.held ?? []
    orders[key]?.work.held = []
    orders[key]?.work.unacknowledged += 1
    publish(
      Topic.executions, partitioned: true, key: key.account.text, ExecutionRecord.plan(plan).encoded(),
      headers: order.work.headers, awaited: .plan(key), finishing: finishing)
  }

  mutating func planAcknowledged(_ key: OrderKey) {
    guard let order = orders[key], !order.isTerminal else { return }
    for index in order.children.indices {
      let ref = ChildRef(key: key, index: index)
      if order.children[index].work.wantsCancel {
        advance(ref, .cancel, provenance: .engine, reason: "Cancelled before it was sent.")
      } else {
        enqueue(.place(ref), ref)
      }
    }
  }

  /// Whether an order may be sent now.
  enum Permit {
    case send
    /// Not yet: the lease must be renewed, or the venue's clock measured.
    case wait
    /// Not any more.
    case refuse(OrderTransition, String)
  }

  func permit(_ order: ManagedOrder) -> Permit {
    let control = controls[order.key.account] ?? .initial(order.key.account)
    // An approval that was made under a newer control than ours was made under one that allows it.
    if order.controlVersion < control.version {
      if control.state == .halted { return .refuse(.halt, "The account was halted before the order was sent.") }
      if control.state == .reduceOnly, !order.reduceOnly {
        return .refuse(.halt, "The account was restricted to reducing orders before this one was sent.")
      }
    } else if control.state == .halted, order.controlVersion == control.version {
      return .refuse(.halt, "The account is halted.")
    }
    if !accountMayTrade(order) { return .refuse(.reject, Self.accountCannotTrade) }
    if now >= order.validUntil { return .refuse(.expire, "The approval ran out before the order was sent.") }
    return now < leaseUntil ? .send : .wait
  }

  /// Ends an order of which nothing was sent, provably.
  mutating func endUnsent(_ key: OrderKey, _ transition: OrderTransition, _ reason: String) {
    guard let order = orders[key], !order.isTerminal else { return }
    guard order.children.isEmpty else {
      for index in order.children.indices {
        advance(ChildRef(key: key, index: index), transition, provenance: .engine, reason: reason)
      }
      return
    }
    orders[key]?.unplannedEnd = OrderStatus.received.after(transition, hasFills: false)
    publishEvent(key, child: 0, provenance: .engine, reason: reason)
    didEnd(key)
  }

  // MARK: Cancel

  private mutating func takeCancel(_ approval: Approval, _ record: InputRecord) {
    guard let target = approval.request.target else { return finish([record.source.offset]) }
    let key = OrderKey(account: approval.request.account, id: target)
    guard orders[key] != nil else {
      return alert(
        .warning, "cancel_unknown_target", "A cancel names the order \(target), which is not known.", account: key.account,
        order: target, finishing: [record.source.offset])
    }
    cancel(key, held: record.source.offset)
  }

  /// Cancels what lives of the orders that were approved before, and is done when each of their cancels is: until then a new owner
  /// reads the record again, and orders that were approved behind it are not meant.
  private mutating func takeCancelAll(_ approval: Approval, _ record: InputRecord) {
    let request = approval.request
    let offset = record.source.offset
    for key in live.sorted() where key.account == request.account {
      // One cancel may end another order: both legs of a replace go together.
      guard let order = orders[key], !order.isTerminal, order.approvalOffset < offset,
        request.allSymbols || order.symbol == request.symbol
      else { continue }
      progress.add(offset)
      cancel(key, held: offset)
    }
    finish([offset])
  }

  /// Cancels an order now, or as soon as it is known to live. `held` is done with the event that says so.
  mutating func cancel(_ key: OrderKey, held offset: Int64?) {
    guard let order = orders[key] else { return }
    if let offset { orders[key]?.work.held.append(offset) }
    if order.isTerminal {
      return publishEvent(key, child: 0, provenance: .engine, reason: "There is nothing to cancel: the order has ended.")
    }
    // Whoever cancels an order that is being replaced wants neither leg.
    dropSuccessor(key, .cancel, "The order that it was to replace was cancelled.")
    guard !order.children.isEmpty else { return endUnsent(key, .cancel, "Cancelled before it was sent.") }
    for index in order.children.indices {
      let ref = ChildRef(key: key, index: index)
      update(ref) { $0.work.wantsCancel = true }
      pursueCancel(ref)
    }
  }

  /// Goes as far with a cancel that is wanted as the child's state allows.
  mutating func pursueCancel(_ ref: ChildRef) {
    guard let order = orders[ref.key], let child = child(ref), child.work.wantsCancel else { return }
    switch child.status {
    case .received where order.work.isPlanAcknowledged, .submitting where !child.isDoubtful && !child.work.isPlaceOut:
      advance(ref, .cancel, provenance: .engine, reason: "Cancelled before it was sent.")
    case .open, .partiallyFilled, .pendingReplace, .pendingCancel:
      if order.replacedBy == nil {
        advance(ref, .requestCancel, isRepeated: !order.work.held.isEmpty, provenance: .engine)
        requestCancel(ref)
      } else if child.status != .pendingReplace {
        orders[ref.key]?.work.replaceFence = .wanted
        advance(ref, .requestReplace, provenance: .engine)
      }
    default: break  // Behind `submitting` and `unknown` a cancel waits.
    }
  }

  mutating func requestCancel(_ ref: ChildRef) {
    guard let child = child(ref), !child.work.isCancelling else { return }
    update(ref) { $0.work.isCancelling = true }
    enqueue(.cancel(ref), ref)
  }

  // MARK: Replace

  /// Binance replaces in two steps: the old leg is cancelled, and when its end is evident the rest is sent as a new one. That the
  /// old leg ends because of this replace is in the log before its cancel is sent, so that a crash between the two loses nothing.
  private mutating func takeReplace(_ approval: Approval, _ record: InputRecord) {
    let account = approval.request.account
    let targetKey = approval.request.target.map { OrderKey(account: account, id: $0) }
    let target = targetKey.flatMap { orders[$0] }
    let order = ManagedOrder(approval, offset: record.source.offset, target: target, at: now)
    guard let key = admit(order, record) else { return }
    guard let targetKey, let target else { return endUnsent(key, .reject, "The order to replace is not known.") }
    agenda.add(.lapse(key), at: order.validUntil)
    if target.replacedBy == key.id {
      if target.isTerminal { followReplaced(targetKey) }
      return
    }
    guard !target.isTerminal, target.replacedBy == nil else {
      return endUnsent(
        key, .reject, target.isTerminal ? "The order to replace has ended." : "The order is being replaced already.")
    }
    guard !target.children.contains(where: \.work.wantsCancel) else {
      return endUnsent(key, .reject, "The order to replace is being cancelled.")
    }
    orders[targetKey]?.replacedBy = key.id
    for index in target.children.indices {
      let ref = ChildRef(key: targetKey, index: index)
      update(ref) { $0.work.wantsCancel = true }
      pursueCancel(ref)
    }
  }

  /// The old leg did not end while the new one could be sent.
  mutating func lapse(_ key: OrderKey) {
    guard orders[key]?.children.isEmpty == true else { return }
    endUnsent(key, .expire, "The approval ran out before the order to replace had ended.")
  }

  /// The order will not be replaced. A new leg that a stalled former owner sent all the same is cancelled.
  mutating func dropSuccessor(_ key: OrderKey, _ transition: OrderTransition, _ reason: String) {
    guard let successor = orders[key]?.replacedBy else { return }
    orders[key]?.replacedBy = nil
    orders[key]?.work.replaceFence = nil
    let newKey = OrderKey(account: key.account, id: successor)
    guard let new = orders[newKey], !new.isTerminal else { return }
    if new.children.isEmpty { endUnsent(newKey, transition, reason) } else { cancel(newKey, held: nil) }
  }

  mutating func writeReplaceFence(_ key: OrderKey) {
    guard let order = orders[key], !order.isTerminal, order.work.unacknowledged == 0 else { return }
    orders[key]?.work.replaceFence = .written
    writeSnapshot(key)
  }

  mutating func replaceIsFenced(_ key: OrderKey) {
    orders[key]?.work.replaceFence = nil
    guard let order = orders[key] else { return }
    for index in order.children.indices where order.children[index].status == .pendingReplace {
      requestCancel(ChildRef(key: key, index: index))
    }
  }

  /// The old leg has ended: sends what is left of the new total, if anything.
  mutating func followReplaced(_ key: OrderKey) {
    guard let old = orders[key], let successor = old.replacedBy else { return }
    let newKey = OrderKey(account: key.account, id: successor)
    guard let new = orders[newKey], new.children.isEmpty, !new.isTerminal else { return }
    guard old.status != .rejected, old.status != .halted else {
      return endUnsent(newKey, .cancel, "The order that it was to replace never lived.")
    }
    guard new.quantity > old.filled, old.status != .filled else {
      return endUnsent(newKey, .cancel, "The order that it was to replace had filled that quantity.")
    }
    orders[newKey]?.quantity = new.quantity - old.filled
    planOrEnd(newKey)
  }
}
