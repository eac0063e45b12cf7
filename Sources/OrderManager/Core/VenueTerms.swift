import Domain
import Venues
import Wire

extension VenueOrderReport {
  /// What Reconciler saw, as if the venue had said it to us.
  init(_ order: VenueOrder, venueSymbol: String) {
    self.init(
      venueSymbol: venueSymbol, venueOrderID: order.venueOrderID, clientID: order.venueClientID, side: order.side,
      price: order.price, quantity: order.quantity, state: VenueOrderState(order.status),
      cumulativeQuantity: order.cumulativeQuantity, cumulativeQuote: order.cumulativeQuote, time: order.time)
  }
}

extension VenueOrderState {
  /// Nil for states that no venue has.
  init?(_ status: OrderStatus) {
    switch status {
    case .open: self = .open
    case .partiallyFilled: self = .partiallyFilled
    case .filled: self = .filled
    case .cancelled: self = .cancelled
    case .expired: self = .expired
    case .rejected: self = .rejected
    default: return nil
    }
  }
}

extension ManagedOrder {
  /// What the venue is asked to do for a child.
  func venueOrder(_ child: OrderChild, venueSymbol: String) -> NewOrder {
    NewOrder(
      clientID: child.venueClientID, venueSymbol: venueSymbol, side: side,
      terms: postOnly ? .postOnly(price: child.price) : .limit(price: child.price, timeInForce), quantity: child.quantity)
  }
}
