/// What a venue allows for a symbol. A limit of zero is switched off.
public struct Instrument: Hashable, Sendable {
  /// The venue.
  public var venue: Venue
  /// Our name of it.
  public var symbol: Symbol
  /// The venue's own spelling, such as `BTCUSDT`.
  public var venueSymbol: String
  /// The price step.
  public var tick: Price
  /// Lowest price.
  public var minimumPrice: Price
  /// Highest price.
  public var maximumPrice: Price
  /// The quantity step.
  public var lot: Quantity
  /// Smallest quantity of an order.
  public var minimumQuantity: Quantity
  /// Largest quantity of an order.
  public var maximumQuantity: Quantity
  /// Smallest notional of an order, in the quote asset.
  public var minimumNotional: Money
  /// False while the venue has halted it.
  public var isTrading: Bool
  /// How many units of the base one of the venue's contracts stands for; one but for perpetuals such as `1000BONKUSDT`. All numbers
  /// here, and all prices and quantities in Apus, are of single units.
  public var multiplier: Int64
  /// How far a limit may reach to the other side of the venue's last price, above it for a buy, below it for a sell, in hundredths of a
  /// percent.
  public var priceBandBasisPoints: Int64

  /// Takes the venue's limits as they are.
  public init(
    venue: Venue, symbol: Symbol, venueSymbol: String, tick: Price, minimumPrice: Price = .zero, maximumPrice: Price = .zero,
    lot: Quantity, minimumQuantity: Quantity = .zero, maximumQuantity: Quantity = .zero, minimumNotional: Money = .zero,
    isTrading: Bool = true, multiplier: Int64 = 1, priceBandBasisPoints: Int64 = 0
  ) {
    self.venue = venue
    self.symbol = symbol
    self.venueSymbol = venueSymbol
    self.tick = tick
    self.minimumPrice = minimumPrice
    self.maximumPrice = maximumPrice
    self.lot = lot
    self.minimumQuantity = minimumQuantity
    self.maximumQuantity = maximumQuantity
    self.minimumNotional = minimumNotional
    self.isTrading = isTrading
    self.multiplier = multiplier
    self.priceBandBasisPoints = priceBandBasisPoints
  }

  /// The rule that a price or quantity breaks.
  public enum Violation: String, Sendable {
    case notTrading, tick, priceRange, lot, quantityRange, notional
  }

  /// The first rule that an order of `quantity` at `price` breaks, or nil. `price` is the limit, or the reference of a market order.
  public func violation(price: Price, quantity: Quantity, checksTick: Bool = true) -> Violation? {
    rules.violation(price: price, quantity: quantity, checksTick: checksTick)
  }

  /// What orders are judged by, without names.
  public var rules: TradingRules {
    TradingRules(
      tick: tick, minimumPrice: minimumPrice, maximumPrice: maximumPrice, lot: lot, minimumQuantity: minimumQuantity,
      maximumQuantity: maximumQuantity, minimumNotional: minimumNotional, isTrading: isTrading,
      priceBandBasisPoints: priceBandBasisPoints)
  }

  /// Digits behind the point that the tick has: how prices of this instrument are shown.
  public var priceDecimals: Int { Self.decimals(of: tick) }
  /// Digits behind the point that the lot has.
  public var quantityDecimals: Int { Self.decimals(of: lot) }

  private static func decimals<Step: FixedPoint>(of step: Step) -> Int {
    guard step.isPositive else { return 0 }
    var decimals = Step.scale
    var units = step.units
    while decimals > 0, units % 10 == 0 {
      units /= 10
      decimals -= 1
    }
    return decimals
  }
}

/// The numbers of an instrument that an order is judged by; what they mean says `Instrument`. Plain numbers, so that looking at them counts
/// no references.
public struct TradingRules: Hashable, Sendable {
  /// The price step.
  public let tick: Price
  /// Lowest price.
  public let minimumPrice: Price
  /// Highest price; zero is none.
  public let maximumPrice: Price
  /// The quantity step.
  public let lot: Quantity
  /// Smallest quantity of an order.
  public let minimumQuantity: Quantity
  /// Largest quantity of an order; zero is none.
  public let maximumQuantity: Quantity
  /// Smallest notional of an order, in the quote asset.
  public let minimumNotional: Money
  /// False while the venue has halted it.
  public let isTrading: Bool
  /// How far a limit may reach to the other side of the venue's last price, in hundredths of a percent; zero is as far as it likes.
  public let priceBandBasisPoints: Int64

  /// The first rule that an order breaks, or nil.
  public func violation(price: Price, quantity: Quantity, checksTick: Bool) -> Instrument.Violation? {
    guard isTrading else { return .notTrading }
    if checksTick, !price.isMultiple(of: tick) { return .tick }
    if price < minimumPrice || (!maximumPrice.isZero && price > maximumPrice) { return .priceRange }
    if !quantity.isMultiple(of: lot) { return .lot }
    if quantity < minimumQuantity || (!maximumQuantity.isZero && quantity > maximumQuantity) { return .quantityRange }
    if price * quantity < minimumNotional { return .notional }
    return nil
  }
}
