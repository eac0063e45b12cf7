import Domain
import Wire

/// An order to send to a venue.
public struct NewOrder: Sendable, Hashable {
  /// How it may trade. Only what a venue can do is expressible.
  public enum Terms: Sendable, Hashable {
    /// At any price, at once.
    case market
    /// At `price` or better.
    case limit(price: Price, TimeInForce)
    /// At `price` or better, refused by the venue if any of it would trade at once.
    case postOnly(price: Price)
  }

  /// Our id of it at the venue, legal there, the same after any restart.
  public var clientID: String
  /// The venue's spelling of the symbol.
  public var venueSymbol: String
  /// Buy or sell.
  public var side: Side
  /// How it may trade.
  public var terms: Terms
  /// Base units.
  public var quantity: Quantity

  /// An order of `quantity` on these terms.
  public init(clientID: String, venueSymbol: String, side: Side, terms: Terms, quantity: Quantity) {
    self.clientID = clientID
    self.venueSymbol = venueSymbol
    self.side = side
    self.terms = terms
    self.quantity = quantity
  }
}

extension TimeInForce {
  /// How venues spell it.
  var capitals: StaticString {
    switch self {
    case .gtc: "GTC"
    case .ioc: "IOC"
    case .fok: "FOK"
    }
  }
}

extension NewOrder {
  /// True for 1 to `maximumLength` of letters, digits, `-` and `_`: what most venues take as a client id.
  static func isPlain(clientID: String, maximumLength: Int) -> Bool {
    guard (1...maximumLength).contains(clientID.utf8.count) else { return false }
    var clientID = clientID
    return clientID.withUTF8 { $0.allAre(.plain) }
  }
}

/// A venue's word about an order's life, in our terms.
public enum VenueOrderState: String, Sendable, CaseIterable {
  case open, partiallyFilled, filled, cancelled, expired, rejected

  /// What it does to our order's state.
  public var transition: OrderTransition {
    switch self {
    case .open: .acknowledge
    case .partiallyFilled: .fillPart
    case .filled: .fillAll
    case .cancelled: .cancel
    case .expired: .expire
    case .rejected: .reject
    }
  }

  /// True when the venue will add nothing by itself.
  public var isTerminal: Bool { self != .open && self != .partiallyFilled }
}

/// What a venue says about one order: in a reply, in an answer to a query, or on the private stream.
public struct VenueOrderReport: Sendable, Hashable {
  /// The venue's spelling of the symbol; empty in an answer that does not name it.
  public var venueSymbol: String
  /// The venue's id of the order.
  public var venueOrderID: String
  /// Our id at the venue; empty for an order made without one.
  public var clientID: String
  /// Buy or sell; nil when not said.
  public var side: Side?
  /// The limit; nil for none or when not said.
  public var price: Price?
  /// The order's quantity; nil when not said.
  public var quantity: Quantity?
  /// Where the order is; nil when the reply does not say, or says a word that we do not know (`unrecognised`).
  public var state: VenueOrderState?
  /// The venue's word for the state when we do not know it: to be counted.
  public var unrecognised: String?
  /// Filled so far; nil when not said.
  public var cumulativeQuantity: Quantity?
  /// Paid or received so far in the quote asset; nil when not said.
  public var cumulativeQuote: Money?
  /// Trades named in this report; the cumulative figures include them.
  public var fills: [Fill]
  /// The venue's time of it.
  public var time: Timestamp
  /// Why the venue refused or ended it, when it says.
  public var reason: String?

  /// A report on the order `venueOrderID`; everything else may be unsaid.
  public init(
    venueSymbol: String, venueOrderID: String, clientID: String, side: Side? = nil, price: Price? = nil,
    quantity: Quantity? = nil,
    state: VenueOrderState? = nil, unrecognised: String? = nil, cumulativeQuantity: Quantity? = nil,
    cumulativeQuote: Money? = nil,
    fills: [Fill] = [], time: Timestamp, reason: String? = nil
  ) {
    self.venueSymbol = venueSymbol
    self.venueOrderID = venueOrderID
    self.clientID = clientID
    self.side = side
    self.price = price
    self.quantity = quantity
    self.state = state
    self.unrecognised = unrecognised?.cut()
    self.cumulativeQuantity = cumulativeQuantity
    self.cumulativeQuote = cumulativeQuote
    self.fills = fills
    self.time = time
    self.reason = reason?.cut()
  }

  /// The average price of what has been filled, rounded as named; nil before the first fill or when not said.
  public func averagePrice(_ rounding: Rounding) -> Price? {
    guard let cumulativeQuote, let cumulativeQuantity else { return nil }
    return cumulativeQuote.price(of: cumulativeQuantity, rounding)
  }
}

/// A trade from an account's history.
public struct VenueTrade: Sendable, Hashable {
  /// The venue's spelling of the symbol.
  public var venueSymbol: String
  /// The venue's id of the order that traded.
  public var venueOrderID: String
  /// The client id of that order, empty when it has none; nil where the venue's trades do not say.
  public var clientID: String?
  /// Our side.
  public var side: Side
  /// The trade.
  public var fill: Fill

  /// A trade of the order `venueOrderID`.
  public init(venueSymbol: String, venueOrderID: String, clientID: String? = nil, side: Side, fill: Fill) {
    self.venueSymbol = venueSymbol
    self.venueOrderID = venueOrderID
    self.clientID = clientID
    self.side = side
    self.fill = fill
  }
}

/// An account, as the venue states it.
public struct AccountReport: Sendable, Hashable {
  /// Every asset that it holds.
  public var balances: [AssetBalance]
  /// False when the venue lets the account look and not trade: a wrong kind of account, a frozen one, or a key without the right.
  public var mayTrade: Bool

  /// An account.
  public init(balances: [AssetBalance], mayTrade: Bool = true) {
    self.balances = balances
    self.mayTrade = mayTrade
  }
}

/// Which trades of a symbol to ask a venue for.
public enum TradeSelection: Sendable, Hashable {
  /// Those of one order.
  case order(venueOrderID: String)
  /// From this trade id on, oldest first, where the venue's ids count.
  case from(tradeID: String)
  /// From this instant on; the venues look a day or a week ahead of it.
  case since(Timestamp)
  /// The newest.
  case newest
}

/// What tells where a trade stands among an account's trades of a symbol.
public enum TradeOrder: Sendable, Hashable {
  /// Its id, a number that grows: whatever has a greater one than a trade that was seen is new.
  case ids
  /// Its time, since ids say nothing. A trade may come to light after a later one, but not when it is older than `settling`; the venue
  /// answers a question that begins up to `reach` ago with everything since. Nanoseconds.
  case times(settling: Int64, reach: Int64)
}

/// What a private stream brings.
public enum VenueEvent: Sendable, Equatable {
  /// Something happened to an order.
  case order(VenueOrderReport)
  /// New totals of the assets named; the others are unchanged.
  case balances([AssetBalance], time: Timestamp)
  /// A deposit, withdrawal or transfer changed an asset by `delta`.
  case balanceChange(asset: String, delta: Money, time: Timestamp)
  /// The connection is logged on: it may subscribe.
  case authenticated(requestID: String)
  /// The subscription with this request id stands: events follow.
  case subscribed(requestID: String)
  /// The venue refused the request with this id.
  case refused(requestID: String, VenueFailure)
  /// The venue ends the stream: subscribe again on a new connection.
  case ended(reason: String)
  /// A kind of event that we do not use: to be counted.
  case ignored(kind: String)
}
