/// Why a piece of text is not one of our numbers. Text from outside never traps: it ends here.
public enum DecimalError: Error, Equatable, Sendable {
  /// Not a decimal number: empty, spaces, letters, `NaN`, two points, a bare sign.
  case malformed
  /// Has non-zero digits below the smallest unit of the type.
  case tooPrecise
  /// Does not fit the type.
  case overflow
}

/// Exact decimal text to scaled integer and back. No binary floating point on the way.
///
/// The grammar is JSON's number: `-?digits[.digits][(e|E)[+|-]digits]`, with leading zeros tolerated, because venues write them.
public enum DecimalText {
  /// Reads `text` as an integer count of `10^-scale`.
  public static func parse(_ text: UnsafeBufferPointer<UInt8>, scale: Int) throws(DecimalError) -> Int128 {
    var cursor = Cursor(text)
    let negative = cursor.take(minus)
    try cursor.readDigits(fraction: false)
    if cursor.take(point) { try cursor.readDigits(fraction: true) }
    if cursor.take(0x65) || cursor.take(0x45) { try cursor.readExponent() }
    guard cursor.atEnd else { throw .malformed }
    // Digits beyond 128 bits are either too fine or too large; which one depends on where the point ended up.
    if cursor.lostDigits { throw cursor.exponent < 0 ? .tooPrecise : .overflow }
    let magnitude = try scaled(cursor.significand, exponent: cursor.exponent + scale)
    return negative ? -magnitude : magnitude
  }

  /// The everyday case of `parse`, several times faster: up to 18 digits, none beyond `scale`, no exponent. Nil says nothing about the
  /// text but that `parse` must look at it. `scale` is in 0 … 18.
  @inlinable
  public static func parseShort(_ text: UnsafeBufferPointer<UInt8>, scale: Int) -> Int64? {
    let isNegative = text.first == 0x2D
    var index = isNegative ? 1 : 0
    guard let units = scanShort(text, at: &index, scale: scale), index == text.count else { return nil }
    return isNegative ? -units : units
  }

  /// Reads `digits` or `digits.digits` as `parseShort` does, wherever in the text, and steps behind them.
  @inlinable @inline(__always)
  public static func scanShort(_ text: UnsafeBufferPointer<UInt8>, at index: inout Int, scale: Int) -> Int64? {
    var value: UInt64 = 0
    let whole = scanDigits(text, at: &index, into: &value)
    var decimals = 0
    if index < text.count, text[index] == 0x2E {
      index += 1
      decimals = scanDigits(text, at: &index, into: &value)
      guard decimals > 0, decimals <= scale else { return nil }
    }
    guard whole > 0, whole + decimals <= 18 else { return nil }
    let (units, overflow) = Int64(value).multipliedReportingOverflow(by: smallPowersOfTen[scale - decimals])
    return overflow ? nil : units
  }

  /// Reads the digits from `index` on behind those that made `value`, eight at once, and steps behind them; gives their number. More than
  /// 19 in all do not fit.
  @inlinable @inline(__always)
  public static func scanDigits(_ text: UnsafeBufferPointer<UInt8>, at index: inout Int, into value: inout UInt64) -> Int {
    let start = index
    while true {
      let (number, count) = leadingDigits(of: text.word(at: index))
      value = value &* UInt64(smallPowersOfTen[count]) &+ number
      index += count
      if count < 8 { return index - start }
    }
  }

  /// The number that the digits at a word's beginning make, its lowest byte first, and how many they are.
  @inlinable @inline(__always)
  static func leadingDigits(of word: UInt64) -> (number: UInt64, count: Int) {
    let digits = word ^ 0x3030_3030_3030_3030
    // A byte whose highest bit is set, or is with 118 added, is above nine. What it carries spoils only bytes behind it.
    let others = (digits | (digits &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
    let count = others.trailingZeroBitCount >> 3
    // Zeros before them do no harm. Neighbours become pairs, pairs become fours, fours become the whole.
    let eight = digits << (64 - 8 * count)
    let pairs = (eight &* 10 &+ eight >> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
    return ((fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF, count)
  }

  @usableFromInline
  static let smallPowersOfTen: InlineArray<19, Int64> = [
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
    1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
    100_000_000_000_000_000, 1_000_000_000_000_000_000,
  ]

  /// Appends `value · 10^-scale` in its shortest form: no trailing zeros, no exponent, `0` before a leading point. At least
  /// `minimumDecimals` digits follow the point.
  public static func append(_ value: Int128, scale: Int, minimumDecimals: Int = 0, to bytes: inout [UInt8]) {
    bytes.append(atMost: maximumCount) { write(value, scale: scale, minimumDecimals: minimumDecimals, to: $0) }
  }

  /// The longest text of a number: 39 digits, a point, a zero before it, a minus.
  public static let maximumCount = 42

  /// Writes what `append` appends to memory with room for `maximumCount` bytes, and gives its end.
  public static func write(
    _ value: Int128, scale: Int, minimumDecimals: Int = 0, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    var end = start
    if value < 0 {
      end.initialize(to: minus)
      end += 1
    }
    let magnitude = value.magnitude
    let (high, low) = (UInt64(truncatingIfNeeded: magnitude >> 64), UInt64(truncatingIfNeeded: magnitude))
    // 64-bit division is several times faster than 128-bit, and nearly every number fits.
    if scale <= 18, high < UInt64(smallPowersOfTen[scale]) {
      let power = UInt64(smallPowersOfTen[scale])
      let (whole, fraction) =
        high == 0 ? low.quotientAndRemainder(dividingBy: power) : power.dividingFullWidth((high, low))
      end = writeDigits(whole, minimumCount: 1, to: end)
      return writeDecimals(fraction, scale: scale, minimumDecimals: minimumDecimals, to: end)
    }
    let (whole, fraction) = magnitude.quotientAndRemainder(dividingBy: UInt128(powersOfTen[scale]))
    end = writeDigits(whole, minimumCount: 1, to: end)
    return writeDecimals(fraction, scale: scale, minimumDecimals: minimumDecimals, to: end)
  }

  /// The point and the digits behind it, without the zeros at their end.
  private static func writeDecimals<Number: UnsignedInteger & FixedWidthInteger>(
    _ fraction: Number, scale: Int, minimumDecimals: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    guard fraction != 0 || minimumDecimals > 0 else { return start }
    var fraction = fraction
    var decimals = scale
    // Most numbers are short.
    while decimals - 4 > minimumDecimals, fraction % 10_000 == 0 {
      fraction /= 10_000
      decimals -= 4
    }
    while decimals > minimumDecimals, fraction % 10 == 0 {
      fraction /= 10
      decimals -= 1
    }
    guard decimals > 0 else { return start }
    start.initialize(to: point)
    return writeDigits(UInt128(fraction), minimumCount: decimals, to: start + 1)
  }

  private static func writeDigits(
    _ number: UInt128, minimumCount: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    guard number > UInt128(UInt64.max) else { return writeDigits(UInt64(number), minimumCount: minimumCount, to: start) }
    let (high, low) = number.quotientAndRemainder(dividingBy: UInt128(smallPowersOfTen[18]))
    let end = writeDigits(high, minimumCount: minimumCount - 18, to: start)
    return writeDigits(UInt64(low), minimumCount: 18, to: end)
  }

  private static func writeDigits(
    _ number: UInt64, minimumCount: Int, to start: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let end = start + max(digitCount(number), minimumCount)
    var place = end
    var rest = number
    // Two digits a division: each has to wait for the one before.
    while place - start >= 2 {
      let (hundreds, pair) = rest.quotientAndRemainder(dividingBy: 100)
      place -= 2
      place.initialize(to: UInt8(truncatingIfNeeded: pair / 10) + 0x30)
      (place + 1).initialize(to: UInt8(truncatingIfNeeded: pair % 10) + 0x30)
      rest = hundreds
    }
    if place > start { start.initialize(to: UInt8(truncatingIfNeeded: rest) + 0x30) }
    return end
  }

  /// How many digits a number has; one for zero.
  private static func digitCount(_ number: UInt64) -> Int {
    // A bit is 0.30103 of a digit: this is the count, or one less.
    let digits = ((64 - number.leadingZeroBitCount) * 1_233) >> 12
    guard digits < smallPowersOfTen.count else { return number >= 10_000_000_000_000_000_000 ? 20 : 19 }
    return number >= UInt64(smallPowersOfTen[digits]) || number == 0 ? digits + 1 : digits
  }

  /// `10^exponent`; `exponent` is in 0 … 38.
  static func powerOfTen(_ exponent: Int) -> Int128 { powersOfTen[exponent] }

  private static let minus = UInt8(ascii: "-")
  private static let point = UInt8(ascii: ".")
  private static let powersOfTen: [Int128] = {
    var powers: [Int128] = [1]
    for _ in 1...38 { powers.append(powers[powers.count - 1] * 10) }
    return powers
  }()

  private static func scaled(_ significand: Int128, exponent: Int) throws(DecimalError) -> Int128 {
    if significand == 0 { return 0 }
    if exponent < 0 {
      guard exponent >= -38 else { throw .tooPrecise }
      let (quotient, remainder) = significand.quotientAndRemainder(dividingBy: powersOfTen[-exponent])
      guard remainder == 0 else { throw .tooPrecise }
      return quotient
    }
    guard exponent <= 38 else { throw .overflow }
    let (product, overflow) = significand.multipliedReportingOverflow(by: powersOfTen[exponent])
    guard !overflow else { throw .overflow }
    return product
  }

  /// Walks the text once, collecting significant digits. Zeros wait until a non-zero digit follows them, so that `1.000…0` of any
  /// length stays exact.
  private struct Cursor {
    let text: UnsafeBufferPointer<UInt8>
    var position = 0
    var significand: Int128 = 0
    /// Set when the significant digits exceed 128 bits; the value is then refused.
    var lostDigits = false
    private var waitingZeros = 0
    private var fractionDigits = 0
    private var written = 0

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    var atEnd: Bool { position == text.count }

    /// The value is `significand · 10^exponent`.
    var exponent: Int { waitingZeros - fractionDigits + written }

    mutating func take(_ byte: UInt8) -> Bool {
      guard position < text.count, text[position] == byte else { return false }
      position += 1
      return true
    }

    mutating func readDigits(fraction: Bool) throws(DecimalError) {
      let start = position
      while position < text.count {
        let digit = text[position] &- 0x30
        guard digit < 10 else { break }
        position += 1
        if fraction { fractionDigits += 1 }
        if digit == 0 {
          if significand != 0 { waitingZeros += 1 }
        } else {
          append(digit)
        }
      }
      guard position > start else { throw .malformed }
    }

    private mutating func append(_ digit: UInt8) {
      let shift = waitingZeros + 1
      guard !lostDigits, shift <= 38 else {
        lostDigits = true
        return
      }
      let (raised, tooBig) = significand.multipliedReportingOverflow(by: DecimalText.powerOfTen(shift))
      let (sum, overflow) = raised.addingReportingOverflow(Int128(digit))
      if tooBig || overflow {
        lostDigits = true
      } else {
        significand = sum
        waitingZeros = 0
      }
    }

    mutating func readExponent() throws(DecimalError) {
      let negative = take(DecimalText.minus)
      if !negative { _ = take(UInt8(ascii: "+")) }
      let start = position
      var value = 0
      while position < text.count {
        let digit = text[position] &- 0x30
        guard digit < 10 else { break }
        position += 1
        value = min(value * 10 + Int(digit), 100_000)
      }
      guard position > start else { throw .malformed }
      written = negative ? -value : value
    }
  }
}
