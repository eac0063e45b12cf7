import Domain
import Venues
import Wire

/// What is remembered of an account at a venue from round to round, and what each round concludes. Pure: the shell asks, stores and
/// publishes.
public struct AccountReconciliation: Sendable {
  /// Who is compared.
  public let subject: Subject
  /// How far the trades have been dealt with.
  public private(set) var cursors: [TradeCursor]
  /// What the account must hold.
  public private(set) var balanceCheck: BalanceCheck
  /// Since when the differences that were reported have been there.
  public private(set) var open: [Difference.Name: Timestamp]

  /// When a difference was first seen, reported or not.
  private var firstSeen: [Difference.Name: Timestamp] = [:]
  private var wipe = VenueWipe()
  /// The venue had been set back to nothing by then, and orders from before it may still be live by the log.
  private var wipedBy: Timestamp?
  /// The last round gave reason to ask whether the venue still shows the trades that it showed.
  private var doubtsVenue = false
  private let comparison: Comparison

  /// What was remembered when the process last stopped.
  public init(
    subject: Subject, comparison: Comparison, cursors: [TradeCursor] = [], expectedBalances: [String: Money]? = nil,
    open: [Difference.Name: Timestamp] = [:]
  ) {
    self.subject = subject
    self.comparison = comparison
    self.cursors = cursors
    self.open = open
    balanceCheck = BalanceCheck(expected: expectedBalances)
    firstSeen = open
    wipedBy = open[Difference.wipe.name]
  }

  /// What a round came to.
  public struct Conclusion: Sendable {
    /// For OrderManager; nil when there is nothing to say.
    public var observation: Observation?
    /// Differences reported for the first time.
    public var opened: [Difference] = []
    /// Differences that are gone, and since when they had been there.
    public var resolved: [(name: Difference.Name, since: Timestamp, resolution: String)] = []
    /// All that differs, reported or not.
    public var differenceCount = 0
    /// Something differs that only the next round can confirm, or was just reported and should be gone by then: it should come soon.
    public var wantsNextRoundSoon = false
    /// Trades of orders that are not ours, first seen in this round.
    public var foreignTradeCount = 0
    /// A balance moved outside of trading and is taken as the new beginning.
    public var balancesAccepted = false
  }

  /// A new round; see `Round.init` for `beginning`.
  public func round(symbols: [Symbol], beginning: Timestamp, startedAt: Timestamp, venueTime: Timestamp? = nil) -> Round {
    Round(
      subject: subject, symbols: symbols, cursors: cursors, beginning: beginning, comparison: comparison,
      startedAt: startedAt, venueTime: venueTime ?? startedAt, doubtsVenue: doubtsVenue)
  }

  /// Takes the evidence of a finished round. A difference is reported when it was there in the round before, too, or when both sides
  /// have been as they are since well before this round.
  public mutating func conclude(_ evidence: Evidence) -> Conclusion {
    var conclusion = Conclusion()
    var differences = comparison.differences(evidence)
    if !evidence.mayTrade { differences.append(.cannotTrade) }
    let verdict = wipe.judge(evidence, balancesAreOff: areBalancesOff(evidence))
    doubtsVenue = verdict == .suspected
    if verdict == .none {
      let balances = takeBalances(evidence, &conclusion)
      doubtsVenue = !balances.isEmpty
      differences += balances
    }
    if case .proven(let time) = verdict { startOver(wipedBy: time) }
    let lost = takeOut(lostInWipe: &differences, evidence, verdict)
    conclusion.differenceCount = max(differences.count, verdict == .suspected ? 1 : 0)
    // Were it a wipe, every missing order would be the same thing.
    if verdict == .suspected { differences.removeAll { $0.name.code == .orderMissing } }
    let confirmed = differences.filter { $0.isSettled || isConfirmed($0) }
    for difference in confirmed where open[difference.name] == nil {
      open[difference.name] = firstSeen[difference.name] ?? evidence.startedAt
      conclusion.opened.append(difference)
    }
    conclusion.wantsNextRoundSoon = confirmed.count < conclusion.differenceCount || !conclusion.opened.isEmpty
    resolve(differences, evidence, verdict, &conclusion)
    var seen: [Difference.Name: Timestamp] = [:]
    for difference in differences { seen[difference.name] = firstSeen[difference.name] ?? evidence.startedAt }
    firstSeen = seen
    conclusion.observation = observation(confirmed + lost, evidence)
    if verdict == .none { settleTrades(evidence, &conclusion) }
    return conclusion
  }

  /// The venue begins anew, and so do its trades and balances.
  private mutating func startOver(wipedBy time: Timestamp) {
    cursors = cursors.map { TradeCursor(symbol: $0.symbol, settled: 0, counted: 0) }
    balanceCheck = BalanceCheck()
    wipe = VenueWipe()
    wipedBy = time
    firstSeen[Difference.wipe.name] = time
  }

  /// Orders from before a wipe make up one difference, for as long as any of them is live by the log and not at the venue; OrderManager
  /// hears of each that is missing.
  private mutating func takeOut(
    lostInWipe differences: inout [Difference], _ evidence: Evidence, _ verdict: VenueWipe.Verdict
  ) -> [Difference] {
    guard let wipedBy, let ledger = evidence.ledger else { return [] }
    let listed = Set(evidence.open.map(\.report.clientID))
    let gone = Set(
      ledger.orders.filter { order in
        order.isLive && order.decidedAt <= wipedBy && !listed.contains(order.venueClientID)
          && (evidence.inquired[order.venueClientID] ?? nil) == nil
      }.map(\.venueClientID))
    if verdict == .none, gone.isEmpty {
      self.wipedBy = nil
      return []
    }
    let lost = differences.filter { $0.name.code == .orderMissing && gone.contains($0.name.subject) }
    differences.removeAll { lost.contains($0) }
    differences.append(Difference.wipe)
    return lost
  }

  /// A balance confirms itself: there it is the amount that must be the same.
  private func isConfirmed(_ difference: Difference) -> Bool {
    difference.name.code != .balanceMismatch && firstSeen[difference.name] != nil
  }

  /// What no longer differs. A round that could not look at everything, or not at the balances, or not believe what it saw, resolves
  /// nothing of that.
  private mutating func resolve(
    _ differences: [Difference], _ evidence: Evidence, _ verdict: VenueWipe.Verdict, _ conclusion: inout Conclusion
  ) {
    let present = Set(differences.map(\.name))
    for (name, since) in open.sorted(by: { $0.key < $1.key }) where !present.contains(name) {
      let wasLookedAt =
        switch name.code {
        case .balanceMismatch: evidence.balancesAreComparable && verdict != .suspected
        case .orderMissing: !evidence.isPartial && !evidence.lacksTrades && verdict != .suspected
        case .accountCannotTrade: true
        default: !evidence.isPartial && !evidence.lacksTrades
        }
      guard wasLookedAt else { continue }
      open[name] = nil
      let isAccepted = conclusion.balancesAccepted && name.code == .balanceMismatch
      conclusion.resolved.append((name, since, isAccepted ? "accepted" : "agrees"))
    }
  }

  /// Nil when nobody can say.
  private func areBalancesOff(_ evidence: Evidence) -> Bool? {
    guard evidence.balancesAreComparable else { return nil }
    let trades = evidence.uncountedTrades
    return balanceCheck.isOff(evidence.balances, uncounted: trades.settled + trades.settling)
  }

  private mutating func takeBalances(_ evidence: Evidence, _ conclusion: inout Conclusion) -> [Difference] {
    guard evidence.balancesAreComparable else { return [] }
    let trades = evidence.uncountedTrades
    let result = balanceCheck.take(evidence.balances, uncounted: trades.settled, settling: trades.settling)
    conclusion.balancesAccepted = result.isAccepted
    for history in evidence.histories {
      setCursor(of: history) { $0.counted = max($0.counted, history.settledPlace) }
    }
    return result.differences
  }

  /// Moves each symbol's cursor behind the last trade before which every trade is stored, or foreign.
  private mutating func settleTrades(_ evidence: Evidence, _ conclusion: inout Conclusion) {
    guard let ledger = evidence.ledger else { return }
    for history in evidence.histories {
      var settled = history.start
      for trade in history.unsettled where history.isSettled(trade) {
        if !ledger.knownTrades.contains(TradeName(symbol: history.symbol, tradeID: trade.fill.tradeID)) {
          guard comparison.owner(of: SeenTrade(symbol: history.symbol, trade: trade), evidence) == .foreign else {
            settled = history.place(before: trade)
            break
          }
          conclusion.foreignTradeCount += 1
        }
        settled = history.place(of: trade) ?? settled
      }
      setCursor(of: history) { $0.settled = max($0.settled, settled) }
    }
  }

  private mutating func setCursor(of history: TradeHistory, _ change: (inout TradeCursor) -> Void) {
    let index = cursors.firstIndex { $0.symbol == history.symbol } ?? cursors.count
    if index == cursors.count {
      cursors.append(TradeCursor(symbol: history.symbol, settled: history.start, counted: history.start))
    }
    change(&cursors[index])
    let newest = history.tradeID(at: max(cursors[index].settled, cursors[index].counted))
    cursors[index].newest = newest ?? cursors[index].newest
  }

  private func observation(_ confirmed: [Difference], _ evidence: Evidence) -> Observation? {
    var observation = Observation(
      account: subject.account, venue: subject.venue, startedAt: evidence.startedAt, wipedBy: wipedBy, mayTrade: evidence.mayTrade
    )
    for difference in confirmed {
      switch difference.sighting {
      case .order(let order): observation.orders.append(order)
      case .fill(let fill, let order):
        observation.fills.append(fill)
        if let order, !observation.orders.contains(order) { observation.orders.append(order) }
      case .missing(let id): observation.missing.append(id)
      case .none: break
      }
    }
    let isEmpty = observation.orders.isEmpty && observation.fills.isEmpty && observation.missing.isEmpty
    return isEmpty && wipedBy == nil && evidence.mayTrade ? nil : observation
  }
}
