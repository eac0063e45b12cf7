/// How a quotient that is not exact becomes an integer. Named at every call, and chosen so that the error goes against us.
public enum Rounding: Sendable {
  /// Toward minus infinity.
  case down
  /// Toward plus infinity.
  case up
}

/// A number of `10^-scale` units held in an integer. Three types conform and never mix: `Price`, `Quantity`, `Money`.
public protocol FixedPoint: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The integer that counts the units.
  associatedtype Units: FixedWidthInteger & SignedInteger & Sendable
  /// Decimal digits behind the point.
  static var scale: Int { get }
  /// The value in units of `10^-scale`.
  var units: Units { get }
  /// Takes `units` as they are.
  init(units: Units)
}

extension FixedPoint {
  /// Zero.
  @inlinable public static var zero: Self { Self(units: 0) }

  /// Reads decimal text exactly. Throws for anything that is not exactly representable, and for the one integer without a counterpart
  /// of the other sign.
  public init(text: UnsafeBufferPointer<UInt8>) throws(DecimalError) {
    if let short = DecimalText.parseShort(text, scale: Self.scale) {
      self.init(units: Units(short))
      return
    }
    let value = try DecimalText.parse(text, scale: Self.scale)
    guard let units = Units(exactly: value), units != .min else { throw .overflow }
    self.init(units: units)
  }

  /// Reads decimal text exactly. Throws for anything that is not exactly representable.
  public init(_ text: some StringProtocol) throws(DecimalError) {
    let bytes = Array(text.utf8)
    self = try Self.parse(bytes)
  }

  /// Reads the UTF-8 bytes of decimal text exactly.
  public static func parse(_ bytes: [UInt8]) throws(DecimalError) -> Self {
    try bytes.withUnsafeBufferPointer { buffer throws(DecimalError) in try Self(text: buffer) }
  }

  /// Appends the shortest exact decimal text, with at least `minimumDecimals` digits behind the point.
  public func append(to bytes: inout [UInt8], minimumDecimals: Int = 0) {
    DecimalText.append(Int128(units), scale: Self.scale, minimumDecimals: minimumDecimals, to: &bytes)
  }

  /// The exact decimal text with at least `decimals` digits behind the point.
  public func text(decimals: Int = 0) -> String {
    var bytes: [UInt8] = []
    append(to: &bytes, minimumDecimals: decimals)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The shortest exact decimal text.
  public var description: String { text() }

  /// By value.
  @inlinable public static func < (left: Self, right: Self) -> Bool { left.units < right.units }
  /// The sum; traps on overflow, which bounded inputs make a broken invariant.
  @inlinable public static func + (left: Self, right: Self) -> Self { Self(units: left.units + right.units) }
  /// The difference; traps on overflow, which bounded inputs make a broken invariant.
  @inlinable public static func - (left: Self, right: Self) -> Self { Self(units: left.units - right.units) }
  /// The negated value.
  @inlinable public static prefix func - (value: Self) -> Self { Self(units: -value.units) }
  /// Adds in place; traps on overflow.
  @inlinable public static func += (left: inout Self, right: Self) { left = left + right }
  /// Subtracts in place; traps on overflow.
  @inlinable public static func -= (left: inout Self, right: Self) { left = left - right }
  /// The absolute value.
  @inlinable public var magnitude: Self { units < 0 ? -self : self }
  /// True above zero.
  @inlinable public var isPositive: Bool { units > 0 }
  /// True below zero.
  @inlinable public var isNegative: Bool { units < 0 }
  /// True at zero.
  @inlinable public var isZero: Bool { units == 0 }

  /// True when the value is a whole multiple of `step`; a step of zero allows every value.
  @inlinable public func isMultiple(of step: Self) -> Bool { step.units == 0 || units % step.units == 0 }

  /// The nearest multiple of `step` in the direction named; a step of zero leaves the value as it is.
  public func rounded(toMultipleOf step: Self, _ rounding: Rounding) -> Self {
    guard step.units != 0 else { return self }
    let remainder = units % step.units
    guard remainder != 0 else { return self }
    let towardZero = units - remainder
    switch rounding {
    case .down: return Self(units: units < 0 ? towardZero - step.units : towardZero)
    case .up: return Self(units: units < 0 ? towardZero : towardZero + step.units)
    }
  }
}

/// `a · b ÷ divisor`, exact through 256 bits and rounded as named; nil when the quotient does not fit.
func multiplyDivide(_ a: Int128, _ b: Int128, _ divisor: Int128, _ rounding: Rounding) -> Int128? {
  precondition(divisor != 0, "division by zero")
  let negative = ((a < 0) != (b < 0)) != (divisor < 0)
  guard let (whole, remainder) = multiplyDivide(a.magnitude, b.magnitude, divisor.magnitude) else { return nil }
  var quotient = whole
  if remainder != 0 && (rounding == .up) != negative { quotient += 1 }
  guard quotient <= UInt128(Int128.max) else { return nil }
  return negative ? -Int128(quotient) : Int128(quotient)
}

/// Quotient and remainder of `a · b ÷ divisor`; nil when the quotient does not fit. Every step up in width costs several times more, and
/// nearly every product is short.
private func multiplyDivide(_ a: UInt128, _ b: UInt128, _ divisor: UInt128) -> (UInt128, UInt128)? {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  if overflow {
    let wide = a.multipliedFullWidth(by: b)
    return wide.high < divisor ? divisor.dividingFullWidth(wide) : nil
  }
  if product <= UInt128(UInt64.max), divisor <= UInt128(UInt64.max) {
    let (quotient, remainder) = UInt64(product).quotientAndRemainder(dividingBy: UInt64(divisor))
    return (UInt128(quotient), UInt128(remainder))
  }
  return product.quotientAndRemainder(dividingBy: divisor)
}
