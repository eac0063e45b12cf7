import Books
import Domain
import Wire

/// Where an order goes. Decided once, before anything is sent: what happens to its children afterwards changes nothing about it, so that
/// they never come to more than the order.
extension OrderManagerPartition {
  enum RouteChoice {
    /// These shares, at one venue each.
    case children([RoutePlan.Child])
    /// Nobody can take it now; that may change.
    case later(String)
    /// Nobody will take it.
    case never(String)
  }

  /// The venue that was asked for, or for `best` those that take the order at the best price after fees. Where only one venue comes
  /// into question there is nothing to choose, and its book is RiskGate's business.
  func route(_ order: ManagedOrder, limit: Price) -> RouteChoice {
    let candidates = candidates(for: order)
    guard let first = candidates.first else {
      return .never("No venue lists \(order.symbol) that the account \(order.key.account) has keys for.")
    }
    guard order.venue == .best, candidates.count > 1 else {
      return .children([RoutePlan.Child(venue: first.venue, quantity: order.quantity, price: limit)])
    }
    let wanted = RouteOrder(
      side: order.side, quantity: order.quantity, limit: limit, timeInForce: order.timeInForce, isPostOnly: order.postOnly)
    let plan = Router(maximumBookAge: settings.maximumBookAge).route(wanted, among: candidates, at: now)
    guard plan.children.isEmpty else { return .children(plan.children) }
    let obstacles = plan.omissions.map { "\($0.venue): \($0.obstacle.rawValue)" }.joined(separator: ", ")
    let reason = "No venue can take the order (\(obstacles))."
    let mayPass = plan.omissions.contains { [.cut, .invalidBook, .staleBook].contains($0.obstacle) }
    return mayPass ? .later(reason) : .never(reason)
  }

  private func candidates(for order: ManagedOrder) -> [RouteCandidate] {
    settings.routes.enumerated().compactMap { lane, route in
      let name = InstrumentKey(venue: route.venue, symbol: order.symbol)
      guard route.account == order.key.account, order.venue == .best || order.venue == route.venue,
        let instrument = instruments[name], instrument.isTrading
      else { return nil }
      return RouteCandidate(
        instrument: instrument, fees: settings.fees[route.venue] ?? .none, book: books[name],
        funds: order.venue == .best ? funds(route, order) : nil,
        isCut: cutVenues.contains(route.venue) || !lanes[lane].accountMayTrade)
    }
  }

  /// What the account can still spend at the venue: its balance there without what orders that the venue may not have seen yet will
  /// take. Nil for contracts, which spend margin, and while the balance is not known.
  private func funds(_ route: Route, _ order: ManagedOrder) -> Money? {
    guard !order.symbol.isPerpetual, let assets = balances[route] else { return nil }
    let asset = order.side == .buy ? order.symbol.quote : order.symbol.base
    var funds = assets.first { $0.asset == asset }?.free ?? .zero
    // A sum: the order of the set does not matter.
    for key in live where key.account == route.account {
      guard let other = orders[key], (other.side == .buy ? other.symbol.quote : other.symbol.base) == asset else { continue }
      for child in other.children where child.venue == route.venue && !child.isTerminal && child.venueOrderID == nil {
        funds -= other.side == .buy ? child.price * child.quantity : Money(child.quantity)
      }
    }
    return max(.zero, funds)
  }
}
