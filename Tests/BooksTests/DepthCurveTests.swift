import Domain
import Testing

@testable import Books

@Suite struct DepthCurveTests {
  /// Level by level, as a person would.
  private func walk(_ levels: [BookLevel], quantity: Quantity) -> DepthCurve.Sweep {
    var sweep = DepthCurve.Sweep(quantity: .zero, notional: .zero, worstPrice: nil, levels: 0, isThin: false)
    for level in levels where sweep.quantity < quantity {
      let part = min(level.quantity, quantity - sweep.quantity)
      sweep.quantity += part
      sweep.notional += level.price * part
      sweep.worstPrice = level.price
      sweep.levels += 1
    }
    sweep.isThin = sweep.quantity < quantity
    return sweep
  }

  private func walk(_ levels: [BookLevel], notional: Money, _ rounding: Rounding) -> DepthCurve.Sweep {
    var sweep = DepthCurve.Sweep(quantity: .zero, notional: .zero, worstPrice: nil, levels: 0, isThin: false)
    var rest = notional
    for level in levels where rest.isPositive {
      sweep.worstPrice = level.price
      sweep.levels += 1
      let whole = level.price * level.quantity
      if whole < rest {
        rest -= whole
        sweep.quantity += level.quantity
        sweep.notional += whole
      } else {
        let units = rest.units / Int128(level.price.units)
        let isExact = units * Int128(level.price.units) == rest.units
        let part = Quantity(units: Int64(units) + (rounding == .up && !isExact ? 1 : 0))
        sweep.quantity += part
        sweep.notional += level.price * part
        rest = .zero
      }
    }
    sweep.isThin = rest.isPositive
    return sweep
  }

  /// Deep books with odd figures.
  private func levels(_ count: Int, _ side: Side, using generator: inout SeededGenerator) -> [BookLevel] {
    var price = 1_000_000 + Int64.random(in: 0..<1_000_000_000_000, using: &generator)
    return (0..<count).map { _ in
      price += (side == .sell ? 1 : -1) * Int64.random(in: 1...900, using: &generator)
      return BookLevel(
        price: Price(units: max(1, price)), quantity: Quantity(units: Int64.random(in: 1...5_000_000_000, using: &generator)))
    }
  }

  @Test func equalsTheWalkThroughTheLevels() {
    for seed in 0..<1_000 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let side: Side = seed % 2 == 0 ? .sell : .buy
      let levels = levels(Int.random(in: 0...700, using: &generator), side, using: &generator)
      let curve = DepthCurve(levels)
      for _ in 0..<5 {
        let part = Int64.random(in: 0...(curve.quantity.units + curve.quantity.units / 4), using: &generator)
        let quantity = Quantity(units: part)
        #expect(curve.sweep(quantity: quantity) == walk(levels, quantity: quantity), "seed \(seed)")
        let notional = Money(units: curve.notional.units / 1_000 * Int128.random(in: 0...1_250, using: &generator))
        for rounding in [Rounding.up, .down] {
          #expect(
            curve.sweep(notional: notional, rounding) == walk(levels, notional: notional, rounding), "seed \(seed)")
        }
      }
    }
  }

  @Test func impactIsSignedAndRoundedAgainstTheOrder() throws {
    let asks = [Sample.level("101", "1"), Sample.level("103", "1")]
    let bids = [Sample.level("99", "1"), Sample.level("97", "1")]
    let top = TopOfBook(bid: bids[0], ask: asks[0])
    let buy = try #require(PriceImpact(side: .buy, notional: Sample.decimal("204"), curve: DepthCurve(asks), top: top))
    #expect(buy.averagePrice == Sample.decimal("102"))
    #expect(buy.middle == Sample.decimal("100"))
    #expect(buy.percent == Sample.decimal("2"))
    #expect(!buy.sweep.isThin)
    let sell = try #require(PriceImpact(side: .sell, notional: Sample.decimal("196"), curve: DepthCurve(bids), top: top))
    #expect(sell.averagePrice == Sample.decimal("98"))
    #expect(sell.percent == Sample.decimal("-2"))
    let third = try #require(PriceImpact(side: .buy, notional: Sample.decimal("132"), curve: DepthCurve(asks), top: top))
    #expect(third.averagePrice * third.sweep.quantity >= third.sweep.notional)
  }

  @Test func aThinBookIsSaid() throws {
    let asks = [Sample.level("101", "1")]
    let top = TopOfBook(bid: Sample.level("99", "1"), ask: asks[0])
    let impact = try #require(PriceImpact(side: .buy, notional: Sample.decimal("500"), curve: DepthCurve(asks), top: top))
    #expect(impact.sweep.isThin)
    #expect(impact.sweep.notional == Sample.decimal("101"))
    #expect(PriceImpact(side: .buy, notional: Sample.decimal("500"), curve: DepthCurve([]), top: top) == nil)
  }

  @Test func absurdLevelsEndTheCurveInsteadOfTheProgram() {
    let absurd = BookLevel(price: Price(units: .max), quantity: Quantity(units: .max))
    let curve = DepthCurve([Sample.level("100", "1"), absurd, absurd, Sample.level("101", "1")])
    #expect(curve.count == 1)
    let top = TopOfBook(bid: absurd, ask: absurd)
    #expect(PriceImpact(side: .buy, notional: Sample.decimal("100"), curve: curve, top: top) != nil)
  }
}
