import Domain
import ReconcilerCore
import Wire

/// A random history of orders on the three input topics of one partition, with repeats, former owners and junk among it; and what the
/// tables must hold in the end, computed in the most naive way.
struct RandomLog {
  private(set) var records: [String: [LogRecord]] = [Topic.approved: [], Topic.rejected: [], Topic.executions: []]
  private var generator: SeededGenerator
  private var statuses: [String: OrderStatus] = [:]
  private var filled: [String: Quantity] = [:]
  private var trades = 0
  private var epoch: Int64 = 0

  init(seed: UInt64, count: Int) {
    generator = SeededGenerator(seed: seed)
    for topic in [Topic.approved, Topic.rejected, Topic.executions] { records[topic]?.append(Sample.marker(topic)) }
    for step in 0..<count { self.step(step) }
  }

  private mutating func step(_ number: Int) {
    let live = statuses.keys.sorted().filter { statuses[$0]?.isTerminal == false }
    switch Int.random(in: 0..<13, using: &generator) {
    case 0...2: decide("o\(number)")
    case 3: append(Topic.rejected, Sample.rejection("r\(number)").encoded())
    case 4: if let id = statuses.keys.sorted().randomElement(using: &generator) { repeatUse(of: id) }
    case 5: takeOver()
    case 6: staleOwner()
    case 7: junk()
    case 8: repeatFill()
    case 9: stranger()
    default: if let id = live.randomElement(using: &generator) { progress(id) }
    }
  }

  private mutating func decide(_ id: String) {
    append(Topic.approved, Sample.approval(id).encoded())
    statuses[id] = .received
    filled[id] = .zero
  }

  /// The id again: flagged with the same content, refused with another. Neither touches the order.
  private mutating func repeatUse(of id: String) {
    if Bool.random(using: &generator) {
      append(Topic.approved, Sample.approval(id, isDuplicate: true).encoded())
    } else {
      append(Topic.rejected, Sample.rejection(id, code: .duplicateIdentifier).encoded())
    }
  }

  private mutating func progress(_ id: String) {
    let next: OrderStatus =
      [.submitting, .open, .partiallyFilled, .unknown, .cancelled, .expired].randomElement(using: &generator) ?? .open
    statuses[id] = next
    guard next == .partiallyFilled else {
      execute(Sample.event(id, next, filled: (filled[id] ?? .zero).text()))
      return
    }
    trades += 1
    filled[id] = (filled[id] ?? .zero) + Sample.decimal("0.1")
    execute(Sample.event(id, next, filled: (filled[id] ?? .zero).text(), trade: String(trades)))
  }

  /// The venue's stream says the same trade twice.
  private mutating func repeatFill() {
    let last = records[Topic.executions]?.last { Self.event($0)?.fill != nil && $0.epoch == epoch }
    guard let last, let event = Self.event(last), statuses[event.clientOrderID.text] == event.status,
      filled[event.clientOrderID.text] == event.cumulativeQuantity
    else { return }
    execute(event)
  }

  private mutating func takeOver() {
    let offset = Int64(records[Topic.executions]?.count ?? 0)
    append(Topic.executions, EpochMarker(epoch: -1, owner: "ordermanager/b").encoded(), epoch: nil)
    epoch = offset
  }

  private mutating func staleOwner() {
    guard epoch > 0, let id = statuses.keys.sorted().first else { return }
    append(Topic.executions, ExecutionRecord.order(Sample.event(id, .rejected)).encoded(), epoch: epoch - 1)
  }

  /// Legible records that no owner has written, and markers that cannot be.
  private mutating func stranger() {
    let epoch: Int64? = Bool.random(using: &generator) ? nil : 1 << 40
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: append(Topic.approved, Sample.approval("stranger").encoded(), epoch: epoch)
    case 1: append(Topic.rejected, Sample.rejection("stranger").encoded(), epoch: epoch)
    case 2:
      guard let id = statuses.keys.sorted().first else { return }
      append(Topic.executions, ExecutionRecord.order(Sample.event(id, .rejected)).encoded(), epoch: epoch)
    default:
      for topic in records.keys.sorted() {
        append(topic, EpochMarker(epoch: 1 << 40, owner: "ordermanager/stranger").encoded(), epoch: nil)
      }
    }
  }

  private mutating func junk() {
    let topic = [Topic.approved, Topic.rejected, Topic.executions].randomElement(using: &generator) ?? Topic.executions
    append(topic, Bool.random(using: &generator) ? nil : Array("{\"type\":\"order\"".utf8), epoch: nil)
  }

  private mutating func execute(_ event: OrderEvent) {
    append(Topic.executions, ExecutionRecord.order(event).encoded(), epoch: epoch)
  }

  private mutating func append(_ topic: String, _ value: [UInt8]?, epoch: Int64? = 0) {
    let offset = Int64(records[topic]?.count ?? 0)
    records[topic]?.append(Sample.record(topic, offset, value, epoch: epoch))
  }

  private static func event(_ record: LogRecord) -> OrderEvent? {
    guard let value = record.value, case .order(let event)? = try? ExecutionRecord(value) else { return nil }
    return event
  }

  /// `order status filled-quantity`, sorted: what `orders` must hold.
  var expectedOrders: [String] {
    let rejected = (records[Topic.rejected] ?? []).filter { $0.epoch == 0 }.compactMap {
      $0.value.flatMap { try? Rejection($0) }
    }
    let refusedOnly = rejected.map(\.clientOrderID.text).filter { statuses[$0] == nil }
    let refusedLines = Set(refusedOnly).map { "\($0) rejected 0" }
    return (statuses.map { "\($0.key) \($0.value.rawValue) \((filled[$0.key] ?? .zero).text())" } + refusedLines).sorted()
  }

  /// What `fills` must hold.
  var expectedTrades: [String] { (0..<trades).map { String($0 + 1) }.sorted() }

  /// Records that can be read and whose writer owned the partition.
  var expectedEventCount: Int {
    var count = 0
    for (topic, list) in records {
      var input = InputState(topic: topic, partition: 0)
      for record in list { if case .change = input.apply(record) { count += 1 } }
    }
    return count
  }
}
