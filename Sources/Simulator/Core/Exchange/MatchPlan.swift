import Domain

/// What an arriving order would do to the book, worked out before anything is changed: so that funds, post-only and fill-or-kill are
/// decided on the whole of it.
struct MatchPlan {
  /// A trade with one resting order.
  struct Match {
    let maker: Int64
    let price: Price
    let quantity: Quantity
  }

  /// A resting order met on the way.
  enum Step {
    case match(Match)
    /// An order of the same account that ends instead of trading.
    case prevent(Int64)
  }

  /// In price-time priority.
  var steps: [Step] = []
  /// Base units that trade.
  var quantity = Quantity.zero
  /// Quote units that trade.
  var quote = Money.zero
  /// The arriving order ends when it meets an order of its own account.
  var endsTaker = false
}

extension Exchange {
  /// Walks the other side of the book with `request`.
  func plan(_ request: NewOrder) -> MatchPlan {
    var plan = MatchPlan()
    var budget = Budget(request.size, lot: markets[request.market].instrument.lot)
    let book = markets[request.market].book
    for depth in 0..<book.count(request.side.opposite) {
      let level = book.level(request.side.opposite, depth)
      if request.kind != .market, isBeyond(level.price, request) { return plan }
      for id in level.orders {
        let available = budget.affordable(at: level.price)
        guard available.isPositive else { return plan }
        let maker = order(id)
        if maker.request.account == request.account, request.selfTradePrevention != .none,
          request.account != Self.participants
        {
          if request.selfTradePrevention != .expireTaker { plan.steps.append(.prevent(id)) }
          guard request.selfTradePrevention == .expireMaker else {
            plan.endsTaker = true
            return plan
          }
          continue
        }
        let quantity = min(available, maker.remaining)
        plan.steps.append(.match(MatchPlan.Match(maker: id, price: level.price, quantity: quantity)))
        plan.quantity += quantity
        plan.quote += level.price * quantity
        budget.spend(quantity, at: level.price)
      }
    }
    return plan
  }

  private func isBeyond(_ price: Price, _ request: NewOrder) -> Bool {
    request.side == .buy ? price > request.price : price < request.price
  }
}

/// What an arriving order may still trade.
private struct Budget {
  private var size: OrderSize
  private let lot: Quantity

  init(_ size: OrderSize, lot: Quantity) {
    self.size = size
    self.lot = lot
  }

  /// Whole lots at this price.
  func affordable(at price: Price) -> Quantity {
    switch size {
    case .base(let quantity): quantity
    // More than fits a quantity is more than any book holds.
    case .quote(let amount): (amount.quantity(at: price, .down) ?? Quantity(units: .max)).rounded(toMultipleOf: lot, .down)
    }
  }

  mutating func spend(_ quantity: Quantity, at price: Price) {
    switch size {
    case .base(let left): size = .base(left - quantity)
    case .quote(let left): size = .quote(left - price * quantity)
    }
  }
}
