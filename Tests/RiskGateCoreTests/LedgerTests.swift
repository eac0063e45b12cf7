import Domain
import Testing

@testable import RiskGateCore

@Suite struct LedgerTests {
  /// Position and equity the way a child would: coins and money in a purse, in single 128-bit integers, no basis kept at all.
  struct Purse {
    var coins: Int128 = 0
    var money: Int128 = 0

    mutating func trade(_ sign: Int128, _ price: Int64, _ quantity: Int64, coinFee: Int64, moneyFee: Int128) {
      coins += sign * Int128(quantity) - Int128(coinFee)
      money -= sign * Int128(price) * Int128(quantity) + moneyFee
    }

    func equity(_ mark: Int64) -> Int128 { money + coins * Int128(mark) }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func equalsAPurseThroughPartialClosesAndFlips(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var ledger = Ledger()
    var purse = Purse()
    for step in 0..<400 {
      let side: Side = generator.next() % 2 == 0 ? .buy : .sell
      let price = Int64(1 + generator.next() % 300_000_000_000_000)
      let quantity = Int64(1 + generator.next() % 500_000_000)
      let kind = generator.next() % 3
      let coinFee = kind == 1 ? Int64(generator.next() % 1_000_000) : 0
      let moneyFee = kind == 2 ? Int128(generator.next() % 1_000_000_000_000_000_000) : 0
      let fee: FeeCharge =
        kind == 1 ? .base(Quantity(units: coinFee)) : kind == 2 ? .quote(Money(units: moneyFee)) : .none
      try ledger.fill(side, price: Price(units: price), quantity: Quantity(units: quantity), fee: fee)
      purse.trade(Int128(side.sign), price, quantity, coinFee: coinFee, moneyFee: moneyFee)
      #expect(Int128(ledger.position.units) == purse.coins, "seed \(seed), step \(step)")
      let mark = Int64(1 + generator.next() % 300_000_000_000_000)
      // What a partial close is rounded stays in the basis: realised and unrealised together are exact.
      #expect(ledger.equity(at: Price(units: mark)).units == purse.equity(mark), "seed \(seed), step \(step)")
      #expect(!ledger.cost.isNegative)
      if ledger.position.isZero { #expect(ledger.cost.isZero && ledger.realised.units == purse.money) }
    }
  }

  @Test func aPartialCloseTakesItsShareOfTheBasis() throws {
    var ledger = Ledger()
    try ledger.fill(.buy, price: Harness.price("100"), quantity: Harness.quantity("3"), fee: .none)
    try ledger.fill(.buy, price: Harness.price("200"), quantity: Harness.quantity("1"), fee: .none)
    try ledger.fill(.sell, price: Harness.price("150"), quantity: Harness.quantity("2"), fee: .quote(Harness.money("1")))
    #expect(ledger.position == Harness.quantity("2"))
    #expect(ledger.cost == Harness.money("250"))
    #expect(ledger.realised == Harness.money("49"))
    try ledger.fill(.sell, price: Harness.price("150"), quantity: Harness.quantity("5"), fee: .none)
    #expect(ledger.position == Harness.quantity("-3"))
    #expect(ledger.cost == Harness.money("450"))
    #expect(ledger.realised == Harness.money("99"))
  }

  @Test func aPartialCloseIsRoundedAgainstUs() throws {
    var ledger = Ledger()
    try ledger.fill(.buy, price: Price(units: 1), quantity: Quantity(units: 1), fee: .none)
    try ledger.fill(.buy, price: Price(units: 2), quantity: Quantity(units: 2), fee: .none)
    // A third of 5 units is 1⅔: it cost 2.
    try ledger.fill(.sell, price: Price(units: 2), quantity: Quantity(units: 1), fee: .none)
    #expect(ledger.realised.units == 0)
    #expect(ledger.cost.units == 3)
  }

  @Test func whatDoesNotFitLeavesTheLedgerAsItWas() throws {
    var ledger = Ledger()
    try ledger.fill(.buy, price: Harness.price("100"), quantity: Harness.quantity("3"), fee: .none)
    let before = ledger
    #expect(throws: LedgerOverflow.self) {
      try ledger.fill(.sell, price: Price(units: .max), quantity: Quantity(units: .max), fee: .none)
    }
    #expect(throws: LedgerOverflow.self) {
      try ledger.fill(.buy, price: Price(units: .max), quantity: Quantity(units: .max / 2), fee: .none)
    }
    #expect(ledger == before)
  }
}
