import Domain
import Testing

@testable import SimulatorCore

@Suite struct ParticipantsTests {
  /// A market whose crowd has taken some steps.
  private func market(
    seed: UInt64 = 1, isFrozen: Bool = false, steps: Int, between: (inout Exchange, Int) -> Void = { _, _ in }
  ) -> Exchange {
    var configuration = Participants.Configuration()
    configuration.isFrozen = isFrozen
    var bench = Bench(clients: 1)
    var crowd = Participants(market: 0, startingPrice: bitcoin.startingPrice, configuration: configuration, seed: seed)
    for step in 0..<steps {
      bench.now = bench.now + 50 * Interval.millisecond
      crowd.step(&bench.exchange, at: bench.now)
      between(&bench.exchange, step)
    }
    return bench.exchange
  }

  @Test("the book is deep, two-sided, never crossed, and moves", arguments: UInt64(1)...5)
  func keepsABook(seed: UInt64) throws {
    var prices: Set<Price> = []
    let exchange = market(seed: seed, steps: 400) { exchange, step in
      let market = exchange.markets[0]
      #expect(!market.top.isCrossed, "seed \(seed), step \(step)")
      for side in Side.allCases { #expect(market.levelCount(side) >= 500, "seed \(seed), step \(step)") }
      if let bid = market.top.bid { prices.insert(bid.price) }
    }
    #expect(prices.count > 50)
    #expect(!exchange.markets[0].trades.isEmpty)
    for side in Side.allCases {
      let levels = exchange.markets[0].levels(side, limit: .max)
      let best = try #require(levels.first)
      let near = levels.filter { ($0.price.units - best.price.units).magnitude <= best.price.units.magnitude / 100 }
      #expect(near.reduce(Quantity.zero) { $0 + $1.quantity } > quantity("20"))
      let top = near.prefix(5).reduce(Quantity.zero) { $0 + $1.quantity }
      #expect(top > quantity("0.25"), "a quarter of a bitcoin trades near the top")
    }
  }

  @Test("the same seed makes the same market, another seed another")
  func isSeeded() {
    let events = { (seed: UInt64) -> [ExchangeEvent] in
      var exchange = market(seed: seed, steps: 50)
      return exchange.takeEvents()
    }
    #expect(events(7) == events(7))
    #expect(events(7) != events(8))
  }

  @Test("venues of one market move together, apart by little, and each is the cheaper one at times", arguments: UInt64(1)...3)
  func venuesMoveTogether(marketSeed: UInt64) throws {
    let start = Timestamp(milliseconds: 1_700_000_000_000)
    let paths = [UInt64(1), 2].map { PricePath(marketSeed: marketSeed, venueSeed: $0, deviationBasisPoints: 8) }
    let prices = (0..<600).map { second in
      paths.map { $0.price(bitcoin.startingPrice, at: start + Int64(second) * Interval.second) }
    }
    let gaps = prices.map { $0[0].units - $0[1].units }
    #expect(gaps.contains { $0 > 0 } && gaps.contains { $0 < 0 })
    #expect(gaps.allSatisfy { $0.magnitude <= bitcoin.startingPrice.units.magnitude * 16 / 10_000 })
    #expect(gaps.contains { $0.magnitude > bitcoin.startingPrice.units.magnitude * 3 / 10_000 })
    let first = prices.map { $0[0] }
    #expect(try #require(first.max()).units - #require(first.min()).units > bitcoin.startingPrice.units / 500, "it moves")
    #expect(first.allSatisfy { ($0.units - bitcoin.startingPrice.units).magnitude < bitcoin.startingPrice.units.magnitude / 100 })
  }

  @Test("the crowd follows a path, whenever it is started")
  func followsPath() throws {
    let path = PricePath(marketSeed: 3, venueSeed: 4, deviationBasisPoints: 8)
    var configuration = Participants.Configuration()
    configuration.path = path
    var bench = Bench(clients: 1)
    bench.now = Timestamp(milliseconds: 1_700_000_400_000)
    var crowd = Participants(market: 0, startingPrice: bitcoin.startingPrice, configuration: configuration, seed: 1)
    for _ in 0..<200 {
      bench.now = bench.now + 50 * Interval.millisecond
      crowd.step(&bench.exchange, at: bench.now)
      let top = bench.exchange.markets[0].top
      let middle = (try #require(top.bid).price.units + (try #require(top.ask).price.units)) / 2
      let wanted = path.price(bitcoin.startingPrice, at: bench.now).units
      #expect((middle - wanted).magnitude < wanted.magnitude * 3 / 10_000)
    }
  }

  @Test("a frozen market comes back to what it was after a trade, and still tells something")
  func freezes() throws {
    var first: [BookLevel] = []
    _ = market(isFrozen: true, steps: 20) { exchange, step in
      let asks = exchange.markets[0].levels(.sell, limit: .max)
      if step == 0 { first = asks }
      #expect(asks == first, "step \(step)")
      #expect(!exchange.takeEvents().isEmpty, "step \(step): silent")
      if step % 3 == 0 {
        let order = NewOrder(
          account: 1, market: 0, clientOrderID: "c\(step)", side: .buy, kind: .market, size: .base(quantity("3")))
        #expect(throws: Never.self) { try exchange.place(order, at: Timestamp(milliseconds: 1_700_000_000_000)) }
        #expect(exchange.markets[0].levels(.sell, limit: .max) != first)
      }
    }
  }

  @Test("makers make room for a client's order when the market slips, and come back", arguments: [true, false])
  func slips(isFrozen: Bool) throws {
    var configuration = Participants.Configuration()
    configuration.slippageBasisPoints = 10
    configuration.isFrozen = isFrozen
    var bench = Bench(clients: 1)
    var crowd = Participants(market: 0, startingPrice: bitcoin.startingPrice, configuration: configuration, seed: 1)
    for round in 0..<20 {
      crowd.step(&bench.exchange, at: bench.now)
      let before = try #require(bench.exchange.markets[0].top.ask, "round \(round): nobody sells")
      crowd.withdraw(before: .buy, &bench.exchange, at: bench.now)
      let after = try #require(bench.exchange.markets[0].top.ask, "round \(round): everybody left")
      let edge = try #require(before.price.moved(byBasisPoints: 10, .down))
      #expect(after.price > edge, "round \(round)")
    }
    crowd.step(&bench.exchange, at: bench.now)
    #expect(bench.exchange.markets[0].levelCount(.sell) >= 500)
  }
}
