import Domain
import Testing

@testable import Books

@Suite struct RouterTests {
  private static let now = Sample.start

  private func candidate(
    _ name: String, asks: [(String, String)] = [], bids: [(String, String)] = [], fee: Int64 = 0, lot: String = "0.001",
    minimum: String = "0", minimumNotional: String = "0", maximum: String = "0", funds: String? = nil, isCut: Bool = false,
    isValid: Bool = true, age: Int64 = 0, maker: Int64 = 0, tick: String = "0.01"
  ) -> RouteCandidate {
    let venue = Sample.venue(name)
    let instrument = Instrument(
      venue: venue, symbol: Sample.symbol, venueSymbol: "BTCUSDT", tick: Sample.decimal(tick), lot: Sample.decimal(lot),
      minimumQuantity: Sample.decimal(minimum), maximumQuantity: Sample.decimal(maximum),
      minimumNotional: Sample.decimal(minimumNotional))
    let book = VenueBook(
      venue: venue, symbol: Sample.symbol, isValid: isValid, time: Self.now + -age, bids: bids.map { Sample.level($0.0, $0.1) },
      asks: asks.map { Sample.level($0.0, $0.1) })
    return RouteCandidate(
      instrument: instrument, fees: VenueFees(taker: Sample.fee(fee), maker: Sample.fee(maker)), book: book,
      funds: funds.map { Sample.decimal($0) }, isCut: isCut)
  }

  private func route(
    _ side: Side, _ quantity: String, limit: String, timeInForce: TimeInForce = .ioc, postOnly: Bool = false,
    among candidates: [RouteCandidate]
  ) -> RoutePlan {
    Router().route(
      RouteOrder(
        side: side, quantity: Sample.decimal(quantity), limit: Sample.decimal(limit), timeInForce: timeInForce,
        isPostOnly: postOnly),
      among: candidates, at: Self.now)
  }

  private func shares(_ route: RoutePlan) -> [String] { route.children.map { "\($0.venue) \($0.quantity) @ \($0.price)" } }

  @Test func takesTheBestLevelsOverVenues() {
    let plan = route(
      .buy, "2.5", limit: "105",
      among: [candidate("a", asks: [("100", "1"), ("103", "5")]), candidate("b", asks: [("101", "1"), ("102", "1")])])
    #expect(shares(plan) == ["a 1 @ 105", "b 1.5 @ 105"])
    #expect(plan.expectedCost == Sample.decimal("252"))
  }

  @Test func feesDecideBetweenVenues() {
    let plan = route(
      .buy, "1", limit: "105", among: [candidate("a", asks: [("100", "1")], fee: 10_000), candidate("b", asks: [("100.9", "1")])])
    #expect(shares(plan) == ["b 1 @ 105"])
    let sale = route(
      .sell, "1", limit: "95", among: [candidate("a", bids: [("100", "1")], fee: 10_000), candidate("b", bids: [("99.1", "1")])])
    #expect(shares(sale) == ["b 1 @ 95"])
    #expect(sale.expectedCost == Sample.decimal("-99.1"))
  }

  @Test func aMinimumIsKeptByMovingLots() {
    // The cheapest share of b alone is 0.2, below its minimum.
    let plan = route(
      .buy, "1.2", limit: "105",
      among: [candidate("a", asks: [("100", "1"), ("104", "5")]), candidate("b", asks: [("101", "5")], minimum: "0.5")])
    #expect(shares(plan) == ["a 0.7 @ 105", "b 0.5 @ 105"])
  }

  @Test func whoCannotBeUsedIsPassedOver() {
    let asks = [("100", "5")]
    let plan = route(
      .buy, "1", limit: "105",
      among: [
        candidate("cut", asks: asks, isCut: true), candidate("broken", asks: asks, isValid: false),
        candidate("old", asks: asks, age: 2 * Interval.second + 1), candidate("poor", asks: asks, lot: "0.1", funds: "10"),
        candidate("good", asks: [("101", "5")]),
      ])
    #expect(shares(plan) == ["good 1 @ 105"])
    #expect(
      plan.omissions.map { "\($0.venue) \($0.obstacle.rawValue)" }
        == ["cut cut", "broken invalid_book", "old stale_book", "poor size"])
    #expect(route(.buy, "1", limit: "105", among: []).children.isEmpty)
  }

  @Test func fundsAndLargestOrdersLimitAVenue() {
    let plan = route(
      .buy, "3", limit: "100",
      among: [
        candidate("a", asks: [("90", "5")], funds: "100"), candidate("b", asks: [("91", "5")], maximum: "0.5"),
        candidate("c", asks: [("92", "5")]),
      ])
    #expect(shares(plan) == ["a 1 @ 100", "b 0.5 @ 100", "c 1.5 @ 100"])
  }

  @Test func whatNoBookHasGoesWithTheBestPrice() {
    let resting = route(
      .buy, "2", limit: "99", timeInForce: .gtc,
      among: [candidate("a", asks: [("101", "1")]), candidate("b", asks: [("100", "1")])])
    #expect(shares(resting) == ["b 2 @ 99"])
    #expect(resting.expectedQuantity.isZero)
    let thin = route(
      .buy, "5", limit: "101", among: [candidate("a", asks: [("101", "1")]), candidate("b", asks: [("100", "1")])])
    #expect(shares(thin) == ["a 1 @ 101", "b 4 @ 101"])
    #expect(thin.expectedQuantity == Sample.decimal("2"))
  }

  @Test func allOrNothingGoesToOneVenue() {
    let candidates = [
      candidate("a", asks: [("100", "1"), ("104", "2")]), candidate("b", asks: [("101", "1.5"), ("102", "1")]),
    ]
    #expect(shares(route(.buy, "2", limit: "105", timeInForce: .fok, among: candidates)) == ["b 2 @ 105"])
    #expect(shares(route(.buy, "4", limit: "105", timeInForce: .fok, among: candidates)) == ["a 4 @ 105"])
  }

  @Test func aPostOnlyOrderRestsWhereItDoesNotTake() {
    let candidates = [
      candidate("a", asks: [("99", "1")], maker: -100), candidate("b", asks: [("101", "1")], maker: 200),
      candidate("c", asks: [("101", "1")], maker: 100),
    ]
    #expect(shares(route(.buy, "2", limit: "100", timeInForce: .gtc, postOnly: true, among: candidates)) == ["c 2 @ 100"])
  }

  @Test func theLimitIsKeptInEachVenuesTicks() {
    let plan = route(
      .buy, "2", limit: "100.37",
      among: [candidate("a", asks: [("100", "1")], tick: "0.1"), candidate("b", asks: [("100", "1")], tick: "0.25")])
    #expect(shares(plan) == ["a 1 @ 100.3", "b 1 @ 100.25"])
    let sale = route(.sell, "1", limit: "100.37", among: [candidate("a", bids: [("101", "1")], tick: "0.1")])
    #expect(shares(sale) == ["a 1 @ 100.4"])
  }

  @Test func absurdBooksStopNothing() {
    var absurd = candidate("x")
    absurd.book?.asks = [BookLevel(price: Price(units: .max), quantity: Quantity(units: .max))]
    absurd.book?.bids = []
    let plan = route(.buy, "1", limit: "105", among: [absurd, candidate("a", asks: [("100", "1")])])
    #expect(shares(plan) == ["a 1 @ 105"])
    let huge = Router().route(
      RouteOrder(side: .buy, quantity: Quantity(units: .max), limit: Price(units: .max)),
      among: [candidate("a", asks: [("100", "1")])], at: Self.now)
    #expect(huge.children.isEmpty)
  }
}
