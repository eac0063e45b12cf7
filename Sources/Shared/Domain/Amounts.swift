/// A price in quote units per base unit, in steps of `10^-10`; at most 922,337,203.
public struct Price: FixedPoint {
  /// Ten digits behind the point: fine enough for a tick of `0.00000001` and two digits more.
  public static let scale = 10
  /// Units of `10^-10`.
  public let units: Int64
  /// Takes units of `10^-10`.
  @inlinable public init(units: Int64) { self.units = units }

  /// This price moved by `basisPoints` (of 10,000), rounded as named; nil when it leaves the range.
  public func moved(byBasisPoints basisPoints: Int64, _ rounding: Rounding) -> Price? {
    // All everyday prices: 64 bits and a divisor that the compiler knows.
    let (product, overflow) = units.multipliedReportingOverflow(by: 10_000 + basisPoints)
    if !overflow, product >= 0 { return Price(units: product / 10_000 + (rounding == .up && product % 10_000 != 0 ? 1 : 0)) }
    return multiplyDivide(Int128(units), Int128(10_000 + basisPoints), 10_000, rounding).flatMap { Int64(exactly: $0) }.map(
      Price.init(units:))
  }
}

/// An amount of a base asset, in steps of `10^-8`; at most 92,233,720,368. An instrument whose orders need more is refused.
public struct Quantity: FixedPoint {
  /// Eight digits behind the point: the venues' own finest lot.
  public static let scale = 8
  /// Units of `10^-8`.
  public let units: Int64
  /// Takes units of `10^-8`.
  @inlinable public init(units: Int64) { self.units = units }
}

/// An amount of any asset: notionals, balances, fees, profit. In steps of `10^-18`, so that a price times a quantity is exact.
public struct Money: FixedPoint {
  /// `Price.scale + Quantity.scale`: products need no rounding.
  public static let scale = 18
  /// Units of `10^-18`.
  public let units: Int128
  /// Takes units of `10^-18`.
  @inlinable public init(units: Int128) { self.units = units }

  /// No single amount is above this (`10^17`), so that sums of a thousand such amounts still fit.
  public static let limit = Money(units: 100_000_000_000_000_000_000_000_000_000_000_000)

  /// The same amount as a quantity of its asset: exact, no rounding.
  public init(_ quantity: Quantity) { units = Int128(quantity.units) * 10_000_000_000 }

  /// This amount bought or sold at `price`: amount ÷ price in base units, rounded as named; nil when it does not fit or `price` is zero.
  public func quantity(at price: Price, _ rounding: Rounding) -> Quantity? {
    guard price.units != 0 else { return nil }
    return multiplyDivide(units, 1, Int128(price.units), rounding).flatMap { Int64(exactly: $0) }.map(Quantity.init(units:))
  }

  /// The average price of `quantity` that came to this amount, rounded as named; nil when it does not fit or `quantity` is zero.
  public func price(of quantity: Quantity, _ rounding: Rounding) -> Price? {
    guard quantity.units != 0 else { return nil }
    return multiplyDivide(units, 1, Int128(quantity.units), rounding).flatMap { Int64(exactly: $0) }.map(Price.init(units:))
  }

  /// The share `part ÷ whole` of this amount, rounded as named; nil when `whole` is zero or the share does not fit.
  public func share(_ part: Quantity, of whole: Quantity, _ rounding: Rounding) -> Money? {
    guard whole.units != 0 else { return nil }
    return multiplyDivide(units, Int128(part.units), Int128(whole.units), rounding).map(Money.init(units:))
  }

  /// This amount of one asset in another that costs `price` a unit, rounded as named; nil when it does not fit.
  public func converted(at price: Price, _ rounding: Rounding) -> Money? {
    multiplyDivide(units, Int128(price.units), 10_000_000_000, rounding).map(Money.init(units:))
  }

  /// `basisPoints` ten-thousandths of this amount, rounded as named.
  public func basisPoints(_ basisPoints: Int64, _ rounding: Rounding) -> Money {
    guard let units = multiplyDivide(units, Int128(basisPoints), 10_000, rounding) else {
      preconditionFailure("a share below one of a bounded amount fits")
    }
    return Money(units: units)
  }
}

/// The exact notional. Never overflows: both factors are 64 bits wide.
@inlinable public func * (price: Price, quantity: Quantity) -> Money {
  Money(units: Int128(price.units) * Int128(quantity.units))
}

extension Quantity {
  /// The amount as a base quantity, rounded to `10^-8` as named; nil when it does not fit.
  public init?(_ money: Money, _ rounding: Rounding) {
    guard let units = multiplyDivide(money.units, 1, 10_000_000_000, rounding).flatMap({ Int64(exactly: $0) }), units != .min
    else { return nil }
    self.init(units: units)
  }
}
