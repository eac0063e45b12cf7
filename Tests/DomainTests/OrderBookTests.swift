import Testing

@testable import Domain

@Suite struct OrderBookTests {
  /// The same book as a plain dictionary: slow and obviously right.
  struct NaiveBook {
    var sides: [Side: [Int64: Int64]] = [.buy: [:], .sell: [:]]
    func levels(_ side: Side) -> [BookLevel] {
      (sides[side] ?? [:]).sorted { side == .buy ? $0.key > $1.key : $0.key < $1.key }
        .map { BookLevel(price: Price(units: $0.key), quantity: Quantity(units: $0.value)) }
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func equalsTheNaiveBookAfterAnyUpdates(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var book = OrderBook()
    var naive = NaiveBook()
    for _ in 0..<3_000 {
      let side: Side = generator.next() % 2 == 0 ? .buy : .sell
      let price = 1 + Int64(generator.next() % 200)
      let quantity = Int64(generator.next() % 4)
      book.set(side, price: Price(units: price), quantity: Quantity(units: quantity))
      naive.sides[side]?[price] = quantity == 0 ? nil : quantity
    }
    for side in Side.allCases {
      #expect(book.levels(side) == naive.levels(side), "seed \(seed)")
      #expect(book.best(side) == naive.levels(side).first)
      #expect(book.count(side) == naive.levels(side).count)
    }
    #expect(book.levels(.buy, limit: 5) == Array(naive.levels(.buy).prefix(5)))
  }

  @Test func aBidAtTheAskIsCrossed() throws {
    var book = OrderBook()
    book.set(.buy, price: try Price("10"), quantity: try Quantity("1"))
    #expect(!book.isCrossed)
    book.set(.sell, price: try Price("10.1"), quantity: try Quantity("1"))
    #expect(!book.isCrossed)
    book.set(.buy, price: try Price("10.1"), quantity: try Quantity("1"))
    #expect(book.isCrossed)
  }
}
