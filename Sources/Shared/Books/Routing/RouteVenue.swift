import Domain

/// A candidate that can take part in an order, in the numbers that the search works with.
struct RouteVenue {
  let venue: Venue
  /// The order's limit in the venue's ticks.
  let price: Price
  let lot: Int64
  /// Smallest order: the venue's quantity and notional, in lots.
  let minimum: Int64
  /// Largest order: the venue's and the funds', in lots.
  let maximum: Int64
  /// What its book has within the limit.
  let executable: Int64
  let makerFee: FeeRate
  /// The cost of a unit at the best price, fees included: lower is better.
  let rank: Int128
  private let levels: CostCurve

  /// Throws what keeps the candidate out of the order.
  init(_ candidate: RouteCandidate, _ order: RouteOrder, at now: Timestamp, maximumAge: Int64) throws(RouteObstacle) {
    let instrument = candidate.instrument
    guard instrument.isTrading else { throw RouteObstacle.notTrading }
    guard !candidate.isCut else { throw RouteObstacle.cut }
    guard let book = candidate.book else { throw RouteObstacle.invalidBook }
    switch book.flaw(at: now, maximumAge: maximumAge) {
    case nil, .empty: break  // An empty book is a book: an order may rest there.
    case .invalid: throw RouteObstacle.invalidBook
    case .stale: throw RouteObstacle.staleBook
    }
    guard let price = instrument.limit(nearest: order.limit, order.side) else { throw RouteObstacle.price }
    let taken = book.levels(takenBy: order.side)
    let dearest = max(price, taken.first?.price ?? .zero)
    guard (dearest * order.quantity).units <= Router.maximumNotional else { throw RouteObstacle.price }
    // Far beyond any venue's largest order; sums of two such numbers still fit.
    guard order.quantity.units <= .max / 4 else { throw RouteObstacle.size }
    let lot = max(1, instrument.lot.units)
    let funds = candidate.funds.map { Self.affordable($0, order.side, price) } ?? .max
    let largest = instrument.maximumQuantity.isZero ? Int64.max : instrument.maximumQuantity.units
    let maximum = min(order.quantity.units, largest, funds)
    let forNotional = instrument.minimumNotional.quantity(at: price, .up)?.units ?? .max
    let minimum = Quantity(units: max(lot, instrument.minimumQuantity.units, forNotional))
    guard minimum.units <= maximum else { throw RouteObstacle.size }
    self.venue = instrument.venue
    self.price = price
    self.lot = lot
    self.minimum = minimum.rounded(toMultipleOf: Quantity(units: lot), .up).units
    self.maximum = maximum - maximum % lot
    guard self.minimum <= self.maximum else { throw RouteObstacle.size }
    makerFee = candidate.fees.maker
    let taker = candidate.fees.taker
    // No price at all comes last.
    rank = taken.first.map { Self.unitCost($0.price, order.side, taker) } ?? Self.unitCost(price, order.side, taker)
    levels = Self.curve(taken, order, within: price, taker)
    executable = levels.runs.reduce(0) { $0 + $1.count }
  }

  /// The venue's part of the search, in steps of a multiple of its lot; nil when its book has not one order's worth of them.
  func part(step: Int64) -> Allocation.Venue? {
    guard step <= maximum else { return nil }
    let maximum = min(maximum, executable) / step * step
    let minimum = (minimum + step - 1) / step * step
    guard minimum <= maximum, let curve = levels.coarsened(to: step, residue: 0) else { return nil }
    return Allocation.Venue(curve: curve.part(from: 0, to: maximum), lot: step, minimum: minimum, maximum: maximum)
  }

  /// What a quantity that the book has costs.
  func cost(of quantity: Int64) -> Int128 { levels.split(quantity).cost }

  /// The cost curve of a book's side in single units, as far as the limit and the order go.
  private static func curve(_ levels: [BookLevel], _ order: RouteOrder, within limit: Price, _ fee: FeeRate) -> CostCurve {
    var curve = CostCurve.nothing
    var rest = order.quantity.units
    for level in levels where level.quantity.isPositive && level.price.isPositive {
      guard rest > 0, order.side == .buy ? level.price <= limit : level.price >= limit else { break }
      let count = min(rest, level.quantity.units)
      rest -= count
      curve.runs.append(.init(cost: unitCost(level.price, order.side, fee), count: count))
    }
    return curve
  }

  private static func unitCost(_ price: Price, _ side: Side, _ fee: FeeRate) -> Int128 {
    switch side {
    case .buy: Int128(price.units) * Int128(1_000_000 + fee.millionths)
    case .sell: -Int128(price.units) * Int128(1_000_000 - fee.millionths)
    }
  }

  /// The most that the funds allow: venues lock a buy at its limit.
  private static func affordable(_ funds: Money, _ side: Side, _ price: Price) -> Int64 {
    guard funds.isPositive else { return 0 }
    switch side {
    case .buy: return funds.quantity(at: price, .down)?.units ?? .max
    case .sell: return Quantity(funds, .down)?.units ?? .max
    }
  }
}

extension Instrument {
  /// The furthest price that the venue takes and that is not through `limit`; nil when there is none.
  fileprivate func limit(nearest limit: Price, _ side: Side) -> Price? {
    let nearest: Price
    switch side {
    case .buy:
      let highest = maximumPrice.isZero ? limit : min(limit, maximumPrice)
      nearest = highest.rounded(toMultipleOf: tick, .down)
      guard nearest >= minimumPrice else { return nil }
    case .sell:
      // Rounding up might leave the range of numbers.
      guard limit.units <= .max - max(tick.units, 0) else { return nil }
      nearest = max(limit, minimumPrice).rounded(toMultipleOf: tick, .up)
      guard maximumPrice.isZero || nearest <= maximumPrice else { return nil }
    }
    return nearest.isPositive ? nearest : nil
  }
}
