import Domain
import OrderManagerCore
import Venues
import Wire

/// A venue in a few lines: takes orders, trades them at random, answers questions, and says everything on a stream. What it can
/// be told to do wrong is the caller's business; what it did is written down in it.
struct VenueModel {
  struct Order {
    var id: Int
    var clientID: String
    var side: Side
    var price: Price
    var quantity: Quantity
    var timeInForce: TimeInForce
    var state = VenueOrderState.open
    var trades: [Fill] = []
    /// Questions do not find it before this instant.
    var visibleAt: Timestamp
    var filled: Quantity { trades.reduce(.zero) { $0 + $1.quantity } }
  }

  var orders: [Order] = []
  var stream: [VenueOrderReport] = []
  private var nextTrade = 1

  static let symbol = "BTCUSDT"

  func orders(under clientID: String) -> [Order] { orders.filter { $0.clientID == clientID } }

  mutating func place(
    _ order: NewOrder, at now: Timestamp, hiddenFor: Int64 = 0, using generator: inout SeededGenerator
  ) -> VenueOutcome<VenueOrderReport> {
    if orders.contains(where: { $0.clientID == order.clientID && !$0.state.isTerminal }) {
      return .unknown(VenueFailure(.permanent, code: -2010, reason: "Duplicate order sent."))
    }
    guard case .limit(let price, let timeInForce) = order.terms else {
      return .failed(VenueFailure(.permanent, code: -1, reason: "limit orders only"))
    }
    orders.append(
      Order(
        id: orders.count + 1, clientID: order.clientID, side: order.side, price: price, quantity: order.quantity,
        timeInForce: timeInForce, visibleAt: now + hiddenFor))
    let index = orders.count - 1
    say(index, at: now)
    let first = orders[index].trades.count
    for _ in 0..<Int.random(in: 0...2, using: &generator) { trade(index, at: now, using: &generator) }
    if timeInForce != .gtc, !orders[index].state.isTerminal {
      orders[index].state = .expired
      say(index, at: now)
    }
    return .confirmed(report(index, fills: Array(orders[index].trades[first...]), at: now))
  }

  /// Fills a random part, or all, of an open order.
  mutating func trade(_ index: Int, at now: Timestamp, using generator: inout SeededGenerator) {
    guard !orders[index].state.isTerminal else { return }
    let left = orders[index].quantity - orders[index].filled
    let part = Bool.random(using: &generator) ? left : Quantity(units: Int64.random(in: 1...left.units, using: &generator))
    let fill = Fill(
      tradeID: String(nextTrade), price: orders[index].price, quantity: part, fee: .zero, feeAsset: "USDT", liquidity: .taker,
      time: now)
    nextTrade += 1
    orders[index].trades.append(fill)
    orders[index].state = part == left ? .filled : .partiallyFilled
    say(index, fills: [fill], at: now)
  }

  mutating func cancel(_ clientID: String, at now: Timestamp) -> VenueOutcome<VenueOrderReport> {
    guard let index = orders.firstIndex(where: { $0.clientID == clientID && !$0.state.isTerminal && $0.visibleAt <= now }) else {
      return .failed(VenueFailure(.noSuchOrder, code: -2011, reason: "Unknown order sent."))
    }
    orders[index].state = .cancelled
    say(index, at: now)
    return .confirmed(report(index, at: now))
  }

  /// The answer to a question.
  func answer(_ action: AccountRequest, at now: Timestamp) -> AccountAnswer {
    let visible = orders.indices.filter { orders[$0].visibleAt <= now }
    switch action {
    case .order(let clientID, _):
      guard let index = visible.last(where: { orders[$0].clientID == clientID }) else {
        return .order(.failed(VenueFailure(.noSuchOrder, code: -2013, reason: "Order does not exist.")))
      }
      return .order(.confirmed(report(index, at: now)))
    case .openOrders:
      return .orders(.confirmed(visible.filter { !orders[$0].state.isTerminal }.map { report($0, at: now) }))
    case .allOrders: return .orders(.confirmed(visible.map { report($0, at: now) }))
    case .trades(_, let selection):
      let found = visible.flatMap { index in
        orders[index].trades.map { fill in
          VenueTrade(venueSymbol: Self.symbol, venueOrderID: String(orders[index].id), side: orders[index].side, fill: fill)
        }
      }
      switch selection {
      case .order(let id): return .trades(.confirmed(found.filter { $0.venueOrderID == id }))
      case .since(let start): return .trades(.confirmed(found.filter { $0.fill.time >= start }))
      case .from, .newest: return .trades(.confirmed(found))
      }
    case .account:
      let usdt = AssetBalance(asset: "USDT", free: Money(units: 1), locked: .zero)
      return .account(.confirmed(AccountReport(balances: [usdt])))
    case .place, .cancel: preconditionFailure("not a question")
    }
  }

  private mutating func say(_ index: Int, fills: [Fill] = [], at now: Timestamp) {
    stream.append(report(index, fills: fills, at: now))
  }

  private func report(_ index: Int, fills: [Fill] = [], at now: Timestamp) -> VenueOrderReport {
    let order = orders[index]
    return VenueOrderReport(
      venueSymbol: Self.symbol, venueOrderID: String(order.id), clientID: order.clientID, side: order.side, price: order.price,
      quantity: order.quantity, state: order.state, cumulativeQuantity: order.filled, fills: fills, time: now)
  }
}
