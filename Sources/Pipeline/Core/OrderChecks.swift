import Domain
import SimulatorCore
import Wire

/// Orders and their children: what was planned, what venues did about it, and what the log says became of it.
extension Checker {
  /// Nothing is carried out that RiskGate has not approved, and never more of it, whatever happens to the children.
  mutating func checkPlans(_ story: Story) {
    let approved = Dictionary(story.approvals.map { ($0.approval.clientOrderID, $0.approval) }) { first, _ in first }
    for id in story.replanned { report("\(id) was planned twice") }
    for (id, (_, plan)) in story.plans.sorted(by: { $0.key < $1.key }) {
      guard let approval = approved[id] else {
        report("\(id) is carried out and was never approved")
        continue
      }
      let planned = plan.children.reduce(Quantity.zero) { $0 + $1.quantity }
      if planned > plan.quantity || plan.quantity > approval.quantity ?? .zero {
        report("\(id) was approved for \(approval.quantity ?? .zero) and planned as \(plan.quantity) in \(planned)")
      }
    }
  }

  /// What reaches a venue is a child of a plan, and reaches it once: together never more than the order.
  mutating func checkSending(_ story: Story) {
    var sent: [ClientOrderID: Quantity] = [:]
    for venue in world.venues {
      var taken: [String: Int] = [:]
      for acceptance in venue.accepted where acceptance.account == story.account {
        let name = "\(acceptance.clientID) at \(venue.name)"
        let child = story.children[.init(venue: venue.name, clientID: acceptance.clientID)]
        taken[acceptance.clientID, default: 0] += 1
        if taken[acceptance.clientID] == 2 { report("\(child?.order.text ?? acceptance.clientID) reached \(venue.name) twice") }
        if let child {
          sent[child.order, default: .zero] += acceptance.quantity
          if acceptance.quantity != child.plan.quantity {
            report("\(name) is of \(acceptance.quantity), planned \(child.plan.quantity)")
          }
        } else {
          report("\(name) is no plan's child")
        }
        // A request is refused when it is older than its window; the clocks may be apart by what they were measured to be.
        let slack = SimulatedVenue.receiveWindow + Interval.second
        if acceptance.at - acceptance.lease > slack { report("\(name) was sent by a process whose lease had run out") }
      }
    }
    for (_, approval) in story.orders {
      let quantity = approval.quantity ?? .zero
      if let all = sent[approval.clientOrderID], all > quantity {
        report("\(all) of \(approval.clientOrderID) reached the venues; it was approved for \(quantity)")
      }
    }
  }

  // MARK: Ends

  mutating func checkEnds(_ story: Story) {
    let alerts = world.broker.records(Place(Topic.alerts, 0)).compactMap { $0.value.flatMap { try? Alert($0) } }
    for (_, approval) in story.orders {
      let id = approval.clientOrderID
      let events = story.events.filter { $0.event.clientOrderID == id }
      guard let last = events.last?.event else {
        report("\(id) was approved and nothing more is known")
        continue
      }
      guard last.status.isTerminal else {
        let isAlerted = alerts.contains { $0.clientOrderID == id && $0.severity == .critical }
        if last.status != .unknown || !isAlerted { report("\(id) is \(last.status) for ever") }
        continue
      }
      // A child that was declared absent and was found alive has been told of.
      let wasAlive = alerts.contains { $0.clientOrderID == id && $0.code == "order_alive" }
      checkFamily(id, events, last, story, mayOutlive: wasAlive)
    }
  }

  /// The order's executions are exactly its children's, at the venues and in the log, and none of them lives on.
  private mutating func checkFamily(
    _ id: ClientOrderID, _ events: [(record: LoggedRecord, event: OrderEvent)], _ last: OrderEvent, _ story: Story,
    mayOutlive: Bool
  ) {
    let end = events.reversed().prefix { $0.event.status.isTerminal }.last?.record.source.timestamp ?? world.now
    var truth = Quantity.zero
    for child in story.plans[id]?.plan.children ?? [] {
      let venue = world.venue(child.venue)
      let ids = venue.accepted.filter { $0.clientID == child.venueClientID }.map(\.orderID)
      let orders = venue.orders(of: story.account).filter { ids.contains($0.id) }
      let executed = orders.reduce(Quantity.zero) { $0 + $1.executed }
      truth += executed
      let name = "child \(child.number) of \(id)"
      if orders.contains(where: { $0.status.isOpen }) {
        report("\(id) has ended \(last.status) and \(name) is alive at \(venue.name)")
      }
      if !mayOutlive, orders.contains(where: { venue.instant($0.updated) > end }) { report("\(name) outlived it") }
      let said = events.last { $0.event.child == child.number }?.event.childState
      if said?.cumulativeQuantity ?? .zero != executed || !(said?.status.isTerminal ?? false) {
        let words = said.map { "\($0.status) \($0.cumulativeQuantity)" } ?? "nothing"
        report("the log says \(words) of \(name), of which \(venue.name) has filled \(executed)")
      }
    }
    if last.cumulativeQuantity != truth {
      report("\(id) ended \(last.status) with \(last.cumulativeQuantity) filled; the venues say \(truth)")
    }
    if (last.status == .filled) != (truth >= last.quantity) {
      report("\(id) of \(last.quantity) ended \(last.status) with \(truth)")
    }
    let told = events.compactMap { entry in entry.event.fill.map { "\(entry.event.venue)/\($0.tradeID)" } }.sorted()
    let traded = story.trades.filter { $0.child?.order == id }.map(\.id).sorted()
    if told != traded { report("\(id) has the fills \(told) in the log; at the venues \(traded)") }
  }
}
