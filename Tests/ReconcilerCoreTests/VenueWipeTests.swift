import Domain
import ReconcilerCore
import Testing
import Venues
import Wire

/// An account with open orders and a trade at a venue that is then set back to nothing, as far as a test leaves it.
private struct WipeScene {
  var scene = Scene()
  var account = Scene.account()
  var now = Scene.startedAt

  init(orders: Int = 20, hasTraded: Bool = true) {
    scene.ledger = (0..<orders).map { Scene.order("apus-\($0)", .open) }
    scene.open = scene.ledger.map { Scene.report($0.venueClientID, .open) }
    let locked = String(26_000 * orders)
    scene.balances = [Scene.balance("USDT", "990000", locked: locked), Scene.balance("BTC", "50")]
    scene.trades = hasTraded ? [Scene.trade(7, of: "x")] : []
    scene.known = [7]
    #expect(play().differenceCount == 0)
  }

  /// The next round, a second later.
  mutating func play() -> AccountReconciliation.Conclusion {
    now = now + Interval.second
    return scene.play(&account, startedAt: now)
  }

  mutating func play(rounds: Int) -> [AccountReconciliation.Conclusion] { (0..<rounds).map { _ in play() } }

  mutating func wipe() {
    scene.open = []
    scene.trades = []
    scene.balances = [Scene.balance("USDT", "1000000"), Scene.balance("BTC", "1")]
  }
}

@Suite struct VenueWipeTests {
  @Test func aWipeIsOneReportUntilEveryOrderFromBeforeHasEnded() {
    var world = WipeScene()
    world.wipe()
    let rounds = world.play(rounds: 5)
    #expect(rounds.flatMap(\.opened).map(\.name.code) == [.venueWiped], "said once, and nothing besides")
    #expect(rounds[0].observation == nil && rounds[0].wantsNextRoundSoon, "one look proves nothing")
    let told = rounds[4].observation
    #expect(told?.missing.count == 20)
    #expect(told?.wipedBy == Scene.startedAt + 2 * Interval.second, "by the first look at it")
    #expect(world.account.cursors.map(\.settled) == [0])

    // OrderManager doubts them, each at its own time; that makes nothing new of them.
    world.scene.ledger = (0..<20).map { Scene.order("apus-\($0)", .unknown, at: world.now) }
    for index in world.scene.ledger.indices { world.scene.ledger[index].decidedAt = Scene.old }
    let doubting = world.play(rounds: 6)
    #expect(doubting.allSatisfy { $0.opened.isEmpty && $0.resolved.isEmpty && $0.observation?.wipedBy != nil })

    world.scene.ledger = []
    #expect(world.play().resolved.map(\.name.code) == [.venueWiped])
    #expect(world.play().observation == nil)
  }

  @Test func anAccountWithoutOpenOrdersIsWipedToo() {
    var world = WipeScene(orders: 0)
    world.wipe()
    let rounds = world.play(rounds: 6)
    #expect(rounds.flatMap(\.opened).map(\.name.code) == [.venueWiped], "no balance is reported besides")
    #expect(rounds.flatMap(\.resolved).map(\.name.code) == [.venueWiped])
    #expect(world.play().differenceCount == 0, "the balances have a new beginning")
  }

  /// Traded again before anybody looked: the venue's newest trade is newer than ours and not ours.
  @Test func tradesSinceTheWipeDoNotHideIt() {
    var world = WipeScene()
    world.wipe()
    world.scene.ledger.append(Scene.order("apus-new", .filled, filled: "0.5", at: world.now))
    world.scene.trades = [Scene.trade(8, of: "apus-new", at: world.now)]
    world.scene.known.insert(8)
    #expect(world.play(rounds: 5).flatMap(\.opened).map(\.name.code) == [.venueWiped])
  }

  /// Sent between the wipe and the first look at it.
  @Test func anOrderSinceTheWipeIsNotCountedAmongTheLost() {
    var world = WipeScene()
    world.wipe()
    let decided = world.now + Interval.second / 2
    world.scene.ledger.append(Scene.order("apus-new", .open, at: decided))
    world.scene.open = [Scene.report("apus-new", .open, at: decided)]
    world.scene.balances = [Scene.balance("USDT", "974000", locked: "26000"), Scene.balance("BTC", "1")]
    let rounds = world.play(rounds: 5)
    #expect(rounds.flatMap(\.opened).map(\.name.code) == [.venueWiped])
    #expect(rounds[4].observation?.wipedBy == decided + -1)
    #expect(rounds[4].observation?.missing.count == 20)
  }

  @Test func aNewLossAfterAWipeIsALossOfItsOwn() {
    var world = WipeScene()
    world.wipe()
    _ = world.play(rounds: 5)
    world.scene.ledger.append(Scene.order("apus-new", .open, at: world.now))
    #expect(world.play(rounds: 6).flatMap(\.opened).map(\.name) == [.init(code: .orderMissing, subject: "apus-new")])
  }

  /// Each kind of evidence missing by itself: then it is no wipe, and each missing order is reported for itself.
  @Test(arguments: ["trades", "balances", "locks", "an older order", "history"])
  func withoutEvidenceOfEveryKindItIsNoWipe(missing: String) {
    var world = WipeScene(orders: 3)
    let before = world.scene
    world.wipe()
    switch missing {
    case "trades": world.scene.trades = before.trades
    case "balances": world.scene.balances = before.balances
    case "locks": world.scene.balances = [Scene.balance("USDT", "900000", locked: "78000"), Scene.balance("BTC", "1")]
    case "an older order": world.scene.open = [before.open[0]]
    default:
      // The account has never traded.
      world = WipeScene(orders: 3, hasTraded: false)
      world.wipe()
    }
    let rounds = world.play(rounds: 6)
    let codes = rounds.flatMap(\.opened).map(\.name.code)
    #expect(!codes.contains(.venueWiped))
    #expect(codes.filter { $0 == .orderMissing }.count == (missing == "an older order" ? 2 : 3))
    #expect(rounds.allSatisfy { $0.observation?.wipedBy == nil })
  }

  /// While nobody can compare the balances the orders wait, but not for ever.
  @Test func aSuspicionThatIsNeverProvenHidesNothing() {
    var world = WipeScene(orders: 3)
    world.wipe()
    var opened: [DiscrepancyCode] = []
    for number in 0..<70 {
      world.scene.lateTrades = [Scene.trade(Int64(100 + number), of: "apus-0", at: world.now)]
      world.scene.known.insert(Int64(100 + number))
      let conclusion = world.play()
      if number < 50 { #expect(conclusion.opened.isEmpty) }
      opened += conclusion.opened.map(\.name.code)
    }
    #expect(opened == [.orderMissing, .orderMissing, .orderMissing])
  }

  @Test func oneMissingOrderIsNoWipe() {
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .open)]
    scene.trades = [Scene.trade(7, of: "x")]
    scene.known = [7]
    var account = Scene.account()
    _ = scene.play(&account)
    #expect(scene.play(&account).opened.map(\.name.code) == [.orderMissing])
  }

  @Test func anAccountThatMayNotTradeIsReportedUntilItMay() {
    var scene = Scene()
    var account = Scene.account()
    scene.mayTrade = false
    let first = scene.play(&account)
    #expect(first.opened.map(\.name.code) == [.accountCannotTrade] && first.opened[0].severity == .critical)
    #expect(first.observation?.mayTrade == false)
    let second = scene.play(&account)
    #expect(second.opened.isEmpty && second.observation?.mayTrade == false)
    scene.mayTrade = true
    let third = scene.play(&account)
    #expect(third.resolved.map(\.name.code) == [.accountCannotTrade] && third.observation == nil)
  }
}
