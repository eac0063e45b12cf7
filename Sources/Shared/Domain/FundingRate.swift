/// What one side of a perpetual pays the other, as a fraction of the position's value per interval: positive when longs pay. In steps of
/// `10^-12`.
public struct FundingRate: FixedPoint {
  /// Twelve digits behind the point: the venues write eight.
  public static let scale = 12
  /// Units of `10^-12`.
  public let units: Int64
  /// Takes units of `10^-12`.
  public init(units: Int64) { self.units = units }

  /// A year of 365 days, in nanoseconds: what annual rates are of.
  public static let year = 365 * Interval.day

  /// What a year of such payments comes to: rate × (year ÷ interval), not compounded, rounded down to `10^-8` of a per cent. Nil when the
  /// interval (in nanoseconds) is not above zero, or the product does not fit.
  public func annual(interval: Int64) -> Percent? {
    guard interval > 0 else { return nil }
    // A fraction in 10^-12 is a hundredth as many units of 10^-8 per cent.
    return multiplyDivide(Int128(units), Int128(Self.year), Int128(interval) * 100, .down)
      .flatMap { Int64(exactly: $0) }.map(Percent.init(units:))
  }
}
