import Domain

/// A trade that a venue publishes, nobody's in particular.
public struct PublicTrade: Sendable, Hashable {
  /// The venue's spelling of the symbol.
  public var venueSymbol: String
  /// The venue's id of it.
  public var tradeID: String
  /// The side of whoever took liquidity.
  public var takerSide: Side
  /// The price.
  public var price: Price
  /// Base units; the venue's contracts where it counts in those.
  public var quantity: Quantity
  /// The venue's time of it.
  public var time: Timestamp
}

/// What one side of a perpetual pays the other, as a fraction of the position's value per interval: positive when longs pay. In steps of
/// `10^-12`.
public struct FundingRate: FixedPoint {
  /// Twelve digits behind the point: the venues write eight.
  public static let scale = 12
  /// Units of `10^-12`.
  public let units: Int64
  /// Takes units of `10^-12`.
  public init(units: Int64) { self.units = units }
}

/// What a venue publishes of a symbol beside its book. A frame of changes says only what has changed.
public struct Ticker: Sendable, Hashable {
  /// The venue's spelling of the symbol.
  public var venueSymbol: String
  /// Price of the last trade.
  public var lastPrice: Price?
  /// What positions are valued at; perpetuals only.
  public var markPrice: Price?
  /// What will be paid at `nextFundingTime`; perpetuals only.
  public var fundingRate: FundingRate?
  /// When it will be paid.
  public var nextFundingTime: Timestamp?
  /// Between two payments, in nanoseconds.
  public var fundingInterval: Int64?
  /// The venue's time of it.
  public var time: Timestamp

  /// Takes over what a later frame says.
  public mutating func update(by later: Ticker) {
    lastPrice = later.lastPrice ?? lastPrice
    markPrice = later.markPrice ?? markPrice
    fundingRate = later.fundingRate ?? fundingRate
    nextFundingTime = later.nextFundingTime ?? nextFundingTime
    fundingInterval = later.fundingInterval ?? fundingInterval
    time = later.time
  }
}

/// A funding rate that was paid.
public struct FundingPayment: Sendable, Hashable {
  /// The venue's spelling of the symbol.
  public var venueSymbol: String
  /// The rate.
  public var rate: FundingRate
  /// When.
  public var time: Timestamp
}
