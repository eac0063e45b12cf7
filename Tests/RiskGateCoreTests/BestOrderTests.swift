import Domain
import RiskGateCore
import Runtime
import Testing
import Wire

/// Orders for `best` with children at several venues.
@Suite struct BestOrderTests {
  private static let venues = ["binance", "bybit", "okx"].compactMap { Venue($0) }

  private static func harness(venues count: Int = 3) -> Harness {
    var gate = Harness()
    for venue in venues.prefix(count).dropFirst() { gate.list(Harness.instrument("BTC-USDT", venue: venue)) }
    return gate
  }

  /// A buy must expect the dearest ask, a sell the lowest bid, of the venues whose books are valid and young.
  @Test func theReferenceIsTheWorstEligibleVenues() throws {
    var gate = Self.harness()
    gate.quote("BTC-USDT", bid: "26700", ask: "26900", venue: Self.venues[1])
    gate.quote("BTC-USDT", bid: "20000", ask: "40000", venue: Self.venues[2], isValid: false)
    let buy = try #require(gate.send(#"{"side":"buy","quantity":0.1}"#).approval)
    #expect(buy.figures.referencePrice == Harness.price("26900"))
    let sell = try #require(gate.send(#"{"side":"sell","quantity":0.1}"#).approval)
    #expect(sell.figures.referencePrice == Harness.price("26700"))
    gate.invalidate("BTC-USDT", venue: Self.venues[1])
    let later = try #require(gate.send(#"{"side":"buy","quantity":0.1}"#).approval)
    #expect(later.figures.referencePrice == Harness.price("26796.1"))
    let named = try #require(gate.send(#"{"side":"buy","quantity":0.1,"venue":"binance"}"#).approval)
    #expect(named.figures.referencePrice == Harness.price("26796.1"))
  }

  /// A child as a venue has it: how much of it, how much it counts, what has been told of it.
  private struct Model {
    let quantity: Int64
    var counted: Int64 = 0
    var told: Int64 = 0
    var isOver = false
    var fills = 0

    var outstanding: Int64 { (isOver ? counted : quantity) - told }
  }

  private static func quantity(_ units: Int64) -> Quantity { Quantity(units: units) }

  /// Children open, fill, end and are told of in any order, what is told comes twice, the gate restarts: reserved is exactly what can
  /// still fill, and beside it, while the order lives, what the plan left out; the position is what was told of fills.
  @Test func everythingThatCanStillFillIsReserved() throws {
    for seed in 0..<150 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var gate = Self.harness()
      let approval = try #require(gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#).approval)
      let whole = Harness.quantity("1").units
      var children: [Model] = []
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let room = whole - children.reduce(0) { $0 + $1.quantity }
        guard room > 0 else { break }
        children.append(Model(quantity: Int64.random(in: 1...room, using: &generator)))
      }
      gate.execute(.plan(Self.plan(approval, children, at: gate.now)))
      for _ in 0..<40 {
        let index = Int.random(in: 0..<children.count, using: &generator)
        let event = Self.advance(&children, index, &generator, at: gate.now)
        for _ in 0...Int.random(in: 0...1, using: &generator) { gate.execute(.order(event)) }
        if Int.random(in: 0..<20, using: &generator) == 0 { try gate.restart() }
        let planned = children.reduce(0) { $0 + $1.quantity }
        let isLive = children.contains { !$0.isOver }
        let reserved = children.reduce(0) { $0 + $1.outstanding } + (isLive ? whole - planned : 0)
        let exposure = gate.exposure()
        #expect((exposure?.openBuys ?? .zero) == Self.quantity(reserved), "seed \(seed)")
        #expect((exposure?.position ?? .zero) == Self.quantity(children.reduce(0) { $0 + $1.told }), "seed \(seed)")
      }
    }
  }

  private static func plan(_ approval: Approval, _ children: [Model], at time: Timestamp) -> Plan {
    let named = children.enumerated().map { number, child in
      Plan.Child(
        number: number, venue: venues[number], venueClientID: "v\(number)", quantity: quantity(child.quantity),
        price: Harness.price("26000"))
    }
    return Plan(approval: approval, quantity: Harness.quantity("1"), children: named, time: time)
  }

  /// Something happens to a child, and OrderManager's event of it.
  private static func advance(
    _ children: inout [Model], _ index: Int, _ generator: inout SeededGenerator, at time: Timestamp
  ) -> OrderEvent {
    var child = children[index]
    var fill: Fill?
    if !child.isOver { child.counted = Int64.random(in: child.counted...child.quantity, using: &generator) }
    if child.told < child.counted, Bool.random(using: &generator) {
      let amount = Int64.random(in: 1...child.counted - child.told, using: &generator)
      child.told += amount
      child.fills += 1
      fill = Fill(
        tradeID: "\(child.fills)", price: Harness.price("26000"), quantity: quantity(amount), fee: .zero, feeAsset: "USDT",
        time: time)
    }
    if child.counted == child.quantity || Int.random(in: 0..<8, using: &generator) == 0 { child.isOver = true }
    children[index] = child
    let end: OrderStatus = child.counted == child.quantity ? .filled : .cancelled
    let live: OrderStatus = child.counted > 0 ? .partiallyFilled : .open
    let state = ChildState(
      status: child.isOver ? end : live, quantity: quantity(child.quantity), cumulativeQuantity: quantity(child.counted),
      cumulativeQuote: .zero)
    let isOver = children.allSatisfy(\.isOver)
    let total = children.reduce(0) { $0 + $1.counted }
    let isWhole = children.count == 1 && child.quantity == Harness.quantity("1").units
    return OrderEvent(
      account: Harness.main, clientOrderID: Harness.id("a"), venue: venues[index], symbol: Harness.btc, side: .buy,
      quantity: Harness.quantity("1"), child: index, part: isWhole ? nil : state, venueOrderID: "o\(index)",
      status: isOver ? end : .partiallyFilled, fill: fill, cumulativeQuantity: quantity(total), provenance: .venue, time: time)
  }
}
