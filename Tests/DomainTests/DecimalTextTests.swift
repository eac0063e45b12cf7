import Testing

@testable import Domain

@Suite struct DecimalTextTests {
  @Test(arguments: [
    ("0", "0"), ("-0", "0"), ("1", "1"), ("0.25", "0.25"), ("26796.10", "26796.1"), ("0.0000000001", "0.0000000001"),
    ("1e3", "1000"), ("2.5E-3", "0.0025"), ("1.50000000000000000000000000000000000000000000000000", "1.5"),
    ("00012", "12"), ("-12.5", "-12.5"), ("922337203.6854775807", "922337203.6854775807"), ("100e-2", "1"), ("0e5", "0"),
  ])
  func exactTextIsReadAndPrintedInItsShortestForm(text: String, printed: String) throws {
    #expect(try Price(text).description == printed)
  }

  @Test(arguments: [
    "", " ", "-", ".", "1.", ".5", "+1", "1 ", " 1", "NaN", "inf", "0x10", "1e", "1e+", "1,5", "1.2.3", "٣", "--1",
  ])
  func anythingElseIsMalformed(text: String) {
    #expect(throws: DecimalError.malformed) { try Price(text) }
  }

  @Test(arguments: ["0.00000000001", "0.123456789012345678901234567890", "1e-11", "1.00000000000000000000000000000000000000001"])
  func digitsBelowTheSmallestUnitAreRefused(text: String) {
    #expect(throws: DecimalError.tooPrecise) { try Price(text) }
  }

  @Test(arguments: ["922337203.6854775808", "1e400", "1e99999999999999999999", "9999999999999999999999999999999999999999999"])
  func numbersBeyondTheRangeAreRefused(text: String) {
    #expect(throws: DecimalError.overflow) { try Price(text) }
  }

  @Test func everyValuePrintsToTextThatReadsBackTheSame() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      let units = Int64(bitPattern: generator.next()) >> Int64(generator.next() % 60)
      let price = Price(units: units)
      #expect(try Price(price.description) == price)
      let money = Money(units: Int128(units) * Int128(Int64(bitPattern: generator.next()) >> 20))
      #expect(try Money(money.description) == money)
    }
  }

  @Test func theShortReadingIsTheFullReadingOrNone() {
    var generator = SeededGenerator(seed: 23)
    let alphabet = Array("0123456789.-e".utf8)
    var short = 0
    for _ in 0..<50_000 {
      let length = Int(generator.next() % 24)
      let text = (0..<length).map { _ in alphabet[Int(generator.next() % (generator.next() % 8 == 0 ? 13 : 11))] }
      let scale = Int(generator.next() % 19)
      text.withUnsafeBufferPointer { text in
        guard let value = DecimalText.parseShort(text, scale: scale) else { return }
        short += 1
        let full = try? DecimalText.parse(text, scale: scale)
        #expect(full == Int128(value), "\(String(decoding: text, as: UTF8.self)) at scale \(scale)")
      }
    }
    #expect(short > 5_000)
  }

  @Test func atLeastTheAskedDecimalsAreShown() throws {
    #expect(try Price("26795.4").text(decimals: 2) == "26795.40")
    #expect(try Price("26795.456").text(decimals: 2) == "26795.456")
    #expect(try Price("3").text(decimals: 2) == "3.00")
  }
}

@Suite struct AmountTests {
  @Test func aNotionalIsExact() throws {
    #expect(try Price("0.0000000001") * Quantity("0.00000001") == Money("0.000000000000000001"))
    #expect(try Price("26796.10") * Quantity("0.25") == Money("6699.025"))
  }

  /// The smallest integer has no counterpart: negating it would trap, so no text reads as it.
  @Test func everyAmountCanBeNegated() throws {
    #expect(throws: DecimalError.overflow) { try Quantity("-92233720368.54775808") }
    #expect(try -Quantity("-92233720368.54775807") == Quantity("92233720368.54775807"))
    #expect(Quantity(try Money("-92233720368.54775808"), .up) == nil)
  }

  @Test func roundingGoesWhereItWasTold() throws {
    let tick = try Price("0.01")
    #expect(try Price("1.239").rounded(toMultipleOf: tick, .down) == Price("1.23"))
    #expect(try Price("1.231").rounded(toMultipleOf: tick, .up) == Price("1.24"))
    #expect(try Price("-1.239").rounded(toMultipleOf: tick, .down) == Price("-1.24"))
    #expect(try Price("1.23").rounded(toMultipleOf: tick, .up) == Price("1.23"))
    #expect(try Money("10").quantity(at: Price("3"), .down) == Quantity("3.33333333"))
    #expect(try Money("10").quantity(at: Price("3"), .up) == Quantity("3.33333334"))
    #expect(try Money("-10").quantity(at: Price("3"), .down) == Quantity("-3.33333334"))
    #expect(try Price("100").moved(byBasisPoints: -500, .down) == Price("95"))
  }

  /// Short and long products take different ways to the same price; and a limit lies beyond the rounded edge exactly when it lies beyond
  /// the exact one.
  @Test func aMovedPriceIsTheRoundedProduct() {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<20_000 {
      let price = Price(units: Int64(generator.next() >> (1 + generator.next() % 63)))
      let basisPoints = Int64(generator.next() % 19_999) - 9_999
      let exact = Int128(price.units) * Int128(10_000 + basisPoints)
      let floor = exact / 10_000
      let ceiling = exact % 10_000 == 0 ? floor : floor + 1
      #expect(price.moved(byBasisPoints: basisPoints, .down)?.units == Int64(exactly: floor))
      #expect(price.moved(byBasisPoints: basisPoints, .up)?.units == Int64(exactly: ceiling))
      for limit in (floor - 1)...(floor + 2) {
        #expect((limit > floor) == (limit * 10_000 > exact))
        #expect((limit < ceiling) == (limit * 10_000 < exact))
      }
    }
  }

  @Test func productsThroughTwoWordsAgreeWithSmallArithmetic() {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<20_000 {
      let a = Int128(Int32(truncatingIfNeeded: generator.next()))
      let b = Int128(Int32(truncatingIfNeeded: generator.next()))
      let divisor = Int128(Int16(truncatingIfNeeded: generator.next()))
      guard divisor != 0 else { continue }
      let exact = a * b
      let floor = exact / divisor - ((exact % divisor != 0) && ((exact < 0) != (divisor < 0)) ? 1 : 0)
      #expect(multiplyDivide(a, b, divisor, .down) == floor)
      #expect(multiplyDivide(a, b, divisor, .up) == (exact % divisor == 0 ? floor : floor + 1))
    }
  }

  @Test func aQuotientThatDoesNotFitIsNil() {
    #expect(multiplyDivide(.max, .max, 1, .down) == nil)
    #expect(Money.limit.quantity(at: Price(units: 1), .down) == nil)
    #expect(Money.limit.quantity(at: .zero, .down) == nil)
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func writesWhatItsDigitsSay(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<1_000 {
      let wide = Int128(Int64(bitPattern: generator.next())) << 64 | Int128(generator.next())
      // Numbers of every length, many of them with zeros at the end.
      let value = (wide >> Int128(10 + generator.next() % 118)) * (generator.next() % 3 == 0 ? 1_000 : 1)
      let scale = [0, 3, 8, 10, 18, 19, 38][Int(generator.next() % 7)]
      let decimals = Int(generator.next() % 4)
      var bytes: [UInt8] = []
      DecimalText.append(value, scale: scale, minimumDecimals: decimals, to: &bytes)
      #expect(
        String(decoding: bytes, as: UTF8.self) == naive(value, scale, decimals), "seed \(seed): \(value), \(scale), \(decimals)")
    }
  }

  /// The digits of the integer, with a point among them.
  private func naive(_ value: Int128, _ scale: Int, _ decimals: Int) -> String {
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    var fraction = String(padded.suffix(scale))
    while fraction.count > decimals, fraction.last == "0" { fraction.removeLast() }
    return (value < 0 ? "-" : "") + padded.dropLast(scale) + (fraction.isEmpty ? "" : "." + fraction)
  }
}
