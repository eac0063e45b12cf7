import Domain
import Venues
import Wire

/// Accounts that a venue lets look and not trade. The venue would refuse their orders one after the other; here they end before a wire
/// call, each with the same words, and a person is told once. Cancels go all the same.
extension OrderManagerPartition {
  /// Why such an order ended; the first word is the alert's code.
  static let accountCannotTrade = "account_cannot_trade: The venue lets the account look and not trade."

  /// False when no venue that the order could go to lets its account trade.
  func accountMayTrade(_ order: ManagedOrder) -> Bool {
    let possible = settings.routes.indices.filter { lane in
      let route = settings.routes[lane]
      guard route.account == order.key.account else { return false }
      let chosen = order.children.first?.venue ?? order.venue
      return chosen == .best || chosen == route.venue
    }
    return possible.isEmpty || possible.contains { lanes[$0].accountMayTrade }
  }

  /// Somebody says that the account may not trade: the venue is asked, though not for each of many orders.
  mutating func doubtAccountMode(_ lane: Int) {
    guard lanes[lane].accountMayTrade, now >= lanes[lane].accountAskedAt + Interval.second else { return }
    lanes[lane].accountAskedAt = now
    lanes[lane].add(.balances)
  }

  /// Asks from time to time whether an account that may not trade may do so again.
  mutating func askAccountModeWhenDue() {
    for lane in lanes.indices
    where !lanes[lane].accountMayTrade && now >= lanes[lane].accountAskedAt + settings.sweepInterval {
      lanes[lane].accountAskedAt = now
      lanes[lane].add(.balances)
    }
  }

  /// Takes the venue's word.
  mutating func takeAccountMode(_ mayTrade: Bool, _ lane: Int) {
    guard lanes[lane].accountMayTrade != mayTrade else { return }
    lanes[lane].accountMayTrade = mayTrade
    let route = settings.routes[lane]
    if mayTrade {
      retract("account_cannot_trade", account: route.account)
      alert(.info, "account_can_trade", "\(route.venue) lets the account trade again.", account: route.account)
    } else {
      retract("account_can_trade", account: route.account)
      alert(
        .critical, "account_cannot_trade", "\(route.venue) lets the account look and not trade: its orders are refused here.",
        account: route.account)
      for ref in lanes[lane].waitingPlaces { endIfRefused(ref) }
    }
  }
}
