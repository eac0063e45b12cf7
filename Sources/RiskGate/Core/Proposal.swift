import Domain
import Wire

/// What a request comes to in numbers, before it is judged.
struct Proposal: Sendable {
  let request: OrderRequest
  /// Position in the market.
  let symbol: Int
  let venue: Venue
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
  /// The instruments that the order may reach.
  let instruments: [Instrument]
}

extension RiskEngine {
  /// Puts the request into numbers, or says why that cannot be done.
  func propose(_ request: OrderRequest, _ account: Int) -> Result<Proposal, Refusal> {
    if let refusal = checkAdmission(account) { return .failure(refusal) }
    guard request.action == .replace else { return proposeNew(request, account) }
    guard let target = request.target, let slot = accounts[account].orders.slot(of: target) else {
      return .failure(.unknownTarget)
    }
    let old = accounts[account].orders[slot]
    guard old.isLive else { return .failure(.unknownTarget) }
    let total = request.quantity ?? old.planned
    let quantity = total - old.filled
    guard quantity.isPositive else { return .failure(.noQuantityLeft) }
    guard let price = request.price ?? old.limitPrice else { return .failure(.unknownTarget) }
    return .success(
      numbers(request, old.symbol, old.venue, old.side, limit: price, account) { _, _ in
        (quantity: quantity, total: total, reserve: quantity, notional: nil)
      })
  }

  private func proposeNew(_ request: OrderRequest, _ account: Int) -> Result<Proposal, Refusal> {
    guard request.venue == .best || market.venues.position(of: request.venue) != nil else {
      return .failure(.unknownVenue(request.venue))
    }
    guard let symbol = market.symbols.position(of: request.symbol), let side = request.side,
      market.lists(symbol, at: request.venue)
    else { return .failure(.unknownInstrument(request.symbol, at: request.venue)) }
    let proposal = numbers(request, symbol, request.venue, side, limit: request.price, account) { reference, instruments in
      if let quantity = request.quantity { return (quantity, quantity, quantity, nil) }
      guard let amount = request.quoteQuantity, let reference else { return (.zero, .zero, .zero, request.quoteQuantity) }
      let lot = instruments.map(\.lot).max() ?? .zero
      let quantity = sendable(amount, reference.price, lot: lot)
      return (quantity, quantity, reservable(amount, reference.price, account), amount)
    }
    return .success(proposal)
  }

  private func numbers(
    _ request: OrderRequest, _ symbol: Int, _ venue: Venue, _ side: Side, limit: Price?, _ account: Int,
    amounts: (Reference?, [Instrument]) -> (quantity: Quantity, total: Quantity, reserve: Quantity, notional: Money?)
  ) -> Proposal {
    let limits = accounts[account].limits
    let reference = market.reference(symbol, venue: venue, side: side, now: now, maximumAge: limits.referenceMaximumAge)
    let towardReference: Rounding = side == .buy ? .down : .up
    let instruments = market.instruments(symbol, venue)
    let limitAt = { (basisPoints: Int64) in
      reference.flatMap { $0.price.moved(byBasisPoints: side == .buy ? basisPoints : -basisPoints, towardReference) }
    }
    let collar = limitAt(limits.priceCollarBasisPoints)
    let tick = instruments.map(\.tick).max() ?? .zero
    let (quantity, total, reserve, notional) = amounts(reference, instruments)
    // The worse price is the one that makes the order larger.
    let price = max(limit ?? .zero, reference?.price ?? .zero)
    return Proposal(
      request: request, symbol: symbol, venue: venue, side: side, limit: limit, reference: reference, collar: collar,
      sendPrice: limit
        ?? limitAt(Self.reach(limits.priceCollarBasisPoints, instruments))?.rounded(toMultipleOf: tick, towardReference),
      quantity: quantity, total: total,
      reserve: reserve,
      notional: notional ?? price * total, instruments: instruments)
  }

  /// How far the limit of a market order lies from the reference: the collar, or less where a venue would refuse that. The venue measures
  /// from its last price and we from the best one; a fifth of its band is left for their difference.
  private static func reach(_ collar: Int64, _ instruments: [Instrument]) -> Int64 {
    let bands = instruments.map(\.priceBandBasisPoints).filter { $0 > 0 }
    return min(collar, bands.min().map { max(1, $0 - $0 / 5) } ?? collar)
  }

  /// A quote amount at the reference, in whole lots.
  private func sendable(_ amount: Money, _ reference: Price, lot: Quantity) -> Quantity {
    amount.quantity(at: reference, .down)?.rounded(toMultipleOf: lot, .down) ?? .zero
  }

  /// The most that a quote amount may come to within the collar: at its lower end.
  private func reservable(_ amount: Money, _ reference: Price, _ account: Int) -> Quantity {
    let lower = reference.moved(byBasisPoints: -accounts[account].limits.priceCollarBasisPoints, .down)
    return lower.flatMap { amount.quantity(at: $0, .up) } ?? Quantity(units: .max)
  }
}

extension Refusal: Error {}
