import Domain
import Testing

@testable import Books

/// The router against every possible way of sharing an order out.
@Suite struct RouterOptimumTests {
  static let seeds: Range<UInt64> = 0..<6_000

  /// A small problem: few lots, so that every combination can be tried.
  struct Problem {
    var order: RouteOrder
    var candidates: [RouteCandidate] = []

    init(seed: UInt64) {
      var generator = SeededGenerator(seed: seed)
      let side: Side = Bool.random(using: &generator) ? .buy : .sell
      let quantity = Int64.random(in: 1...14, using: &generator)
      let limit = Int64.random(in: 98...104, using: &generator)
      order = RouteOrder(side: side, quantity: Quantity(units: quantity), limit: Price(units: limit * 1_000))
      let lots: [[Int64]] = [[1, 1, 1], [1, 2, 4], [1, 3, 6], [2, 2, 4], [1, 1, 5], [1, 2, 2]]
      let chain = lots[Int.random(in: 0..<lots.count, using: &generator)]
      for number in 0..<Int.random(in: 1...3, using: &generator) {
        candidates.append(
          Self.candidate(number, lot: chain[Int.random(in: 0..<3, using: &generator)], side, using: &generator))
      }
    }

    private static func candidate(
      _ number: Int, lot: Int64, _ side: Side, using generator: inout SeededGenerator
    ) -> RouteCandidate {
      let venue = Sample.venue("v\(number)")
      func sometimes(_ range: ClosedRange<Int64>) -> Int64 {
        Int.random(in: 0..<3, using: &generator) == 0 ? Int64.random(in: range, using: &generator) : 0
      }
      let instrument = Instrument(
        venue: venue, symbol: Sample.symbol, venueSymbol: "X", tick: Price(units: 1), lot: Quantity(units: lot),
        minimumQuantity: Quantity(units: sometimes(1...7)), maximumQuantity: Quantity(units: sometimes(3...12)),
        minimumNotional: Money(units: Int128(sometimes(1...700)) * 1_000))
      var price = Int64.random(in: 97_000...103_000, using: &generator)
      let levels = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
        defer { price += (side == .buy ? 1 : -1) * Int64.random(in: 1...1_500, using: &generator) }
        return BookLevel(
          price: Price(units: price), quantity: Quantity(units: Int64.random(in: 1...6, using: &generator)))
      }
      let hasFunds = Int.random(in: 0..<4, using: &generator) == 0
      let amount = Int128.random(in: 0...1_200, using: &generator)
      let funds = hasFunds ? Money(units: amount * (side == .buy ? 1_000 : 100_000_000)) : nil
      return RouteCandidate(
        instrument: instrument,
        fees: VenueFees(taker: Sample.fee(Int64.random(in: -500...20_000, using: &generator)), maker: .zero),
        book: VenueBook(
          venue: venue, symbol: Sample.symbol, time: Sample.start, bids: side == .sell ? levels : [],
          asks: side == .buy ? levels : []),
        funds: funds)
    }

    /// What `quantity` at one venue costs by walking its book; nil when the venue does not take it or its book has not so much.
    func cost(_ candidate: RouteCandidate, _ quantity: Int64) -> Int128? {
      guard quantity > 0 else { return 0 }
      let instrument = candidate.instrument
      let amount = Quantity(units: quantity)
      guard instrument.violation(price: order.limit, quantity: amount) == nil else { return nil }
      if let funds = candidate.funds {
        let needed = order.side == .buy ? order.limit * amount : Money(amount)
        if needed > funds { return nil }
      }
      var rest = quantity
      var cost: Int128 = 0
      for level in candidate.book?.levels(takenBy: order.side) ?? [] {
        guard order.side == .buy ? level.price <= order.limit : level.price >= order.limit else { break }
        let part = min(rest, level.quantity.units)
        let fee = candidate.fees.taker.millionths
        cost +=
          Int128(part) * Int128(level.price.units) * (order.side == .buy ? Int128(1_000_000 + fee) : -Int128(1_000_000 - fee))
        rest -= part
      }
      return rest == 0 ? cost : nil
    }

    /// The most that can be filled, and its least cost, of all combinations.
    func optimum() -> (total: Int64, cost: Int128) {
      var best: (total: Int64, cost: Int128) = (0, 0)
      func choose(_ index: Int, _ total: Int64, _ cost: Int128) {
        guard index < candidates.count else {
          if total > best.total || (total == best.total && cost < best.cost) { best = (total, cost) }
          return
        }
        for quantity in 0...(order.quantity.units - total) {
          if let more = self.cost(candidates[index], quantity) { choose(index + 1, total + quantity, cost + more) }
        }
      }
      choose(0, 0, 0)
      return best
    }
  }

  @Test func noWayOfSharingIsBetter() {
    var branched = 0
    var spread = 0
    for seed in Self.seeds {
      let problem = Problem(seed: seed)
      let plan = Router().route(problem.order, among: problem.candidates, at: Sample.start)
      let optimum = problem.optimum()
      #expect(plan.expectedQuantity.units == optimum.total, "seed \(seed)")
      #expect(plan.exactCost == optimum.cost, "seed \(seed)")
      if plan.children.count > 1 { spread += 1 }
      if problem.candidates.contains(where: { !$0.instrument.minimumQuantity.isZero }) { branched += 1 }
    }
    #expect(spread > 500 && branched > 500, "\(spread) spread and \(branched) with minimums are too few to prove anything")
  }

  /// Whatever the books: every child is one that its venue takes, together they are never more than the order, and the cost that the
  /// plan states is the cost of what it expects.
  @Test func everyChildIsLegal() {
    for seed in Self.seeds {
      let problem = Problem(seed: seed &+ 1_000_000)
      let plan = Router().route(problem.order, among: problem.candidates, at: Sample.start)
      #expect(plan.quantity <= problem.order.quantity, "seed \(seed)")
      #expect(plan.expectedQuantity <= plan.quantity, "seed \(seed)")
      #expect(Set(plan.children.map(\.venue)).count == plan.children.count, "seed \(seed)")
      for child in plan.children {
        guard let candidate = problem.candidates.first(where: { $0.venue == child.venue }) else {
          Issue.record("seed \(seed): nobody asked for \(child.venue)")
          continue
        }
        #expect(candidate.instrument.violation(price: child.price, quantity: child.quantity) == nil, "seed \(seed)")
        if let funds = candidate.funds {
          let needed = problem.order.side == .buy ? child.price * child.quantity : Money(child.quantity)
          #expect(needed <= funds, "seed \(seed)")
        }
      }
      #expect(plan == Router().route(problem.order, among: problem.candidates, at: Sample.start), "seed \(seed)")
    }
  }

  /// With every venue alike, a large order over deep books costs what the consolidated book says.
  @Test func withoutRulesTheConsolidatedBookIsTheOptimum() {
    for seed in 0..<300 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let side: Side = seed % 2 == 0 ? .buy : .sell
      let candidates = (0..<Int.random(in: 1...8, using: &generator)).map { number in
        let venue = Sample.venue("v\(number)")
        let levels = Sample.side(side.opposite, using: &generator)
        return RouteCandidate(
          instrument: Instrument(
            venue: venue, symbol: Sample.symbol, venueSymbol: "X", tick: Price(units: 1), lot: Quantity(units: 1)),
          book: VenueBook(
            venue: venue, symbol: Sample.symbol, time: Sample.start, bids: side == .sell ? levels : [],
            asks: side == .buy ? levels : []))
      }
      let merged = ConsolidatedBook(candidates.compactMap(\.book), at: Sample.start, maximumAge: Interval.second)
      let curve = DepthCurve((side == .buy ? merged.asks : merged.bids).map(\.level))
      let quantity = Quantity(units: Int64.random(in: 1...6_000_000_000, using: &generator))
      let limit = Sample.decimal(side == .buy ? "1000" : "1") as Price
      let plan = Router().route(
        RouteOrder(side: side, quantity: quantity, limit: limit), among: candidates, at: Sample.start)
      let sweep = curve.sweep(quantity: quantity)
      #expect(plan.expectedQuantity == sweep.quantity, "seed \(seed)")
      #expect(plan.exactCost == sweep.notional.units * (side == .buy ? 1_000_000 : -1_000_000), "seed \(seed)")
    }
  }
}
