import Domain

/// A trade that a venue publishes, nobody's in particular.
public struct PublicTrade: Sendable, Hashable {
  /// The venue's spelling of the symbol.
  public var venueSymbol: String
  /// The venue's id of it.
  public var tradeID: String
  /// The same as a number, on venues that count their trades.
  public var number: Int64?
  /// The side of whoever took liquidity.
  public var takerSide: Side
  /// The price.
  public var price: Price
  /// Base units; the venue's contracts where it counts in those.
  public var quantity: Quantity
  /// The venue's time of it.
  public var time: Timestamp
}

/// The public trades of one frame, in the venue's order.
public struct PublicTrades: Sendable, Hashable {
  /// The trades.
  public private(set) var trades: [PublicTrade]
  /// Fields that we do not know; they are ignored.
  public var unknownFields: Int
  /// Trades that are left out, because a word in them is new to us.
  public var leftOut: Int

  /// Trades as a venue sent them. Throws for one that nobody can have made: prices and quantities are above zero, ids bounded, numbers
  /// not below zero.
  init(_ trades: [PublicTrade], unknownFields: Int = 0, leftOut: Int = 0) throws(ReplyError) {
    for trade in trades {
      guard trade.price.isPositive else { throw .missing("price") }
      guard trade.quantity.isPositive else { throw .missing("quantity") }
      guard (1...128).contains(trade.tradeID.utf8.count), trade.number ?? 0 >= 0 else { throw .missing("id") }
    }
    self.trades = trades
    self.unknownFields = unknownFields
    self.leftOut = leftOut
  }

  /// Drops the trades of other symbols.
  public mutating func keep(venueSymbol: String) { trades.removeAll { $0.venueSymbol != venueSymbol } }

  /// Turns the trades of a contract into trades of single units.
  public mutating func scaleToUnits(multiplier: Int64) throws(ReplyError) {
    guard multiplier > 1 else { return }
    for index in trades.indices {
      guard let price = trades[index].price.perUnit(multiplier) else { throw .number("price", .tooPrecise) }
      trades[index].price = price
      trades[index].quantity = trades[index].quantity.inUnits(multiplier)
    }
  }
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
