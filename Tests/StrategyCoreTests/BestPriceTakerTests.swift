import Domain
import StrategyCore
import Testing
import Wire

private let venues: [Venue] = [.binance, .bybit, Sample.identifier("third")]

private func settings(
  fees: [Int64] = [1_000, 1_000, 500], maximum: String = "2", edge: Int64 = 0
) -> BestPriceTaker.Settings {
  BestPriceTaker.Settings(
    symbol: Sample.symbol,
    fees: Dictionary(uniqueKeysWithValues: zip(venues, fees.compactMap { FeeRate(millionths: $0) })),
    quantity: Sample.decimal("1"), maximumPosition: Sample.decimal(maximum), lot: Sample.decimal("0.1"),
    minimumQuantity: Sample.decimal("0.2"), edgeBasisPoints: edge)
}

private func engine(_ settings: BestPriceTaker.Settings = settings(), run: Timestamp = Sample.start) -> StrategyEngine {
  StrategyEngine(
    BestPriceTaker(settings), desk: OrderDesk(account: Sample.account, strategy: "taker", run: run),
    feeds: venues.map { (venue: $0, symbol: Sample.symbol) })
}

/// Behind the first pause, with nothing seen.
private let later = Sample.start + Interval.minute

@Suite struct BestPriceTakerTests {
  /// An engine past its first pause.
  private func awake(_ settings: BestPriceTaker.Settings = settings()) -> StrategyEngine {
    var engine = engine(settings)
    _ = engine.tick(at: Sample.start)
    return engine
  }

  private func show(
    _ engine: inout StrategyEngine, _ venue: Int, _ bid: Int64, _ ask: Int64, at time: Timestamp = later, isValid: Bool = true
  ) -> [OrderRequest] {
    let record = Sample.snapshot(
      bid: bid, ask: ask, at: time, isValid: isValid, update: time.nanoseconds, venue: venues[venue])
    return engine.take(book: record, ofFeed: venue, at: time)
  }

  /// Two books between which much is left.
  private func cross(_ engine: inout StrategyEngine, at time: Timestamp = later) -> [OrderRequest] {
    show(&engine, 0, 999, 1_000, at: time) + show(&engine, 1, 1_010, 1_011, at: time)
  }

  @Test func itBuysWhereItIsCheapAndSellsWhereItIsDear() throws {
    var engine = awake()
    #expect(show(&engine, 0, 999, 1_000).isEmpty)
    let buy = try #require(show(&engine, 1, 1_003, 1_004).first)
    #expect(buy.side == .buy && buy.venue == .binance && buy.price?.description == "1000" && buy.quantity?.description == "1")
    #expect(buy.timeInForce == .ioc && buy.type == .limit && buy.expiresAt == later + BestPriceTaker.validity)
    #expect(show(&engine, 1, 1_003, 1_004, at: later + 1).isEmpty, "one order at a time")
    #expect(engine.take(Sample.event(of: buy, .filled, filled: Sample.decimal("0.6")), at: later + 2).isEmpty)
    let sell = try #require(show(&engine, 1, 1_003, 1_004, at: later + Interval.second).first)
    #expect(
      sell.side == .sell && sell.venue == .bybit && sell.price?.description == "1003" && sell.quantity?.description == "0.6")
  }

  @Test(arguments: [(1_002, false), (1_003, true)] as [(Int64, Bool)])
  func feesOfBothVenuesComeFirst(bid: Int64, acts: Bool) {
    var engine = awake()
    _ = show(&engine, 0, 999, 1_000)
    // 1000 × 1.001 = 1001.00; 1002 × 0.999 = 1000.998 is less, 1003 × 0.999 = 1001.997 is more.
    #expect(show(&engine, 1, bid, 1_010).isEmpty != acts)
  }

  @Test func anEdgeThatIsAskedForMustBeLeft() {
    for (edge, acts) in [(9, true), (10, false)] as [(Int64, Bool)] {
      var engine = awake(settings(edge: edge))
      _ = show(&engine, 0, 999, 1_000)
      #expect(show(&engine, 1, 1_003, 1_010).isEmpty != acts, "0.997 of 1000 is left")
    }
  }

  @Test func aVenueWithoutKnownFeesIsNotTradedAt() {
    var engine = awake(settings(fees: [1_000, 1_000]))
    _ = show(&engine, 0, 999, 1_000)
    #expect(show(&engine, 2, 2_000, 2_001).isEmpty)
  }

  @Test func anInvalidOrOldBookIsNoReason() {
    var engine = awake()
    _ = show(&engine, 0, 999, 1_000)
    #expect(show(&engine, 1, 1_010, 1_011, isValid: false).isEmpty)
    let old = later + StrategyEngine.maximumBookAge + 1
    #expect(show(&engine, 1, 1_010, 1_011, at: old).isEmpty, "the first book has grown old meanwhile")
    #expect(show(&engine, 0, 1_020, 1_010, at: old).isEmpty, "a book that is crossed in itself is not valid")
    #expect(engine.tick(at: old + 10 * Interval.second).isEmpty)
  }

  @Test func itStartsOnlyWhenOrdersOfAnEarlierRunCannotBeSentAnyMore() {
    var engine = engine()
    #expect(cross(&engine, at: Sample.start).isEmpty)
    #expect(cross(&engine, at: Sample.start + BestPriceTaker.validity).isEmpty)
    #expect(cross(&engine).count == 1)
  }

  @Test func whatAnEarlierRunBoughtIsKnownAndItsLiveOrderWaitedFor() throws {
    var engine = engine()
    func earlier(_ id: String, _ side: Side) -> OrderRequest {
      OrderRequest(
        account: Sample.account, clientOrderID: Sample.identifier("taker-\(id)"), symbol: Sample.symbol, side: side,
        quantity: Sample.decimal("1"))
    }
    _ = engine.take(
      Sample.event(of: earlier("1", .buy), .filled, filled: Sample.decimal("0.9")), at: Sample.start, isRestoring: true)
    _ = engine.take(Sample.event(of: earlier("2", .sell), .unknown), at: Sample.start, isRestoring: true)
    _ = engine.tick(at: Sample.start)
    #expect(cross(&engine).isEmpty, "nobody knows yet what became of the sale")
    _ = engine.take(Sample.event(of: earlier("2", .sell), .cancelled, filled: Sample.decimal("0.4")), at: later)
    let sell = try #require(cross(&engine, at: later + Interval.second).first)
    #expect(sell.side == .sell && sell.quantity?.description == "0.5")
  }

  @Test func aRefusalIsNotRepeatedAtOnceAndAnUnheardOrderIsForgotten() throws {
    var engine = awake()
    let first = try #require(cross(&engine).first)
    #expect(engine.take(Sample.rejection(of: first), at: later).isEmpty)
    #expect(cross(&engine, at: later + Interval.second).isEmpty)
    let second = later + 3 * Interval.second
    #expect(cross(&engine, at: second).count == 1)
    let unheard = second + 20 * Interval.second
    _ = engine.tick(at: unheard)
    #expect(cross(&engine, at: unheard).count == 1)
  }

  /// Whatever books, ages and outcomes come: every order is at the best price of a book that is valid and young, leaves something after
  /// fees against another such book, is alone, and cannot lead beyond the largest position.
  @Test(arguments: 1...150)
  func everyOrderIsJustified(seed: Int) {
    var run = TakerRun(seed: UInt64(seed))
    for _ in 0..<400 { run.step() }
    #expect(run.problems.isEmpty, "seed \(seed): \(run.problems.prefix(3))")
    // A run in which nothing happens shows nothing.
    #expect(run.orders > 3, "seed \(seed): \(run.orders) orders")
  }
}

/// Random books and outcomes around the engine, with a naive idea of what may be done.
private struct TakerRun {
  private struct Book {
    var bid: Int64 = 0
    var ask: Int64 = 0
    var isValid = false
    var time = Timestamp.zero
  }

  private(set) var problems: [String] = []
  private(set) var orders = 0
  private var engine: StrategyEngine
  private var generator: SeededGenerator
  private var books = venues.map { _ in Book() }
  private var now = Sample.start
  private var live: (request: OrderRequest, filled: Int64)?
  /// When something was last heard of it.
  private var heard = Timestamp.zero
  private var position: Int64 = 0
  private let fees: [Int64]
  private let maximum: Int64 = 200_000_000
  private var update: Int64 = 0

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var fees: [Int64] = []
    for _ in venues { fees.append(Int64.random(in: -100...1_500, using: &generator)) }
    self.generator = generator
    self.fees = fees
    engine = StrategyCoreTests.engine(settings(fees: fees))
  }

  mutating func step() {
    now = now + Int64.random(in: 0...600, using: &generator) * Interval.millisecond
    // OrderManager tells of every order before it sends it.
    if live != nil, now - heard > 3 * Interval.second { outcome() }
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: judge(engine.tick(at: now))
    case 1..<8: book()
    default: if live != nil { outcome() }
    }
  }

  private mutating func book() {
    let feed = Int.random(in: venues.indices, using: &generator)
    let middle = 1_000 + Int64.random(in: -6...6, using: &generator)
    let time = now + -Int64.random(in: 0...20, using: &generator) * 150 * Interval.millisecond
    let isValid = Int.random(in: 0..<8, using: &generator) > 0
    books[feed] = Book(bid: middle - 1, ask: middle + 1, isValid: isValid, time: max(books[feed].time, time))
    update += 1
    let record = Sample.snapshot(
      bid: middle - 1, ask: middle + 1, at: time, isValid: isValid, update: update, venue: venues[feed])
    judge(engine.take(book: record, ofFeed: feed, at: now))
  }

  private mutating func outcome() {
    guard var order = live, let side = order.request.side, let quantity = order.request.quantity else { return }
    heard = now
    if order.filled == 0, Int.random(in: 0..<6, using: &generator) == 0 {
      live = nil
      return judge(engine.take(Sample.rejection(of: order.request), at: now))
    }
    let more = Int64.random(in: 0...(quantity.units - order.filled), using: &generator)
    order.filled += more
    position += side == .buy ? more : -more
    let isEnd = Bool.random(using: &generator)
    live = isEnd ? nil : order
    let status: OrderStatus =
      isEnd ? [.filled, .cancelled, .expired].randomElement(using: &generator) ?? .filled : .partiallyFilled
    judge(engine.take(Sample.event(of: order.request, status, filled: Quantity(units: order.filled)), at: now))
  }

  private mutating func judge(_ requests: [OrderRequest]) {
    for request in requests {
      orders += 1
      if live != nil { problems.append("two at a time") }
      judge(request)
      live = (request, 0)
      heard = now
    }
  }

  private mutating func judge(_ request: OrderRequest) {
    guard let side = request.side, let quantity = request.quantity, let price = request.price,
      let venue = venues.firstIndex(of: request.venue)
    else { return problems.append("no limit order at a venue") }
    let usable = venues.indices.filter { books[$0].isValid && now - books[$0].time <= 2 * Interval.second }
    guard usable.contains(venue) else { return problems.append("acted on a book that is invalid or old") }
    let own = side == .buy ? books[venue].ask : books[venue].bid
    if price != Price(units: own * 10_000_000_000) { problems.append("\(price) is not the best price") }
    // In millionths: what a unit brings there less what it costs here, or the other way round.
    let edges = usable.filter { $0 != venue }.map { other in
      side == .buy
        ? books[other].bid * (1_000_000 - fees[other]) - own * (1_000_000 + fees[venue])
        : own * (1_000_000 - fees[venue]) - books[other].ask * (1_000_000 + fees[other])
    }
    if (edges.max() ?? 0) <= 0 { problems.append("nothing is left after fees: \(edges)") }
    if side == .buy, position + quantity.units > maximum { problems.append("beyond the largest position") }
    if side == .sell, quantity.units > position { problems.append("sold what was not bought") }
    if quantity.units % 10_000_000 != 0 || quantity.units < 20_000_000 { problems.append("\(quantity) is no legal quantity") }
  }
}
