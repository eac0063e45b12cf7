import Domain

/// The rules of a symbol as `instruments-info` shows them and orders meet them (instrument.mdx of the venue's documentation).
struct BybitRules: Sendable {
  /// Orders that an account may have open.
  static let maximumOpenOrders = 500
  /// Highest notional of an order, in quote units.
  static let maximumNotional = Money(units: 8_000_000 * 1_000_000_000_000_000_000)
  /// What a quote amount is counted in: eight digits.
  static let quoteStep = Money(units: 10_000_000_000)

  let priceBandBasisPoints: Int64

  /// Refuses what breaks a rule. The notional of a market order is taken at the last price.
  func check(_ order: NewOrder, _ market: Market) throws(BybitError) {
    if order.kind != .market { try checkPrice(order.price, order.side, market) }
    switch order.size {
    case .base(let quantity):
      try checkQuantity(quantity, isMarket: order.kind == .market, market)
      try checkNotional((order.kind == .market ? market.lastPrice : order.price) * quantity, market)
    case .quote(let amount): try checkNotional(amount, market)
    }
  }

  func checkPrice(_ price: Price, _ side: Side, _ market: Market) throws(BybitError) {
    guard price.isMultiple(of: market.instrument.tick) else { throw .pricePrecision }
    let limit = priceLimit(side, market)
    if side == .buy, price > limit { throw .buyPrice(limit.text(decimals: market.instrument.priceDecimals)) }
    if side == .sell, price < limit { throw .sellPrice(limit.text(decimals: market.instrument.priceDecimals)) }
  }

  /// The highest price of a buy, the lowest of a sell.
  private func priceLimit(_ side: Side, _ market: Market) -> Price {
    let moved = market.lastPrice.moved(byBasisPoints: side == .buy ? priceBandBasisPoints : -priceBandBasisPoints, .down)
    return (moved ?? market.instrument.maximumPrice).rounded(toMultipleOf: market.instrument.tick, .down)
  }

  func checkQuantity(_ quantity: Quantity, isMarket: Bool, _ market: Market) throws(BybitError) {
    let rules = market.instrument
    guard quantity.isMultiple(of: rules.lot) else { throw .quantityPrecision }
    guard quantity >= rules.minimumQuantity else { throw .tooSmall }
    guard quantity <= (isMarket ? Self.marketMaximum(rules) : rules.maximumQuantity) else { throw .tooLarge }
  }

  func checkNotional(_ notional: Money, _ market: Market) throws(BybitError) {
    guard notional >= market.instrument.minimumNotional else { throw .valueTooSmall }
    guard notional <= Self.maximumNotional else { throw .tooLarge }
  }

  /// Half of the largest order, whole lots.
  static func marketMaximum(_ rules: Instrument) -> Quantity {
    Quantity(units: rules.maximumQuantity.units / 2).rounded(toMultipleOf: rules.lot, .down)
  }
}
