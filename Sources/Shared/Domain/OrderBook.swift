/// One price level.
public struct BookLevel: Hashable, Sendable {
  /// The price.
  public var price: Price
  /// What rests there; zero in an update means that the level is gone.
  public var quantity: Quantity

  /// A level of `quantity` at `price`.
  @inlinable public init(price: Price, quantity: Quantity) {
    self.price = price
    self.quantity = quantity
  }
}

/// The best bid and ask; either may be missing.
public struct TopOfBook: Hashable, Sendable {
  /// Highest bid.
  public var bid: BookLevel?
  /// Lowest ask.
  public var ask: BookLevel?

  /// The two best levels.
  @inlinable public init(bid: BookLevel?, ask: BookLevel?) {
    self.bid = bid
    self.ask = ask
  }

  /// True when the best bid is at or above the best ask: the book is broken.
  @inlinable public var isCrossed: Bool {
    guard let bid, let ask else { return false }
    return bid.price >= ask.price
  }
}

/// A full-depth book: two ladders of absolute quantities by price.
public struct OrderBook: Sendable {
  private var bids = Ladder()
  private var asks = Ladder()

  /// An empty book.
  public init() {}

  /// Sets the level at `price` on the side where `side` rests (buy = bids); a zero quantity removes it, and removing a level that is
  /// not there is normal.
  @inline(__always)
  public mutating func set(_ side: Side, price: Price, quantity: Quantity) {
    switch side {
    case .buy: bids.set(key: price.units, quantity: quantity.units)
    case .sell: asks.set(key: -price.units, quantity: quantity.units)
    }
  }

  /// Empties both sides, keeping their memory.
  public mutating func removeAll() {
    bids.removeAll()
    asks.removeAll()
  }

  /// The best level of the side where `side` rests, or nil when it is empty.
  public func best(_ side: Side) -> BookLevel? { level(side, 0) }

  /// The best levels of both sides.
  public var top: TopOfBook { TopOfBook(bid: best(.buy), ask: best(.sell)) }

  /// True when the best bid is at or above the best ask.
  public var isCrossed: Bool {
    guard let bid = bids.bestKey, let ask = asks.bestKey else { return false }
    return bid >= -ask
  }

  /// Number of levels on a side.
  public func count(_ side: Side) -> Int { side == .buy ? bids.count : asks.count }

  /// The level at `depth` (0 is the best), or nil beyond the last.
  public func level(_ side: Side, _ depth: Int) -> BookLevel? {
    guard depth >= 0, depth < count(side) else { return nil }
    // Not by a copy of the ladder: its memory is counted.
    let (key, quantity) = side == .buy ? bids[depth] : asks[depth]
    return BookLevel(price: Price(units: side == .buy ? key : -key), quantity: Quantity(units: quantity))
  }

  /// Up to `limit` best levels of a side, best first.
  public func levels(_ side: Side, limit: Int = .max) -> [BookLevel] {
    let total = min(limit, count(side))
    var levels: [BookLevel] = []
    levels.reserveCapacity(total)
    for depth in 0..<total {
      if let level = level(side, depth) { levels.append(level) }
    }
    return levels
  }
}

/// One side of a book: keys ascending in one contiguous array, so that the best level is last (ask prices are negated) and most
/// updates, which come near the top, move little memory.
struct Ladder: Sendable {
  private var keys: [Int64] = []
  private var quantities: [Int64] = []

  var count: Int { keys.count }

  /// Key of the best level, or nil when there is none.
  var bestKey: Int64? { keys.last }

  /// The level `depth` steps from the best; `depth` is below `count`.
  subscript(depth: Int) -> (key: Int64, quantity: Int64) {
    let index = keys.count - 1 - depth
    return (keys[index], quantities[index])
  }

  mutating func removeAll() {
    keys.removeAll(keepingCapacity: true)
    quantities.removeAll(keepingCapacity: true)
  }

  mutating func set(key: Int64, quantity: Int64) {
    let index = firstIndex(notBelow: key)
    let isPresent = index < keys.count && keys[index] == key
    switch (isPresent, quantity == 0) {
    case (true, false): quantities[index] = quantity
    case (true, true):
      keys.remove(at: index)
      quantities.remove(at: index)
    case (false, false):
      keys.insert(key, at: index)
      quantities.insert(quantity, at: index)
    case (false, true): break
    }
  }

  /// A few linear steps from the best, where nearly all updates land, then binary search.
  private func firstIndex(notBelow key: Int64) -> Int {
    var index = keys.count
    let linearEnd = max(0, index - 16)
    while index > linearEnd {
      if keys[index - 1] < key { return index }
      index -= 1
    }
    var low = 0
    var high = index
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
