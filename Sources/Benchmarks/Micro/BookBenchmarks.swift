import Books
import Domain
import Floors
import Measuring
import Venues
import Wire

/// Levels into a book, frames into a book, books into one.
func measureBooks(_ options: Options) throws -> [Line] {
  let market = try FollowedMarket(seed: 1, frames: 4_000)
  return [try updating(market, options), try following(market, options), try consolidating(options)]
}

/// A snapshot and the frames behind it, packed and read.
final class FollowedMarket {
  let snapshot: DepthSnapshot
  let frames: PackedBytes
  let updates: [DepthUpdate]

  init(seed: UInt64, frames count: Int) throws {
    var depth = SyntheticDepth(seed: seed)
    var snapshot = DepthSnapshot()
    try BinanceDepth.decode(snapshot: SyntheticDepth.snapshot(lastID: depth.lastID), into: &snapshot)
    self.snapshot = snapshot
    let texts = (0..<count).map { _ in depth.nextFrame() }
    frames = PackedBytes(texts)
    updates = try texts.map { text in
      var update = DepthUpdate()
      _ = try BinanceDepth.decode(frame: text, into: &update)
      return update
    }
  }

  var levelsPerFrame: Double { Double(updates.reduce(0) { $0 + $1.bids.count + $1.asks.count }) / Double(updates.count) }

  /// The floor's book with the snapshot in it.
  func floorBook() -> OpaquePointer {
    let book = floor_book_new()!
    let levels = Self.levels(bids: snapshot.bids, asks: snapshot.asks)
    _ = floor_book_apply(book, levels, levels.count)
    return book
  }

  static func levels(bids: [BookLevel], asks: [BookLevel]) -> [floor_level] {
    bids.map { floor_level(price: $0.price.units, quantity: $0.quantity.units, is_bid: 1) }
      + asks.map { floor_level(price: $0.price.units, quantity: $0.quantity.units, is_bid: 0) }
  }
}

extension TopOfBook {
  fileprivate var priceSum: UInt64 { UInt64(bid?.price.units ?? 0) &+ UInt64(ask?.price.units ?? 0) }
}

private func updating(_ market: FollowedMarket, _ options: Options) throws -> Line {
  let passes = 10
  let levels = market.updates.flatMap { FollowedMarket.levels(bids: $0.bids, asks: $0.asks) }
  let floorBook = market.floorBook()
  defer { floor_book_free(floorBook) }
  var book = OrderBook()
  for level in market.snapshot.bids.reversed() { book.set(.buy, price: level.price, quantity: level.quantity) }
  for level in market.snapshot.asks.reversed() { book.set(.sell, price: level.price, quantity: level.quantity) }
  return try Contest(
    name: "book/update", unit: "ns/level", operations: passes * levels.count, target: .ratio(1.5),
    floor: {
      Sample { (0..<passes).reduce(into: UInt64(0)) { sum, _ in sum &+= floor_book_apply(floorBook, levels, levels.count) } }
    },
    ours: {
      Sample {
        var sum: UInt64 = 0
        for _ in 0..<passes {
          for level in levels {
            book.set(
              level.is_bid != 0 ? .buy : .sell, price: Price(units: level.price), quantity: Quantity(units: level.quantity))
          }
          sum &+= book.top.priceSum
        }
        return sum
      }
    }
  ).run(options)
}

private func following(_ market: FollowedMarket, _ options: Options) throws -> Line {
  let passes = 8
  var packed = market.frames.frames
  let contest = Contest(
    name: "book/frames", unit: "ns/frame", operations: passes * market.frames.count, target: .ratio(1.5),
    floor: {
      Sample {
        (0..<passes).reduce(into: UInt64(0)) { sum, _ in
          let book = market.floorBook()
          sum &+= floor_follow_binance(book, market.snapshot.lastID, &packed)
          floor_book_free(book)
        }
      }
    },
    ours: { try Sample { try (0..<passes).reduce(into: UInt64(0)) { sum, _ in sum &+= try follow(market) } } })
  return try contest.run(options)
    .telling("bytes/frame", Double(market.frames.totalBytes) / Double(market.frames.count))
    .telling("levels/frame", market.levelsPerFrame)
}

/// What the Ingestor does with a frame up to the book: decode, check the chain, apply, look at the top.
private func follow(_ market: FollowedMarket) throws -> UInt64 {
  var sync = BookSync(rules: BookRules(source: .request, chain: .numbers))
  _ = sync.opened(at: .zero)
  _ = sync.receive(market.snapshot)
  var update = DepthUpdate()
  var sum: UInt64 = 0
  for index in 0..<market.frames.count {
    _ = try BinanceDepth.decode(frame: market.frames[index], into: &update)
    _ = sync.receive(update, at: .zero)
    sum &+= sync.top?.priceSum ?? 0
  }
  return sum
}

/// The best ten levels a side over three venues.
private func consolidating(_ options: Options) throws -> Line {
  let passes = 20_000
  let markets = try (1...3).map { try FollowedMarket(seed: $0, frames: 50) }
  let names = ["binance", "bybit", "okx"].compactMap { Venue($0) }
  guard let symbol = Symbol("BTC-USDT") else { preconditionFailure("BTC-USDT is a symbol") }
  let followers = zip(names, markets).map { follower($1, venue: $0, symbol: symbol) }
  let books = markets.map { market -> OpaquePointer? in
    let book = market.floorBook()
    for update in market.updates {
      let levels = FollowedMarket.levels(bids: update.bids, asks: update.asks)
      _ = floor_book_apply(book, levels, levels.count)
    }
    return book
  }
  defer { for book in books { floor_book_free(book) } }
  return try Contest(
    name: "book/top10", unit: "ns/merge", operations: passes,
    floor: { Sample { floor_merge_top10(books, books.count, passes) } },
    ours: {
      Sample {
        var sum: UInt64 = 0
        for _ in 0..<passes {
          let views = zip(names, followers).map { $1.view(venue: $0, symbol: symbol, depth: 10) }
          let merged = ConsolidatedBook(views, at: .zero, maximumAge: .max, depth: 10)
          for level in merged.bids { sum &+= UInt64(level.price.units) }
          for level in merged.asks { sum &+= UInt64(level.price.units) }
        }
        return sum
      }
    }
  ).run(options)
}

/// A reader of a book topic on which the snapshot and the steps lie.
private func follower(_ market: FollowedMarket, venue: Venue, symbol: Symbol) -> BookFollower {
  var book = OrderBook()
  var follower = BookFollower()
  func take(_ kind: BookRecord.Kind, _ id: Int64, _ bids: [BookLevel], _ asks: [BookLevel]) {
    for level in bids { book.set(.buy, price: level.price, quantity: level.quantity) }
    for level in asks { book.set(.sell, price: level.price, quantity: level.quantity) }
    follower.take(
      BookRecord(
        kind: kind, venue: venue, symbol: symbol, updateID: id, isValid: true, ingestTime: .zero, top: book.top, bids: bids,
        asks: asks))
  }
  take(.snapshot, market.snapshot.lastID, market.snapshot.bids, market.snapshot.asks)
  for update in market.updates { take(.diff, update.lastID, update.bids, update.asks) }
  return follower
}
