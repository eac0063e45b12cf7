import Domain
import Venues
import Wire

/// Everything that is written: events, plans, alerts, snapshots, and what may be committed once they are in the log.
extension OrderManagerPartition {
  /// Writes a record on a topic of this partition or, without a partition, on one whose key decides.
  mutating func publish(
    _ topic: String, partitioned: Bool, key: String, _ value: [UInt8]?, headers: RecordHeaders = RecordHeaders(),
    awaited kind: Awaited.Kind = .other, finishing: [Int64] = []
  ) {
    let token = makeToken()
    awaited[token] = Awaited(kind: kind, finishing: finishing)
    var headers = headers.adding("ordermanager.out", now)
    headers.epoch = partitioned ? epoch : nil
    headers.origin = nil
    effects.append(
      .publish(
        Publication(
          topic: topic, partition: partitioned ? settings.partition : nil, key: key, value: value, headers: headers, token: token)
      ))
  }

  /// Writes the order's state after a change of `child` (0 for one that was never planned).
  mutating func publishEvent(
    _ key: OrderKey, child index: Int, fill: Fill? = nil, venueOrderID: String? = nil, provenance: Provenance,
    reason: String? = nil,
    venueCode: Int64? = nil, venueTime: Timestamp? = nil
  ) {
    guard var order = orders[key] else { return }
    let child = order.children.indices.contains(index) ? order.children[index] : nil
    let event = OrderEvent(
      account: key.account, clientOrderID: key.id, venue: child?.venue ?? order.venue, symbol: order.symbol, side: order.side,
      quantity: order.quantity, limitPrice: child?.price ?? order.limitPrice, child: index, part: order.part(index),
      venueClientID: child?.venueClientID, venueOrderID: venueOrderID ?? child?.venueOrderID, status: order.status, fill: fill,
      cumulativeQuantity: order.filled,
      cumulativeQuote: order.filledQuote, provenance: provenance, reason: reason, venueCode: venueCode, strategy: order.strategy,
      venueTime: venueTime, time: now)
    let settles = order.isTerminal || order.isBeingCancelled
    let finishing = settles ? order.work.held : []
    if settles { order.work.held = [] }
    order.changedAt = now
    order.work.unacknowledged += 1
    orders[key] = order
    let value = ExecutionRecord.order(event).encoded()
    publish(
      Topic.executions, partitioned: true, key: key.account.text, value, headers: order.work.headers, awaited: .event(key),
      finishing: finishing)
    effects.append(
      .redis(.order(account: key.account, clientOrderID: key.id, value: value, isOpen: !order.isTerminal)))
  }

  mutating func alert(
    _ severity: Alert.Severity, _ code: String, _ message: String, account: Account? = nil, order: ClientOrderID? = nil,
    finishing: [Int64] = []
  ) {
    // The same thing about the same order is said once; input that waits for it waits for nothing then.
    let name = Self.alertName(code, account, order)
    if raisedAlerts.count >= 10_000 { raisedAlerts = [] }
    guard raisedAlerts.insert(name).inserted else {
      finish(finishing)
      return
    }
    counters.alerts += 1
    let alert = Alert(
      service: "ordermanager", severity: severity, code: code, message: message, account: account, clientOrderID: order, time: now
    )
    publish(Topic.alerts, partitioned: false, key: "ordermanager", alert.encoded(), finishing: finishing)
  }

  private static func alertName(_ code: String, _ account: Account?, _ order: ClientOrderID?) -> String {
    "\(code)/\(account?.text ?? "")/\(order?.text ?? "")"
  }

  /// What was said is over: should it come again, it is said again.
  mutating func retract(_ code: String, account: Account) {
    raisedAlerts.remove(Self.alertName(code, account, nil))
  }

  mutating func deadLetter(_ error: RecordError, _ record: InputRecord) {
    if error.code == .unfenced { noteStranger(record.source.topic, error) } else { counters.unreadable += 1 }
    let letter = DeadLetter(service: "ordermanager", error: error, source: record.source, payload: record.value)
    publish(
      Topic.deadLetters, partitioned: false, key: record.source.topic, letter.encoded(), finishing: [record.source.offset])
  }

  /// Somebody writes where only an owner may: it counts for nothing, and a person is told once.
  mutating func noteStranger(_ topic: String, _ error: RecordError) {
    counters.unfenced += 1
    alert(.critical, "unfenced_record", "Somebody else writes to \(topic). \(error.reason) It is ignored.")
  }

  mutating func finish(_ offsets: [Int64]) {
    for offset in offsets { progress.finish(offset) }
  }

  mutating func takeAcknowledgement(_ token: UInt64, _ offset: Int64) {
    guard let awaited = awaited.removeValue(forKey: token) else { return }
    switch awaited.kind {
    case .plan(let key):
      cover(key, offset)
      orders[key]?.work.isPlanAcknowledged = true
      planAcknowledged(key)
    case .event(let key):
      cover(key, offset)
      if orders[key]?.work.replaceFence == .wanted { writeReplaceFence(key) }
    case .snapshot(let key):
      checkpoint.snapshotsOut -= 1
      if orders[key]?.work.replaceFence == .written { replaceIsFenced(key) }
    case .other: break
    }
    finish(awaited.finishing)
  }

  /// Notes that an own record of the order lies at `offset` of `executions` and in no snapshot.
  private mutating func cover(_ key: OrderKey, _ offset: Int64) {
    checkpoint.executionsOffset = max(checkpoint.executionsOffset, offset + 1)
    guard orders[key] != nil else { return }
    orders[key]?.work.unacknowledged -= 1
    if orders[key]?.work.uncovered == nil {
      orders[key]?.work.uncovered = offset
      checkpoint.changed.append(key)
    }
  }
}

// MARK: - Snapshots

extension OrderManagerPartition {
  /// How far the snapshots reach.
  struct Checkpoint: Sendable {
    /// Orders with records that no snapshot includes, in the order of their first such record.
    var changed: [OrderKey] = []
    /// Snapshots that the log has not acknowledged.
    var snapshotsOut = 0
    /// The next own record will lie at or behind this offset of `executions`.
    var executionsOffset: Int64 = 0
    /// Who owned the partition, where the cursor may still lie.
    var successions: [Succession] = []
    var written = OrderSnapshot.Cursor(executionsOffset: -1, executionsEpoch: -1, approvalsEpochs: [])
    var nextAt = Timestamp.zero
  }

  /// Snapshots of what has changed, then, when they are in the log, a cursor that says so. An order with a record under way is
  /// left for the next time: a snapshot must never know more than the log.
  mutating func writeCheckpoint() {
    guard now >= checkpoint.nextAt, epoch >= 0 else { return }
    guard checkpoint.snapshotsOut == 0 else { return }
    writeCursor()
    checkpoint.nextAt = now + settings.checkpointInterval
    let changed = checkpoint.changed
    checkpoint.changed = []
    for key in changed {
      guard let order = orders[key] else { continue }
      if order.work.unacknowledged == 0 { writeSnapshot(key) } else { checkpoint.changed.append(key) }
    }
  }

  mutating func writeSnapshot(_ key: OrderKey) {
    guard let order = orders[key] else { return }
    orders[key]?.work.uncovered = nil
    checkpoint.snapshotsOut += 1
    publish(Topic.orderState, partitioned: true, key: key.text, order.encoded(), awaited: .snapshot(key))
  }

  private mutating func writeCursor() {
    let uncovered = checkpoint.changed.compactMap { orders[$0]?.work.uncovered }.min()
    let offset = uncovered ?? checkpoint.executionsOffset
    let owner = checkpoint.successions.last { $0.offset < offset }
    let cursor = OrderSnapshot.Cursor(
      executionsOffset: offset, executionsEpoch: owner?.epoch ?? -1, approvalsEpochs: approvalsEpochs)
    guard cursor != checkpoint.written || !unnamedMarkers.isEmpty else { return }
    checkpoint.written = cursor
    let named = unnamedMarkers
    unnamedMarkers = []
    let key = OrderSnapshot.Cursor.key(partition: settings.partition)
    publish(Topic.orderState, partitioned: true, key: key, cursor.encoded(), finishing: named)
  }

  /// Drops orders that ended long ago, or before too many others, and whose approvals will not be read again.
  mutating func forgetEnded() {
    while let first = ended.elements.first,
      first.at + settings.terminalHorizon < now || ended.elements.count > settings.terminalCapacity
    {
      guard let order = orders[first.key], order.isTerminal else {
        _ = ended.take()
        continue
      }
      guard order.approvalOffset < committed, order.work.uncovered == nil, order.work.unacknowledged == 0 else {
        return
      }
      _ = ended.take()
      forget(order)
    }
  }

  private mutating func forget(_ order: ManagedOrder) {
    orders[order.key] = nil
    for child in order.children {
      byClientID[child.venueClientID] = nil
      if let id = child.venueOrderID { byVenueOrder[venueOrderKey(order, child, id)] = nil }
    }
    publish(Topic.orderState, partitioned: true, key: order.key.text, nil)
  }
}
