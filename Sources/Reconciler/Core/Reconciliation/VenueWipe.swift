import Domain
import Venues
import Wire

/// Whether a venue has been set back to nothing, as test networks are from time to time.
///
/// Whoever believes that ends orders that may be alive, so it takes evidence of four kinds, from different parts of the venue, all of it
/// in two rounds at least `pause` apart without one between them that speaks against it:
///
/// - trades: of every symbol the newest one that was seen is gone from the account's history, and there was one;
/// - orders: what was live is known neither by its id nor in the list, and what is alive was decided after all that;
/// - balances: they are not what the trades explain;
/// - locks: no more is locked than the listed orders lock, so nothing rests that the lists fail to show.
///
/// A venue whose history or order lists fail for a while keeps balances and locks and is not taken for a wiped one. Nor is one where the
/// account has never traded: its missing orders are reported one by one, and a person decides.
struct VenueWipe: Sendable {
  /// What the rounds so far come to.
  enum Verdict: Hashable, Sendable {
    /// Nothing speaks for it, or something against it.
    case none
    /// Some of the evidence is there and none against it: what else differs waits for the next rounds.
    case suspected
    /// The venue has forgotten all that it knew at this time, which is before the oldest order that is alive.
    case proven(by: Timestamp)
  }

  /// What makes an order vanish for a moment should have passed.
  static let pause = 2 * Interval.second
  /// A suspicion that finds no proof for so long hides nothing any more.
  static let patience = Interval.minute

  private var suspectedSince: Timestamp?
  /// The start of the first of the rounds in a row that had evidence of every kind.
  private var completeSince: Timestamp?
  /// The last round in which the balances were what the trades explain: then it had not happened yet.
  private var soundAt = Timestamp.zero

  /// Takes the next round. `balancesAreOff` is nil when the balances cannot be compared.
  mutating func judge(_ evidence: Evidence, balancesAreOff: Bool?) -> Verdict {
    if balancesAreOff == false { soundAt = evidence.startedAt }
    guard balancesAreOff != false, Self.lacksTrades(evidence), let orders = orders(evidence), orders.lost < orders.alive,
      Self.locksNothingUnlisted(evidence)
    else {
      suspectedSince = nil
      completeSince = nil
      return .none
    }
    let now = evidence.startedAt
    let suspectedSince = suspectedSince ?? now
    self.suspectedSince = suspectedSince
    if balancesAreOff == true {
      let completeSince = completeSince ?? now
      self.completeSince = completeSince
      if now - completeSince >= Self.pause { return .proven(by: min(completeSince, orders.alive + -1)) }
    }
    return now - suspectedSince < Self.patience ? .suspected : .none
  }

  private static func lacksTrades(_ evidence: Evidence) -> Bool {
    let seen = evidence.histories.filter { $0.shown != nil }
    return !seen.isEmpty && seen.allSatisfy { evidence.showsNewestTrade[$0.symbol] == false }
  }

  /// When the last order was decided that the venue had and does not know any more, or the last round was sound, and when the first that
  /// it knows.
  private func orders(_ evidence: Evidence) -> (lost: Timestamp, alive: Timestamp)? {
    guard let ledger = evidence.ledger else { return nil }
    let listed = Set(evidence.open.map(\.report.clientID))
    var lost = soundAt
    var alive = Timestamp(nanoseconds: .max)
    for order in ledger.orders {
      switch evidence.inquired[order.venueClientID] {
      case .some(nil): if order.venueOrderID != nil { lost = max(lost, order.decidedAt) }
      case .some: alive = min(alive, order.decidedAt)
      case nil: if listed.contains(order.venueClientID) { alive = min(alive, order.decidedAt) }
      }
    }
    return (lost, alive)
  }

  private static func locksNothingUnlisted(_ evidence: Evidence) -> Bool {
    var listed: [String: Money] = [:]
    for seen in evidence.open {
      guard let quantity = seen.report.quantity, let filled = seen.report.cumulativeQuantity, filled <= quantity else { continue }
      let rest = quantity - filled
      switch seen.report.side {
      case .buy: if let price = seen.report.price { BalanceCheck.add(price * rest, of: seen.symbol.quote, to: &listed) }
      case .sell: BalanceCheck.add(Money(rest), of: seen.symbol.base, to: &listed)
      case nil: break
      }
    }
    return evidence.balances.allSatisfy { $0.locked <= listed[$0.asset] ?? .zero }
  }
}
