import Domain

/// A price level and whose it is.
public struct VenueLevel: Hashable, Sendable {
  /// Where it rests.
  public var venue: Venue
  /// The price.
  public var price: Price
  /// What rests there.
  public var quantity: Quantity

  /// A level of `venue`.
  public init(venue: Venue, price: Price, quantity: Quantity) {
    self.venue = venue
    self.price = price
    self.quantity = quantity
  }
}

/// The books of one symbol at several venues as one: best deal first, at equal prices the larger amount first (then by the venue's
/// name). It may be crossed: that is what arbitrage lives on.
public struct ConsolidatedBook: Hashable, Sendable {
  /// Highest bid first.
  public let bids: [VenueLevel]
  /// Lowest ask first.
  public let asks: [VenueLevel]
  /// The venues whose books are in, in the order given.
  public let venues: [Venue]
  /// The venues that are left out, and why, in the order given.
  public let leftOut: [Omission]

  /// A book that is not in.
  public struct Omission: Hashable, Sendable {
    /// Whose.
    public var venue: Venue
    /// What is wrong with it.
    public var flaw: VenueBook.Flaw
  }

  /// Merges the books that may be acted on at `now`: at most `depth` levels a side, none at or below `dust`.
  public init(_ books: [VenueBook], at now: Timestamp, maximumAge: Int64, depth: Int = .max, dust: Quantity = .zero) {
    var usable: [VenueBook] = []
    var omissions: [Omission] = []
    for book in books {
      if let flaw = book.flaw(at: now, maximumAge: maximumAge) {
        omissions.append(Omission(venue: book.venue, flaw: flaw))
      } else {
        usable.append(book)
      }
    }
    bids = Self.merge(usable.map { ($0.venue, $0.bids) }, depth: depth, dust: dust) { $0 > $1 }
    asks = Self.merge(usable.map { ($0.venue, $0.asks) }, depth: depth, dust: dust) { $0 < $1 }
    venues = usable.map(\.venue)
    leftOut = omissions
  }

  /// The best deals of both sides; either may be missing.
  public var top: TopOfBook { TopOfBook(bid: bids.first?.level, ask: asks.first?.level) }

  /// Lowest ask minus highest bid, below zero while the book is crossed; nil when a side is empty.
  public var spread: Price? {
    guard let bid = bids.first?.price, let ask = asks.first?.price else { return nil }
    return ask - bid
  }

  /// Sides are sorted already, so the next level is the best of the venues' heads.
  private static func merge(
    _ sides: [(venue: Venue, levels: [BookLevel])], depth: Int, dust: Quantity, isBetter: (Price, Price) -> Bool
  ) -> [VenueLevel] {
    var heads = sides.map { $0.levels.firstIndex(above: dust, from: 0) }
    var merged: [VenueLevel] = []
    merged.reserveCapacity(min(depth, sides.reduce(0) { $0 + $1.levels.count }))
    while merged.count < depth {
      var best: (side: Int, level: VenueLevel)?
      for (side, head) in heads.enumerated() where head < sides[side].levels.count {
        let level = VenueLevel(sides[side].venue, sides[side].levels[head])
        if best.map({ level.precedes($0.level, isBetter) }) ?? true { best = (side, level) }
      }
      guard let best else { break }
      merged.append(best.level)
      heads[best.side] = sides[best.side].levels.firstIndex(above: dust, from: heads[best.side] + 1)
    }
    return merged
  }
}

extension VenueLevel {
  fileprivate init(_ venue: Venue, _ level: BookLevel) {
    self.init(venue: venue, price: level.price, quantity: level.quantity)
  }

  /// Price and quantity.
  public var level: BookLevel { BookLevel(price: price, quantity: quantity) }

  fileprivate func precedes(_ other: VenueLevel, _ isBetter: (Price, Price) -> Bool) -> Bool {
    guard price == other.price else { return isBetter(price, other.price) }
    return quantity == other.quantity ? venue < other.venue : quantity > other.quantity
  }
}

extension [BookLevel] {
  fileprivate func firstIndex(above dust: Quantity, from start: Int) -> Int {
    var index = start
    while index < count, self[index].quantity <= dust { index += 1 }
    return index
  }
}
