import Domain
import Venues

/// One comparison of an account with a venue: which questions are put, in which order, and what the answers come to. The shell carries
/// each step out and brings the answer; a question that fails ends the round without a result.
///
/// Open orders and trades come first, then the balances between two looks at the trades: when the second look finds nothing new, the
/// balances are exactly those after the last trade, whatever the streams are doing. Last, what looks odd is asked for by id.
public struct Round: Sendable {
  /// Rows of one page of trades.
  public static let pageLimit = 1_000
  private static let maximumPages = 10
  /// Orders asked for by id in one round: each weighs 4 of the 6,000 that the venue allows a minute.
  private static let maximumInquiries = 20

  /// What to do next.
  public enum Step: Hashable, Sendable {
    /// Put this question to the venue.
    case ask(VenueQuestion)
    /// Wait until everything that the log holds now is stored, then put this question to the database.
    case consult(LedgerQuestion)
    /// Compare.
    case finished
  }

  /// What to do next.
  public var step: Step {
    if let question = questions.first { return .ask(question) }
    return evidence.ledger == nil ? .consult(ledgerQuestion) : .finished
  }

  /// What is known so far; complete when the step is `finished`.
  public private(set) var evidence: Evidence

  private var questions: [VenueQuestion]
  private var pages = 0
  private var isSecondLook = false
  /// Something in the round before spoke for a venue that has forgotten what it showed.
  private let doubtsVenue: Bool
  /// Whether the venue still has the trades that it once showed is being asked.
  private var isDoubtful = false
  private let comparison: Comparison

  /// A round that starts now. `cursors` names every symbol that has been looked at before; of another symbol, trades before `beginning`,
  /// the time of the account's first order, do not matter. With `doubtsVenue` it is asked whether the newest trade is still there; an
  /// order that the venue does not know is reason enough, too.
  public init(
    subject: Subject, symbols: [Symbol], cursors: [TradeCursor], beginning: Timestamp, comparison: Comparison,
    startedAt: Timestamp, venueTime: Timestamp, doubtsVenue: Bool = false
  ) {
    self.comparison = comparison
    self.doubtsVenue = doubtsVenue
    evidence = Evidence(subject: subject, startedAt: startedAt)
    questions = symbols.map { .openOrders($0) }
    for symbol in symbols {
      let history = TradeHistory(
        symbol: symbol, cursor: cursors.first { $0.symbol == symbol }, order: comparison.tradeOrder, beginning: beginning,
        startedAt: venueTime)
      evidence.histories.append(history)
      questions.append(.trades(symbol, history.opening))
    }
    questions.append(.account)
  }

  /// Takes the answer to the question of the current step.
  public mutating func take(_ answer: VenueAnswer) {
    guard let question = questions.first else { preconditionFailure("an answer follows a question") }
    questions.removeFirst()
    switch (question, answer) {
    case (.openOrders(let symbol), .orders(let orders)):
      evidence.open += orders.map { SeenOrder(symbol: symbol, report: $0) }
    case (.trades(let symbol, _), .trades(let trades)) where evidence.ledger != nil:
      let newest = evidence.histories.first { $0.symbol == symbol }?.shown?.tradeID
      evidence.showsNewestTrade[symbol] = trades.contains { $0.fill.tradeID == newest }
    case (.trades(let symbol, let selection), .trades(let trades)): takeTrades(symbol, trades, of: selection)
    case (.account, .account(let account)):
      evidence.balances = account.balances
      evidence.mayTrade = account.mayTrade
      isSecondLook = true
      questions += evidence.histories.map { .trades($0.symbol, $0.onward) }
    case (.order(let symbol, let id), .order(let report)):
      evidence.inquired[id] = .some(report.map { SeenOrder(symbol: symbol, report: $0) })
      if report == nil { doubtTheVenue() }
    case (.orderOfTrade(let symbol, let id), .orders(let orders)):
      let order = orders.first { $0.venueOrderID == id }
      evidence.owners[OrderName(symbol: symbol, venueOrderID: id)] = order.map { SeenOrder(symbol: symbol, report: $0) }
    default: preconditionFailure("the kind of an answer follows from its question")
    }
  }

  /// Takes the database's answer and puts the questions that follow from it.
  public mutating func take(_ ledger: LedgerAnswer) {
    evidence.ledger = ledger
    let listed = Set(evidence.open.map(\.report.clientID))
    var inquiries: [VenueQuestion] = []
    // What the log has heard of since the round began may not have been there yet when the venue was asked.
    for order in ledger.orders
    where order.isLive && order.changedAt < evidence.startedAt && !listed.contains(order.venueClientID) {
      inquiries.append(.order(order.symbol, venueClientID: order.venueClientID))
    }
    let owners = Set(
      ledger.orders.compactMap { order in order.venueOrderID.map { OrderName(symbol: order.symbol, venueOrderID: $0) } })
    for trade in evidence.unknownTrades {
      let question = VenueQuestion.orderOfTrade(trade.symbol, venueOrderID: trade.trade.venueOrderID)
      guard !owners.contains(trade.order), !inquiries.contains(question) else { continue }
      inquiries.append(question)
    }
    evidence.isPartial = evidence.isPartial || inquiries.count > Self.maximumInquiries
    questions = Array(inTurns(inquiries).prefix(Self.maximumInquiries))
    if doubtsVenue { doubtTheVenue() }
  }

  private mutating func doubtTheVenue() {
    guard !isDoubtful else { return }
    isDoubtful = true
    questions += evidence.histories.compactMap { history in history.shown.map { .trades(history.symbol, $0.selection) } }
  }

  /// When there are too many, another part comes first in each round.
  private func inTurns(_ inquiries: [VenueQuestion]) -> [VenueQuestion] {
    guard inquiries.count > Self.maximumInquiries else { return inquiries }
    let start = Int(evidence.startedAt.milliseconds / 100 % Int64(inquiries.count))
    return Array(inquiries[start...] + inquiries[..<start])
  }

  private mutating func takeTrades(_ symbol: Symbol, _ trades: [VenueTrade], of selection: TradeSelection) {
    guard let index = evidence.histories.firstIndex(where: { $0.symbol == symbol }) else { return }
    let found = evidence.histories[index].append(trades)
    if isSecondLook, found { evidence.balancesAreBetweenTrades = true }
    guard evidence.histories[index].hasMore(behind: trades, of: selection) else { return }
    pages += 1
    if pages < Self.maximumPages {
      questions.insert(.trades(symbol, evidence.histories[index].onward), at: 0)
    } else {
      evidence.lacksTrades = true
    }
  }

  private var ledgerQuestion: LedgerQuestion {
    LedgerQuestion(
      venueClientIDs: evidence.open.map(\.report.clientID).filter { $0.hasPrefix("\(comparison.deployment)-") },
      venueOrderIDs: evidence.histories.flatMap { history in history.unsettled.map(\.venueOrderID) },
      trades: evidence.histories.map { history in
        LedgerQuestion.SymbolTrades(symbol: history.symbol, tradeIDs: history.unsettled.map(\.fill.tradeID))
      })
  }
}

extension LedgerOrder {
  /// The venue may have it, by the log.
  var isLive: Bool { !status.isTerminal && status != .received }
}
