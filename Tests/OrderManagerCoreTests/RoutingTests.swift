import Books
import Domain
import Testing
import Venues
import Wire

@testable import OrderManagerCore

/// Orders for `best` with keys at several venues.
@Suite struct RoutingTests {
  static let venues = [Venue.binance, World.known(Venue("second")), World.known(Venue("third"))]

  /// A core with three venues whose books are the test's.
  private func rig() -> Rig {
    var rig = Rig { settings in
      settings.routes = Self.venues.map { Route(World.account, $0) }
      settings.fees = [Self.venues[1]: VenueFees(taker: World.known(FeeRate(millionths: 1_000)), maker: .zero)]
    }
    for venue in Self.venues.dropFirst() {
      var instrument = World.instrument
      instrument.venue = venue
      rig.feed(.instrument(instrument))
      rig.feed(.clock(venue, VenueClock(offset: 0, uncertainty: Interval.millisecond)))
    }
    return rig
  }

  private func book(_ venue: Int, _ asks: [(String, String)], at time: Timestamp, isValid: Bool = true) -> OrderManagerEvent {
    .book(
      VenueBook(
        venue: Self.venues[venue], symbol: World.instrument.symbol, isValid: isValid, time: time,
        asks: asks.map { price, quantity in
          BookLevel(price: World.known(try? Price(price)), quantity: World.known(try? Quantity(quantity)))
        }))
  }

  private func plans(_ rig: Rig) -> [Plan] { rig.records.compactMap { if case .plan(let plan) = $0 { plan } else { nil } } }

  private func sent(_ rig: Rig) -> [String] {
    rig.calls.compactMap { call in
      if case .place(let order) = call.action { "\(call.route.venue) \(order.quantity)" } else { nil }
    }
  }

  @Test func anOrderIsSplitAfterFeesAndPlannedBeforeAnythingIsSent() {
    var rig = rig()
    rig.feed(book(0, [("99", "0.5"), ("101", "5")], at: rig.now))
    rig.feed(book(1, [("99.95", "5")], at: rig.now))  // 100.04995 after fees.
    rig.feed(book(2, [("100", "0.25")], at: rig.now))
    rig.acknowledges = false
    rig.approve("a", price: "102")
    #expect(sent(rig).isEmpty)
    rig.acknowledges = true
    rig.acknowledge()
    #expect(sent(rig) == ["binance 0.5", "second 0.25", "third 0.25"])
    let children = plans(rig)[0].children
    #expect(children.map(\.number) == [0, 1, 2])
    #expect(
      children.map(\.venueClientID)
        == (0...2).map {
          VenueClientID.derive(
            deployment: "apus", key: OrderKey(account: World.account, id: World.known(ClientOrderID("a"))), child: $0)
        })
  }

  @Test func aVenueThatIsCutOrHasNoBookIsPassedOver() {
    var rig = rig()
    rig.feed(book(0, [("99", "5")], at: rig.now))
    rig.feed(book(1, [("100", "5")], at: rig.now))
    rig.feed(book(2, [("98", "5")], at: rig.now, isValid: false))
    rig.feed(.cut(.binance, true))
    rig.approve("a", price: "102")
    #expect(sent(rig) == ["second 1"])
    rig.feed(.cut(.binance, false))
    rig.approve("b", price: "102")
    #expect(sent(rig) == ["second 1", "binance 1"])
  }

  @Test func anOrderWaitsForAVenueAsLongAsItsApprovalLasts() {
    var rig = rig()
    rig.approve("a", price: "102")
    rig.approve("b", price: "102", validFor: 500 * Interval.millisecond)
    rig.wait(milliseconds: 600)
    #expect(rig.statuses(of: "b") == [.expired])
    #expect(rig.events(of: "b").last?.reason?.contains("third: invalid_book") == true)
    #expect(rig.places.isEmpty)
    rig.feed(book(1, [("100", "5")], at: rig.now))
    rig.wait(milliseconds: 100)
    #expect(sent(rig) == ["second 1"])
  }

  @Test func balancesLimitAVenueAndOrdersOnTheirWayCount() {
    var rig = rig()
    rig.feed(book(0, [("99", "5")], at: rig.now))
    rig.feed(book(1, [("100", "5")], at: rig.now))
    let route = Route(World.account, .binance)
    rig.feed(.connected(route, true))
    while let question = rig.question, question == "account" {
      let balance = AssetBalance(asset: "USDT", free: World.known(try? Money("150")), locked: .zero)
      rig.answer(.account(.confirmed(AccountReport(balances: [balance], mayTrade: true))))
    }
    rig.approve("a", price: "100")
    rig.approve("b", price: "100")
    #expect(sent(rig) == ["binance 1", "binance 0.5", "second 0.5"])
  }

  @Test func aNamedVenueIsTakenAtItsWord() {
    var rig = rig()
    rig.approve("a", price: "102", venue: Self.venues[2])
    #expect(sent(rig) == ["third 1"])
  }

  @Test func aCancelReachesEveryChild() {
    var rig = rig()
    for venue in 0..<3 { rig.feed(book(venue, [("100", "0.25")], at: rig.now)) }
    rig.approve("a", price: "100", timeInForce: .gtc)
    for place in 0..<3 { rig.confirm(rig.report(.open, place: place)) }
    rig.approve("c", action: .cancel, quantity: nil, price: nil, target: "a")
    #expect(rig.calls.map { Rig.name($0.action) } == ["cancel", "cancel", "cancel"])
    for place in 0..<3 { rig.confirm(rig.report(.cancelled, place: place)) }
    #expect(rig.events(of: "a").last?.status == .cancelled)
  }

  @Test func partlyFilledAndPartlyRefusedEndsAsExpired() {
    var rig = rig()
    rig.feed(book(0, [("100", "0.5")], at: rig.now))
    rig.feed(book(1, [("100", "0.5")], at: rig.now))
    rig.approve("a", price: "101")
    rig.confirm(rig.report(.filled, place: 0, filled: "0.5", fills: [rig.fill("1", "0.5")]))
    rig.refuse(.permanent, code: -2010)
    let last = rig.events(of: "a").last
    #expect(last?.status == .expired)
    #expect(last?.cumulativeQuantity == World.known(try? Quantity("0.5")))
    #expect(last?.part?.status == .rejected)
    #expect(last?.part?.cumulativeQuantity == .zero)
  }

  /// Three venues that accept, lose, refuse and fill at random. However it goes: never more than the order is sent, nothing twice, and
  /// the order's executions are exactly its children's.
  @Test func neverMoreThanTheOrderWhateverItsChildrenDo() {
    var spread = 0
    var unknown = 0
    for seed in 0..<1_000 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var rig = rig()
      var models = [Venue: VenueModel](uniqueKeysWithValues: Self.venues.map { ($0, VenueModel()) })
      for index in 0..<3 {
        let asks = (0..<Int.random(in: 0...3, using: &generator)).map { level in
          ("\(99 + level)", "0.\(Int.random(in: 1...9, using: &generator))")
        }
        rig.feed(book(index, asks, at: rig.now))
      }
      rig.approve("a", price: "101", timeInForce: Bool.random(using: &generator) ? .ioc : .gtc)
      for step in 0..<400 {
        if step == 150 { rig.approve("c", action: .cancel, quantity: nil, price: nil, target: "a") }
        while !rig.calls.isEmpty { answerAny(&rig, &models, &generator) }
        if rig.events(of: "a").last?.status.isTerminal == true, step > 160 { break }
        rig.wait(milliseconds: 50)
      }
      let orders = models.values.flatMap(\.orders)
      let wanted = World.known(try? Quantity("1"))
      let placed = Dictionary(rig.places.map { ($0.clientID, $0.quantity) }, uniquingKeysWith: { first, _ in first })
      #expect(placed.values.reduce(.zero, +) <= wanted, "seed \(seed)")
      #expect(Set(orders.map(\.clientID)).count == orders.count, "seed \(seed): an order was doubled")
      let filled = orders.reduce(Quantity.zero) { $0 + $1.filled }
      #expect(filled <= wanted, "seed \(seed)")
      let last = rig.events(of: "a").last
      #expect(last?.status.isTerminal == true, "seed \(seed): \(String(describing: last?.status))")
      #expect(last?.cumulativeQuantity == filled, "seed \(seed)")
      #expect((last?.status == .filled) == (filled == wanted), "seed \(seed)")
      let named = rig.events(of: "a").compactMap(\.fill).reduce(Quantity.zero) { $0 + $1.quantity }
      #expect(named == filled, "seed \(seed)")
      if placed.count > 1 { spread += 1 }
      if rig.statuses(of: "a").contains(.unknown) { unknown += 1 }
    }
    #expect(spread > 200 && unknown > 200, "\(spread) split and \(unknown) unknown are too few to prove anything")
  }

  private func answerAny(_ rig: inout Rig, _ models: inout [Venue: VenueModel], _ generator: inout SeededGenerator) {
    let call = rig.calls.remove(at: Int.random(in: 0..<rig.calls.count, using: &generator))
    guard var model = models[call.route.venue] else { return }
    let lost = VenueFailure(.transient, reason: "timed out")
    var answer: AccountAnswer
    switch call.action {
    case .place(let order):
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: answer = .order(.unknown(lost))
      case 1: answer = .order(.failed(VenueFailure(.permanent, code: -2010, reason: "refused")))
      case 2, 3:
        _ = model.place(order, at: rig.now, using: &generator)
        answer = .order(.unknown(lost))
      default: answer = .order(model.place(order, at: rig.now, using: &generator))
      }
    case .cancel(let id, _): answer = .order(model.cancel(id, at: rig.now))
    default: answer = model.answer(call.action, at: rig.now)
    }
    models[call.route.venue] = model
    rig.feed(.answered(token: call.token, answer))
  }

  /// What the log says of a plan and its children is all that a successor needs.
  @Test func aSuccessorCarriesOutTheSamePlan() throws {
    var rig = rig()
    rig.feed(book(0, [("100", "0.5")], at: rig.now))
    rig.feed(book(1, [("100", "0.5")], at: rig.now))
    rig.approve("a", price: "101")
    rig.confirm(rig.report(.filled, place: 0, filled: "0.5", fills: [rig.fill("1", "0.5")]))
    var restoration = OrderRestoration(epoch: 9)
    let marker = EpochMarker(epoch: -1, owner: "ordermanager/a").encoded()
    let records = [(marker, nil)] + rig.records.map { ($0.encoded(), Int64(0)) } as [([UInt8], Int64?)]
    for (offset, (value, epoch)) in records.enumerated() {
      let source = RecordSource(topic: Topic.executions, partition: 0, offset: Int64(offset), timestamp: rig.now)
      restoration.readExecution(InputRecord(source: source, value: value, headers: RecordHeaders(epoch: epoch)))
    }
    let restored = try #require(restoration.finish(nextApproval: 1).orders.first)
    #expect(restored.children.map(\.status) == [.filled, .submitting])
    #expect(restored.children.map(\.filled) == [World.known(try? Quantity("0.5")), .zero])
    #expect(restored.quantity == World.known(try? Quantity("1")))
    #expect(!restored.isTerminal)
  }
}
