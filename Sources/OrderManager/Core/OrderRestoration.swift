import Domain
import Wire

/// What a partition's new owner found in the log.
public struct RestoredOrders: Sendable {
  /// Its own epoch: the offset of its marker on `executions`.
  public var epoch: Int64
  /// The next record of `orders.approved` to read.
  public var nextApproval: Int64
  var orders: [ManagedOrder] = []
  var approvalsEpochs: [Int64] = []
  /// The offset of `executions` up to which the log was read.
  var executionsOffset: Int64 = 0
  /// Who owned the partition in the stretch of `executions` that was read.
  var successions: [Succession] = []

  /// The first owner's: nothing was there.
  public init(epoch: Int64, nextApproval: Int64) {
    self.epoch = epoch
    self.nextApproval = nextApproval
  }
}

/// From a marker's offset on, its epoch is the partition's.
struct Succession: Hashable, Sendable {
  var offset: Int64
  var epoch: Int64
}

/// Rebuilds a partition's orders from `order.state` and `executions`, read in that order.
///
/// The caller first appends its epoch marker to both topics, waits until no lease of a former owner can be valid, appends the
/// marker to `executions` once more, and reads `executions` up to that second marker. Then every plan on which a former owner may
/// have acted is in what was read: a plan that was appended after the first marker under an older epoch counts as one that may
/// have been sent, while nothing else of that epoch counts.
public struct OrderRestoration: Sendable {
  private var orders: [OrderKey: ManagedOrder] = [:]
  /// The epoch in which each of the plans was written that were read.
  private var planners: [OrderKey: Int64] = [:]
  /// Orders of which events alone were read, though they had been planned.
  private var rebuilt: Set<OrderKey> = []
  private var cursor = OrderSnapshot.Cursor(executionsOffset: 0, executionsEpoch: -1, approvalsEpochs: [])
  private let epoch: Int64
  /// Compaction leaves only the last marker.
  private var stateFence = EpochFence(isBlind: true)
  private var executionsFence = EpochFence()
  private var executionsOffset: Int64 = 0
  private var successions: [Succession] = []
  /// Records that could not be read, or that no owner wrote.
  public private(set) var unreadable = 0
  /// The newest epoch of `executions` that was read. When it is not the caller's own, somebody else has marked the partition meanwhile
  /// and nothing that the caller writes counts: it must begin again.
  public var newestEpoch: Int64 { executionsFence.epoch }

  /// Nothing read yet; `epoch` is the new owner's, the offset of its first marker on `executions`.
  public init(epoch: Int64) { self.epoch = epoch }

  /// Where to begin to read `executions`: only to be asked when `order.state` has been read.
  public var executionsStart: Int64 { cursor.executionsOffset }

  /// Takes a record of `order.state`. Only markers and what carries its owner's epoch count: strangers' records are passed over.
  public mutating func readState(_ record: InputRecord, key: String) {
    let writer = stateFence.writer(of: record.headers.epoch)
    guard let value = record.value else {
      if writer == .owner, let key = Self.orderKey(key) { orders[key] = nil }
      return
    }
    do throws(RecordError) {
      let reader = try RecordReader(value)
      if let marker = EpochMarker(reader) {
        guard stateFence.see(marker, notAbove: epoch) else { throw .impossibleMarker }
        return
      }
      guard writer == .owner else {
        if writer == .stranger { unreadable += 1 }
        return
      }
      switch try reader.string("type") {
      case "cursor":
        cursor = try OrderSnapshot.Cursor(reader)
        executionsOffset = cursor.executionsOffset
        executionsFence = EpochFence(epoch: cursor.executionsEpoch, next: cursor.executionsOffset)
        successions = [Succession(offset: -1, epoch: cursor.executionsEpoch)]
      default:
        let order = try ManagedOrder(reader)
        orders[order.key] = order
      }
    } catch {
      unreadable += 1
    }
  }

  /// Takes a record of `executions`, from `executionsStart` on.
  public mutating func readExecution(_ record: InputRecord) {
    if record.source.offset > executionsOffset { executionsFence.miss() }
    executionsOffset = record.source.offset + 1
    guard let value = record.value, let execution = try? ExecutionRecord(value) else {
      unreadable += 1
      return
    }
    let writer = executionsFence.writer(of: record.headers.epoch)
    switch execution {
    case .epoch(let marker):
      guard marker.isOrderManagers else { return }
      guard executionsFence.see(marker, at: record.source.offset) else { return unreadable += 1 }
      successions.append(Succession(offset: record.source.offset, epoch: executionsFence.epoch))
    case .plan where writer == .stranger, .order where writer == .stranger: unreadable += 1
    case .plan(let plan):
      // Also one that a stalled former owner wrote after its time: it may have sent it.
      take(plan, by: record.headers.epoch ?? -1, record.source.offset)
    case .order(let event) where writer == .owner:
      take(event, record.source.offset)
    case .order, .ignored, .observation, .adjustment, .controlAcknowledged: break
    }
  }

  /// The orders, for the new owner.
  public func finish(nextApproval: Int64) -> RestoredOrders {
    var restored = RestoredOrders(epoch: epoch, nextApproval: nextApproval)
    // Of those that are rebuilt only what may live is wanted. What has ended was forgotten, and its fills are not all here.
    restored.orders = orders.keys.sorted().compactMap { orders[$0] }.filter { !$0.isTerminal || !rebuilt.contains($0.key) }
    restored.approvalsEpochs = cursor.approvalsEpochs
    restored.successions = successions
    restored.executionsOffset = max(executionsOffset, cursor.executionsOffset)
    return restored
  }

  private mutating func take(_ event: OrderEvent, _ offset: Int64) {
    let key = OrderKey(account: event.account, id: event.clientOrderID)
    // Without a child there was no plan for the owner who wrote this, and nobody carries out the one that a stalled owner made.
    let isPlanVoid = event.venueClientID == nil && orders[key]?.children.isEmpty == false
    if orders[key] == nil, event.venueClientID != nil { rebuilt.insert(key) }
    if orders[key] == nil || isPlanVoid { orders[key] = ManagedOrder(event) } else { orders[key]?.fold(event) }
    cover(key, offset)
  }

  /// Of two plans for an order the newer owner's counts, wherever it lies: had it found the other one in time, it would have made none, and
  /// nobody has sent what a stalled owner planned behind its back.
  private mutating func take(_ plan: Plan, by epoch: Int64, _ offset: Int64) {
    let key = OrderKey(account: plan.approval.request.account, id: plan.approval.clientOrderID)
    if orders[key] != nil {
      guard let planner = planners[key], planner < epoch else { return }
    }
    planners[key] = epoch
    var order = ManagedOrder(plan.approval, offset: plan.approvalOffset ?? -1, at: plan.time)
    order.work.approval = nil
    order.carryOut(plan)
    for index in order.children.indices { order.children[index].status = .submitting }
    orders[key] = order
    cover(key, offset)
  }

  /// Notes that no snapshot includes what lies at `offset`.
  private mutating func cover(_ key: OrderKey, _ offset: Int64) {
    if orders[key]?.work.uncovered == nil { orders[key]?.work.uncovered = offset }
  }

  private static func orderKey(_ text: String) -> OrderKey? {
    let parts = text.split(separator: "+", omittingEmptySubsequences: false)
    guard parts.count == 2, let account = Account(String(parts[0])), let id = ClientOrderID(String(parts[1])) else { return nil }
    return OrderKey(account: account, id: id)
  }
}

extension ManagedOrder {
  /// Takes over the plan that was made for it.
  mutating func carryOut(_ plan: Plan) {
    children = plan.children.map { OrderChild($0) }
    quantity = plan.quantity
    plannedAt = plan.time
  }
}
