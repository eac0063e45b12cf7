import Books
import Domain
import Testing
import Wire

@Suite struct BookFollowerTests {
  /// A writer's book and the records that it puts on the topic.
  struct Writer {
    var book = OrderBook()
    var updateID: Int64 = 0

    func record(_ kind: BookRecord.Kind, _ bids: [BookLevel] = [], _ asks: [BookLevel] = []) -> BookRecord {
      BookRecord(
        kind: kind, venue: .binance, symbol: Sample.symbol, updateID: updateID, isValid: true, ingestTime: Sample.start,
        top: book.top,
        bids: bids, asks: asks)
    }

    mutating func step(using generator: inout SeededGenerator) -> BookRecord {
      updateID += 1
      let bid = Sample.level(Int64.random(in: 90...99, using: &generator), Int64.random(in: 0...3, using: &generator))
      let ask = Sample.level(Int64.random(in: 101...110, using: &generator), Int64.random(in: 0...3, using: &generator))
      book.set(.buy, price: bid.price, quantity: bid.quantity)
      book.set(.sell, price: ask.price, quantity: ask.quantity)
      return record(.diff, [bid], [ask])
    }

    func snapshot(chunks: Int) -> [BookRecord] {
      (0..<chunks).map { chunk in
        func part(_ side: Side) -> [BookLevel] {
          book.levels(side).enumerated().filter { $0.offset % chunks == chunk }.map(\.element)
        }
        var record = record(.snapshot, part(.buy), part(.sell))
        record.chunk = chunk
        record.chunks = chunks
        return record
      }
    }
  }

  private func same(_ left: OrderBook?, _ right: OrderBook) -> Bool {
    left?.levels(.buy) == right.levels(.buy) && left?.levels(.sell) == right.levels(.sell)
  }

  /// Records get lost anywhere: whatever the follower shows has the writer's best prices, and after the next whole snapshot it is the
  /// writer's book.
  @Test(arguments: 0..<100 as Range<UInt64>)
  func aBookIsTheWritersOrNotThere(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var writer = Writer()
    var follower = BookFollower()
    var hasLost = true
    for _ in 0..<300 {
      switch Int.random(in: 0..<20, using: &generator) {
      case 0:
        let records = writer.snapshot(chunks: Int.random(in: 1...3, using: &generator))
        let lost = Int.random(in: 0..<8, using: &generator)
        for (index, record) in records.enumerated() where index != lost { follower.take(record) }
        hasLost = hasLost && lost < records.count
        if lost >= records.count { #expect(same(follower.book, writer.book), "seed \(seed)") }
      case 1:
        _ = writer.step(using: &generator)
        hasLost = true
      case 2: follower.take(writer.record(.status))
      default: follower.take(writer.step(using: &generator))
      }
      if let book = follower.book { #expect(hasLost || same(book, writer.book), "seed \(seed)") }
      if let book = follower.book, !hasLost { #expect(book.top == writer.book.top, "seed \(seed)") }
    }
  }

  @Test func anInvalidRecordEndsTheBookAtOnce() {
    var generator = SeededGenerator(seed: 1)
    var writer = Writer()
    var follower = BookFollower()
    _ = writer.step(using: &generator)
    writer.snapshot(chunks: 1).forEach { follower.take($0) }
    #expect(follower.book != nil)
    var invalid = writer.record(.status)
    invalid.isValid = false
    follower.take(invalid)
    #expect(follower.book == nil)
    follower.take(writer.step(using: &generator))
    #expect(follower.book == nil, "steps do not make up for a snapshot")
  }

  @Test func aWrongTopEndsTheBook() {
    var generator = SeededGenerator(seed: 1)
    var writer = Writer()
    var follower = BookFollower()
    for _ in 0..<20 { _ = writer.step(using: &generator) }
    writer.snapshot(chunks: 1).forEach { follower.take($0) }
    var record = writer.step(using: &generator)
    record.top.bid = Sample.level(1, 1)
    follower.take(record)
    #expect(follower.book == nil)
  }
}
