import Domain
import ReconcilerCore
import Testing
import Venues
import Wire

/// A venue and a log that a round can be played against.
struct Scene {
  static let subject = Subject(account: Sample.account, venue: .binance)
  static let startedAt = Sample.start + Interval.hour
  static let old = Sample.start
  static let fresh = startedAt

  var open: [VenueOrderReport] = []
  var ended: [VenueOrderReport] = []
  var foreignOwners: [String: String] = [:]
  /// An order of a trade is found only when it has ended.
  var hidesRestingOwners = false
  var trades: [VenueTrade] = []
  /// Trades that happen while the balances are asked for.
  var lateTrades: [VenueTrade] = []
  var balances: [AssetBalance] = []
  var mayTrade = true
  var ledger: [LedgerOrder] = []
  var known: Set<Int64> = []
  private(set) var asked: [VenueQuestion] = []
  /// What the last round has learnt.
  private(set) var evidence: Evidence?

  static func report(
    _ id: String, _ state: VenueOrderState, filled: String = "0", at time: Timestamp = old
  ) -> VenueOrderReport {
    VenueOrderReport(
      venueSymbol: "BTCUSDT", venueOrderID: "v-\(id)", clientID: id, side: .buy, price: Sample.decimal("26000"),
      quantity: Sample.decimal("1"), state: state, cumulativeQuantity: Sample.decimal(filled), cumulativeQuote: .zero, time: time)
  }

  static func order(
    _ id: String, _ status: OrderStatus, filled: String = "0", at time: Timestamp = old
  ) -> LedgerOrder {
    LedgerOrder(
      venueClientID: id, venueOrderID: "v-\(id)", clientOrderID: Sample.identifier("client-\(id)"), symbol: Sample.symbol,
      status: status, cumulativeQuantity: Sample.decimal(filled), decidedAt: time, changedAt: time)
  }

  static func trade(_ number: Int64, of order: String, at time: Timestamp = old) -> VenueTrade {
    VenueTrade(
      venueSymbol: "BTCUSDT", venueOrderID: "v-\(order)", side: .buy,
      fill: Fill(
        tradeID: String(number), price: Sample.decimal("20000"), quantity: Sample.decimal("0.5"), fee: Sample.decimal("0.0005"),
        feeAsset: "BTC", time: time))
  }

  static func balance(_ asset: String, _ free: String, locked: String = "0") -> AssetBalance {
    AssetBalance(asset: asset, free: Sample.decimal(free), locked: Sample.decimal(locked))
  }

  /// Plays one round and gives what the account concludes.
  mutating func play(
    _ account: inout AccountReconciliation, startedAt: Timestamp = startedAt, beginning: Timestamp = old
  ) -> AccountReconciliation.Conclusion {
    var round = account.round(symbols: [Sample.symbol], beginning: beginning, startedAt: startedAt)
    asked = []
    while true {
      switch round.step {
      case .ask(let question):
        asked.append(question)
        round.take(answer(question))
      case .consult(let question):
        let ids = Set(question.trades.flatMap(\.tradeIDs))
        let known = ids.intersection(known.map { String($0) }).map { TradeName(symbol: Sample.symbol, tradeID: $0) }
        round.take(LedgerAnswer(orders: ledger, knownTrades: Set(known)))
      case .finished:
        evidence = round.evidence
        return account.conclude(round.evidence)
      }
    }
  }

  private mutating func answer(_ question: VenueQuestion) -> VenueAnswer {
    switch question {
    case .openOrders: return .orders(open)
    case .trades(_, .from(let id)):
      let from = Int64(id) ?? 0
      return .trades(Array(trades.filter { (Int64($0.fill.tradeID) ?? 0) >= from }.prefix(Round.pageLimit)))
    case .trades(_, .since(let time)):
      // As some venues have it: newest first, and all of them.
      return .trades(trades.filter { $0.fill.time >= time }.reversed())
    case .trades: return .trades(Array(trades.suffix(Round.pageLimit)))
    case .account:
      trades += lateTrades
      lateTrades = []
      return .account(AccountReport(balances: balances, mayTrade: mayTrade))
    case .order(_, let id): return .order((open + ended).first { $0.clientID == id })
    case .orderOfTrade(_, let id):
      let shown = hidesRestingOwners ? ended : open + ended
      guard let clientID = foreignOwners[id] else { return .orders(shown.filter { $0.venueOrderID == id }) }
      var report = Self.report(clientID, .filled)
      report.venueOrderID = id
      return .orders([report])
    }
  }

  static func account(cursor: Int64? = 0, order: TradeOrder = .ids) -> AccountReconciliation {
    let cursors = cursor.map { [TradeCursor(symbol: Sample.symbol, settled: $0, counted: $0)] } ?? []
    let comparison = Comparison(deployment: "apus", tradeOrder: order)
    return AccountReconciliation(subject: subject, comparison: comparison, cursors: cursors)
  }
}

/// What one order comes to, side by side.
struct OrderCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let ours: LedgerOrder?
  let venues: VenueOrderReport?
  /// The code, and whether the first round reports it.
  let expected: (code: DiscrepancyCode, atOnce: Bool)?

  init(
    _ description: String, _ ours: LedgerOrder?, _ venues: VenueOrderReport?, _ code: DiscrepancyCode? = nil, atOnce: Bool = true
  ) {
    testDescription = description
    self.ours = ours
    self.venues = venues
    expected = code.map { ($0, atOnce) }
  }

  static let all: [OrderCase] = [
    .init("both rest", Scene.order("apus-1", .open), Scene.report("apus-1", .open)),
    .init("a cancel is on its way", Scene.order("apus-1", .pendingCancel), Scene.report("apus-1", .open)),
    .init("both ended", Scene.order("apus-1", .filled, filled: "1"), Scene.report("apus-1", .filled, filled: "1")),
    .init("nobody knows", Scene.order("apus-1", .unknown), Scene.report("apus-1", .open), .statusMismatch),
    .init(
      "a fill is missing", Scene.order("apus-1", .open), Scene.report("apus-1", .partiallyFilled, filled: "0.5"), .fillMissing),
    .init("the stream is ahead", Scene.order("apus-1", .partiallyFilled, filled: "0.5"), Scene.report("apus-1", .open)),
    .init("ended at the venue", Scene.order("apus-1", .open), Scene.report("apus-1", .cancelled), .statusMismatch),
    .init("ended by the log, yet alive", Scene.order("apus-1", .cancelled), Scene.report("apus-1", .open), .statusMismatch),
    .init(
      "filled just now", Scene.order("apus-1", .open), Scene.report("apus-1", .filled, filled: "1", at: Scene.fresh),
      .statusMismatch,
      atOnce: false),
    .init(
      "acknowledged just now", Scene.order("apus-1", .submitting, at: Scene.fresh), Scene.report("apus-1", .open),
      .statusMismatch,
      atOnce: false),
    .init("gone", Scene.order("apus-1", .open), nil, .orderMissing, atOnce: false),
    .init("sent just now", Scene.order("apus-1", .submitting, at: Scene.fresh), nil),
    .init("never sent", Scene.order("apus-1", .received), nil),
    .init("ours, not in the log", nil, Scene.report("apus-9", .open), .orderUnknown),
    .init("ours, not in the log yet", nil, Scene.report("apus-9", .open, at: Scene.fresh), .orderUnknown, atOnce: false),
    .init("made by hand", nil, Scene.report("web_77", .open), .orderUnknown),
    .init("another deployment", nil, Scene.report("apus2-1", .open), .orderUnknown),
  ]
}

@Suite struct RoundTests {
  @Test(arguments: OrderCase.all)
  func anOrderComparedWithTheVenue(example: OrderCase) {
    var scene = Scene()
    scene.ledger = example.ours.map { [$0] } ?? []
    if let report = example.venues {
      if report.state?.isTerminal == true { scene.ended = [report] } else { scene.open = [report] }
    }
    var account = Scene.account()
    let first = scene.play(&account)
    let second = scene.play(&account)
    let reported = example.expected.map { [$0.code] } ?? []
    #expect(first.opened.map(\.name.code) == (example.expected?.atOnce == true ? reported : []))
    #expect(first.wantsNextRoundSoon == (example.expected != nil))
    #expect((first.opened + second.opened).map(\.name.code) == reported, "reported once")
    // What is foreign is nothing that OrderManager could act on; the rest it hears in every round.
    let isForeign = example.ours == nil && example.venues?.clientID.hasPrefix("apus-") == false
    #expect((second.observation != nil) == (example.expected != nil && !isForeign))
    scene.open = []
    scene.ledger = []
    let third = scene.play(&account)
    #expect(third.resolved.map(\.name.code) == reported)
    #expect(account.open.isEmpty)
  }

  @Test func anObservationSaysWhatWasSeenAndSinceWhen() {
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .open), Scene.order("apus-2", .open)]
    scene.ended = [Scene.report("apus-1", .filled, filled: "1")]
    var account = Scene.account()
    _ = scene.play(&account)
    let observation = scene.play(&account).observation
    #expect(observation?.startedAt == Scene.startedAt)
    #expect(observation?.orders.map(\.venueClientID) == ["apus-1"])
    #expect(observation?.orders.map(\.status) == [.filled])
    #expect(observation?.missing == ["apus-2"])
  }

  @Test func aMissingFillIsReportedUntilTheLogHasIt() {
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .filled, filled: "1")]
    scene.trades = (1...3).map { Scene.trade($0, of: "apus-1") }
    scene.known = [1, 3]
    var account = Scene.account()
    let first = scene.play(&account)
    #expect(first.opened.map(\.name) == [.init(code: .fillMissing, subject: "BTC-USDT/v-apus-1/2")])
    #expect(first.observation?.fills.map(\.fill.tradeID) == ["2"])
    #expect(account.cursors.map(\.settled) == [1])
    scene.known = [1, 2, 3]
    let second = scene.play(&account)
    #expect(second.observation == nil)
    #expect(second.resolved.map(\.name.code) == [.fillMissing])
    #expect(account.cursors.map(\.settled) == [3])
  }

  @Test func aFillThatTheStreamIsStillToBringIsNoAlarm() {
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .open)]
    scene.open = [Scene.report("apus-1", .open)]
    scene.trades = [Scene.trade(1, of: "apus-1", at: Scene.fresh)]
    var account = Scene.account()
    let first = scene.play(&account)
    #expect(first.opened.isEmpty && first.observation == nil && first.wantsNextRoundSoon)
    scene.known = [1]
    let second = scene.play(&account)
    #expect(second.opened.isEmpty && !second.wantsNextRoundSoon)
  }

  /// The answer to an order was lost: only the trade's order says that it is ours.
  @Test func aTradeOfAnUnknownOrderIsAskedFor() {
    var scene = Scene()
    scene.trades = [Scene.trade(1, of: "a"), Scene.trade(2, of: "b")]
    scene.foreignOwners = ["v-a": "apus-1", "v-b": "someone"]
    var account = Scene.account()
    let conclusion = scene.play(&account)
    #expect(scene.asked.contains(.orderOfTrade(Sample.symbol, venueOrderID: "v-a")))
    #expect(conclusion.opened.map(\.name) == [.init(code: .fillMissing, subject: "BTC-USDT/v-a/1")])
    #expect(conclusion.observation?.orders.map(\.venueClientID) == ["apus-1"], "OrderManager cannot know whose the trade is")
    #expect(account.cursors.map(\.settled) == [0], "a trade of ours that is missing keeps the cursor before it")
    scene.known = [1]
    #expect(scene.play(&account).foreignTradeCount == 1)
    #expect(account.cursors.map(\.settled) == [2])
  }

  @Test func tradesBeforeTheFirstOrderAreNotOurs() {
    var scene = Scene()
    scene.trades = (1...5).map { Scene.trade($0, of: "x", at: Scene.old) } + [Scene.trade(6, of: "apus-1", at: Scene.fresh)]
    scene.ledger = [Scene.order("apus-1", .open)]
    scene.open = [Scene.report("apus-1", .open)]
    scene.known = [6]
    var account = Scene.account(cursor: nil)
    let conclusion = scene.play(&account, beginning: Scene.old + Interval.second)
    #expect(conclusion.opened.isEmpty)
    #expect(account.cursors == [TradeCursor(symbol: Sample.symbol, settled: 6, counted: 6, newest: "6")])
  }

  @Test func pagesAreFollowedToTheirEnd() {
    var scene = Scene()
    scene.trades = (1...2_500).map { Scene.trade($0, of: "apus-1") }
    scene.known = Set(1...2_500)
    scene.ledger = [Scene.order("apus-1", .filled, filled: "1")]
    var account = Scene.account()
    let conclusion = scene.play(&account)
    #expect(conclusion.differenceCount == 0)
    #expect(account.cursors.map(\.settled) == [2_500])
  }

  @Test func anOrderSentDuringTheRoundIsNotAskedFor() {
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .open, at: Scene.startedAt + Interval.millisecond)]
    var account = Scene.account()
    #expect(scene.play(&account).differenceCount == 0)
    #expect(!scene.asked.contains(.order(Sample.symbol, venueClientID: "apus-1")))
  }

  @Test func thousandsOfOddOrdersAreAskedForInTurnsAndNothingIsDeclaredResolved() {
    var scene = Scene()
    scene.ledger = (0..<200).map { Scene.order("apus-\($0)", .open) }
    var account = Scene.account()
    _ = scene.play(&account)
    #expect(scene.asked.count < 60)
    let second = scene.play(&account)
    #expect(!second.opened.isEmpty)
    scene.ledger = (100..<200).map { Scene.order("apus-\($0)", .open) }
    #expect(scene.play(&account).resolved.isEmpty)
  }
}

@Suite struct BalanceCheckTests {
  private func balances(_ usdt: String, _ btc: String) -> [AssetBalance] {
    [Scene.balance("USDT", usdt), Scene.balance("BTC", btc)]
  }

  @Test func tradesExplainWhatMoves() {
    var scene = Scene()
    var account = Scene.account()
    scene.balances = balances("1000000", "50")
    #expect(scene.play(&account).differenceCount == 0)
    scene.trades = [Scene.trade(1, of: "apus-1")]
    scene.known = [1]
    scene.balances = balances("990000", "50.4995")
    #expect(scene.play(&account).differenceCount == 0)
    #expect(account.balanceCheck.expected == ["USDT": Sample.decimal("990000"), "BTC": Sample.decimal("50.4995")])
  }

  @Test func tradesDuringTheQuestionLeaveTheBalancesForTheNextRound() {
    var scene = Scene()
    var account = Scene.account()
    scene.balances = balances("1000000", "50")
    _ = scene.play(&account)
    scene.lateTrades = [Scene.trade(1, of: "apus-1")]
    scene.known = [1]
    #expect(scene.play(&account).differenceCount == 0)
    scene.balances = balances("990000", "50.4995")
    #expect(scene.play(&account).differenceCount == 0)
  }

  @Test func aMovementOutsideOfTradingIsReportedOnceAndAcceptedInTheEnd() {
    var scene = Scene()
    var account = Scene.account()
    scene.balances = balances("1000000", "50")
    _ = scene.play(&account)
    scene.balances = balances("1000000", "49")
    var reported: [[String]] = []
    var acceptedIn: Int?
    for round in 1...BalanceCheck.roundsUntilAccepted {
      let conclusion = scene.play(&account)
      reported.append(conclusion.opened.map { "\($0.name.subject) \($0.ours) \($0.venues)" })
      if conclusion.balancesAccepted { acceptedIn = round }
    }
    #expect(reported[0].isEmpty, "one look proves nothing")
    #expect(reported[1] == ["BTC 50 49"])
    #expect(reported.dropFirst(2).flatMap { $0 }.isEmpty)
    #expect(acceptedIn == BalanceCheck.roundsUntilAccepted)
    #expect(account.open.isEmpty)
    #expect(scene.play(&account).differenceCount == 0)
  }

  /// The expected balances after any trades equal an independent sum.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func expectationsAreExact(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var scene = Scene()
    var account = Scene.account()
    var usdt: Int128 = 1_000_000 * 1_000_000_000_000_000_000
    var btc: Int128 = 50 * 1_000_000_000_000_000_000
    func money(_ units: Int128) -> String { Money(units: units).text() }
    scene.balances = balances(money(usdt), money(btc))
    _ = scene.play(&account)
    for number in 1...40 as ClosedRange<Int64> {
      var trade = Scene.trade(number, of: "apus-1")
      trade.side = Bool.random(using: &generator) ? .buy : .sell
      trade.fill.price = Price(units: Int64.random(in: 1...300_000_000_000_000, using: &generator))
      trade.fill.quantity = Quantity(units: Int64.random(in: 1...100_000_000, using: &generator))
      trade.fill.fee = Money(units: Int128(Int64.random(in: 0...1_000_000_000_000, using: &generator)))
      trade.fill.feeAsset = Bool.random(using: &generator) ? "BTC" : "USDT"
      let sign: Int128 = trade.side == .buy ? 1 : -1
      btc += sign * Int128(trade.fill.quantity.units) * 10_000_000_000
      usdt -= sign * Int128(trade.fill.quantity.units) * Int128(trade.fill.price.units)
      if trade.fill.feeAsset == "BTC" { btc -= trade.fill.fee.units } else { usdt -= trade.fill.fee.units }
      scene.trades.append(trade)
      scene.known.insert(number)
    }
    scene.balances = balances(money(usdt), money(btc))
    #expect(scene.play(&account).differenceCount == 0, "seed \(seed)")
  }
}
