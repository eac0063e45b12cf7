import Domain
import Wire

/// The limits of an account, by what could have happened at the venues.
extension Checker {
  /// At every approval: what would be held if every order on its side that had not ended, and this one, filled.
  mutating func checkLimits(_ story: Story) {
    guard let limits = world.history.limits[story.account], let limit = limits.maximumPosition(of: "BTC") else { return }
    let ends = Ends(story)
    var before: [(approval: Approval, side: Side, quantity: Quantity)] = []
    var times: [Timestamp] = []
    for (record, approval) in story.orders {
      let target = before.first { $0.approval.clientOrderID == approval.request.target }
      guard let side = approval.request.side ?? target?.side, let quantity = approval.quantity else { continue }
      let time = record.sentAt
      var held = wanted(approval, quantity, story, at: time) - Quantity(units: fees(story, by: time).units * side.sign)
      for order in before {
        if order.side == side {
          held += most(order.approval, order.quantity, story, ends, at: time)
        } else {
          held -= story.filled(order.approval.clientOrderID, by: time)
        }
      }
      if held > limit {
        report("\(approval.clientOrderID) was approved although \(held) could be held then; the limit is \(limit)")
      }
      before.append((approval, side, quantity))
      times.append(approval.decidedAt)
      let recent = times.filter { approval.decidedAt - $0 < Interval.second }
      if recent.count > limits.maximumOrdersPerSecond {
        report("\(approval.clientOrderID) is number \(recent.count) within a second")
      }
    }
  }

  /// When orders and their children ended by the log, unless they were found alive after that.
  private struct Ends {
    struct Name: Hashable {
      let order: ClientOrderID
      let child: Int?
    }

    private var times: [Name: Timestamp] = [:]

    init(_ story: Story) {
      for (record, event) in story.events {
        note(Name(order: event.clientOrderID, child: nil), event.status, record)
        note(Name(order: event.clientOrderID, child: event.child), event.childState.status, record)
      }
    }

    private mutating func note(_ name: Name, _ status: OrderStatus, _ record: LoggedRecord) {
      times[name] = status.isTerminal ? times[name] ?? record.source.timestamp : nil
    }

    func isOver(_ order: ClientOrderID, child: Int? = nil, at time: Timestamp) -> Bool {
      times[Name(order: order, child: child)].map { $0 <= time } ?? false
    }
  }

  /// The most that can come of an order, as things are at an instant.
  private func most(_ approval: Approval, _ quantity: Quantity, _ story: Story, _ ends: Ends, at time: Timestamp) -> Quantity {
    let id = approval.clientOrderID
    let filled = story.filled(id, by: time)
    if ends.isOver(id, at: time) { return filled }
    guard let (record, plan) = story.plans[id], record.source.timestamp <= time else {
      return max(filled, wanted(approval, quantity, story, at: time))
    }
    return plan.children.reduce(.zero) { sum, child in
      let filled = story.filled(id, child: child.number, by: time)
      return sum + (ends.isOver(id, child: child.number, at: time) ? filled : max(filled, child.quantity))
    }
  }

  /// A replacement's quantity is the new total: what its target has filled is a part of it.
  private func wanted(_ approval: Approval, _ quantity: Quantity, _ story: Story, at time: Timestamp) -> Quantity {
    guard approval.request.action == .replace, let target = approval.request.target else { return quantity }
    return max(.zero, quantity - story.filled(target, by: time))
  }

  /// A fee that is taken in coins makes the position smaller.
  private func fees(_ story: Story, by time: Timestamp) -> Quantity {
    story.trades.filter { $0.fill.side == .buy && $0.at <= time }
      .reduce(.zero) { $0 + (Quantity($1.fill.fee, .up) ?? .zero) }
  }
}
