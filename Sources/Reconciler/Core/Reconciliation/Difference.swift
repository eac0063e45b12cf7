import Domain
import Venues
import Wire

/// What can differ between the log and a venue; stable words, used in alerts and in the database.
public enum DiscrepancyCode: String, CaseIterable, Sendable {
  /// Live by the log, and the venue does not know it.
  case orderMissing = "order_missing_at_venue"
  /// Open at the venue and not in the log: foreign when it lacks our prefix.
  case orderUnknown = "order_unknown_to_us"
  /// A trade of ours that the log lacks.
  case fillMissing = "fill_missing"
  /// Another state by the log than at the venue.
  case statusMismatch = "status_mismatch"
  /// Another balance than the one before, moved by the trades since.
  case balanceMismatch = "balance_mismatch"
  /// The venue lets the account look and not trade.
  case accountCannotTrade = "account_cannot_trade"
  /// The venue has been set back to nothing, as test networks are: one report in place of one for each order and balance.
  case venueWiped = "venue_wiped"
}

/// One thing that differs.
public struct Difference: Hashable, Sendable {
  /// What differs, of which thing: the same in every round in which it does.
  public struct Name: Hashable, Comparable, Sendable {
    /// What differs.
    public var code: DiscrepancyCode
    /// The order's id at the venue, the symbol with the trade's ids, or the asset.
    public var subject: String

    /// A name.
    public init(code: DiscrepancyCode, subject: String) {
      self.code = code
      self.subject = subject
    }

    /// By code, then subject.
    public static func < (left: Self, right: Self) -> Bool {
      (left.code.rawValue, left.subject) < (right.code.rawValue, right.subject)
    }
  }

  /// What OrderManager needs to draw its conclusion.
  public enum Sighting: Hashable, Sendable {
    /// The order as the venue shows it.
    case order(VenueOrder)
    /// The trade as the venue shows it, with its order when the log does not know that one's id at the venue.
    case fill(VenueFill, of: VenueOrder?)
    /// The client id that the venue does not know.
    case missing(String)
    /// Nothing that OrderManager could act on.
    case none
  }

  /// Its name.
  public var name: Name
  /// The order, when the log knows it.
  public var clientOrderID: ClientOrderID?
  /// The log's words.
  public var ours: String
  /// The venue's words.
  public var venues: String
  /// Both sides have been what they are since well before the round began: this is no answer that overtook the stream, or fell behind it.
  public var isSettled: Bool
  /// How urgent it is.
  public var severity: Alert.Severity
  /// For OrderManager.
  public var sighting: Sighting
}

extension Difference {
  /// What would be a refusal of each order is one thing that a person must set right.
  static let cannotTrade = Difference(
    name: .init(code: .accountCannotTrade, subject: "account"), clientOrderID: nil, ours: "may trade", venues: "may not trade",
    isSettled: true, severity: .critical, sighting: .none)

  /// The one report of a venue that has forgotten everything.
  static let wipe = Difference(
    name: .init(code: .venueWiped, subject: "venue"), clientOrderID: nil, ours: "orders and trades", venues: "none of them",
    isSettled: true, severity: .critical, sighting: .none)
}

/// Puts a round's evidence side by side.
public struct Comparison: Sendable {
  /// What every venue client id of ours begins with, without the dash.
  public var deployment: String
  /// Something that changed less than this before the round began may still be on its way to either side, in nanoseconds.
  public var margin: Int64
  /// How the venue's new trades are told from old ones.
  public var tradeOrder: TradeOrder

  /// How to compare.
  public init(deployment: String, margin: Int64 = 2 * Interval.second, tradeOrder: TradeOrder = .ids) {
    self.deployment = deployment
    self.margin = margin
    self.tradeOrder = tradeOrder
  }

  /// Everything about orders and trades that differs, sorted by name, and the trades' owners as far as they are known.
  public func differences(_ evidence: Evidence) -> [Difference] {
    (orderDifferences(evidence) + fillDifferences(evidence)).sorted { $0.name < $1.name }
  }

  private func orderDifferences(_ evidence: Evidence) -> [Difference] {
    guard let ledger = evidence.ledger else { return [] }
    let known = Dictionary(ledger.orders.map { ($0.venueClientID, $0) }, uniquingKeysWith: { first, _ in first })
    var found: [Difference] = []
    for seen in evidence.open {
      if let order = known[seen.report.clientID] {
        found += difference(order, seen, evidence)
      } else {
        found.append(unknown(seen, evidence))
      }
    }
    for (id, answer) in evidence.inquired.sorted(by: { $0.key < $1.key }) {
      guard let order = known[id] else { continue }
      if let seen = answer { found += difference(order, seen, evidence) } else { found += missing(order, evidence) }
    }
    return found
  }

  /// One order that both sides know. What the log has and the venue lacks is the venue's answer being older, never a difference.
  private func difference(_ order: LedgerOrder, _ seen: SeenOrder, _ evidence: Evidence) -> [Difference] {
    let report = seen.report
    let isSettled = isOld(order.changedAt, evidence) && isOld(report.time, evidence)
    let venues = "\(status(of: report)?.rawValue ?? report.unrecognised ?? "unsaid") \(report.cumulativeQuantity?.text() ?? "?")"
    var difference = Difference(
      name: .init(code: .statusMismatch, subject: order.venueClientID), clientOrderID: order.clientOrderID,
      ours: "\(order.status.rawValue) \(order.cumulativeQuantity)", venues: venues, isSettled: isSettled, severity: .warning,
      sighting: venueOrder(seen).map { .order($0) } ?? .none)
    if let filled = report.cumulativeQuantity, filled < order.cumulativeQuantity { return [] }
    switch (report.state?.isTerminal, order.status.isTerminal) {
    case (true, true): if status(of: report) == order.status || !hasMore(report, than: order) { return [] }
    case (true, false): break
    case (false, true): difference.severity = .critical  // Ended by the log, yet alive.
    case (false, false): if order.isKnownToRest, !hasMore(report, than: order) { return [] }
    case (nil, _): if !hasMore(report, than: order) { return [] }
    }
    if hasMore(report, than: order), report.state?.isTerminal == order.status.isTerminal { difference.name.code = .fillMissing }
    return [difference]
  }

  private func hasMore(_ report: VenueOrderReport, than order: LedgerOrder) -> Bool {
    report.cumulativeQuantity.map { $0 > order.cumulativeQuantity } ?? false
  }

  /// The venue may show an order late, so a first look proves nothing.
  private func missing(_ order: LedgerOrder, _ evidence: Evidence) -> [Difference] {
    guard isOld(order.changedAt, evidence) else { return [] }
    return [
      Difference(
        name: .init(code: .orderMissing, subject: order.venueClientID), clientOrderID: order.clientOrderID,
        ours: "\(order.status.rawValue) \(order.cumulativeQuantity)", venues: "not known", isSettled: false, severity: .critical,
        sighting: .missing(order.venueClientID))
    ]
  }

  private func unknown(_ seen: SeenOrder, _ evidence: Evidence) -> Difference {
    let report = seen.report
    let isOurs = isOurs(report.clientID)
    return Difference(
      name: .init(code: .orderUnknown, subject: isOurs ? report.clientID : "\(seen.symbol)/\(report.venueOrderID)"),
      clientOrderID: nil, ours: isOurs ? "not in the log" : "foreign",
      venues: "\(status(of: report)?.rawValue ?? "?") \(report.cumulativeQuantity?.text() ?? "?")",
      isSettled: isOld(report.time, evidence), severity: isOurs ? .critical : .warning,
      sighting: isOurs ? venueOrder(seen).map { .order($0) } ?? .none : .none)
  }

  private func fillDifferences(_ evidence: Evidence) -> [Difference] {
    guard let ledger = evidence.ledger else { return [] }
    return evidence.unknownTrades.compactMap { seen -> Difference? in
      let order = ledger.orders.first { $0.symbol == seen.symbol && $0.venueOrderID == seen.trade.venueOrderID }
      guard order != nil || owner(of: seen, evidence) == .ours else { return nil }
      let fill = seen.trade.fill
      return Difference(
        name: .init(code: .fillMissing, subject: "\(seen.symbol)/\(seen.trade.venueOrderID)/\(fill.tradeID)"),
        clientOrderID: order?.clientOrderID, ours: "not in the log",
        venues: "\(seen.trade.side.rawValue) \(fill.quantity) @ \(fill.price)", isSettled: isOld(fill.time, evidence),
        severity: .warning,
        sighting: .fill(
          VenueFill(venueOrderID: seen.trade.venueOrderID, symbol: seen.symbol, side: seen.trade.side, fill: fill),
          of: order == nil ? evidence.owner(of: seen).flatMap(venueOrder) : nil))
    }
  }

  /// Whose trade it is.
  enum Owner: Hashable { case ours, foreign, nobodyKnows }

  /// Whose a trade is that the log lacks, by its order's client id.
  func owner(of seen: SeenTrade, _ evidence: Evidence) -> Owner {
    let isInLedger = evidence.ledger?.orders.contains { $0.symbol == seen.symbol && $0.venueOrderID == seen.trade.venueOrderID }
    if isInLedger == true { return .ours }
    guard let order = evidence.owner(of: seen) else { return .nobodyKnows }
    return isOurs(order.report.clientID) ? .ours : .foreign
  }

  private func isOurs(_ clientID: String) -> Bool { clientID.hasPrefix("\(deployment)-") }

  private func isOld(_ time: Timestamp, _ evidence: Evidence) -> Bool { time < evidence.startedAt + -margin }
}

extension LedgerOrder {
  /// By the log it rests at the venue, perhaps with a request about it on its way.
  fileprivate var isKnownToRest: Bool {
    switch status {
    case .open, .partiallyFilled, .pendingCancel, .pendingReplace: true
    default: false
    }
  }
}

private func status(of report: VenueOrderReport) -> OrderStatus? {
  switch report.state {
  case .open: .open
  case .partiallyFilled: .partiallyFilled
  case .filled: .filled
  case .cancelled: .cancelled
  case .expired: .expired
  case .rejected: .rejected
  case nil: nil
  }
}

/// The order for OrderManager; nil when the venue left out what a conclusion needs.
private func venueOrder(_ seen: SeenOrder) -> VenueOrder? {
  let report = seen.report
  guard let status = status(of: report), let side = report.side, let quantity = report.quantity,
    let cumulative = report.cumulativeQuantity
  else { return nil }
  return VenueOrder(
    venueClientID: report.clientID, venueOrderID: report.venueOrderID, symbol: seen.symbol, side: side, status: status,
    quantity: quantity, price: report.price, cumulativeQuantity: cumulative, cumulativeQuote: report.cumulativeQuote ?? .zero,
    time: report.time)
}
