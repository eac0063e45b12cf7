import Domain
import Testing
import Wire

@testable import RiskGateCore

@Suite struct ValuationTests {
  private static let names = ["BTC-USDT", "ETH-USDT", "SOL-ETH", "ADA-BTC", "XRP-USDC"]

  private func book(_ name: String, _ generator: inout SeededGenerator, at time: Timestamp) -> BookRecord {
    let price = Int64(1 + generator.next() % 1_000_000) * 1_000_000_000
    let level = { (units: Int64) in BookLevel(price: Price(units: units), quantity: Harness.quantity("1")) }
    return BookRecord(
      kind: .diff, venue: generator.next() % 2 == 0 ? .binance : .bybit, symbol: Harness.symbol(name), updateID: 1,
      isValid: generator.next() % 6 != 0, ingestTime: time, top: TopOfBook(bid: level(price), ask: level(price + 1_000_000)))
  }

  /// Kept ledger by ledger it is what adding everything up afresh gives, however books and holdings move.
  @Test(arguments: 0..<30 as Range<UInt64>)
  func equalsASumFromNothing(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var market = Market(stablecoins: RiskSettings.defaultStablecoins)
    var ledgers = KeyedArray<Int, Ledger>()
    var kept = Valuation()
    var now = Harness.start
    for step in 0..<400 {
      now = now + Int64(generator.next() % 800) * Interval.millisecond
      let name = Self.names[Int(generator.next() % UInt64(Self.names.count))]
      switch generator.next() % 3 {
      case 0:
        let symbol = market.intern(Harness.symbol(name))
        let index = ledgers.position(of: symbol, adding: Ledger())
        let side: Side = generator.next() % 2 == 0 ? .buy : .sell
        try ledgers[index].fill(
          side, price: Price(units: Int64(1 + generator.next() % 1_000_000_000_000_000)),
          quantity: Quantity(units: Int64(1 + generator.next() % 4) * 100_000_000), fee: .none)
        kept.update(index, of: ledgers, in: market)
      default: for _ in 0..<(1 + generator.next() % 4) { market.apply(book(name, &generator, at: now), at: now) }
      }
      guard generator.next() % 2 == 0 else { continue }
      var fresh = Valuation()
      fresh.update(ledgers, in: market)
      kept.update(ledgers, in: market)
      #expect(kept.equity == fresh.equity, "seed \(seed), step \(step)")
      for age in [0, Interval.second, 5 * Interval.second] {
        let expected = fresh.overdue(ledgers, now: now, maximumAge: age)
        #expect(kept.overdue(ledgers, now: now, maximumAge: age) == expected, "seed \(seed), step \(step)")
      }
    }
  }

  @Test func amountsBeyondTheRangeAreClamped() throws {
    var market = Market(stablecoins: [])
    var ledgers = KeyedArray<Int, Ledger>()
    let amount = Money(units: 39_000_000_000_000_000_000_000_000_000_000_000_000)
    for index in 0..<5 {
      let symbol = market.intern(Harness.symbol("C\(index)-USDT"))
      _ = ledgers.position(of: symbol, adding: Ledger(position: .zero, cost: .zero, realised: amount))
    }
    var valuation = Valuation()
    valuation.update(ledgers, in: market)
    #expect(valuation.equity == Money(units: 80_000_000_000_000_000_000_000_000_000_000_000_000))
    for index in 2..<5 { ledgers[index] = Ledger(position: .zero, cost: .zero, realised: -amount) }
    for index in 2..<5 { valuation.update(index, of: ledgers, in: market) }
    #expect(valuation.equity == -amount)
  }
}
