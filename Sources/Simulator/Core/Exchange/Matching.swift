import Domain

extension Exchange {
  /// Takes an order: matches it at once and lets the rest of a good-till-cancelled limit order rest. Gives the order's number, which
  /// is `id` when the venue has given it one before.
  @discardableResult
  public mutating func place(
    _ request: NewOrder, numbered id: Int64? = nil, at now: Timestamp
  ) throws(OrderRejection) -> Int64 {
    let plan = plan(request)
    if let rejection = rejection(of: request, plan) {
      reportRejection(rejection, request, numbered: id, at: now)
      throw rejection
    }
    let (asset, amount) = reserve(for: request, plan)
    ledger.lock(request.account, asset, amount)
    let id = register(request, numbered: id, quantity: quantity(of: request, plan), reserved: amount, at: now)
    report(.accepted, order(id), at: now)
    let isKilled = request.timeInForce == .fok && plan.quantity < order(id).quantity
    if !isKilled { carryOut(plan, taker: id, at: now) }
    settleRemainder(id, isPrevented: plan.endsTaker && !isKilled, at: now)
    tellTop(request.market)
    return id
  }

  /// Ends an open order at its owner's wish and gives it as it ended; nil when it was not open. `requestID` is the client's name for
  /// the cancel.
  @discardableResult
  public mutating func cancel(_ id: Int64, requestID: String = "", at now: Timestamp) -> VenueOrder? {
    let order = order(id)
    guard order.status.isOpen else { return nil }
    end(id, .cancelled, .cancelled(requestID: requestID), at: now)
    tellTop(order.request.market)
    return self.order(id, of: order.request.account, in: order.request.market)
  }

  // MARK: Before

  private func rejection(of request: NewOrder, _ plan: MatchPlan) -> OrderRejection? {
    if request.account != Self.participants, !request.clientOrderID.isEmpty, isOpen(request) { return .duplicateClientOrderID }
    if request.kind == .postOnly, !plan.steps.isEmpty || plan.endsTaker { return .wouldTake }
    if case .quote = request.size, plan.quantity.isZero, !plan.endsTaker { return .nothingToMatch }
    let (asset, amount) = reserve(for: request, plan)
    return ledger.canSpend(request.account, asset, amount) ? nil : .insufficientBalance
  }

  /// True when the account has what the order would need now.
  func canAfford(_ request: NewOrder) -> Bool {
    var plan = MatchPlan()
    if request.kind == .market { plan = self.plan(request) }
    if case .quote(let amount) = request.size, request.side == .buy {
      return ledger.canSpend(request.account, markets[request.market].quoteAsset, amount)
    }
    let (asset, amount) = reserve(for: request, plan)
    return ledger.canSpend(request.account, asset, amount)
  }

  private func quantity(of request: NewOrder, _ plan: MatchPlan) -> Quantity {
    switch request.size {
    case .base(let quantity): quantity
    case .quote: plan.quantity
    }
  }

  /// What the order needs: a limit buy its whole notional at the limit, a market buy what the book asks, a sell its quantity.
  func reserve(for request: NewOrder, _ plan: MatchPlan) -> (asset: Int, amount: Money) {
    let market = markets[request.market]
    let quantity = quantity(of: request, plan)
    switch (request.side, request.kind) {
    case (.sell, _): return (market.baseAsset, Money(quantity))
    case (.buy, .market): return (market.quoteAsset, plan.quote)
    case (.buy, _): return (market.quoteAsset, request.price * quantity)
    }
  }

  private mutating func reportRejection(
    _ rejection: OrderRejection, _ request: NewOrder, numbered id: Int64?, at now: Timestamp
  ) {
    guard request.account != Self.participants else { return }
    let size: Quantity = if case .base(let quantity) = request.size { quantity } else { .zero }
    var order = VenueOrder(id: id ?? nextOrderID(), request: request, quantity: size, created: now, updated: now)
    order.status = .rejected
    order.rejection = rejection
    if keepsRejectedOrders { keep(rejected: order) }
    report(.rejected(rejection), order, at: now)
  }

  // MARK: Matching

  mutating func carryOut(_ plan: MatchPlan, taker: Int64, at now: Timestamp) {
    for step in plan.steps {
      switch step {
      case .prevent(let maker): end(maker, .prevented, .prevented, at: now)
      case .match(let match): trade(match, taker: taker, at: now)
      }
    }
  }

  private mutating func trade(_ match: MatchPlan.Match, taker: Int64, at now: Timestamp) {
    let maker = order(match.maker)
    let market = maker.request.market
    let isGone = match.quantity == maker.remaining
    let total = markets[market].book.reduce(
      maker.id, maker.request.side, price: match.price, by: match.quantity, isGone: isGone)
    noteLevel(market, maker.request.side, match.price, total)
    let id = nextTradeID()
    let (makerFill, takerFill) = settle(match, tradeID: id, maker: maker, taker: order(taker), at: now)
    for fill in [makerFill, takerFill] {
      update(fill.orderID, at: now) { order in
        order.executed += fill.quantity
        order.cumulativeQuote += fill.price * fill.quantity
        order.cumulativeFee += fill.fee
        order.status = order.remaining.isZero ? .filled : .partiallyFilled
      }
      remember(fill)
      report(.traded(fill), order(fill.orderID), at: now)
    }
    if isGone { retire(maker.id) }
    let trade = PublicTrade(
      market: market, id: id, price: match.price, quantity: match.quantity, isBuyerMaker: maker.request.side == .buy, time: now)
    markets[market].remember(trade)
    events.append(.trade(trade))
  }

  /// Moves the money: each side pays from what it had locked and receives the other's part less its own fee.
  private mutating func settle(
    _ match: MatchPlan.Match, tradeID: Int64, maker: VenueOrder, taker: VenueOrder, at now: Timestamp
  ) -> (maker: VenueFill, taker: VenueFill) {
    let market = markets[maker.request.market]
    let cost = match.price * match.quantity
    func fill(_ order: VenueOrder, isMaker: Bool) -> VenueFill {
      let isBuyer = order.request.side == .buy
      return VenueFill(
        account: order.request.account, market: order.request.market, tradeID: tradeID, orderID: order.id,
        clientOrderID: order.request.clientOrderID, side: order.request.side, price: match.price, quantity: match.quantity,
        fee: fee(of: order.request.account, on: isBuyer ? Money(match.quantity) : cost, isMaker: isMaker),
        feeAsset: isBuyer ? market.baseAsset : market.quoteAsset, isMaker: isMaker, time: now)
    }
    let fills = (maker: fill(maker, isMaker: true), taker: fill(taker, isMaker: false))
    let (buyer, seller) = maker.request.side == .buy ? (fills.maker, fills.taker) : (fills.taker, fills.maker)
    ledger.pay(market.quoteAsset, cost, from: buyer.account, to: seller.account, fee: seller.fee)
    ledger.pay(market.baseAsset, Money(match.quantity), from: seller.account, to: buyer.account, fee: buyer.fee)
    release(buyer, limit: order(buyer.orderID).request, paid: cost, quoteAsset: market.quoteAsset)
    update(seller.orderID, at: now) { $0.reserved -= Money(match.quantity) }
    return fills
  }

  /// Takes the paid amount off a buy's reserve and gives back what a better price than its limit saved.
  private mutating func release(_ buyer: VenueFill, limit request: NewOrder, paid: Money, quoteAsset: Int) {
    let held = request.kind == .market ? paid : request.price * buyer.quantity
    update(buyer.orderID, at: buyer.time) { $0.reserved -= held }
    if held > paid { ledger.unlock(buyer.account, quoteAsset, held - paid) }
  }

  /// The venue's part of what a client receives, rounded down to the eight digits in which venues book it.
  private func fee(of account: Int, on amount: Money, isMaker: Bool) -> Money {
    guard account != Self.participants else { return .zero }
    let eightDigits = Money(units: 10_000_000_000)
    return amount.basisPoints(isMaker ? fees.makerBasisPoints : fees.takerBasisPoints, .down)
      .rounded(toMultipleOf: eightDigits, .down)
  }

  // MARK: After

  /// What becomes of an order that has arrived and matched: it is done, it rests, or the rest of it expires.
  mutating func settleRemainder(_ id: Int64, isPrevented: Bool, at now: Timestamp) {
    let order = order(id)
    let request = order.request
    if order.remaining.isZero, !order.quantity.isZero {
      retire(id)
    } else if isPrevented {
      end(id, .prevented, .prevented, at: now)
    } else if request.kind == .market || request.timeInForce != .gtc {
      end(id, .expired, .expired, at: now)
    } else {
      update(id, at: now) { $0.hasRested = true }
      let total = markets[request.market].book.add(id, request.side, price: request.price, quantity: order.remaining)
      noteLevel(request.market, request.side, request.price, total)
    }
  }

  /// Ends an open order: off the book, the rest of its funds free.
  private mutating func end(_ id: Int64, _ status: VenueOrderStatus, _ change: OrderUpdate.Change, at now: Timestamp) {
    let order = order(id)
    let request = order.request
    if order.hasRested {
      let total = markets[request.market].book.reduce(
        id, request.side, price: request.price, by: order.remaining, isGone: true)
      noteLevel(request.market, request.side, request.price, total)
    }
    let market = markets[request.market]
    ledger.unlock(request.account, request.side == .buy ? market.quoteAsset : market.baseAsset, order.reserved)
    update(id, at: now) { order in
      order.reserved = .zero
      order.status = status
    }
    report(change, self.order(id), at: now)
    retire(id)
  }

  mutating func noteLevel(_ market: Int, _ side: Side, _ price: Price, _ total: Quantity) {
    markets[market].updateID += 1
    events.append(
      .level(
        LevelChange(
          market: market, side: side, level: BookLevel(price: price, quantity: total), updateID: markets[market].updateID)))
  }

  mutating func tellTop(_ market: Int) {
    let top = markets[market].top
    guard top != markets[market].toldTop else { return }
    markets[market].toldTop = top
    events.append(.top(TopChange(market: market, top: top, updateID: markets[market].updateID)))
  }
}
