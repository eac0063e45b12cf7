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

/// The trades of one symbol since the cursor, oldest first.
public struct TradeHistory: Hashable, Sendable {
  /// What was traded.
  public let symbol: Symbol
  /// Where the last round left off; nil in an account's first round.
  public let cursor: TradeCursor?
  /// Trades up to this id are not looked at.
  public private(set) var start: Int64
  /// Those behind it.
  public private(set) var trades: [VenueTrade] = []
  /// In a first round older trades are history that nobody asked us about.
  private let beginning: Timestamp

  init(symbol: Symbol, cursor: TradeCursor?, beginning: Timestamp) {
    self.symbol = symbol
    self.cursor = cursor
    self.beginning = beginning
    start = cursor.map { min($0.settled, $0.counted) } ?? 0
  }

  /// The id from which to ask on.
  var nextTradeID: Int64 { (trades.last?.number ?? start) + 1 }

  /// The newest trade that earlier rounds have seen; 0 for none.
  var seen: Int64 { max(cursor?.settled ?? 0, cursor?.counted ?? 0) }

  /// The trades that have not been found in the log, or to be foreign, in an earlier round.
  var unsettled: ArraySlice<VenueTrade> {
    trades.drop { ($0.number ?? .max) <= cursor?.settled ?? 0 }
  }

  /// The trades that the expected balances do not hold yet.
  var uncounted: ArraySlice<VenueTrade> {
    trades.drop { ($0.number ?? .max) <= cursor?.counted ?? 0 }
  }

  /// Takes what is new and in order; true when there was any.
  mutating func append(_ page: [VenueTrade]) -> Bool {
    let count = trades.count
    for trade in page {
      guard let number = trade.number, number >= nextTradeID else { continue }
      if cursor == nil, trades.isEmpty, trade.fill.time < beginning { start = number } else { trades.append(trade) }
    }
    return trades.count > count
  }
}

extension VenueTrade {
  /// The trade's id where the venue counts them, as Binance does.
  var number: Int64? { Int64(fill.tradeID) }
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

  /// Trades that no expected balances hold yet.
  var uncountedTrades: [SeenTrade] {
    histories.flatMap { history in history.uncounted.map { SeenTrade(symbol: history.symbol, trade: $0) } }
  }

  /// Trades that are not in the log.
  var unknownTrades: [SeenTrade] {
    guard let ledger else { return [] }
    return histories.flatMap { history in
      history.unsettled.filter { trade in
        trade.number.map { !ledger.knownTrades.contains(TradeName(symbol: history.symbol, tradeID: $0)) } ?? false
      }.map { SeenTrade(symbol: history.symbol, trade: $0) }
    }
  }
}
