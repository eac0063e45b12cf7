import Domain

@testable import SimulatorCore

/// Matching in the simplest words: every resting order in one list, searched from end to end for each trade. Slow and easy to
/// believe; the exchange must agree with it.
struct NaiveExchange {
  struct Resting: Equatable {
    let id: Int64
    let account: Int
    let side: Side
    let price: Price
    var left: Quantity
  }

  struct Trade: Equatable {
    let maker: Int64
    let taker: Int64
    let price: Price
    let quantity: Quantity
  }

  /// Oldest first.
  private(set) var resting: [Resting] = []
  private var requests: [Int64: NewOrder] = [:]
  private(set) var trades: [Trade] = []

  /// The order must have been accepted by the exchange under this number.
  mutating func place(_ request: NewOrder, id: Int64) {
    guard case .base(var left) = request.size else { return }
    requests[id] = request
    if request.timeInForce == .fok, matchable(request) < left { return }
    while left.isPositive, let best = best(for: request) {
      if resting[best].account == request.account {
        switch request.selfTradePrevention {
        case .expireMaker:
          resting.remove(at: best)
          continue
        case .expireTaker: return
        case .expireBoth:
          resting.remove(at: best)
          return
        case .none: break
        }
      }
      let quantity = min(left, resting[best].left)
      trades.append(Trade(maker: resting[best].id, taker: id, price: resting[best].price, quantity: quantity))
      left -= quantity
      resting[best].left -= quantity
      if resting[best].left.isZero { resting.remove(at: best) }
    }
    let rests = left.isPositive && request.kind != .market && request.timeInForce == .gtc
    if rests {
      resting.append(Resting(id: id, account: request.account, side: request.side, price: request.price, left: left))
    }
  }

  mutating func cancel(_ id: Int64) { resting.removeAll { $0.id == id } }

  /// The exchange must have taken the amendment; `left` is what the order still wants.
  mutating func amend(_ id: Int64, price: Price, left: Quantity) {
    guard let place = resting.firstIndex(where: { $0.id == id }), var request = requests[id] else { return }
    if price == resting[place].price, left <= resting[place].left {
      resting[place].left = left
    } else {
      resting.remove(at: place)
      request.price = price
      request.size = .base(left)
      self.place(request, id: id)
    }
  }

  /// Index of the order that trades next: the best price, and of those the oldest.
  private func best(for request: NewOrder) -> Int? {
    let candidates = resting.indices.filter {
      resting[$0].side != request.side && (request.kind == .market || isReached(resting[$0].price, by: request))
    }
    return candidates.min { left, right in
      let (a, b) = (resting[left], resting[right])
      if a.price != b.price { return (a.price < b.price) == (request.side == .buy) }
      return left < right
    }
  }

  private func isReached(_ price: Price, by request: NewOrder) -> Bool {
    request.side == .buy ? price <= request.price : price >= request.price
  }

  private func matchable(_ request: NewOrder) -> Quantity {
    var copy = self
    var total = Quantity.zero
    while let best = copy.best(for: request) {
      let order = copy.resting[best]
      if order.account == request.account, request.selfTradePrevention != .none {
        if request.selfTradePrevention != .expireMaker { return total }
      } else {
        total += order.left
      }
      copy.resting.remove(at: best)
    }
    return total
  }
}
