import Domain

extension Exchange {
  /// Gives an order that rests another limit or another total quantity, the filled part included; nil leaves one as it is. The order
  /// keeps its number and its client id. It keeps its place in the queue when it only becomes smaller; otherwise it goes to the end of
  /// its price, and trades at once where the new price reaches the other side. A refused amendment leaves the order as it was.
  ///
  /// The order must be open and the new quantity above what is filled.
  public mutating func amend(
    _ id: Int64, price: Price?, quantity: Quantity?, at now: Timestamp
  ) throws(OrderRejection) {
    let order = order(id)
    let quantity = quantity ?? order.quantity
    precondition(order.status.isOpen && quantity > order.executed, "only what is open and not filled can change")
    var request = order.request
    request.price = price ?? request.price
    request.size = .base(quantity - order.executed)
    let plan = plan(request)
    if request.kind == .postOnly, !plan.steps.isEmpty || plan.endsTaker { throw .wouldTake }
    let (asset, amount) = reserve(for: request, plan)
    guard amount <= order.reserved || ledger.canSpend(request.account, asset, amount - order.reserved) else {
      throw .insufficientBalance
    }
    let keepsPlace = request.price == order.request.price && quantity <= order.quantity
    let total = markets[request.market].book.reduce(
      id, request.side, price: order.request.price, by: keepsPlace ? order.quantity - quantity : order.remaining,
      isGone: !keepsPlace)
    noteLevel(request.market, request.side, order.request.price, total)
    ledger.unlock(request.account, asset, order.reserved)
    ledger.lock(request.account, asset, amount)
    request.size = .base(quantity)
    update(id, at: now) { order in
      order.request = request
      order.quantity = quantity
      order.reserved = amount
      order.hasRested = keepsPlace
    }
    report(.amended, self.order(id), at: now)
    if !keepsPlace {
      carryOut(plan, taker: id, at: now)
      settleRemainder(id, isPrevented: plan.endsTaker, at: now)
    }
    tellTop(request.market)
  }
}
