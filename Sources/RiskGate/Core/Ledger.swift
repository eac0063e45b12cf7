import Domain

/// A trade or adjustment that would leave the range in which amounts are exact.
struct LedgerOverflow: Error {}

/// Position, cost basis and realised profit of one symbol, in its quote asset. The basis is the money that the open position cost, not
/// an average price, so that nothing is rounded until a part of it is closed.
struct Ledger: Hashable, Sendable {
  /// Signed base quantity.
  private(set) var position = Quantity.zero
  /// What the open position cost (long) or brought (short); never negative.
  private(set) var cost = Money.zero
  /// Profit of everything closed, less fees.
  private(set) var realised = Money.zero

  /// Amounts stay within this, so that a value plus a cost plus a profit always fits 128 bits.
  private static let bound: Int128 = 40_000_000_000_000_000_000_000_000_000_000_000_000

  /// No position and no single trade is larger, so that their sum always fits.
  private static let largest: Int64 = .max / 2

  init() {}

  /// A ledger as it was kept.
  init(position: Quantity, cost: Money, realised: Money) {
    self.position = position
    self.cost = cost
    self.realised = realised
  }

  /// Counts a fill of `side` with its fee; `price` is in quote units. Leaves the ledger as it was when it throws.
  mutating func fill(_ side: Side, price: Price, quantity: Quantity, fee: FeeCharge) throws(LedgerOverflow) {
    var next = self
    try next.trade(side, price: price, quantity: quantity)
    switch fee {
    case .none: break
    case .quote(let amount): try next.charge(amount)
    // The coins are gone: sold at the fill's price, and the proceeds paid as the fee. A rebate comes in the same way.
    case .base(let coins):
      try next.trade(coins.isNegative ? .buy : .sell, price: price, quantity: coins.magnitude)
      try next.charge(price * coins)
    }
    self = next
  }

  /// What closing at `mark` would come to: realised plus unrealised.
  func equity(at mark: Price?) -> Money {
    guard !position.isZero, let mark else { return realised }
    let value = mark * position.magnitude
    return realised + (position.isPositive ? value - cost : cost - value)
  }

  private mutating func charge(_ amount: Money) throws(LedgerOverflow) {
    let (sum, overflow) = realised.units.subtractingReportingOverflow(amount.units)
    guard !overflow, sum.magnitude <= Self.bound.magnitude else { throw LedgerOverflow() }
    realised = Money(units: sum)
  }

  private mutating func trade(_ side: Side, price: Price, quantity: Quantity) throws(LedgerOverflow) {
    guard (0...Self.largest).contains(quantity.units) else { throw LedgerOverflow() }
    let isClosing = position.isPositive && side == .sell || position.isNegative && side == .buy
    let closing = isClosing ? min(position.magnitude, quantity) : .zero
    if closing.isPositive { try close(closing, price: price) }
    try open(side, price: price, quantity: quantity - closing)
  }

  /// Ends a part of the position. Its share of the basis is rounded against us, and is exact for the whole.
  private mutating func close(_ quantity: Quantity, price: Price) throws(LedgerOverflow) {
    guard let share = cost.share(quantity, of: position.magnitude, position.isPositive ? .up : .down) else {
      throw LedgerOverflow()
    }
    let value = price * quantity
    guard value.units <= Self.bound else { throw LedgerOverflow() }
    try charge(position.isPositive ? share - value : value - share)
    cost -= share
    position = Quantity(units: position.units + (position.isPositive ? -quantity.units : quantity.units))
  }

  private mutating func open(_ side: Side, price: Price, quantity: Quantity) throws(LedgerOverflow) {
    let units = position.units + side.sign * quantity.units
    let value = price * quantity
    guard units.magnitude <= Self.largest.magnitude, value.units <= Self.bound, cost.units + value.units <= Self.bound else {
      throw LedgerOverflow()
    }
    position = Quantity(units: units)
    cost += value
  }
}

/// What a fill's fee does to the ledger of its symbol.
enum FeeCharge: Sendable {
  case none
  /// Money of the quote asset; negative for a rebate.
  case quote(Money)
  /// Coins of the base asset; negative for a rebate.
  case base(Quantity)
}
