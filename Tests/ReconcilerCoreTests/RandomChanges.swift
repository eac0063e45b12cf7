import Domain
import ReconcilerCore
import Wire

/// Records of the three input topics about orders that come and go, in any sequence whatever: approvals after fills, plans of repeated requests,
/// refusals of orders that trade, words that are missing. No engine writes that; the tables must not care.
struct RandomChanges {
  private(set) var records: [LogRecord] = []
  private var generator: SeededGenerator
  private var offsets: [String: Int64] = [:]

  init(seed: UInt64, count: Int) {
    generator = SeededGenerator(seed: seed)
    for topic in [Topic.approved, Topic.rejected, Topic.executions] { records.append(Sample.marker(topic)) }
    for _ in 0..<count { append() }
  }

  private mutating func append() {
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: append(Topic.approved, approval().encoded())
    case 1: append(Topic.rejected, rejection().encoded())
    case 2...3: append(Topic.executions, ExecutionRecord.plan(plan()).encoded())
    default: append(Topic.executions, ExecutionRecord.order(event()).encoded())
    }
  }

  private mutating func append(_ topic: String, _ value: [UInt8]) {
    offsets[topic, default: 0] += 1
    records.append(Sample.record(topic, offsets[topic, default: 0], value))
  }

  /// One of three, new ones all the time: most can go wrong with an order's first records.
  private mutating func id() -> String { "o\(records.count / 8 + Int.random(in: 0..<3, using: &generator))" }

  /// Often nothing.
  private mutating func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &generator) ? value : nil }

  private mutating func number<Value: FixedPoint>() -> Value { Sample.decimal("\(Int.random(in: 1...9, using: &generator)).5") }

  private mutating func time() -> Timestamp {
    Sample.start + Int64.random(in: 0..<1_000, using: &generator) * Interval.millisecond
  }

  private mutating func approval() -> Approval {
    let action: OrderAction = Int.random(in: 0..<5, using: &generator) == 0 ? .cancel : .new
    var approval = Sample.approval(
      id(), action: action, isDuplicate: Int.random(in: 0..<4, using: &generator) == 0)
    approval.limitPrice = maybe(number())
    approval.decidedAt = time()
    return approval
  }

  private mutating func rejection() -> Rejection {
    var rejection = Sample.rejection(id(), code: .duplicateIdentifier, reason: "\(time())")
    rejection.decidedAt = time()
    return rejection
  }

  private mutating func plan() -> Plan {
    let children = (0..<Int.random(in: 0...2, using: &generator)).map { number in
      Plan.Child(
        number: number, venue: .binance, venueClientID: "c\(number)-\(Int.random(in: 0..<3, using: &generator))",
        quantity: self.number(), price: self.number())
    }
    return Plan(
      approval: approval(), children: children, approvalOffset: maybe(Int64.random(in: 0..<100, using: &generator)), time: time())
  }

  private mutating func event() -> OrderEvent {
    let id = id()
    let trade = Int.random(in: 0..<6, using: &generator)
    let quantity: Quantity = number()
    var event = Sample.event(
      id, [.submitting, .open, .partiallyFilled, .unknown, .cancelled].randomElement(using: &generator) ?? .open,
      filled: quantity.text(), trade: trade < 3 ? "t\(trade)" : nil)
    event.child = Int.random(in: 0...1, using: &generator)
    event.part = maybe(
      ChildState(
        status: .open, quantity: number(), cumulativeQuantity: number(), cumulativeQuote: number()))
    event.quantity = number()
    event.limitPrice = maybe(number())
    event.venueClientID = maybe("c-\(trade)")
    event.venueOrderID = maybe("v-\(trade)")
    event.strategy = maybe("s-\(trade)")
    event.reason = maybe("because of \(trade)")
    event.time = time()
    return event
  }
}
