/// A share in per cent, in steps of `10^-8` of a per cent. Signed.
public struct Percent: FixedPoint {
  /// Eight digits behind the point.
  public static let scale = 8
  /// Units of `10^-8` per cent.
  public let units: Int64
  /// Takes units of `10^-8` per cent.
  @inlinable public init(units: Int64) { self.units = units }

  /// `part ÷ whole`, rounded as named; nil when `whole` is zero or the share does not fit.
  public init?(_ part: Int128, of whole: Int128, _ rounding: Rounding) {
    guard whole != 0, let units = multiplyDivide(part, 10_000_000_000, whole, rounding).flatMap({ Int64(exactly: $0) }) else {
      return nil
    }
    self.init(units: units)
  }
}

/// A fee as a share of the notional, in millionths: 0.1 % is 1,000. Negative for a rebate.
public struct FeeRate: Hashable, Comparable, Sendable {
  /// Millionths of the notional; its magnitude is below a million.
  public let millionths: Int64

  /// Nil when the magnitude is not below one whole.
  public init?(millionths: Int64) {
    guard millionths.magnitude < 1_000_000 else { return nil }
    self.millionths = millionths
  }

  /// Reads basis points such as `7.5`; nil for what is no number, has more than two digits behind the point, or is one whole or more.
  public init?(basisPoints text: String) {
    let unitsOfMillionth: Int64 = 1_000_000
    guard let points = try? Percent(text), points.units % unitsOfMillionth == 0 else { return nil }
    self.init(millionths: points.units / unitsOfMillionth)
  }

  private init(_ millionths: Int64) { self.millionths = millionths }

  /// No fee.
  public static let zero = FeeRate(0)

  /// Cheaper comes first.
  public static func < (left: FeeRate, right: FeeRate) -> Bool { left.millionths < right.millionths }
}
