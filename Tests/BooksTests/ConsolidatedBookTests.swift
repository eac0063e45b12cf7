import Books
import Domain
import Testing

@Suite struct ConsolidatedBookTests {
  /// Everything in one list, sorted by the rule as it is written down.
  private func naive(_ books: [VenueBook], _ side: Side, dust: Quantity, depth: Int) -> [VenueLevel] {
    books.flatMap { book in
      (side == .buy ? book.bids : book.asks).map { VenueLevel(venue: book.venue, price: $0.price, quantity: $0.quantity) }
    }
    .filter { $0.quantity > dust }
    .sorted { left, right in
      if left.price != right.price { return side == .buy ? left.price > right.price : left.price < right.price }
      return left.quantity != right.quantity ? left.quantity > right.quantity : left.venue < right.venue
    }
    .prefix(depth).map { $0 }
  }

  @Test func equalsTheNaiveMerge() {
    for seed in 0..<2_000 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var books: [VenueBook] = []
      for number in 0..<Int.random(in: 0...8, using: &generator) {
        books.append(
          VenueBook(
            venue: Sample.venue("v\(number)"), symbol: Sample.symbol, isValid: Int.random(in: 0..<5, using: &generator) > 0,
            time: Sample.start + -Int64.random(in: 0...3, using: &generator) * Interval.second,
            bids: Sample.side(.buy, using: &generator), asks: Sample.side(.sell, using: &generator)))
      }
      let dust = Sample.decimal(String(Int.random(in: 0...3, using: &generator))) as Quantity
      let depth = Int.random(in: 0...20, using: &generator)
      let merged = ConsolidatedBook(
        books, at: Sample.start, maximumAge: 2 * Interval.second, depth: depth, dust: dust)
      let good = books.filter { book in
        let isCrossed = zip(book.bids.prefix(1), book.asks.prefix(1)).contains { $0.price >= $1.price }
        return book.isValid && !isCrossed && Sample.start - book.time <= 2 * Interval.second
          && !(book.bids.isEmpty && book.asks.isEmpty)
      }
      #expect(merged.bids == naive(good, .buy, dust: dust, depth: depth), "seed \(seed)")
      #expect(merged.asks == naive(good, .sell, dust: dust, depth: depth), "seed \(seed)")
      #expect(merged.venues == good.map(\.venue), "seed \(seed)")
      #expect(merged.leftOut.count == books.count - good.count, "seed \(seed)")
    }
  }

  @Test func theLargerAmountComesFirstAtTheSamePrice() {
    let books = [("a", "1"), ("b", "3"), ("c", "2"), ("d", "0.5")].map { name, amount in
      VenueBook(
        venue: Sample.venue(name), symbol: Sample.symbol, time: Sample.start, bids: [Sample.level("99", amount)],
        asks: [Sample.level("100", amount)])
    }
    let merged = ConsolidatedBook(
      books, at: Sample.start, maximumAge: Interval.second, dust: Sample.decimal("0.5"))
    #expect(merged.asks.map(\.venue.text) == ["b", "c", "a"])
    #expect(merged.bids.map(\.venue.text) == ["b", "c", "a"])
  }

  @Test func saysWhoIsLeftOutAndWhy() {
    func book(_ name: String, isValid: Bool = true, age: Int64 = 0, bid: String = "99") -> VenueBook {
      VenueBook(
        venue: Sample.venue(name), symbol: Sample.symbol, isValid: isValid, time: Sample.start + -age,
        bids: [Sample.level(bid, "1")], asks: [Sample.level("100", "1")])
    }
    let merged = ConsolidatedBook(
      [book("good"), book("broken", isValid: false), book("old", age: 2 * Interval.second + 1), book("crossed", bid: "100")],
      at: Sample.start, maximumAge: 2 * Interval.second)
    #expect(merged.venues.map(\.text) == ["good"])
    #expect(merged.leftOut.map { "\($0.venue) \($0.flaw)" } == ["broken invalid", "old stale", "crossed invalid"])
  }

  @Test func venuesMayCrossEachOther() {
    let books = [("a", "101", "102"), ("b", "99", "100")].map { name, bid, ask in
      VenueBook(
        venue: Sample.venue(name), symbol: Sample.symbol, time: Sample.start, bids: [Sample.level(bid, "1")],
        asks: [Sample.level(ask, "1")])
    }
    let merged = ConsolidatedBook(books, at: Sample.start, maximumAge: Interval.second)
    #expect(merged.spread == -Sample.decimal("1"))
    #expect(merged.top.isCrossed)
  }
}
