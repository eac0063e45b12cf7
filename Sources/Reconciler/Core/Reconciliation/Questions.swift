import Domain
import Venues
import Wire

/// What is compared: one account at one venue.
public struct Subject: Hashable, Sendable {
  /// Whose.
  public var account: Account
  /// Where.
  public var venue: Venue

  /// An account at a venue.
  public init(account: Account, venue: Venue) {
    self.account = account
    self.venue = venue
  }
}

/// A question to the venue.
public enum VenueQuestion: Hashable, Sendable {
  /// The orders that rest now.
  case openOrders(Symbol)
  /// Trades from this id on, oldest first, at most `Round.pageLimit`.
  case trades(Symbol, from: Int64)
  /// The newest trades, oldest first, at most `Round.pageLimit`.
  case newestTrades(Symbol)
  /// All balances, and whether the account may trade.
  case account
  /// The order of this client id.
  case order(Symbol, venueClientID: String)
  /// The orders from this venue id on, of which only the first matters.
  case orderOfTrade(Symbol, venueOrderID: String)
}

/// The venue's answer; each question has one kind of it.
public enum VenueAnswer: Hashable, Sendable {
  /// To `openOrders` and `orderOfTrade`.
  case orders([VenueOrderReport])
  /// To `trades` and `newestTrades`.
  case trades([VenueTrade])
  /// To `account`.
  case account(AccountReport)
  /// To `order`; nil when the venue does not know it.
  case order(VenueOrderReport?)
}

/// A question to the database, put after the venue has answered: so what the log lacks is missing there, not late here.
public struct LedgerQuestion: Hashable, Sendable {
  /// Client ids that the venue named; live orders are told without asking.
  public var venueClientIDs: [String]
  /// Venue order ids of trades.
  public var venueOrderIDs: [String]
  /// Trades of which it is asked whether they are stored, by symbol.
  public var trades: [SymbolTrades]

  /// Trade ids of one symbol.
  public struct SymbolTrades: Hashable, Sendable {
    /// The symbol.
    public var symbol: Symbol
    /// The ids.
    public var tradeIDs: [Int64]

    /// Trades of a symbol.
    public init(symbol: Symbol, tradeIDs: [Int64]) {
      self.symbol = symbol
      self.tradeIDs = tradeIDs
    }
  }

  /// A question.
  public init(venueClientIDs: [String], venueOrderIDs: [String], trades: [SymbolTrades]) {
    self.venueClientIDs = venueClientIDs
    self.venueOrderIDs = venueOrderIDs
    self.trades = trades
  }
}

/// What the log says of an order at the venue.
public struct LedgerOrder: Hashable, Sendable {
  /// The id that we gave the venue.
  public var venueClientID: String
  /// The venue's id, once known.
  public var venueOrderID: String?
  /// The client's id.
  public var clientOrderID: ClientOrderID
  /// What it trades.
  public var symbol: Symbol
  /// The state by the log.
  public var status: OrderStatus
  /// Filled by the log.
  public var cumulativeQuantity: Quantity
  /// When risk approved it.
  public var decidedAt: Timestamp
  /// When the log last heard of it.
  public var changedAt: Timestamp

  /// An order by the log.
  public init(
    venueClientID: String, venueOrderID: String?, clientOrderID: ClientOrderID, symbol: Symbol, status: OrderStatus,
    cumulativeQuantity: Quantity, decidedAt: Timestamp, changedAt: Timestamp
  ) {
    self.venueClientID = venueClientID
    self.venueOrderID = venueOrderID
    self.clientOrderID = clientOrderID
    self.symbol = symbol
    self.status = status
    self.cumulativeQuantity = cumulativeQuantity
    self.decidedAt = decidedAt
    self.changedAt = changedAt
  }
}

/// The database's answer.
public struct LedgerAnswer: Hashable, Sendable {
  /// Every live order of the subject, and those that were asked for by either id.
  public var orders: [LedgerOrder]
  /// Which of the trades asked for are stored.
  public var knownTrades: Set<TradeName>

  /// What the log holds.
  public init(orders: [LedgerOrder], knownTrades: Set<TradeName>) {
    self.orders = orders
    self.knownTrades = knownTrades
  }
}

/// A trade within an account at a venue.
public struct TradeName: Hashable, Sendable {
  /// What was traded.
  public var symbol: Symbol
  /// The venue's id.
  public var tradeID: Int64

  /// A trade's name.
  public init(symbol: Symbol, tradeID: Int64) {
    self.symbol = symbol
    self.tradeID = tradeID
  }
}

/// How far the trades of one symbol have been dealt with.
public struct TradeCursor: Hashable, Sendable {
  /// What was traded.
  public var symbol: Symbol
  /// Every trade up to this id is in the log, or foreign.
  public var settled: Int64
  /// The expected balances include every trade up to this id.
  public var counted: Int64

  /// A cursor.
  public init(symbol: Symbol, settled: Int64, counted: Int64) {
    self.symbol = symbol
    self.settled = settled
    self.counted = counted
  }
}
