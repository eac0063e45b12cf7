import Books
import Domain
import Wire

/// The example on the consolidated book: when a symbol costs less at one venue than it brings at another, the takers' fees of both in,
/// it buys at the one, and sells what it has bought at the other. One order at a time, never more than its position allows, and nothing
/// on a book that is invalid or old. Between the two orders the market may move: what was bought is then kept until it can be sold at
/// such a moment again. It shows how a strategy across venues is written; it is no promise of profit.
public struct BestPriceTaker: Strategy {
  /// What it may do.
  public struct Settings: Sendable {
    /// What it trades.
    public var symbol: Symbol
    /// What each venue takes of a taker's trade. A venue that is not named is not traded at.
    public var fees: [Venue: FeeRate]
    /// Base quantity of a buy at most; zero trades nothing.
    public var quantity: Quantity
    /// What it holds at most: bought and not sold yet, by its own orders.
    public var maximumPosition: Quantity
    /// The venues' coarsest quantity step.
    public var lot: Quantity
    /// The venues' largest minimum of an order.
    public var minimumQuantity: Quantity
    /// What must be left after fees, in basis points of the price paid. Nothing is done for nothing, at zero either.
    public var edgeBasisPoints: Int64

    /// What it may do.
    public init(
      symbol: Symbol, fees: [Venue: FeeRate], quantity: Quantity, maximumPosition: Quantity, lot: Quantity,
      minimumQuantity: Quantity, edgeBasisPoints: Int64 = 0
    ) {
      self.symbol = symbol
      self.fees = fees
      self.quantity = quantity
      self.maximumPosition = maximumPosition
      self.lot = lot
      self.minimumQuantity = minimumQuantity
      self.edgeBasisPoints = edgeBasisPoints
    }
  }

  /// An order from the request to its end.
  private struct LiveOrder: Sendable {
    let id: ClientOrderID
    let since: Timestamp
    /// OrderManager has told of it, which it does before it sends anything.
    var isSeen: Bool
  }

  /// An order is not sent later than this after the moment that it was meant for, in nanoseconds.
  public static let validity = 2 * Interval.second
  /// An order of which nothing is heard for so long beyond its validity was never sent, and never will be.
  private static let grace = 5 * Interval.second
  /// Between the end of an order and the next: below the five a second that risk lets through.
  private static let pace = 250 * Interval.millisecond
  private static let longestPause = Interval.minute
  /// Ended orders that may still bring late fills.
  private static let rememberedOrders = 1_000

  private let settings: Settings
  private var live: [LiveOrder] = []
  /// What each order has filled so far; the oldest are forgotten first.
  private var filled: [ClientOrderID: Quantity] = [:]
  private var filledOrder: [ClientOrderID] = []
  /// Bought and not sold yet.
  private var position = Quantity.zero
  private var refusals = 0
  /// Nothing is placed before; nil until the first book, since orders of an earlier run may have to be waited for.
  private var pausedUntil: Timestamp?

  /// A taker that holds nothing.
  public init(_ settings: Settings) { self.settings = settings }

  /// Follows the consolidated book and its own orders.
  public mutating func handle(_ event: StrategyEvent, at now: Timestamp, desk: inout OrderDesk) {
    switch event {
    case .consolidated(settings.symbol, let book): act(on: book, at: now, &desk)
    case .execution(let order): take(order, at: now)
    case .rejected(let rejection):
      live.removeAll { $0.id == rejection.clientOrderID }
      pauseAfterRefusal(at: now)
    case .timer: live.removeAll { !$0.isSeen && now - $0.since > Self.validity + Self.grace }
    case .book, .bookLost, .consolidated: break
    }
  }

  private mutating func act(on book: ConsolidatedBook, at now: Timestamp, _ desk: inout OrderDesk) {
    let pausedUntil = pausedUntil ?? now + Self.validity + Self.grace
    self.pausedUntil = pausedUntil
    guard now >= pausedUntil, live.isEmpty, settings.quantity.isPositive, let crossing = crossing(in: book) else { return }
    let smallest = max(settings.minimumQuantity, settings.lot)
    // What was bought is sold before more is bought.
    let side: Side = position >= smallest ? .sell : .buy
    let level = side == .sell ? crossing.bid : crossing.ask
    let wanted: Quantity
    switch side {
    case .sell: wanted = min(position, level.quantity)
    case .buy: wanted = min(settings.quantity, crossing.ask.quantity, crossing.bid.quantity, settings.maximumPosition - position)
    }
    let quantity = wanted.rounded(toMultipleOf: settings.lot, .down)
    guard quantity.isPositive, quantity >= smallest else { return }
    let id = desk.placeLimit(
      side, quantity, at: level.price, of: settings.symbol, on: level.venue, timeInForce: .ioc, expiresAt: now + Self.validity)
    live.append(LiveOrder(id: id, since: now, isSeen: false))
  }

  private mutating func take(_ order: OrderEvent, at now: Timestamp) {
    guard order.symbol == settings.symbol else { return }
    count(order)
    live.removeAll { $0.id == order.clientOrderID }
    guard order.status.isTerminal else {
      return live.append(LiveOrder(id: order.clientOrderID, since: now, isSeen: true))
    }
    if order.status == .rejected { return pauseAfterRefusal(at: now) }
    refusals = 0
    pausedUntil = pausedUntil.map { max($0, now + Self.pace) }
  }

  /// Takes what is new of an order's fills into the position.
  private mutating func count(_ order: OrderEvent) {
    let before = filled[order.clientOrderID] ?? .zero
    guard order.cumulativeQuantity > before else { return }
    if filled.updateValue(order.cumulativeQuantity, forKey: order.clientOrderID) == nil {
      filledOrder.append(order.clientOrderID)
      if filledOrder.count > Self.rememberedOrders { filled[filledOrder.removeFirst()] = nil }
    }
    let change = order.cumulativeQuantity - before
    position += order.side == .buy ? change : -change
  }

  /// What was refused now would be refused again at once.
  private mutating func pauseAfterRefusal(at now: Timestamp) {
    refusals += 1
    let pause = min(Self.longestPause, Interval.second << Int64(min(refusals, 10)))
    pausedUntil = pausedUntil.map { max($0, now + pause) }
  }

  // MARK: Edge

  /// An ask and a bid of two venues between which something is left after the fees of both.
  private struct Crossing {
    var ask: VenueLevel
    var bid: VenueLevel
    /// What is left of a unit, in millionths of the price's unit.
    var edge: Int128
  }

  /// The best of them; nil while nothing is left anywhere.
  private func crossing(in book: ConsolidatedBook) -> Crossing? {
    var best: Crossing?
    let bids = heads(book.bids)
    for ask in heads(book.asks) {
      for bid in bids where bid.venue != ask.venue {
        guard let edge = edge(from: ask, to: bid), best.map({ edge > $0.edge }) ?? true else { continue }
        best = Crossing(ask: ask, bid: bid, edge: edge)
      }
    }
    return best
  }

  /// What a unit brings at `bid` after fees, less what it costs at `ask` with fees; nil unless that is above zero and at least the edge
  /// that is asked for.
  private func edge(from ask: VenueLevel, to bid: VenueLevel) -> Int128? {
    guard let takenOfBuy = settings.fees[ask.venue], let takenOfSale = settings.fees[bid.venue] else { return nil }
    let cost = Int128(ask.price.units) * Int128(1_000_000 + takenOfBuy.millionths)
    let proceeds = Int128(bid.price.units) * Int128(1_000_000 - takenOfSale.millionths)
    let least = Int128(ask.price.units) * Int128(settings.edgeBasisPoints * 100)
    return proceeds > cost && proceeds - cost >= least ? proceeds - cost : nil
  }

  /// Each venue's best level.
  private func heads(_ levels: [VenueLevel]) -> [VenueLevel] {
    var heads: [VenueLevel] = []
    for level in levels where !heads.contains(where: { $0.venue == level.venue }) { heads.append(level) }
    return heads
  }
}
