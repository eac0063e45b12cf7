import Domain
import Postgres
import ReconcilerCore
import Runtime
import TestSupport
import Testing
import Wire

@testable import Reconciler

/// The projection on a real PostgreSQL.
@Suite(.serialized) struct ProjectionStoreTests {
  private static let topics = [Topic.approved, Topic.rejected, Topic.executions]
  private static let server = Result { try PostgresServer() }

  /// A database of its own for each case.
  private func database(_ name: String) throws -> Secret {
    let server = try Self.server.get()
    try PostgresConnection(Secret(server.url()), applicationName: "test").query("CREATE DATABASE \(name)")
    return Secret(server.url(database: name))
  }

  private func open(_ url: Secret) throws -> ProjectionStore {
    try ProjectionStore(url: url, migrations: "\(Places.packageRoot)/deploy/migrations")
  }

  private func lines(_ url: Secret, _ sql: String) throws -> [String] {
    let connection = try PostgresConnection(url, applicationName: "test")
    return try connection.query(sql).rows.map { row in row.map { $0 ?? "-" }.joined(separator: " ") }.sorted()
  }

  private func check(_ url: Secret, against log: RandomLog, seed: UInt64) throws {
    let orders = try lines(url, "SELECT client_order_id, status, trim_scale(filled_quantity) FROM orders")
    #expect(orders == log.expectedOrders, "seed \(seed)")
    #expect(try lines(url, "SELECT trade_id FROM fills") == log.expectedTrades, "seed \(seed)")
    #expect(try lines(url, "SELECT count(*) FROM order_events") == ["\(log.expectedEventCount)"], "seed \(seed)")
  }

  /// Random batches in a random interleaving of the topics, with crashes before, within and after the transaction, and with a stalled
  /// process that stores an old batch once more: the tables end as if each record had been applied once, in order.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func everyRecordCountsOnceWhateverCrashes(seed: UInt64) throws {
    let log = RandomLog(seed: seed, count: 250)
    let url = try database("crash_\(seed)")
    var generator = SeededGenerator(seed: seed)
    var store = try open(url)
    var stalled: Batch?
    while true {
      let inputs = try Self.topics.map { try store.input(topic: $0, partition: 0) }
      let waiting = inputs.filter { $0.nextOffset < log.records[$0.topic]?.count ?? 0 }
      guard !waiting.isEmpty else { break }
      let batch = batch(of: log, from: waiting, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: store = try open(url)  // Died before the transaction.
      case 1:
        try dieWithin(batch, url)
        store = try open(url)
      case 2:
        if let stalled { #expect(throws: ProjectionStore.InputMoved.self) { try store.store(stalled) } }
        try store.store(batch)
        stalled = batch
      default: try store.store(batch)
      }
    }
    try check(url, against: log, seed: seed)
  }

  /// Rows of a batch are summed up before they are stored. However records are cut into batches, the tables hold what they hold when
  /// each record is a batch of its own, down to the last column.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func anyBatchesLeaveTheSameRows(seed: UInt64) throws {
    let records = RandomChanges(seed: seed, count: 200).records
    var generator = SeededGenerator(seed: seed)
    let alone = try database("alone_\(seed)")
    let together = try database("together_\(seed)")
    try store(records, in: alone) { 1 }
    try store(records, in: together) { Int.random(in: 1...30, using: &generator) }
    for table in ["orders", "child_orders", "fills", "rejections", "order_events", "input_offsets"] {
      let rows = "SELECT to_jsonb(r) - 'updated_at' FROM \(table) r"
      #expect(try lines(together, rows) == lines(alone, rows), "\(table), seed \(seed)")
    }
  }

  /// Stores records in batches of the given sizes.
  private func store(_ records: [LogRecord], in url: Secret, sizes: () -> Int) throws {
    let store = try open(url)
    var rest = records[...]
    while !rest.isEmpty {
      var batch = Batch()
      let inputs = Dictionary(uniqueKeysWithValues: try Self.topics.map { ($0, try store.input(topic: $0, partition: 0)) })
      for record in rest.prefix(sizes()) {
        batch.add(record, stored: try #require(inputs[record.place.topic]))
        rest = rest.dropFirst()
      }
      try store.store(batch)
    }
  }

  /// Some records of some inputs, in a random order between the topics.
  private func batch(of log: RandomLog, from inputs: [InputState], using generator: inout SeededGenerator) -> Batch {
    var batch = Batch()
    var next = Dictionary(uniqueKeysWithValues: inputs.map { ($0.topic, Int($0.nextOffset)) })
    for _ in 0..<Int.random(in: 1...40, using: &generator) {
      guard let input = inputs.randomElement(using: &generator), let offset = next[input.topic],
        let list = log.records[input.topic],
        offset < list.count
      else { continue }
      batch.add(list[offset], stored: input)
      next[input.topic] = offset + 1
    }
    return batch
  }

  /// The statements arrive, the commit does not.
  private func dieWithin(_ batch: Batch, _ url: Secret) throws {
    let connection = try PostgresConnection(url, applicationName: "test")
    try connection.script("BEGIN")
    try connection.batch(batch.runs.flatMap(\.statements))
  }

  @Test func aServerRestartInTheMiddleLosesNothing() throws {
    let server = try PostgresServer()
    let url = Secret(server.url())
    let log = RandomLog(seed: 77, count: 200)
    var generator = SeededGenerator(seed: 77)
    var store = try open(url)
    var batches = 0
    while true {
      let inputs = try Self.topics.map { try store.input(topic: $0, partition: 0) }
      let waiting = inputs.filter { $0.nextOffset < log.records[$0.topic]?.count ?? 0 }
      guard !waiting.isEmpty else { break }
      let batch = batch(of: log, from: waiting, using: &generator)
      batches += 1
      guard batches == 3 else {
        try store.store(batch)
        continue
      }
      server.stop()
      #expect(throws: PostgresError.self) { try store.store(batch) }
      try server.start()
      store = try open(url)
    }
    try check(url, against: log, seed: 77)
  }

  @Test func wordsFromOutsideAreStoredWhateverTheyHold() throws {
    let url = try database("words")
    let store = try open(url)
    var input = try store.input(topic: Topic.rejected, partition: 0)
    var rejection = Sample.rejection("odd", reason: "a \0 nul, a \" quote, a \\ backslash, '; DROP TABLE orders; --")
    rejection.request?.tags = ["\0", "\u{1F9A2}"]
    var batch = Batch()
    batch.add(Sample.marker(Topic.rejected), stored: input)
    batch.add(Sample.record(Topic.rejected, 1, rejection.encoded()), stored: input)
    try store.store(batch)
    #expect(try lines(url, "SELECT client_order_id, status FROM orders") == ["odd rejected"])
    let reason = try lines(url, "SELECT reason FROM rejections")
    #expect(reason == ["a \u{FFFD} nul, a \" quote, a \\ backslash, '; DROP TABLE orders; --"])
    input = try store.input(topic: Topic.rejected, partition: 0)
    #expect(input.nextOffset == 2)
  }

  /// A value beyond a limit of the database costs its record alone; a database that is in trouble costs none.
  @Test func whoseFaultARefusalIs() {
    for state in ["22003", "23505", "54000"] { #expect(PostgresError(sqlState: state, reason: "").isFaultOfTheRecord) }
    for state in ["08006", "40001", "53100", "57P01"] { #expect(!PostgresError(sqlState: state, reason: "").isFaultOfTheRecord) }
  }

  /// Decisions and executions come from different topics: whichever is read first, the row is the same.
  @Test(arguments: [true, false])
  func theOrderOfTopicsDoesNotMatter(executionsFirst: Bool) throws {
    let url = try database(executionsFirst ? "executions_first" : "approvals_first")
    let store = try open(url)
    let approvals = [Sample.marker(Topic.approved), Sample.record(Topic.approved, 1, Sample.approval("a").encoded())]
    let executions = [
      Sample.marker(Topic.executions), Sample.execution(1, Sample.event("a", .open)),
      Sample.execution(2, Sample.event("a", .filled, filled: "0.25", trade: "1", of: "0.25")),
    ]
    for records in executionsFirst ? [executions, approvals] : [approvals, executions] {
      var batch = Batch()
      let stored = try store.input(topic: records[0].place.topic, partition: 0)
      for record in records { batch.add(record, stored: stored) }
      try store.store(batch)
    }
    let rows = try lines(
      url, "SELECT status, type, limit_price, filled_quantity, average_price, provenance, venue, decided_ns FROM orders")
    #expect(rows == ["filled market 28000 0.25 26796.1000000000 venue binance \(Sample.start)"])
  }
}
