import Domain
import Wire

/// What must hold after a run, whatever went wrong: looked up in the log, at the venues and in the stores, by reading them naively.
struct Checker {
  let world: World
  private(set) var problems: [String] = []

  static func check(_ world: World) -> [String] {
    var checker = Checker(world: world)
    checker.problems = world.history.violations
    checker.checkDecisions()
    for partition in 0..<World.partitionCount {
      for story in checker.read(partition) { checker.check(story) }
    }
    return checker.problems
  }

  private init(world: World) { self.world = world }

  private mutating func check(_ story: Story) {
    checkApprovals(story)
    checkPlans(story)
    checkSending(story)
    checkEnds(story)
    checkHalts(story)
    checkCancels(story)
    checkBooks(story)
    checkLimits(story)
    checkStores(story)
  }

  mutating func report(_ problem: String) { problems.append(problem) }

  // MARK: Reading

  /// Records of a former owner behind a newer one's marker do not count, nor what carries no epoch that has begun.
  private func counted(_ topic: String, _ partition: Int32) -> [(record: LoggedRecord, reader: RecordReader)] {
    var epoch: Int64 = -1
    return world.broker.records(Place(topic, partition)).compactMap { record in
      guard let value = record.value, let reader = try? RecordReader(value) else { return nil }
      if let marker = EpochMarker(reader) {
        let named = marker.epoch < 0 ? record.offset : marker.epoch
        if named < World.unreachable { epoch = max(epoch, named) }
        return nil
      }
      return record.epoch.map { (epoch..<World.unreachable).contains($0) } ?? false ? (record, reader) : nil
    }
  }

  /// The stories of a partition's accounts.
  private func read(_ partition: Int32) -> [Story] {
    let accounts = world.accounts(of: partition)
    var stories = accounts.map { Story(of: $0, at: world.venues) }
    for (record, reader) in counted(Topic.approved, partition) {
      guard let approval = try? Approval(reader), let index = accounts.firstIndex(of: approval.request.account) else { continue }
      stories[index].approvals.append((record, approval))
    }
    for (record, reader) in counted(Topic.executions, partition) {
      guard let execution = try? ExecutionRecord(reader), let index = accounts.firstIndex(where: { $0 == execution.account })
      else { continue }
      switch execution {
      case .order(let event): stories[index].events.append((record, event))
      case .plan(let plan): stories[index].add(plan, record)
      case .controlAcknowledged(let control): stories[index].obeyed.append((record, control))
      default: continue
      }
    }
    for index in stories.indices {
      readLatePlans(into: &stories[index], partition)
      stories[index].findOwners()
    }
    return stories
  }

  /// A plan that an owner wrote too late for it to count, and that its successor found in time and carried out.
  private func readLatePlans(into story: inout Story, _ partition: Int32) {
    let carriedOut = Set(story.events.filter { $0.event.venueClientID != nil }.map(\.event.clientOrderID))
    let unplanned = carriedOut.filter { story.plans[$0] == nil }
    guard !unplanned.isEmpty else { return }
    let records = world.broker.records(Place(Topic.executions, partition)).filter { $0.epoch.map { $0 >= 0 } ?? false }
    for record in records.sorted(by: { ($1.epoch ?? 0, $0.offset) < ($0.epoch ?? 0, $1.offset) }) {
      guard case .plan(let plan)? = record.value.flatMap({ try? ExecutionRecord($0) }),
        plan.approval.request.account == story.account, unplanned.contains(plan.approval.clientOrderID),
        story.plans[plan.approval.clientOrderID] == nil
      else { continue }
      story.add(plan, record)
    }
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
      for (_, reader) in counted(Topic.approved, partition) {
        if let approval = try? Approval(reader) { note(approval.source, isDuplicate: approval.isDuplicate) }
      }
      for (_, reader) in counted(Topic.rejected, partition) {
        if let refusal = try? Rejection(reader) { note(refusal.source, isDuplicate: refusal.isDuplicate) }
      }
    }
    let orders = (0..<World.partitionCount).flatMap { world.broker.records(Place(Topic.orders, $0)) }
    let copies = Dictionary(grouping: orders.compactMap(\.headers.origin), by: Submission.init).mapValues(\.count)
    for record in orders where record.headers.origin == nil {
      let submission = Submission(record.source)
      let expected = record.key == nil ? copies[submission] ?? 0 : 1
      if answers[submission] ?? 0 != max(1, expected) || decisions[submission] ?? 0 > 1 {
        report(
          "orders[\(submission.partition)]@\(submission.offset) lay there \(expected) times, was answered "
            + "\(answers[submission] ?? 0) times and decided \(decisions[submission] ?? 0) times")
      }
    }
  }

  private mutating func checkApprovals(_ story: Story) {
    var approved: [ClientOrderID: Int] = [:]
    for (_, approval) in story.orders {
      approved[approval.clientOrderID, default: 0] += 1
      if approved[approval.clientOrderID] == 2 { report("\(approval.clientOrderID) was approved twice") }
    }
  }

  /// Without a valid book that is young enough, of a venue that the order may go to, only limit orders that reduce pass.
  private mutating func checkBooks(_ story: Story) {
    for (_, approval) in story.approvals where !approval.isDuplicate && approval.request.action == .new {
      let oldest = approval.decidedAt + -2 * Interval.second
      let venue = approval.request.venue
      let isQuoted = world.history.quotes.contains {
        $0.isValid && (venue == .best || venue == $0.venue) && $0.at >= oldest && $0.at <= approval.decidedAt + Interval.second
      }
      guard !isQuoted, let position = approval.figures.position, let quantity = approval.quantity else { continue }
      let reduces = approval.request.side == .sell ? position >= quantity : Quantity(units: -position.units) >= quantity
      if approval.request.type != .limit || !reduces {
        report("\(approval.clientOrderID) was approved at \(approval.decidedAt) without a book")
      }
    }
  }

  // MARK: Halts

  /// Nothing is approved under a halt, and nothing is sent between its acknowledgement and the next word of an operator.
  private mutating func checkHalts(_ story: Story) {
    let controls = world.history.controls[story.account] ?? []
    for control in controls where control.state == .halted {
      for (_, approval) in story.orders where approval.controlVersion == control.version {
        report("\(approval.clientOrderID) was approved while the account was halted")
      }
      guard let obeyed = story.obeyed.first(where: { $0.control.version == control.version })?.record.source.timestamp else {
        continue
      }
      let end = controls.first { $0.version > control.version }?.time ?? world.now
      for acceptance in world.venues.flatMap(\.accepted)
      where acceptance.account == story.account && acceptance.sentAt > obeyed && acceptance.sentAt < end {
        report("\(acceptance.clientID) was sent while the account was halted")
      }
    }
  }

  // MARK: Cancels

  /// Whoever cancels an order, or everything, gets it, child by child and whatever dies in the middle: what was approved before has ended
  /// long before the last sweep.
  private mutating func checkCancels(_ story: Story) {
    let sweep = World.start + Clients.sweep
    // The answer to a record that was moved twice cancels nothing.
    let cancels = story.approvals.filter { !$0.approval.isDuplicate && $0.record.source.timestamp < sweep }
    for (record, approval) in story.orders {
      let isCancelled = cancels.contains { cancel in
        guard cancel.record.offset > record.offset else { return false }
        let request = cancel.approval.request
        return request.action == .cancelAll || (request.action == .cancel && request.target == approval.clientOrderID)
      }
      guard isCancelled else { continue }
      let events = story.events.filter { $0.event.clientOrderID == approval.clientOrderID && $0.record.source.timestamp < sweep }
      guard let status = events.last?.event.status, !status.isTerminal, status != .unknown else { continue }
      report("\(approval.clientOrderID) was \(status) long after it was cancelled")
    }
  }
}
