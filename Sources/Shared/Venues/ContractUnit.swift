import Domain

/// Perpetuals of coins that cost next to nothing are listed by the thousand or the million: `1000BONKUSDT`, `SHIB1000USDT`,
/// `1MBABYDOGEUSDT`. Everywhere in Apus prices and quantities are of single units of the asset, so that venues can be compared; this is
/// where the two meet. Spot assets of such a name are assets of their own, held as such, and are left as they are.
enum ContractUnit {
  /// The asset and how many of it one contract stands for: one, for an ordinary name.
  static func split(_ base: String) -> (asset: String, multiplier: Int64) {
    for (digits, multiplier) in multipliers {
      if base.hasPrefix(digits), let asset = asset(base.dropFirst(digits.count)) { return (asset, multiplier) }
      if base.hasSuffix(digits), let asset = asset(base.dropLast(digits.count)) { return (asset, multiplier) }
    }
    // Two letters behind `1M` would be too few to tell an asset from a name of its own.
    if base.hasPrefix("1M"), base.count >= 6, let asset = asset(base.dropFirst(2)) { return (asset, 1_000_000) }
    return (base, 1)
  }

  private static let multipliers: [(String, Int64)] = [
    ("1000000", 1_000_000), ("100000", 100_000), ("10000", 10_000), ("1000", 1_000),
  ]

  /// Nil for what is no name once the number is gone: another digit would belong to the number.
  private static func asset(_ text: Substring) -> String? {
    guard let first = text.first, let last = text.last, first.isLetter, last.isLetter else { return nil }
    return String(text)
  }
}

extension Instrument {
  /// A contract's description in single units. Refuses one whose steps are then finer than our types; a bound that is beyond them is
  /// lowered to the largest number they hold, so that what is refused for it is only what nobody could write down.
  func perUnit(multiplier: Int64) throws(InstrumentRefused) -> Instrument {
    guard multiplier > 1 else { return self }
    var scaled = self
    scaled.multiplier = multiplier
    func price(_ price: Price) throws(InstrumentRefused) -> Price {
      guard let price = price.perUnit(multiplier) else { throw InstrumentRefused(code: .price) }
      return price
    }
    scaled.tick = try price(tick)
    scaled.minimumPrice = try price(minimumPrice)
    scaled.maximumPrice = try price(maximumPrice)
    scaled.lot = lot.inUnits(multiplier)
    scaled.minimumQuantity = minimumQuantity.inUnits(multiplier)
    scaled.maximumQuantity = maximumQuantity.inUnits(multiplier).rounded(toMultipleOf: scaled.lot, .down)
    return scaled
  }
}

extension Price {
  /// The price of one unit of a contract of so many; nil when it has too many digits.
  func perUnit(_ multiplier: Int64) -> Price? {
    units % multiplier == 0 ? Price(units: units / multiplier) : nil
  }
}

extension Quantity {
  /// So many contracts in units. What is beyond our type counts as the largest number in it: less than there is, never more.
  func inUnits(_ multiplier: Int64) -> Quantity {
    let (units, overflow) = units.multipliedReportingOverflow(by: multiplier)
    return Quantity(units: overflow ? .max : units)
  }
}

extension DepthUpdate {
  /// Turns the levels of a contract into levels of single units.
  public mutating func scaleToUnits(multiplier: Int64) throws(ReplyError) {
    guard multiplier > 1 else { return }
    try bids.scaleToUnits(multiplier)
    try asks.scaleToUnits(multiplier)
  }
}

extension DepthSnapshot {
  /// Turns the levels of a contract into levels of single units.
  public mutating func scaleToUnits(multiplier: Int64) throws(ReplyError) {
    guard multiplier > 1 else { return }
    try bids.scaleToUnits(multiplier)
    try asks.scaleToUnits(multiplier)
  }
}

extension Ticker {
  /// Turns the prices of a contract into prices of single units; one that then has too many digits is left out.
  public mutating func scaleToUnits(multiplier: Int64) {
    guard multiplier > 1 else { return }
    lastPrice = lastPrice?.perUnit(multiplier)
    markPrice = markPrice?.perUnit(multiplier)
  }
}

extension [BookLevel] {
  fileprivate mutating func scaleToUnits(_ multiplier: Int64) throws(ReplyError) {
    for index in indices {
      guard let price = self[index].price.perUnit(multiplier) else { throw .number("level", .tooPrecise) }
      self[index] = BookLevel(price: price, quantity: self[index].quantity.inUnits(multiplier))
    }
  }
}
