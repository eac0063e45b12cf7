import Domain
import Postgres
import ReconcilerCore
import Runtime
import TestSupport
import Testing
import Wire

@testable import Reconciler

/// What rounds ask of a real PostgreSQL, and what they leave there.
@Suite(.serialized) struct ReconciliationStoreTests {
  private static let server = Result { try PostgresServer() }
  private static let comparison = Comparison(deployment: "apus")

  /// A database with the tables, and the log's records in it.
  private func database(_ name: String, _ executions: [OrderEvent] = []) throws -> Secret {
    let server = try Self.server.get()
    try PostgresConnection(Secret(server.url()), applicationName: "test").query("CREATE DATABASE \(name)")
    let url = Secret(server.url(database: name))
    let projection = try ProjectionStore(url: url, migrations: "\(Places.packageRoot)/deploy/migrations")
    var batch = Batch()
    let stored = try projection.input(topic: Topic.executions, partition: 0)
    batch.add(Sample.marker(Topic.executions, 0, epoch: -1), stored: stored)
    for (offset, event) in zip(Int64(1)..., executions) { batch.add(Sample.execution(offset, event, epoch: 0), stored: stored) }
    try projection.store(batch)
    return url
  }

  private func lines(_ url: Secret, _ sql: String) throws -> [String] {
    let connection = try PostgresConnection(url, applicationName: "test")
    return try connection.query(sql).rows.map { row in row.map { $0 ?? "-" }.joined(separator: " ") }.sorted()
  }

  private func question(clientIDs: [String] = [], orderIDs: [String] = [], trades: [String] = []) -> LedgerQuestion {
    LedgerQuestion(
      venueClientIDs: clientIDs, venueOrderIDs: orderIDs, trades: [.init(symbol: Sample.symbol, tradeIDs: trades)])
  }

  @Test func theLogAnswersForLiveOrdersAndForThoseThatAreNamed() throws {
    let url = try database(
      "answers",
      [
        Sample.event("live", .open), Sample.event("other", .filled, filled: "0.25", trade: "7", of: "0.25"),
        Sample.event("ended", .cancelled), Sample.event("unsent", .received),
      ])
    let store = try ReconciliationStore(url: url)
    let live = try store.answer(question(), of: Scene.subject)
    #expect(live.orders.map(\.clientOrderID.text) == ["live"])
    #expect(live.orders.first?.venueOrderID == "v-live" && live.orders.first?.changedAt == Sample.start)
    let named = try store.answer(
      question(clientIDs: ["apus-ended"], orderIDs: ["v-other"], trades: ["7", "8"]), of: Scene.subject)
    #expect(named.orders.map(\.clientOrderID.text).sorted() == ["ended", "live", "other"])
    #expect(named.knownTrades == [TradeName(symbol: Sample.symbol, tradeID: "7")])
    let elsewhere = Subject(account: Sample.identifier("desk"), venue: .binance)
    #expect(try store.answer(question(clientIDs: ["apus-ended"]), of: elsewhere).orders.isEmpty, "another account's")
  }

  /// What a venue calls an order may be anything.
  @Test func idsAreDataAndNoLanguage() throws {
    let url = try database("hostile", [Sample.event("live", .open)])
    let store = try ReconciliationStore(url: url)
    let ids = ["\"", "\\", "{}", ",", "'; DROP TABLE orders; --", "\u{0}", "NULL", "é\u{1F600}"]
    let answer = try store.answer(question(clientIDs: ids, orderIDs: ids), of: Scene.subject)
    #expect(answer.orders.map(\.clientOrderID.text) == ["live"])
  }

  /// After a restart a round goes on where the last one ended.
  @Test func whatARoundLearntIsRememberedExactly() throws {
    let url = try database("memory")
    let store = try ReconciliationStore(url: url)
    var scene = Scene()
    scene.balances = [Scene.balance("USDT", "1000000.123456789012345678"), Scene.balance("BTC", "50", locked: "0.00000001")]
    scene.trades = [Scene.trade(7, of: "x")]
    scene.known = [7]
    scene.open = [Scene.report("apus-'quote\"", .open)]
    var account = Scene.account(cursor: nil)
    let conclusion = scene.play(&account)
    #expect(conclusion.opened.map(\.name.code) == [.orderUnknown])
    let evidence = try #require(scene.evidence)
    try store.store(conclusion, account, evidence, finishedAt: Scene.startedAt + Interval.second)
    // A round that was told and then stored twice is the same round.
    try store.store(conclusion, account, evidence, finishedAt: Scene.startedAt + Interval.second)

    let remembered = try ReconciliationStore(url: url).memory(of: Scene.subject, comparison: Self.comparison)
    #expect(remembered.cursors == account.cursors && remembered.cursors.map(\.counted) == [7])
    #expect(remembered.balanceCheck.expected == account.balanceCheck.expected)
    #expect(remembered.open == account.open && remembered.open.count == 1)
    #expect(try lines(url, "SELECT outcome, differences, open_orders FROM reconciliations") == ["differs 1 1"])
    #expect(try lines(url, "SELECT count(*) FROM discrepancies") == ["1"])
    let nobody = try store.memory(of: Subject(account: Sample.identifier("desk"), venue: .binance), comparison: Self.comparison)
    #expect(nobody.cursors.isEmpty && nobody.balanceCheck.expected == nil)
  }

  @Test func aDiscrepancyIsClosedAndCanComeAgain() throws {
    let url = try database("again")
    let store = try ReconciliationStore(url: url)
    var scene = Scene()
    var account = Scene.account()
    for (number, mayTrade) in [false, true, false].enumerated() {
      scene.mayTrade = mayTrade
      let time = Scene.startedAt + Int64(number) * Interval.minute
      let conclusion = scene.play(&account, startedAt: time)
      try store.store(conclusion, account, try #require(scene.evidence), finishedAt: time + Interval.second)
    }
    let rows = try lines(url, "SELECT code, subject, resolution FROM discrepancies ORDER BY id")
    #expect(rows == ["account_cannot_trade account -", "account_cannot_trade account agrees"])
  }

  @Test func aWipeIsRememberedOverARestart() throws {
    let url = try database("wipe")
    let store = try ReconciliationStore(url: url)
    var scene = Scene()
    scene.ledger = [Scene.order("apus-1", .open)]
    scene.open = [Scene.report("apus-1", .open)]
    scene.balances = [Scene.balance("USDT", "974000", locked: "26000")]
    scene.trades = [Scene.trade(7, of: "x")]
    scene.known = [7]
    var account = Scene.account()
    _ = scene.play(&account)
    (scene.open, scene.trades, scene.balances) = ([], [], [Scene.balance("USDT", "1")])
    var told: Timestamp?
    for number in 1...4 {
      let time = Scene.startedAt + Int64(number) * Interval.second
      let conclusion = scene.play(&account, startedAt: time)
      told = conclusion.observation?.wipedBy
      try store.store(conclusion, account, try #require(scene.evidence), finishedAt: time)
    }
    #expect(told != nil)
    var restarted = try store.memory(of: Scene.subject, comparison: Self.comparison)
    #expect(restarted.balanceCheck.expected == nil || restarted.balanceCheck.expected == ["USDT": Sample.decimal("1")])
    let conclusion = scene.play(&restarted, startedAt: Scene.startedAt + Interval.minute)
    #expect(
      conclusion.opened.isEmpty && conclusion.observation?.wipedBy == told, "OrderManager hears of it until the order has ended")
  }

  @Test func aFailedRoundSaysWhy() throws {
    let url = try database("failed")
    let store = try ReconciliationStore(url: url)
    #expect(try store.firstDecision(of: Sample.account) == nil)
    try store.storeFailure(of: Scene.subject, startedAt: Sample.start, finishedAt: Sample.start, reason: "a nul \u{0} in it")
    #expect(try lines(url, "SELECT outcome, reason FROM reconciliations") == ["failed a nul \u{FFFD} in it"])
    try store.forgetOldRounds()
    #expect(try lines(url, "SELECT count(*) FROM reconciliations") == ["0"])
  }
}
