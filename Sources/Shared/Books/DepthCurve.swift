import Domain

/// One side of a book by prefix sums: what an amount takes is found by binary search, however deep the book.
public struct DepthCurve: Sendable {
  private var prices: [Price] = []
  /// Up to and including each level.
  private var quantities: [Int64] = []
  private var notionals: [Int128] = []

  /// Sums up `levels`, best first. Levels that are not above zero are passed over; where the sums would leave their range the curve
  /// ends, as if the book did.
  public init(_ levels: some Sequence<BookLevel>) {
    var quantity: Int64 = 0
    var notional: Int128 = 0
    for level in levels where level.price.isPositive && level.quantity.isPositive {
      let (nextQuantity, isTooMuch) = quantity.addingReportingOverflow(level.quantity.units)
      let (nextNotional, isTooDear) = notional.addingReportingOverflow((level.price * level.quantity).units)
      if isTooMuch || isTooDear || nextNotional > Money.limit.units { break }
      (quantity, notional) = (nextQuantity, nextNotional)
      prices.append(level.price)
      quantities.append(quantity)
      notionals.append(notional)
    }
  }

  /// How many levels there are.
  public var count: Int { prices.count }
  /// Everything on this side.
  public var quantity: Quantity { Quantity(units: quantities.last ?? 0) }
  /// What everything on this side costs.
  public var notional: Money { Money(units: notionals.last ?? 0) }

  /// What an order takes from this side.
  public struct Sweep: Hashable, Sendable {
    /// Base quantity.
    public var quantity: Quantity
    /// What it costs, or brings.
    public var notional: Money
    /// The last price that is reached; nil when nothing is there.
    public var worstPrice: Price?
    /// Levels that are touched.
    public var levels: Int
    /// True when the side holds less than was asked for: the figures are then those of everything there is.
    public var isThin: Bool
  }

  /// What `amount` of the base asset takes.
  public func sweep(quantity amount: Quantity) -> Sweep {
    guard amount.isPositive else { return Sweep(quantity: .zero, notional: .zero, worstPrice: nil, levels: 0, isThin: false) }
    let last = firstIndex { quantities[$0] >= amount.units }
    guard last < count else { return everything }
    let (quantityBefore, notionalBefore) = before(last)
    let rest = Quantity(units: amount.units - quantityBefore)
    return Sweep(
      quantity: amount, notional: Money(units: notionalBefore + (prices[last] * rest).units), worstPrice: prices[last],
      levels: last + 1, isThin: false)
  }

  /// What `amount` of the quote asset takes. The base quantity of the last level is rounded as named (to `10^-8`); the notional is that
  /// of the rounded quantity.
  public func sweep(notional amount: Money, _ rounding: Rounding) -> Sweep {
    guard amount.isPositive else { return Sweep(quantity: .zero, notional: .zero, worstPrice: nil, levels: 0, isThin: false) }
    let last = firstIndex { notionals[$0] >= amount.units }
    guard last < count else { return everything }
    let (quantityBefore, notionalBefore) = before(last)
    // At most what the level holds, since its notional is not below the rest.
    guard let rest = Money(units: amount.units - notionalBefore).quantity(at: prices[last], rounding) else { return everything }
    return Sweep(
      quantity: Quantity(units: quantityBefore + rest.units),
      notional: Money(units: notionalBefore + (prices[last] * rest).units), worstPrice: prices[last], levels: last + 1,
      isThin: false)
  }

  private var everything: Sweep {
    Sweep(quantity: quantity, notional: notional, worstPrice: prices.last, levels: count, isThin: true)
  }

  private func before(_ index: Int) -> (quantity: Int64, notional: Int128) {
    index == 0 ? (0, 0) : (quantities[index - 1], notionals[index - 1])
  }

  /// The first index at which the predicate holds; it holds for a tail.
  private func firstIndex(_ predicate: (Int) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if predicate(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// What an order of a given notional would pay on average, and how far that is from the middle of the book.
public struct PriceImpact: Hashable, Sendable {
  /// What is taken. Thin: the book holds less than was asked for, and everything below counts what there is.
  public let sweep: DepthCurve.Sweep
  /// Average price, rounded against the order.
  public let averagePrice: Price
  /// The middle between best bid and best ask, rounded down to the price's own resolution.
  public let middle: Price
  /// (average − middle) ÷ middle. Positive for a buy, which pays more than the middle; **negative for a sell**, which gets less. In a
  /// crossed consolidated book the signs may be the other way round. Rounded against the order.
  public let percent: Percent

  /// The impact on a book with these tops of an order of `side` that takes from `curve` (asks for a buy, bids for a sell); nil when a
  /// side is empty or the amount is too small to take anything.
  public init?(side: Side, notional: Money, curve: DepthCurve, top: TopOfBook) {
    // Less for the money, or more given for it.
    let rounding: Rounding = side == .buy ? .down : .up
    let sweep = curve.sweep(notional: notional, rounding)
    let against: Rounding = side == .buy ? .up : .down
    guard let bid = top.bid?.price, let ask = top.ask?.price, let average = sweep.notional.price(of: sweep.quantity, against)
    else { return nil }
    let doubledMiddle = Int128(bid.units) + Int128(ask.units)
    let (whole, isTooLarge) = doubledMiddle.multipliedReportingOverflow(by: Int128(sweep.quantity.units))
    let (doubled, isTooDear) = sweep.notional.units.multipliedReportingOverflow(by: 2)
    guard !isTooLarge, !isTooDear, doubledMiddle > 0, let percent = Percent(doubled - whole, of: whole, against) else {
      return nil
    }
    self.sweep = sweep
    averagePrice = average
    middle = Price(units: Int64(doubledMiddle / 2))
    self.percent = percent
  }
}
