import Domain
import Wire

/// The example: rests one order on each side of the middle and follows it. It makes no money; it shows how a strategy is written.
public struct Quoter: Strategy {
  /// How it quotes.
  public struct Settings: Hashable, Sendable {
    /// Where.
    public var venue: Venue
    /// What.
    public var symbol: Symbol
    /// Base quantity of each order; zero quotes nothing.
    public var quantity: Quantity
    /// Distance from the middle on each side, in basis points.
    public var distanceBasisPoints: Int64
    /// Move of the middle from which on an order is replaced, in basis points.
    public var toleranceBasisPoints: Int64
    /// The venue's price step.
    public var tick: Price

    /// How to quote.
    public init(
      venue: Venue, symbol: Symbol, quantity: Quantity, distanceBasisPoints: Int64, toleranceBasisPoints: Int64, tick: Price
    ) {
      self.venue = venue
      self.symbol = symbol
      self.quantity = quantity
      self.distanceBasisPoints = distanceBasisPoints
      self.toleranceBasisPoints = toleranceBasisPoints
      self.tick = tick
    }
  }

  /// One side's order, from the request to its end.
  private struct Quote: Sendable {
    var id: ClientOrderID
    var price: Price
    var isCancelling = false
  }

  private let settings: Settings
  private var quotes: [Side: Quote] = [:]
  /// Orders of an earlier run that are still live: cancelled before anything is quoted.
  private var leftovers: [ClientOrderID] = []
  private var middle: Price?
  private var refusals = 0
  /// Nothing is placed before, and nothing cancelled a second time.
  private var pausedUntil = Timestamp.zero
  private static let longestPause = 60 * Interval.second

  /// A quoter without orders.
  public init(_ settings: Settings) {
    self.settings = settings
  }

  /// Follows the book, cancels without one.
  public mutating func handle(_ event: StrategyEvent, at now: Timestamp, desk: inout OrderDesk) {
    switch event {
    case .book(settings.venue, settings.symbol, let book):
      middle = Self.middle(of: book)
      act(at: now, &desk)
    case .bookLost(settings.venue, settings.symbol):
      middle = nil
      act(at: now, &desk)
    case .book, .bookLost, .consolidated: break
    case .timer: act(at: now, &desk)
    case .execution(let order): take(order, &desk)
    case .rejected(let rejection): take(rejection, at: now)
    }
  }

  /// Whatever is refused now would be refused again at once. A cancel that was refused turns its order into a leftover.
  private mutating func take(_ rejection: Rejection, at now: Timestamp) {
    refusals += 1
    pausedUntil = now + min(Self.longestPause, Interval.second << Int64(min(refusals, 10)))
    if let target = rejection.request?.target {
      for side in Side.allCases where quotes[side]?.id == target {
        quotes[side] = nil
        leftovers.append(target)
      }
    } else {
      forget(rejection.clientOrderID)
    }
  }

  private mutating func take(_ order: OrderEvent, _ desk: inout OrderDesk) {
    if order.status.isTerminal {
      if order.status == .filled { refusals = 0 }
      return forget(order.clientOrderID)
    }
    guard quotes[order.side]?.id != order.clientOrderID, !leftovers.contains(order.clientOrderID) else { return }
    leftovers.append(order.clientOrderID)
  }

  private mutating func forget(_ id: ClientOrderID) {
    for side in Side.allCases where quotes[side]?.id == id { quotes[side] = nil }
    leftovers.removeAll { $0 == id }
  }

  private mutating func act(at now: Timestamp, _ desk: inout OrderDesk) {
    let isPaused = now < pausedUntil
    for side in Side.allCases { act(side, isPaused: isPaused || !leftovers.isEmpty, &desk) }
    guard !isPaused, !leftovers.isEmpty else { return }
    for id in leftovers { desk.cancel(id, of: settings.symbol, on: settings.venue) }
    // Asked again in a while, should one still be live.
    pausedUntil = now + Interval.second
  }

  private mutating func act(_ side: Side, isPaused: Bool, _ desk: inout OrderDesk) {
    let target = middle.flatMap { price(side, around: $0) }
    if let quote = quotes[side] {
      guard !quote.isCancelling, target.map({ isFar(quote.price, from: $0) }) ?? true else { return }
      quotes[side]?.isCancelling = true
      desk.cancel(quote.id, of: settings.symbol, on: settings.venue)
    } else if let target, !isPaused, settings.quantity.isPositive {
      let id = desk.placeLimit(side, settings.quantity, at: target, of: settings.symbol, on: settings.venue, postOnly: true)
      quotes[side] = Quote(id: id, price: target)
    }
  }

  private func price(_ side: Side, around middle: Price) -> Price? {
    let distance = side == .buy ? -settings.distanceBasisPoints : settings.distanceBasisPoints
    let rounding: Rounding = side == .buy ? .down : .up
    return middle.moved(byBasisPoints: distance, rounding)?.rounded(toMultipleOf: settings.tick, rounding)
  }

  private func isFar(_ price: Price, from target: Price) -> Bool {
    guard let tolerance = target.moved(byBasisPoints: settings.toleranceBasisPoints, .up) else { return true }
    return (price - target).magnitude > tolerance - target
  }

  private static func middle(of book: OrderBook) -> Price? {
    guard let bid = book.best(.buy)?.price, let ask = book.best(.sell)?.price else { return nil }
    return bid + Price(units: (ask.units - bid.units) / 2)
  }
}
