import Domain

/// The orders that rest in one market, in price-time priority: the best price first, at one price the oldest first.
struct RestingBook: Sendable {
  /// The orders at one price, oldest first.
  struct Level: Sendable {
    let price: Price
    var total: Quantity = .zero
    var orders: [Int64] = []
  }

  /// Best price last, so that most changes move little memory.
  private var bids: [Level] = []
  private var asks: [Level] = []

  /// Number of prices on a side.
  func count(_ side: Side) -> Int { side == .buy ? bids.count : asks.count }

  /// The level at `depth` (0 is the best); `depth` is below `count`.
  func level(_ side: Side, _ depth: Int) -> Level {
    side == .buy ? bids[bids.count - 1 - depth] : asks[asks.count - 1 - depth]
  }

  /// Price and total of the level at `depth`, or nil beyond the last.
  func bookLevel(_ side: Side, _ depth: Int) -> BookLevel? {
    guard depth < count(side) else { return nil }
    let level = level(side, depth)
    return BookLevel(price: level.price, quantity: level.total)
  }

  /// The best levels of both sides.
  var top: TopOfBook { TopOfBook(bid: bookLevel(.buy, 0), ask: bookLevel(.sell, 0)) }

  /// Puts an order behind all others at its price and gives the level's new total.
  mutating func add(_ id: Int64, _ side: Side, price: Price, quantity: Quantity) -> Quantity {
    let index = slot(side, price)
    return change(side) { levels in
      if index == levels.count || levels[index].price != price { levels.insert(Level(price: price), at: index) }
      levels[index].orders.append(id)
      levels[index].total += quantity
      return levels[index].total
    }
  }

  /// Takes `quantity` off an order, and the order out of the book when `isGone`; gives the level's new total.
  mutating func reduce(_ id: Int64, _ side: Side, price: Price, by quantity: Quantity, isGone: Bool) -> Quantity {
    let index = slot(side, price)
    return change(side) { levels in
      precondition(index < levels.count && levels[index].price == price, "a resting order has a level")
      levels[index].total -= quantity
      if isGone, let place = levels[index].orders.firstIndex(of: id) { levels[index].orders.remove(at: place) }
      let total = levels[index].total
      if levels[index].orders.isEmpty { levels.remove(at: index) }
      return total
    }
  }

  private mutating func change(_ side: Side, _ body: (inout [Level]) -> Quantity) -> Quantity {
    side == .buy ? body(&bids) : body(&asks)
  }

  /// The index where a level of `price` is or belongs.
  private func slot(_ side: Side, _ price: Price) -> Int {
    let levels = side == .buy ? bids : asks
    var low = 0
    var high = levels.count
    while low < high {
      let middle = (low + high) / 2
      let isWorse = side == .buy ? levels[middle].price < price : levels[middle].price > price
      if isWorse { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
