import Domain

/// How an order behaves when it arrives.
public enum OrderKind: Hashable, Sendable {
  /// Trades up to its price; the rest is treated as its time in force says.
  case limit
  /// Rests or is refused: it never takes.
  case postOnly
  /// Trades at any price; what the book cannot fill expires.
  case market
}

/// What happens when an order would trade with another one of the same account.
public enum SelfTradePrevention: Hashable, Sendable {
  /// They trade.
  case none
  /// The arriving order ends.
  case expireTaker
  /// The resting order ends and the arriving one goes on.
  case expireMaker
  /// Both end.
  case expireBoth
}

/// The state of an order at the venue.
public enum VenueOrderStatus: Hashable, Sendable {
  case new, partiallyFilled, filled, cancelled, expired
  /// Ended by self-trade prevention.
  case prevented
  /// Refused by the engine; such an order is reported, and stored where the venue keeps refused orders.
  case rejected

  /// True while the order can still trade.
  public var isOpen: Bool { self == .new || self == .partiallyFilled }
}

/// How much a client asks for.
public enum OrderSize: Hashable, Sendable {
  /// An amount of the base asset.
  case base(Quantity)
  /// An amount of the quote asset to spend or to receive; market orders only.
  case quote(Money)
}

/// An order as it arrives, its shape and the venue's filters already checked.
public struct NewOrder: Hashable, Sendable {
  /// Index of the account.
  public var account: Int
  /// Index of the market.
  public var market: Int
  /// The client's name of it; unique among the account's open orders in that market. Empty: it has none.
  public var clientOrderID: String
  /// Buy or sell.
  public var side: Side
  /// How it behaves.
  public var kind: OrderKind
  /// The limit; zero for market orders.
  public var price: Price
  /// How much.
  public var size: OrderSize
  /// How long it may rest; market orders never do.
  public var timeInForce: TimeInForce
  /// What to do about the account's own orders on the other side.
  public var selfTradePrevention: SelfTradePrevention

  /// An order that asks for `size`.
  public init(
    account: Int, market: Int, clientOrderID: String = "", side: Side, kind: OrderKind = .limit, price: Price = .zero,
    size: OrderSize, timeInForce: TimeInForce = .gtc, selfTradePrevention: SelfTradePrevention = .expireMaker
  ) {
    self.account = account
    self.market = market
    self.clientOrderID = clientOrderID
    self.side = side
    self.kind = kind
    self.price = price
    self.size = size
    self.timeInForce = timeInForce
    self.selfTradePrevention = selfTradePrevention
  }
}

/// An order that the exchange has taken.
public struct VenueOrder: Hashable, Sendable {
  /// The venue's number of it; rises with every order.
  public let id: Int64
  /// What the client asks for, its amendments included.
  public internal(set) var request: NewOrder
  /// The whole size in base units; for a size in quote units, what was bought or sold with it.
  public internal(set) var quantity: Quantity
  /// Filled so far.
  public internal(set) var executed: Quantity = .zero
  /// Quote units paid or received so far, without fees.
  public internal(set) var cumulativeQuote: Money = .zero
  /// What the venue kept of it so far, in units of what the client receives.
  public internal(set) var cumulativeFee: Money = .zero
  /// The state.
  public internal(set) var status: VenueOrderStatus = .new
  /// Why the engine refused it; nil otherwise.
  public internal(set) var rejection: OrderRejection?
  /// True once it rested in the book.
  public internal(set) var hasRested = false
  /// Funds of the account that are locked for it: quote units of a buy, base units of a sell.
  public internal(set) var reserved: Money = .zero
  /// When it arrived.
  public let created: Timestamp
  /// When it changed last.
  public internal(set) var updated: Timestamp

  /// What is left to trade.
  public var remaining: Quantity { quantity - executed }
}

/// Why the engine refuses an order whose shape is fine.
public enum OrderRejection: Error, Hashable, Sendable {
  /// The account has less free than the order needs.
  case insufficientBalance
  /// The account has an open order of that client id in that market.
  case duplicateClientOrderID
  /// A post-only order that would trade at once.
  case wouldTake
  /// A size in quote units that buys nothing from this book.
  case nothingToMatch
}

/// One side's part in a trade, as it stays in the account's history.
public struct VenueFill: Hashable, Sendable {
  /// Index of the account.
  public let account: Int
  /// Index of the market.
  public let market: Int
  /// The venue's number of the trade; both sides have the same.
  public let tradeID: Int64
  /// The order that traded.
  public let orderID: Int64
  /// Its client id.
  public let clientOrderID: String
  /// Buy or sell.
  public let side: Side
  /// The maker's price.
  public let price: Price
  /// Base units.
  public let quantity: Quantity
  /// What the venue kept, in units of `feeAsset`.
  public let fee: Money
  /// Index of the asset that the fee was taken in: what the side received.
  public let feeAsset: Int
  /// True for the order that rested.
  public let isMaker: Bool
  /// When.
  public let time: Timestamp
}
