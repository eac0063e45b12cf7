import Domain
import ReconcilerCore
import Testing
import Venues
import Wire

/// Venues whose trade ids say nothing: what is new is told by its time, and of the last seconds nothing is final.
@Suite struct TradesByTimeTests {
  private static let order = TradeOrder.times(settling: 10 * Interval.second, reach: Interval.day)
  private let startedAt = Scene.startedAt

  private func account(from time: Timestamp = Scene.old) -> AccountReconciliation {
    Scene.account(cursor: (time + -Interval.second).nanoseconds, order: Self.order)
  }

  private func scene(_ trades: [VenueTrade], known: Set<Int64>) -> Scene {
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .filled, filled: "1")]
    scene.trades = trades
    scene.known = known
    return scene
  }

  @Test func aFirstRoundBeginsWithTheFirstOrder() {
    var scene = scene(
      [Scene.trade(1, of: "x", at: Scene.old), Scene.trade(2, of: "apus-1", at: Scene.old + Interval.minute)], known: [2])
    var account = Scene.account(cursor: nil, order: Self.order)
    let beginning = Scene.old + 15 * Interval.second
    #expect(scene.play(&account, beginning: beginning).differenceCount == 0)
    #expect(scene.asked.contains(.trades(Sample.symbol, .since(Scene.old + 5 * Interval.second))), "clocks may differ")
    #expect(account.cursors.map(\.settled) == [(Scene.old + Interval.minute).nanoseconds])
    #expect(account.cursors.map(\.newest) == ["2"])
  }

  @Test func anEmptyHistoryHasABeginningAllTheSame() {
    var scene = scene([], known: [])
    var account = Scene.account(cursor: nil, order: Self.order)
    _ = scene.play(&account)
    scene.trades = [Scene.trade(7, of: "apus-1", at: Scene.old + Interval.minute)]
    #expect(scene.play(&account).opened.map(\.name.subject) == ["BTC-USDT/v-apus-1/7"])
  }

  @Test func aTradeThatIsMissingKeepsTheCursorBeforeAllOfItsInstant() {
    let time = Scene.old + Interval.minute
    var scene = scene(
      [Scene.trade(5, of: "apus-1", at: Scene.old)] + [9, 3, 7].map { Scene.trade($0, of: "apus-1", at: time) }, known: [5, 3, 9])
    var account = account()
    #expect(scene.play(&account).opened.map(\.name.subject) == ["BTC-USDT/v-apus-1/7"])
    #expect(account.cursors.map(\.settled) == [Scene.old.nanoseconds])
    scene.known = [5, 3, 7, 9]
    #expect(scene.play(&account).resolved.map(\.name.code) == [.fillMissing])
    #expect(account.cursors.map(\.settled) == [time.nanoseconds])
  }

  /// It has the time at which it happened, though a later one was seen first.
  @Test func aTradeThatComesToLightLateIsFound() {
    let newest = Scene.trade(2, of: "apus-1", at: startedAt + -2 * Interval.second)
    var scene = scene([newest], known: [2])
    scene.balances = Self.balances(990_000, 504_995)
    var account = account()
    _ = scene.play(&account)
    #expect(account.cursors.map(\.settled) != [newest.fill.time.nanoseconds], "of the last seconds nothing is final")
    scene.trades.append(Scene.trade(1, of: "apus-1", at: startedAt + -5 * Interval.second))
    scene.balances = Self.balances(980_000, 509_990)
    let later = startedAt + 5 * Interval.second
    #expect(scene.play(&account, startedAt: later).opened.map(\.name.subject) == ["BTC-USDT/v-apus-1/1"])
    scene.known = [1, 2]
    #expect(scene.play(&account, startedAt: startedAt + Interval.minute).differenceCount == 0)
    let end = newest.fill.time.nanoseconds
    #expect(account.cursors == [TradeCursor(symbol: Sample.symbol, settled: end, counted: end, newest: "2")])
  }

  @Test func whatTheVenueDoesNotShowAnyMoreIsNotAskedFor() {
    var scene = scene([], known: [])
    var account = account(from: Scene.old + -30 * Interval.day)
    _ = scene.play(&account)
    #expect(scene.asked.contains(.trades(Sample.symbol, .since(startedAt + (1 - Interval.day)))))
  }

  @Test func somebodyElsesTradeMovesTheCursorOnceItIsFinal() {
    var scene = scene([Scene.trade(1, of: "b", at: startedAt + -Interval.second)], known: [])
    scene.foreignOwners = ["v-b": "someone"]
    var account = account()
    #expect(scene.play(&account).foreignTradeCount == 0)
    #expect(scene.play(&account, startedAt: startedAt + Interval.minute).foreignTradeCount == 1)
    #expect(scene.play(&account, startedAt: startedAt + 2 * Interval.minute).foreignTradeCount == 0)
  }

  /// A venue's history of orders may lack those that rest.
  @Test func aTradeOfARestingOrderOfOursIsOurs() {
    var scene = scene([Scene.trade(1, of: "apus-7")], known: [])
    scene.open = [Scene.report("apus-7", .partiallyFilled, filled: "0.5")]
    scene.hidesRestingOwners = true
    var account = account()
    let conclusion = scene.play(&account)
    #expect(conclusion.opened.map(\.name.code) == [.fillMissing, .orderUnknown])
  }

  /// Whatever the rounds' times, the expected balances are exact at their end, and no round before finds a difference.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func balancesAreExactWhereverTheRoundsCut(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var scene = scene([], known: [])
    var account = Scene.account(cursor: nil, order: Self.order)
    var (usdt, btc, now) = (1_000_000, 500_000, Scene.startedAt)
    var number: Int64 = 0
    for _ in 0..<30 {
      scene.balances = Self.balances(usdt, btc)
      #expect(scene.play(&account, startedAt: now, beginning: Scene.startedAt).differenceCount == 0, "seed \(seed)")
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        now = now + Int64.random(in: 0...2, using: &generator) * Interval.second
        number += 1
        scene.trades.append(Scene.trade(number, of: "apus-1", at: now))
        scene.known.insert(number)
        (usdt, btc) = (usdt - 10_000, btc + 4_995)
      }
      now = now + Int64.random(in: 1...8, using: &generator) * Interval.second
    }
    scene.balances = Self.balances(usdt, btc)
    #expect(scene.play(&account, startedAt: now + Interval.minute).differenceCount == 0, "seed \(seed)")
    #expect(account.balanceCheck.expected?["USDT"] == Sample.decimal("\(usdt)"), "seed \(seed)")
  }

  /// So many USDT and ten-thousandths of a BTC.
  private static func balances(_ usdt: Int, _ btc: Int) -> [AssetBalance] {
    [Scene.balance("USDT", "\(usdt)"), Scene.balance("BTC", "\(btc / 10_000).\(String(btc % 10_000 + 10_000).dropFirst())")]
  }

  @Test func aWipeIsFoundByTheNewestTradeToo() {
    var scene = scene([Scene.trade(7, of: "apus-1")], known: [7])
    scene.ledger.append(Scene.order("apus-2", .open))
    scene.open = [Scene.report("apus-2", .open)]
    scene.balances = [Scene.balance("USDT", "974000", locked: "26000")]
    var account = account()
    #expect(scene.play(&account).differenceCount == 0)
    (scene.open, scene.trades, scene.balances) = ([], [], [Scene.balance("USDT", "1")])
    let rounds = (1...5).map { scene.play(&account, startedAt: startedAt + Int64($0) * Interval.second) }
    #expect(rounds.flatMap(\.opened).map(\.name.code) == [.venueWiped])
  }
}
