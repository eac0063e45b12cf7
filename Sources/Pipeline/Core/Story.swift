import Domain
import SimulatorCore
import Wire

/// One account's part of a run: what counts of the log, and what its venues did.
struct Story {
  let account: Account
  var approvals: [(record: LoggedRecord, approval: Approval)] = []
  var events: [(record: LoggedRecord, event: OrderEvent)] = []
  var obeyed: [(record: LoggedRecord, control: ControlAcknowledgement)] = []
  /// The plan of each order: the first that counts.
  private(set) var plans: [ClientOrderID: (record: LoggedRecord, plan: Plan)] = [:]
  /// Orders that were planned more than once.
  private(set) var replanned: [ClientOrderID] = []
  private(set) var children: [ChildName: Child] = [:]
  /// What the venues traded for the account.
  private(set) var trades: [Trade] = []

  /// What a child is called at its venue.
  struct ChildName: Hashable {
    let venue: Venue
    let clientID: String
  }

  struct Child {
    let order: ClientOrderID
    let plan: Plan.Child
  }

  struct Trade {
    let name: ChildName
    /// What it was a trade of; nil for nothing that was planned.
    var child: Child?
    let fill: SimulatorCore.VenueFill
    /// By the true clock.
    let at: Timestamp
    /// Names it among all venues.
    let id: String
  }

  init(of account: Account, at venues: [SimulatedVenue]) {
    self.account = account
    for venue in venues {
      trades += venue.fills(of: account).map { fill in
        Trade(
          name: ChildName(venue: venue.name, clientID: fill.clientOrderID), fill: fill, at: venue.instant(fill.time),
          id: "\(venue.name)/\(venue.tradeID(fill.tradeID))")
      }
    }
  }

  /// Orders that were to be sent, repetitions apart.
  var orders: [(record: LoggedRecord, approval: Approval)] {
    approvals.filter { !$0.approval.isDuplicate && $0.approval.request.action.isOrder }
  }

  mutating func add(_ plan: Plan, _ record: LoggedRecord) {
    let id = plan.approval.clientOrderID
    guard plans[id] == nil else { return replanned.append(id) }
    plans[id] = (record, plan)
    for child in plan.children {
      children[ChildName(venue: child.venue, clientID: child.venueClientID)] = Child(order: id, plan: child)
    }
  }

  /// Says of each trade whose it is: all plans are known.
  mutating func findOwners() {
    for index in trades.indices { trades[index].child = children[trades[index].name] }
  }

  /// What an order, or one child of it, had filled by an instant.
  func filled(_ id: ClientOrderID, child number: Int? = nil, by time: Timestamp) -> Quantity {
    trades.reduce(.zero) { sum, trade in
      guard trade.at <= time, let child = trade.child, child.order == id, number ?? child.plan.number == child.plan.number else {
        return sum
      }
      return sum + trade.fill.quantity
    }
  }
}

extension OrderAction {
  /// It asks for an order at the venue.
  var isOrder: Bool { self == .new || self == .replace }
}
