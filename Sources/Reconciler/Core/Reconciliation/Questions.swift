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
  /// Trades: by id at most `Round.pageLimit`, oldest first; by time all.
  case trades(Symbol, TradeSelection)
  /// All balances, and whether the account may trade.
  case account
  /// The order of this client id.
  case order(Symbol, venueClientID: String)
  /// The order of this venue id.
  case orderOfTrade(Symbol, venueOrderID: String)

  /// What it is about; nil for the whole account.
  public var symbol: Symbol? {
    switch self {
    case .openOrders(let symbol), .trades(let symbol, _), .order(let symbol, _), .orderOfTrade(let symbol, _): symbol
    case .account: nil
    }
  }

  /// The question as it is put to an account.
  public func request(venueSymbol: String) -> AccountRequest {
    switch self {
    case .openOrders: .openOrders(venueSymbol: venueSymbol)
    case .trades(_, let selection): .trades(venueSymbol: venueSymbol, selection)
    case .account: .account
    case .order(_, let id): .order(clientID: id, venueSymbol: venueSymbol)
    case .orderOfTrade(_, let id): .allOrders(venueSymbol: venueSymbol, fromOrderID: id)
    }
  }
}

/// The venue's answer; each question has one kind of it.
public enum VenueAnswer: Hashable, Sendable {
  /// To `openOrders` and `orderOfTrade`.
  case orders([VenueOrderReport])
  /// To `trades`.
  case trades([VenueTrade])
  /// To `account`.
  case account(AccountReport)
  /// To `order`; nil when the venue does not know it.
  case order(VenueOrderReport?)

  /// What an account's answer says; nil when the question has to be put again.
  public init?(_ answer: AccountAnswer) {
    switch answer {
    case .orders(.confirmed(let orders)): self = .orders(orders)
    case .trades(.confirmed(let trades)): self = .trades(trades)
    case .account(.confirmed(let account)): self = .account(account)
    case .order(.confirmed(let order)): self = .order(order)
    case .order(.failed(let failure)) where failure.kind == .noSuchOrder: self = .order(nil)
    default: return nil
    }
  }
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
    public var tradeIDs: [String]

    /// Trades of a symbol.
    public init(symbol: Symbol, tradeIDs: [String]) {
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
  public var tradeID: String

  /// A trade's name.
  public init(symbol: Symbol, tradeID: String) {
    self.symbol = symbol
    self.tradeID = tradeID
  }
}
