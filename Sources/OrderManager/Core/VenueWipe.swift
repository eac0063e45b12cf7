import Domain
import Wire

/// Orders that went with a venue that was set back to nothing, as test networks are from time to time.
///
/// Reconciler proves that from trades, orders, balances and locks, and says by when it had happened. An acknowledged order that was planned
/// before is still asked for by itself: only when the query by id, the open orders and the trades since it was planned all lack it after
/// that time does it end, `reconciled`. Without Reconciler's word it stays `unknown`.
extension OrderManagerPartition {
  mutating func takeWipe(_ time: Timestamp, _ route: Route) {
    wipes[route] = max(wipes[route] ?? time, time)
  }

  /// True when the order was at the venue before it was set back, and what is being asked about it was asked after that.
  func wentWithWipe(_ ref: ChildRef) -> Bool {
    guard let order = orders[ref.key], let child = child(ref), child.venueOrderID != nil,
      let askedAt = child.work.inquiry?.askedAt,
      let wipedBy = wipes[Route(ref.key.account, child.venue)]
    else { return false }
    return order.plannedAt ?? order.changedAt <= wipedBy && askedAt > wipedBy
  }

  /// Ends an order that went with its venue. What it had filled without our hearing of it went, too.
  mutating func endWiped(_ ref: ChildRef) {
    guard let order = orders[ref.key], let child = child(ref) else { return }
    if let id = child.venueOrderID { byVenueOrder[venueOrderKey(order, child, id)] = nil }
    update(ref) { child in
      child.isDoubtful = false
      child.signedBy = nil
      child.end = nil
      child.venueCumulative = child.filled
      child.work.inquiry = nil
    }
    advance(
      ref, child.end?.transition ?? .cancel, provenance: .reconciled,
      reason: "The venue was wiped: it has none of the orders, trades and balances of before.")
  }
}
