import Domain

/// What happened in the exchange, in order. A venue's face turns these into its own messages.
public enum ExchangeEvent: Hashable, Sendable {
  /// A client's order changed.
  case order(OrderUpdate)
  /// A trade, told to the public once.
  case trade(PublicTrade)
  /// A price level changed.
  case level(LevelChange)
  /// The best bid or ask is another after an operation.
  case top(TopChange)
}

/// A change of one client's order.
public struct OrderUpdate: Hashable, Sendable {
  /// What changed.
  public enum Change: Hashable, Sendable {
    case accepted
    /// Its price or quantity is another.
    case amended
    case traded(VenueFill)
    /// `requestID` is the client's own name for the cancel, empty when it gave none.
    case cancelled(requestID: String)
    case expired
    case prevented
    case rejected(OrderRejection)
  }

  /// What changed.
  public let change: Change
  /// The order after it.
  public let order: VenueOrder
  /// The venue's number of this update.
  public let executionID: Int64
  /// The account's balances of the market's two assets after it.
  public let base: Balance
  /// See `base`.
  public let quote: Balance
  /// When.
  public let time: Timestamp
}

/// A trade as everybody sees it.
public struct PublicTrade: Hashable, Sendable {
  /// Index of the market.
  public let market: Int
  /// The venue's number of it.
  public let id: Int64
  /// The maker's price.
  public let price: Price
  /// Base units.
  public let quantity: Quantity
  /// True when the buyer's order rested.
  public let isBuyerMaker: Bool
  /// When.
  public let time: Timestamp
}

/// A price level after a change.
public struct LevelChange: Hashable, Sendable {
  /// Index of the market.
  public let market: Int
  /// The side where the level rests.
  public let side: Side
  /// The level with its new total; zero when it is gone.
  public let level: BookLevel
  /// The number of the change: one more than that of the change before, within a market.
  public let updateID: Int64
}

/// The best levels after an operation.
public struct TopChange: Hashable, Sendable {
  /// Index of the market.
  public let market: Int
  /// The best levels.
  public let top: TopOfBook
  /// The number of the last level change before it.
  public let updateID: Int64
}
