import Domain
import Wire

/// What a request comes to in numbers, before it is judged.
struct Proposal: Sendable {
  /// Position in the market.
  let symbol: Int
  /// Position of the base asset among the account's exposures.
  let exposure: Int
  let reach: Reach
  let side: Side
  /// The client's limit; nil for a market order.
  let limit: Price?
  let reference: Reference?
  /// The furthest price that the collar allows, before it is rounded to a tick.
  let collar: Price?
  /// The limit that goes to the venue; nil for a market order without a reference.
  let sendPrice: Price?
  /// What goes to the venue; zero for a quote amount without a reference.
  let quantity: Quantity
  /// What the approval states: the same, but for a replace the new total with the filled part.
  let total: Quantity
  /// What counts for the position.
  let reserve: Quantity
  /// What counts for the size, in the quote asset.
  let notional: Money
}

// Mutating and inlined like the checks, for the same reason.
extension RiskEngine {
  /// Puts the request into numbers, or says why that cannot be done.
  @inline(__always)
  mutating func propose(_ request: Shared<OrderRequest>, _ account: Int) throws(Refusal) -> Proposal {
    if let refusal = checkAdmission(account) { throw refusal }
    guard request.action == .replace else { return try proposeNew(request, account) }
    guard let target = request.target, let slot = accounts[account].orders.slot(of: target) else {
      throw .unknownTarget
    }
    let old = accounts[account].orders[slot]
    guard old.isLive else { throw .unknownTarget }
    let total = request.quantity ?? old.planned
    let quantity = total - old.filled
    guard quantity.isPositive else { throw .noQuantityLeft }
    guard let price = request.price ?? old.limitPrice else { throw .unknownTarget }
    guard let reach = market.reach(of: old.venue) else { throw .unknownVenue(old.venue) }
    return numbers(
      .replacement(quantity, total: total), old.symbol, reach, market.steps(old.symbol, reach) ?? Steps(), old.side, limit: price,
      account)
  }

  @inline(__always)
  private mutating func proposeNew(_ request: Shared<OrderRequest>, _ account: Int) throws(Refusal) -> Proposal {
    guard let reach = market.reach(of: request.venue) else { throw .unknownVenue(request.venue) }
    guard let symbol = market.symbols.position(of: request.symbol), let side = request.side,
      let steps = market.steps(symbol, reach)
    else { throw .unknownInstrument(request.symbol, at: request.venue) }
    let size = request.quantity.map(Size.quantity) ?? .quote(request.quoteQuantity)
    return numbers(size, symbol, reach, steps, side, limit: request.price, account)
  }

  /// How an order says how large it is.
  private enum Size {
    case quantity(Quantity)
    /// What is left of the new total, the filled part included.
    case replacement(Quantity, total: Quantity)
    /// An amount of the quote asset.
    case quote(Money?)
  }

  @inline(__always)
  private mutating func numbers(
    _ size: Size, _ symbol: Int, _ reach: Reach, _ steps: Steps, _ side: Side, limit: Price?, _ account: Int
  ) -> Proposal {
    let collarBasisPoints = accounts[account].limits.priceCollarBasisPoints
    let reference = market.reference(
      symbol, reach, side: side, now: now, maximumAge: accounts[account].limits.referenceMaximumAge)
    let sendPrice =
      limit
      ?? Self.limit(Self.reach(collarBasisPoints, steps), from: reference, side)?
      .rounded(toMultipleOf: steps.tick, Self.towardReference(side))
    // The worse price is the one that makes the order larger.
    let price = max(limit ?? .zero, reference?.price ?? .zero)
    let (quantity, total, reserve, notional) =
      switch size {
      case .quantity(let quantity): (quantity, quantity, quantity, price * quantity)
      case .replacement(let quantity, let total): (quantity, total, quantity, price * total)
      case .quote(let amount): Self.quoteNumbers(amount, reference, steps.lot, collarBasisPoints)
      }
    return Proposal(
      symbol: symbol, exposure: accounts[account].exposure(of: market.symbols[symbol].base, in: market), reach: reach, side: side,
      limit: limit, reference: reference,
      collar: Self.limit(collarBasisPoints, from: reference, side), sendPrice: sendPrice, quantity: quantity, total: total,
      reserve: reserve, notional: notional)
  }

  /// Without a reference nobody knows what a quote amount comes to.
  private static func quoteNumbers(
    _ amount: Money?, _ reference: Reference?, _ lot: Quantity, _ collarBasisPoints: Int64
  ) -> (Quantity, Quantity, Quantity, Money) {
    guard let amount, let reference else { return (.zero, .zero, .zero, amount ?? .zero) }
    let quantity = sendable(amount, reference.price, lot: lot)
    return (quantity, quantity, reservable(amount, reference.price, collarBasisPoints), amount)
  }

  private static func towardReference(_ side: Side) -> Rounding { side == .buy ? .down : .up }

  /// The price so far on the bad side of the reference.
  private static func limit(_ basisPoints: Int64, from reference: Reference?, _ side: Side) -> Price? {
    reference?.price.moved(byBasisPoints: side == .buy ? basisPoints : -basisPoints, towardReference(side))
  }

  /// How far the limit of a market order lies from the reference: the collar, or less where a venue would refuse that. The venue measures
  /// from its last price and we from the best one; a fifth of its band is left for their difference.
  private static func reach(_ collar: Int64, _ steps: Steps) -> Int64 {
    steps.band.map { min(collar, max(1, $0 - $0 / 5)) } ?? collar
  }

  /// A quote amount at the reference, in whole lots.
  private static func sendable(_ amount: Money, _ reference: Price, lot: Quantity) -> Quantity {
    amount.quantity(at: reference, .down)?.rounded(toMultipleOf: lot, .down) ?? .zero
  }

  /// The most that a quote amount may come to within the collar: at its lower end.
  private static func reservable(_ amount: Money, _ reference: Price, _ collarBasisPoints: Int64) -> Quantity {
    let lower = reference.moved(byBasisPoints: -collarBasisPoints, .down)
    return lower.flatMap { amount.quantity(at: $0, .up) } ?? Quantity(units: .max)
  }
}

extension Refusal: Error {}
