import Domain
import SimulatorCore
import Wire

/// What must hold after a run, whatever went wrong: looked up in the log, at the venue and in the stores, by reading them naively.
struct Checker {
  private let world: World
  private var problems: [String] = []

  static func check(_ world: World) -> [String] {
    var checker = Checker(world: world)
    checker.problems = world.history.violations
    let stories = world.accounts.map { ($0, checker.read($0)) }
    checker.checkDecisions()
    for (account, story) in stories { checker.check(account, story) }
    return checker.problems
  }

  private init(world: World) { self.world = world }

  /// What counts of the log, of one account.
  private struct Story {
    var approvals: [(record: LoggedRecord, approval: Approval)] = []
    var events: [(record: LoggedRecord, event: OrderEvent)] = []
    var plans: [Plan] = []
    var obeyed: [(record: LoggedRecord, control: ControlAcknowledgement)] = []
  }

  private mutating func check(_ account: Account, _ story: Story) {
    checkApprovals(story)
    checkPlans(story)
    checkVenue(account, story)
    checkEnds(account, story)
    checkHalts(account, story)
    checkCancels(story)
    checkBooks(story)
    checkLimits(account, story)
    checkStores(account, story)
  }

  // MARK: Reading

  /// Records of a former owner behind a newer one's marker do not count, nor what carries no epoch that has begun.
  private func counted(_ topic: String, _ partition: Int32) -> [LoggedRecord] {
    var epoch: Int64 = -1
    return world.broker.records(Place(topic, partition)).filter { record in
      guard let value = record.value, let reader = try? RecordReader(value) else { return false }
      if let marker = EpochMarker(reader) {
        let named = marker.epoch < 0 ? record.offset : marker.epoch
        if named < World.unreachable { epoch = max(epoch, named) }
        return false
      }
      return record.epoch.map { (epoch..<World.unreachable).contains($0) } ?? false
    }
  }

  private func read(_ account: Account) -> Story {
    let partition = World.partition(of: account)
    var story = Story()
    for record in counted(Topic.approved, partition) {
      guard let approval = record.value.flatMap({ try? Approval($0) }), approval.request.account == account else { continue }
      story.approvals.append((record, approval))
    }
    for record in counted(Topic.executions, partition) {
      guard let execution = record.value.flatMap({ try? ExecutionRecord($0) }), execution.account == account else { continue }
      switch execution {
      case .order(let event): story.events.append((record, event))
      case .plan(let plan): story.plans.append(plan)
      case .controlAcknowledged(let control): story.obeyed.append((record, control))
      default: continue
      }
    }
    return story
  }

  // MARK: Decisions

  /// Where a client put a record.
  private struct Submission: Hashable {
    let partition: Int32
    let offset: Int64

    init(_ source: RecordSource) { (partition, offset) = (source.partition, source.offset) }
  }

  /// Every submission is decided once. One on a wrong partition is moved, twice when a process ends in between: each copy is answered, all
  /// but one as a repetition.
  private mutating func checkDecisions() {
    var answers: [Submission: Int] = [:]
    var decisions: [Submission: Int] = [:]
    func note(_ source: RecordSource, isDuplicate: Bool) {
      // RiskGate's own cancels, when an account is restricted, answer no order.
      guard source.topic == Topic.orders else { return }
      answers[Submission(source), default: 0] += 1
      if !isDuplicate { decisions[Submission(source), default: 0] += 1 }
    }
    for partition in 0..<World.partitionCount {
      for record in counted(Topic.approved, partition) {
        if let approval = record.value.flatMap({ try? Approval($0) }) { note(approval.source, isDuplicate: approval.isDuplicate) }
      }
      for record in counted(Topic.rejected, partition) {
        if let refusal = record.value.flatMap({ try? Rejection($0) }) { note(refusal.source, isDuplicate: refusal.isDuplicate) }
      }
    }
    let orders = (0..<World.partitionCount).flatMap { world.broker.records(Place(Topic.orders, $0)) }
    let copies = Dictionary(grouping: orders.compactMap(\.headers.origin), by: Submission.init).mapValues(\.count)
    for record in orders where record.headers.origin == nil {
      let submission = Submission(record.source)
      let expected = record.key == nil ? copies[submission] ?? 0 : 1
      if answers[submission] ?? 0 != max(1, expected) || decisions[submission] ?? 0 > 1 {
        problems.append(
          "orders[\(submission.partition)]@\(submission.offset) lay there \(expected) times, was answered "
            + "\(answers[submission] ?? 0) times and decided \(decisions[submission] ?? 0) times")
      }
    }
  }

  private mutating func checkApprovals(_ story: Story) {
    var approved: [ClientOrderID: Int] = [:]
    for (_, approval) in story.approvals where !approval.isDuplicate && approval.request.action.isOrder {
      approved[approval.clientOrderID, default: 0] += 1
      if approved[approval.clientOrderID] == 2 { problems.append("\(approval.clientOrderID) was approved twice") }
    }
  }

  /// Without a valid book that is young enough, only limit orders that reduce pass.
  private mutating func checkBooks(_ story: Story) {
    for (_, approval) in story.approvals where !approval.isDuplicate && approval.request.action == .new {
      let oldest = approval.decidedAt + -2 * Interval.second
      let isQuoted = world.history.quotes.contains {
        $0.isValid && $0.at >= oldest && $0.at <= approval.decidedAt + Interval.second
      }
      guard !isQuoted, let position = approval.figures.position, let quantity = approval.quantity else { continue }
      let reduces = approval.request.side == .sell ? position >= quantity : Quantity(units: -position.units) >= quantity
      if approval.request.type != .limit || !reduces {
        problems.append("\(approval.clientOrderID) was approved at \(approval.decidedAt) without a book")
      }
    }
  }

  /// Nothing is carried out that RiskGate has not approved.
  private mutating func checkPlans(_ story: Story) {
    let approved = Set(story.approvals.map(\.approval.clientOrderID))
    for plan in story.plans where !approved.contains(plan.approval.clientOrderID) {
      problems.append("\(plan.approval.clientOrderID) is carried out and was never approved")
    }
  }

  // MARK: The venue

  private mutating func checkVenue(_ account: Account, _ story: Story) {
    var planned: [String: ClientOrderID] = [:]
    for plan in story.plans { for child in plan.children { planned[child.venueClientID] = plan.approval.clientOrderID } }
    for (_, event) in story.events { if let id = event.venueClientID { planned[id] = event.clientOrderID } }
    var taken: [String: Int] = [:]
    for acceptance in world.venue.accepted where acceptance.account == account {
      taken[acceptance.clientID, default: 0] += 1
      if taken[acceptance.clientID] == 2 {
        problems.append("\(planned[acceptance.clientID]?.text ?? acceptance.clientID) reached the venue twice")
      }
      if planned[acceptance.clientID] == nil { problems.append("\(acceptance.clientID) reached the venue and is in no log") }
      // A request is refused when it is older than its window; the clocks may be apart by what they were measured to be.
      let slack = SimulatedVenue.receiveWindow + Interval.second
      if acceptance.at - acceptance.lease > slack {
        problems.append("\(acceptance.clientID) was sent by a process whose lease had run out")
      }
    }
  }

  // MARK: Halts

  /// Nothing is approved under a halt, and nothing is sent between its acknowledgement and the next word of an operator.
  private mutating func checkHalts(_ account: Account, _ story: Story) {
    let controls = world.history.controls[account] ?? []
    for control in controls where control.state == .halted {
      for (_, approval) in story.approvals
      where approval.controlVersion == control.version && !approval.isDuplicate && approval.request.action.isOrder {
        problems.append("\(approval.clientOrderID) was approved while the account was halted")
      }
      guard let obeyed = story.obeyed.first(where: { $0.control.version == control.version })?.record.source.timestamp else {
        continue
      }
      let end = controls.first { $0.version > control.version }?.time ?? world.now
      for acceptance in world.venue.accepted
      where acceptance.account == account && acceptance.sentAt > obeyed && acceptance.sentAt < end {
        problems.append("\(acceptance.clientID) was sent while the account was halted")
      }
    }
  }

  // MARK: Cancels

  /// Whoever cancels everything gets it, whatever dies in the middle: what was approved before has ended long before the last sweep.
  private mutating func checkCancels(_ story: Story) {
    let sweep = World.start + Clients.sweep
    // The answer to a record that was moved twice cancels nothing.
    let cancels = story.approvals.filter {
      $0.approval.request.action == .cancelAll && !$0.approval.isDuplicate && $0.record.source.timestamp < sweep
    }
    guard let last = cancels.last else { return }
    for (record, approval) in story.approvals
    where record.offset < last.record.offset && !approval.isDuplicate && approval.request.action.isOrder {
      let events = story.events.filter { $0.event.clientOrderID == approval.clientOrderID && $0.record.source.timestamp < sweep }
      guard let status = events.last?.event.status, !status.isTerminal, status != .unknown else { continue }
      problems.append("\(approval.clientOrderID) was \(status) long after everything was cancelled")
    }
  }

  // MARK: Ends

  private mutating func checkEnds(_ account: Account, _ story: Story) {
    let alerts = world.broker.records(Place(Topic.alerts, 0)).compactMap { $0.value.flatMap { try? Alert($0) } }
    for (_, approval) in story.approvals where !approval.isDuplicate && approval.request.action.isOrder {
      let id = approval.clientOrderID
      let events = story.events.map(\.event).filter { $0.clientOrderID == id }
      guard let last = events.last else {
        problems.append("\(id) was approved and nothing more is known")
        continue
      }
      guard last.status.isTerminal else {
        let isAlerted = alerts.contains { $0.clientOrderID == id && $0.severity == .critical }
        if last.status != .unknown || !isAlerted { problems.append("\(id) is \(last.status) for ever") }
        continue
      }
      check(id, events, last, account)
    }
  }

  private mutating func check(_ id: ClientOrderID, _ events: [OrderEvent], _ last: OrderEvent, _ account: Account) {
    let ids = world.venue.accepted.filter { $0.clientID == last.venueClientID }.map(\.orderID)
    let orders = world.venue.orders(of: account).filter { ids.contains($0.id) }
    let truth = orders.reduce(Quantity.zero) { $0 + $1.executed }
    if orders.contains(where: { $0.status.isOpen }) {
      problems.append("\(id) has ended \(last.status) and is alive at the venue")
    }
    if last.cumulativeQuantity != truth {
      problems.append("\(id) ended \(last.status) with \(last.cumulativeQuantity) filled; the venue says \(truth)")
    }
    let trades = events.compactMap(\.fill?.tradeID).sorted()
    let venues = world.venue.fills(of: account).filter { ids.contains($0.orderID) }.map { String($0.tradeID) }.sorted()
    if trades != venues { problems.append("\(id) has the fills \(trades) in the log; at the venue \(venues)") }
  }

  // MARK: Limits

  /// At every approval: what would be held if every order on its side that had not ended, and this one, filled.
  private mutating func checkLimits(_ account: Account, _ story: Story) {
    guard let limits = world.history.limits[account], let limit = limits.maximumPosition(of: "BTC") else { return }
    let fills = world.venue.fills(of: account)
    var ends: [ClientOrderID: Timestamp] = [:]
    for (record, event) in story.events {
      ends[event.clientOrderID] = event.status.isTerminal ? ends[event.clientOrderID] ?? record.source.timestamp : nil
    }
    var before: [(approval: Approval, side: Side, quantity: Quantity)] = []
    var times: [Timestamp] = []
    func filled(_ id: ClientOrderID, at time: Timestamp) -> Quantity {
      let clientIDs = story.plans.filter { $0.approval.clientOrderID == id }.flatMap(\.children).map(\.venueClientID)
      return fills.filter { clientIDs.contains($0.clientOrderID) && $0.time <= world.venue.clock(time) }
        .reduce(.zero) { $0 + $1.quantity }
    }
    // A fee that is taken in coins makes the position smaller.
    func fees(at time: Timestamp) -> Quantity {
      fills.filter { $0.side == .buy && $0.time <= world.venue.clock(time) }
        .reduce(.zero) { $0 + (Quantity($1.fee, .up) ?? .zero) }
    }
    // A replacement's quantity is the new total: what its target has filled is a part of it.
    func most(_ approval: Approval, _ quantity: Quantity, at time: Timestamp) -> Quantity {
      guard approval.request.action == .replace, let target = approval.request.target else { return quantity }
      return max(.zero, quantity - filled(target, at: time))
    }
    for (record, approval) in story.approvals where !approval.isDuplicate && approval.request.action.isOrder {
      let target = before.first { $0.approval.clientOrderID == approval.request.target }
      guard let side = approval.request.side ?? target?.side, let quantity = approval.quantity else { continue }
      let time = record.sentAt
      var held = most(approval, quantity, at: time) - Quantity(units: fees(at: time).units * side.sign)
      for order in before {
        let id = order.approval.clientOrderID
        let done = filled(id, at: time)
        let isOver = ends[id].map { $0 <= time } ?? false
        let may = isOver ? done : max(done, most(order.approval, order.quantity, at: time))
        if order.side == side { held += may } else { held -= done }
      }
      if held > limit {
        problems.append("\(approval.clientOrderID) was approved although \(held) could be held then; the limit is \(limit)")
      }
      before.append((approval, side, quantity))
      times.append(approval.decidedAt)
      let recent = times.filter { approval.decidedAt - $0 < Interval.second }
      if recent.count > limits.maximumOrdersPerSecond {
        problems.append("\(approval.clientOrderID) is number \(recent.count) within a second")
      }
    }
  }

  // MARK: Stores

  private mutating func checkStores(_ account: Account, _ story: Story) {
    let truth = world.venue.fills(of: account)
    let position = truth.reduce(Quantity.zero) { $1.side == .buy ? $0 + $1.quantity : $0 - $1.quantity }
    checkPosition(account, truth)
    let rows = world.database.fills.filter { $0.key.account == account }
    let stored = rows.values.reduce(Quantity.zero) { $1.side == .buy ? $0 + $1.quantity : $0 - $1.quantity }
    if rows.count != truth.count || stored != position {
      problems.append("PostgreSQL has \(rows.count) fills of \(stored) for \(account); the venue \(truth.count) of \(position)")
    }
    for (_, approval) in story.approvals where !approval.isDuplicate && approval.request.action.isOrder {
      let row = world.database.orders[.init(account: account, id: approval.clientOrderID)]
      let last = story.events.last { $0.event.clientOrderID == approval.clientOrderID }?.event
      if row?.status != last?.status || row?.filled != last?.cumulativeQuantity {
        let has = row.map { "\($0.status) \($0.filled)" } ?? "nothing"
        problems.append("PostgreSQL has \(has) of \(approval.clientOrderID); the log \(last.map { "\($0.status)" } ?? "nothing")")
      }
    }
    let open = world.redis.keys.filter { $0.hasPrefix("open:\(account):") }.sorted()
    if !open.isEmpty,
      story.events.last(where: { "open:\(account):\($0.event.clientOrderID)" == open[0] })?.event.status.isTerminal == true
    {
      problems.append("Redis shows \(open) as open")
    }
  }

  /// RiskGate's position, as Redis shows it: fills, less the fees that were taken in coins.
  private mutating func checkPosition(_ account: Account, _ truth: [SimulatorCore.VenueFill]) {
    var units: Int128 = 0
    for fill in truth {
      units += Int128(fill.quantity.units * fill.side.sign)
      if fill.side == .buy { units -= Int128((Quantity(fill.fee, .up) ?? .zero).units) }
    }
    let key = "position:\(account):\(World.symbol)"
    let reader = world.redis[key].flatMap { try? RecordReader($0) }
    let shown: Quantity = reader.flatMap { try? $0.decimal("quantity") } ?? .zero
    if Int128(shown.units) != units {
      problems.append("RiskGate counts \(shown) for \(account); the venue \(Quantity(units: Int64(clamping: units)))")
    }
  }
}

extension OrderAction {
  /// It asks for an order at the venue.
  var isOrder: Bool { self == .new || self == .replace }
}
