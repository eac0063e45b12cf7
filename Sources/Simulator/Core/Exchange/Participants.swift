import Domain

/// The synthetic crowd of one market: makers that keep a deep two-sided book around a moving fair price, and takers that hit it.
/// Seeded: the same seed and the same clients' orders give the same market. Their means are unlimited.
public struct Participants: Sendable {
  /// What the crowd does.
  public struct Configuration: Sendable {
    /// The fair price stays where it started, the book is restored after every trade, and nobody takes.
    public var isFrozen = false
    /// Before an order of a client that takes, makers withdraw what rests within this of the best price.
    public var slippageBasisPoints: Int64 = 0
    /// Where the fair price goes; nil lets it walk at random from where it started.
    public var path: PricePath?
    /// Price levels that the makers keep on each side.
    public var levels = 600
    /// Levels that get another size at each step.
    public var requotes = 3

    /// A moving market of 600 levels a side.
    public init() {}
  }

  private struct Quote {
    let id: Int64
    let price: Price
  }

  private let market: Int
  private let configuration: Configuration
  private var generator: SeededGenerator
  private let startingPrice: Price
  private var fair: Price
  /// The makers' orders, one a level, the best last.
  private var bids: [Quote] = []
  private var asks: [Quote] = []
  /// What a frozen book is restored to.
  private var frozen: [Side: [BookLevel]] = [:]

  /// A crowd for one market; it does nothing before its first step.
  public init(market: Int, startingPrice: Price, configuration: Configuration, seed: UInt64) {
    self.market = market
    self.configuration = configuration
    self.startingPrice = startingPrice
    fair = startingPrice
    generator = SeededGenerator(seed: seed)
  }

  /// One step of the crowd: a small move of the fair price, quotes that follow it, now and then a taker.
  public mutating func step(_ exchange: inout Exchange, at now: Timestamp) {
    if configuration.isFrozen {
      restore(&exchange, at: now)
    } else {
      moveFairPrice(exchange, at: now)
      for side in Side.allCases { withdrawPassed(side, &exchange, at: now) }
      for side in Side.allCases { fill(side, &exchange, at: now) }
      for _ in 0..<configuration.requotes { requote(&exchange, at: now) }
      if Int.random(in: 0..<4, using: &generator) == 0 { take(&exchange, at: now) }
    }
  }

  /// Makers withdraw from the side that a client's order is about to take from.
  public mutating func withdraw(before side: Side, _ exchange: inout Exchange, at now: Timestamp) {
    let basisPoints = configuration.slippageBasisPoints
    guard basisPoints > 0, let best = exchange.markets[market].levels(side.opposite, limit: 1).first else { return }
    guard let edge = best.price.moved(byBasisPoints: side == .buy ? basisPoints : -basisPoints, .down) else { return }
    for index in quotes(side.opposite).indices.reversed() {
      let quote = quotes(side.opposite)[index]
      guard side == .buy ? quote.price <= edge : quote.price >= edge else { return }
      exchange.cancelQuote(quote.id, at: now)
    }
  }

  // MARK: Makers

  private func quotes(_ side: Side) -> [Quote] { side == .buy ? bids : asks }

  private func tick(_ exchange: Exchange) -> Price { exchange.markets[market].instrument.tick }

  /// About 1.5 in 100,000 of the price, in ticks: the widest gap between two levels, and twice the distance to the fair price.
  private func widestGap(_ exchange: Exchange) -> Int64 {
    max(1, fair.units / tick(exchange).units * 15 / 1_000_000)
  }

  private mutating func moveFairPrice(_ exchange: Exchange, at now: Timestamp) {
    let reach = widestGap(exchange) / 2 + 1
    let tick = tick(exchange)
    let origin = configuration.path?.price(startingPrice, at: now).rounded(toMultipleOf: tick, .down) ?? fair
    let moved = origin.units + Int64.random(in: -reach...reach, using: &generator) * tick.units
    // Far enough for a long run, near enough for every limit of the venue.
    if moved > startingPrice.units / 2, moved < startingPrice.units * 2 { fair = Price(units: moved) }
  }

  /// The best price that makers quote: half the widest gap from the fair price.
  private func inner(_ side: Side, _ exchange: Exchange) -> Price {
    Price(units: fair.units - side.sign * max(1, widestGap(exchange) / 2) * tick(exchange).units)
  }

  /// Withdraws quotes that the fair price has passed, and forgets those that traded.
  private mutating func withdrawPassed(_ side: Side, _ exchange: inout Exchange, at now: Timestamp) {
    forgetTraded(side, exchange)
    let inner = inner(side, exchange)
    while let best = quotes(side).last, side == .buy ? best.price > inner : best.price < inner {
      remove(side, at: quotes(side).count - 1, &exchange, at: now)
    }
  }

  /// Fills the gap to the fair price and keeps the depth.
  private mutating func fill(_ side: Side, _ exchange: inout Exchange, at now: Timestamp) {
    let inner = inner(side, exchange)
    if quotes(side).isEmpty { add(side, inner, atBest: true, &exchange, at: now) }
    let reach = widestGap(exchange) * tick(exchange).units
    while let best = quotes(side).last, (inner.units - best.price.units) * side.sign > reach {
      add(side, Price(units: best.price.units + side.sign * step(exchange)), atBest: true, &exchange, at: now)
    }
    deepen(side, &exchange, at: now)
  }

  private mutating func deepen(_ side: Side, _ exchange: inout Exchange, at now: Timestamp) {
    while quotes(side).count > configuration.levels + 50 { remove(side, at: 0, &exchange, at: now) }
    while quotes(side).count < configuration.levels, let worst = quotes(side).first {
      let next = worst.price.units - side.sign * step(exchange)
      guard next > 0 else { return }
      add(side, Price(units: next), atBest: false, &exchange, at: now)
    }
  }

  /// The distance to the next level.
  private mutating func step(_ exchange: Exchange) -> Int64 {
    let gap = widestGap(exchange)
    return Int64.random(in: 1...gap, using: &generator) * tick(exchange).units
  }

  /// Gives one level, more likely a near one, another size.
  private mutating func requote(_ exchange: inout Exchange, at now: Timestamp) {
    let side: Side = Bool.random(using: &generator) ? .buy : .sell
    let count = quotes(side).count
    guard count > 1 else { return }
    let depth = min(Int.random(in: 0..<count, using: &generator), Int.random(in: 0..<count, using: &generator))
    let index = count - 1 - depth
    let price = quotes(side)[index].price
    exchange.cancelQuote(quotes(side)[index].id, at: now)
    let id = quote(side, price, size(at: price, exchange), &exchange, at: now)
    replace(side, index, Quote(id: id ?? 0, price: price))
  }

  /// 500 to 25,000 quote units, as whole lots.
  private mutating func size(at price: Price, _ exchange: Exchange) -> Quantity {
    let notional = Money(units: Int128(Int64.random(in: 500...25_000, using: &generator)) * 1_000_000_000_000_000_000)
    let lot = exchange.markets[market].instrument.lot
    return max(lot, (notional.quantity(at: price, .down) ?? lot).rounded(toMultipleOf: lot, .down))
  }

  private mutating func add(_ side: Side, _ price: Price, atBest: Bool, _ exchange: inout Exchange, at now: Timestamp) {
    let id = quote(side, price, size(at: price, exchange), &exchange, at: now)
    // A quote that was taken whole by a client's order keeps its place, so that the ladder goes on from its price.
    let quote = Quote(id: id ?? 0, price: price)
    switch (side, atBest) {
    case (.buy, true): bids.append(quote)
    case (.buy, false): bids.insert(quote, at: 0)
    case (.sell, true): asks.append(quote)
    case (.sell, false): asks.insert(quote, at: 0)
    }
  }

  /// Places a maker's order; nil when it traded whole.
  private func quote(
    _ side: Side, _ price: Price, _ size: Quantity, _ exchange: inout Exchange, at now: Timestamp
  ) -> Int64? {
    let request = NewOrder(
      account: Exchange.participants, market: market, side: side, price: price, size: .base(size), selfTradePrevention: .none)
    // Nothing is refused to an account of unlimited means.
    guard let id = try? exchange.place(request, at: now) else { return nil }
    return exchange.quote(id) == nil ? nil : id
  }

  private mutating func remove(_ side: Side, at index: Int, _ exchange: inout Exchange, at now: Timestamp) {
    exchange.cancelQuote(quotes(side)[index].id, at: now)
    replace(side, index, nil)
  }

  private mutating func replace(_ side: Side, _ index: Int, _ quote: Quote?) {
    switch (side, quote) {
    case (.buy, let quote?): bids[index] = quote
    case (.buy, nil): bids.remove(at: index)
    case (.sell, let quote?): asks[index] = quote
    case (.sell, nil): asks.remove(at: index)
    }
  }

  private mutating func forgetTraded(_ side: Side, _ exchange: Exchange) {
    if side == .buy { bids.removeAll { exchange.quote($0.id) == nil } } else { asks.removeAll { exchange.quote($0.id) == nil } }
  }

  // MARK: Takers

  private mutating func take(_ exchange: inout Exchange, at now: Timestamp) {
    let side: Side = Bool.random(using: &generator) ? .buy : .sell
    guard let best = exchange.markets[market].levels(side.opposite, limit: 1).first else { return }
    let lot = exchange.markets[market].instrument.lot
    let part = Quantity(units: Int64.random(in: 1...max(1, best.quantity.units), using: &generator))
    let size = max(lot, part.rounded(toMultipleOf: lot, .down))
    let request = NewOrder(
      account: Exchange.participants, market: market, side: side, price: best.price, size: .base(size), timeInForce: .ioc,
      selfTradePrevention: .none)
    // Nothing is refused to an account of unlimited means.
    _ = try? exchange.place(request, at: now)
  }

  // MARK: A frozen market

  /// Puts every level back to what it was; the deepest one flickers by a lot, so that a healthy feed is never silent.
  private mutating func restore(_ exchange: inout Exchange, at now: Timestamp) {
    if frozen.isEmpty { freeze(&exchange, at: now) }
    for side in Side.allCases {
      let wanted = frozen[side] ?? []
      for index in quotes(side).indices {
        let isFlicker = index == 0 && side == .buy
        guard isFlicker || exchange.quote(quotes(side)[index].id)?.remaining != wanted[index].quantity else { continue }
        exchange.cancelQuote(quotes(side)[index].id, at: now)
        let flicker = isFlicker && Bool.random(using: &generator) ? exchange.markets[market].instrument.lot : .zero
        let id = quote(side, wanted[index].price, wanted[index].quantity + flicker, &exchange, at: now)
        replace(side, index, Quote(id: id ?? 0, price: wanted[index].price))
      }
    }
  }

  private mutating func freeze(_ exchange: inout Exchange, at now: Timestamp) {
    for side in Side.allCases {
      fill(side, &exchange, at: now)
      frozen[side] = quotes(side).map { BookLevel(price: $0.price, quantity: exchange.quote($0.id)?.remaining ?? .zero) }
    }
  }
}
