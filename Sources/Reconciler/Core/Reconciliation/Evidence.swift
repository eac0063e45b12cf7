import Domain
import Venues
import Wire

/// An order as the venue showed it.
public struct SeenOrder: Hashable, Sendable {
  /// What it trades.
  public var symbol: Symbol
  /// The venue's words.
  public var report: VenueOrderReport

  /// An order as the venue showed it.
  public init(symbol: Symbol, report: VenueOrderReport) {
    self.symbol = symbol
    self.report = report
  }
}

/// An order by the venue's id, which is unique within a symbol.
public struct OrderName: Hashable, Sendable {
  var symbol: Symbol
  var venueOrderID: String
}

/// A trade as the venue showed it.
public struct SeenTrade: Hashable, Sendable {
  /// What was traded.
  public var symbol: Symbol
  /// The venue's words.
  public var trade: VenueTrade

  var order: OrderName { OrderName(symbol: symbol, venueOrderID: trade.venueOrderID) }
}

/// Everything that one round has learnt.
public struct Evidence: Sendable {
  /// Who was compared.
  public let subject: Subject
  /// Before the first question.
  public let startedAt: Timestamp
  /// The orders that the venue listed as open.
  public internal(set) var open: [SeenOrder] = []
  /// The trades, by symbol.
  public internal(set) var histories: [TradeHistory] = []
  /// The balances.
  public internal(set) var balances: [AssetBalance] = []
  /// The venue lets the account trade.
  public internal(set) var mayTrade = true
  /// Trades came while the balances were asked for, so nobody can say which of them are in.
  public internal(set) var balancesAreBetweenTrades = false
  /// What the log says.
  public internal(set) var ledger: LedgerAnswer?
  /// Orders asked for by client id: nil inside when the venue does not know the id.
  public internal(set) var inquired: [String: SeenOrder?] = [:]
  /// Whether the venue still shows the newest trade that it showed in earlier rounds; asked when there is reason to doubt it.
  public internal(set) var showsNewestTrade: [Symbol: Bool] = [:]
  /// The orders of trades that the log does not know.
  public internal(set) var owners: [OrderName: SeenOrder] = [:]
  /// There were more trades than one round reads.
  public internal(set) var lacksTrades = false
  /// There were more odd orders than one round asks for: what was not seen may be odd all the same.
  public internal(set) var isPartial = false

  init(subject: Subject, startedAt: Timestamp) {
    self.subject = subject
    self.startedAt = startedAt
  }

  /// It is known which trades the balances hold.
  var balancesAreComparable: Bool { !balancesAreBetweenTrades && !lacksTrades }

  /// Trades that no expected balances hold yet: those that every earlier one has come before, and those of which that is not sure.
  var uncountedTrades: (settled: [SeenTrade], settling: [SeenTrade]) {
    var trades: (settled: [SeenTrade], settling: [SeenTrade]) = ([], [])
    for history in histories {
      for trade in history.uncounted {
        let seen = SeenTrade(symbol: history.symbol, trade: trade)
        if history.isSettled(trade) { trades.settled.append(seen) } else { trades.settling.append(seen) }
      }
    }
    return trades
  }

  /// The order of a trade that the log does not know: one that was asked for, or one that rests, which a venue's history may not have.
  func owner(of seen: SeenTrade) -> SeenOrder? {
    owners[seen.order] ?? open.first { $0.symbol == seen.symbol && $0.report.venueOrderID == seen.trade.venueOrderID }
  }

  /// Trades that are not in the log.
  var unknownTrades: [SeenTrade] {
    guard let ledger else { return [] }
    return histories.flatMap { history in
      history.unsettled.filter { !ledger.knownTrades.contains(TradeName(symbol: history.symbol, tradeID: $0.fill.tradeID)) }
        .map { SeenTrade(symbol: history.symbol, trade: $0) }
    }
  }
}
