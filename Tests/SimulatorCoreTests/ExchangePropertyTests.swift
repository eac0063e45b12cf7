import Domain
import Testing

@testable import SimulatorCore

@Suite struct ExchangePropertyTests {
  @Test("random orders match as in the naive model, and no money is made or lost", arguments: UInt64(1)...25)
  func agreesWithNaiveModel(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var bench = Bench(clients: 3)
    var naive = NaiveExchange()
    let wealth = total(bench.exchange)
    var trades: [NaiveExchange.Trade] = []
    for step in 0..<400 {
      bench.now = bench.now + Interval.millisecond
      let choice = Int.random(in: 0..<6, using: &generator)
      if choice < 2, let victim = naive.resting.randomElement(using: &generator) {
        if choice == 0 {
          bench.exchange.cancel(victim.id, at: bench.now)
          naive.cancel(victim.id)
        } else {
          amend(victim, &bench, &naive, &generator)
        }
      } else {
        let request = randomOrder(step, &generator)
        if let id = try? bench.exchange.place(request, at: bench.now) { naive.place(request, id: id) }
      }
      trades += tradesByOrder(bench.exchange.takeEvents())
      try compare(bench.exchange, naive, trades, "seed \(seed), step \(step)")
      try #require(total(bench.exchange) == wealth, "seed \(seed), step \(step): money was made or lost")
      try expectSound(bench.exchange, "seed \(seed), step \(step)")
    }
    #expect(!trades.isEmpty)
  }

  @Test("level changes replayed from the events give the book, their numbers without a gap", arguments: UInt64(1)...10)
  func levelChangesReplay(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var bench = Bench(clients: 3)
    var replay = OrderBook()
    var last = bench.exchange.markets[0].updateID
    for step in 0..<300 {
      _ = try? bench.exchange.place(randomOrder(step, &generator), at: bench.now)
      for case .level(let change) in bench.exchange.takeEvents() {
        #expect(change.updateID == last + 1, "seed \(seed), step \(step)")
        last = change.updateID
        replay.set(change.side, price: change.level.price, quantity: change.level.quantity)
      }
      for side in Side.allCases {
        #expect(replay.levels(side) == bench.exchange.markets[0].levels(side, limit: .max), "seed \(seed), step \(step)")
      }
    }
  }

  // MARK: Parts

  /// Gives an order that rests another price, another quantity, or both; a refusal changes nothing.
  private func amend(
    _ victim: NaiveExchange.Resting, _ bench: inout Bench, _ naive: inout NaiveExchange, _ generator: inout SeededGenerator
  ) {
    let price = Bool.random(using: &generator) ? randomPrice(&generator) : nil
    let left = Bool.random(using: &generator) ? randomQuantity(&generator) : nil
    let executed = bench.exchange.order(victim.id).executed
    guard (try? bench.exchange.amend(victim.id, price: price, quantity: left.map { executed + $0 }, at: bench.now)) != nil else {
      return
    }
    naive.amend(victim.id, price: price ?? victim.price, left: left ?? victim.left)
  }

  private func randomPrice(_ generator: inout SeededGenerator) -> Price {
    Price(units: Int64.random(in: 2_000_000...2_000_020, using: &generator) * 100_000_000)
  }

  private func randomQuantity(_ generator: inout SeededGenerator) -> Quantity {
    Quantity(units: Int64.random(in: 1...3_000, using: &generator) * 1_000_000)
  }

  private func randomOrder(_ step: Int, _ generator: inout SeededGenerator) -> NewOrder {
    let kind = [OrderKind.limit, .limit, .limit, .postOnly, .market].randomElement(using: &generator) ?? .limit
    let prevention =
      [SelfTradePrevention.none, .expireMaker, .expireTaker, .expireBoth].randomElement(using: &generator) ?? .none
    return NewOrder(
      account: Int.random(in: 1...3, using: &generator), market: 0, clientOrderID: "s\(step)",
      side: Bool.random(using: &generator) ? .buy : .sell, kind: kind,
      price: kind == .market ? .zero : randomPrice(&generator), size: .base(randomQuantity(&generator)),
      timeInForce: kind == .limit ? [.gtc, .gtc, .ioc, .fok].randomElement(using: &generator) ?? .gtc : .gtc,
      selfTradePrevention: prevention)
  }

  /// The sum of all balances and fees, by asset.
  private func total(_ exchange: Exchange) -> [Money] {
    exchange.ledger.assets.indices.map { asset in
      (0..<exchange.ledger.accountCount).reduce(exchange.ledger.fees[asset]) {
        $0 + exchange.ledger.balance($1, asset).total
      }
    }
  }

  private func tradesByOrder(_ events: [ExchangeEvent]) -> [NaiveExchange.Trade] {
    var makers: [Int64: Int64] = [:]
    var trades: [NaiveExchange.Trade] = []
    for case .order(let update) in events {
      guard case .traded(let fill) = update.change else { continue }
      if fill.isMaker {
        makers[fill.tradeID] = fill.orderID
      } else {
        trades.append(
          NaiveExchange.Trade(
            maker: makers[fill.tradeID] ?? 0, taker: fill.orderID, price: fill.price, quantity: fill.quantity))
      }
    }
    return trades
  }

  private func compare(
    _ exchange: Exchange, _ naive: NaiveExchange, _ trades: [NaiveExchange.Trade], _ place: String
  ) throws {
    try #require(trades == naive.trades, "\(place): other trades")
    let open = (1...3).flatMap { exchange.openOrders(of: $0) }.sorted { $0.id < $1.id }.map {
      NaiveExchange.Resting(
        id: $0.id, account: $0.request.account, side: $0.request.side, price: $0.request.price, left: $0.remaining)
    }
    try #require(open == naive.resting.sorted { $0.id < $1.id }, "\(place): other orders rest")
  }

  /// Nothing crosses, nobody owes, and what is locked is what open orders need.
  private func expectSound(_ exchange: Exchange, _ place: String) throws {
    let market = exchange.markets[0]
    try #require(!market.top.isCrossed, "\(place): crossed")
    for account in 1...3 {
      var needed = Array(repeating: Money.zero, count: exchange.ledger.assets.count)
      for order in exchange.openOrders(of: account) {
        let isBuy = order.request.side == .buy
        needed[isBuy ? market.quoteAsset : market.baseAsset] +=
          isBuy ? order.request.price * order.remaining : Money(order.remaining)
      }
      for asset in exchange.ledger.assets.indices {
        let balance = exchange.ledger.balance(account, asset)
        try #require(balance.locked == needed[asset], "\(place): account \(account) has \(balance.locked) locked")
        try #require(!balance.free.isNegative, "\(place): account \(account) owes")
      }
    }
  }
}
