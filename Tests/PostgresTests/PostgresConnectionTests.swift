import Postgres
import Runtime
import TestSupport
import Testing

/// One cluster for all tests here, each in a database of its own.
private enum Cluster {
  static let shared: Result<PostgresServer, any Error> = Result { try PostgresServer() }
  private static let names = Counter()

  static func connect(database: String? = nil) throws -> PostgresConnection {
    let server = try shared.get()
    return try PostgresConnection(Secret(server.url(database: database ?? "postgres")), applicationName: "test")
  }

  static func newDatabase() throws -> String {
    let name = "t\(names.next())"
    try connect().script("CREATE DATABASE \(name)")
    return name
  }
}

extension Counter {
  /// Unique as long as the suite is serialized.
  fileprivate func next() -> Int64 {
    add()
    return value
  }
}

@Suite(.serialized) struct PostgresTests {
  private let database: String
  private let connection: PostgresConnection

  init() throws {
    database = try Cluster.newDatabase()
    connection = try Cluster.connect(database: database)
  }

  private func count(_ table: String) throws -> String? { try connection.query("SELECT count(*) FROM \(table)").rows[0][0] }

  @Test func moneyGoesThroughAsExactText() throws {
    let result = try connection.query(
      "SELECT $1::numeric AS price, $2::text AS nothing, $3::bigint AS n", ["10000000000000.00000001", nil, "-7"])
    #expect(result.columns == ["price", "nothing", "n"])
    #expect(result.rows == [["10000000000000.00000001", nil, "-7"]])
    #expect(result.value(0, "n") == "-7" && result.value(0, "nothing") == nil)
  }

  @Test func parametersAreDataNeverSQL() throws {
    let hostile = "'; DROP TABLE x; -- \\ \u{1F4A9} \n\t\""
    #expect(try connection.query("SELECT $1::text", [hostile]).rows == [[hostile]])
  }

  @Test func aNULByteIsAnErrorNotATruncation() throws {
    let error = #expect(throws: PostgresError.self) { try connection.query("SELECT $1::text", ["a\u{0}b"]) }
    #expect(error?.isTransient == false)
  }

  @Test func errorsCarryTheirClass() throws {
    try connection.script("CREATE TABLE t (id int PRIMARY KEY)")
    try connection.query("INSERT INTO t VALUES ($1)", ["1"])
    let duplicate = #expect(throws: PostgresError.self) { try connection.query("INSERT INTO t VALUES ($1)", ["1"]) }
    #expect(duplicate?.isUniqueViolation == true && duplicate?.isTransient == false)
    let syntax = #expect(throws: PostgresError.self) { try connection.query("SELEC 1") }
    #expect(syntax?.sqlState == "42601" && syntax?.isTransient == false)
    try connection.script("SET statement_timeout = 50")
    let slow = #expect(throws: PostgresError.self) { try connection.query("SELECT pg_sleep(60)") }
    #expect(slow?.isTransient == true && slow?.isConnectionLost == false)
  }

  @Test func aTransactionIsAllOrNothing() throws {
    try connection.script("CREATE TABLE t (id int PRIMARY KEY)")
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try connection.transaction {
        try connection.query("INSERT INTO t VALUES (1)")
        throw Stop()
      }
    }
    #expect(try count("t") == "0")
    let affected = try connection.transaction { try connection.query("INSERT INTO t SELECT generate_series(1, 5)").affected }
    #expect(affected == 5)
    #expect(try count("t") == "5")
  }

  @Test func aBatchIsOneRoundTripAndAllOrNothing() throws {
    try connection.script("CREATE TABLE t (id int PRIMARY KEY, v numeric)")
    let insert = "INSERT INTO t VALUES ($1, $2) ON CONFLICT DO NOTHING"
    let rows = (0..<5_000).map { PostgresStatement(insert, ["\($0)", "0.5"]) }
    #expect(try connection.batch(rows) == Array(repeating: 1, count: 5_000))
    #expect(
      try connection.batch([PostgresStatement(insert, ["1", "9"]), PostgresStatement("DELETE FROM t WHERE id < $1", ["10"])]) == [
        0, 10,
      ])
    let error = #expect(throws: PostgresError.self) {
      try connection.batch([
        PostgresStatement("DELETE FROM t"), PostgresStatement(insert, ["x", "1"]), PostgresStatement("DELETE FROM t"),
      ])
    }
    #expect(error?.sqlState == "22P02")
    #expect(try count("t") == "4990", "the connection works on and nothing was deleted")
  }

  @Test func copyLoadsEveryCharacter() throws {
    try connection.script("CREATE TABLE t (a text, b text)")
    let rows: [[String?]] = [["tab\tnew\nline\r", "back\\slash"], [nil, ""], ["\\N", "\u{1F426}"]]
    #expect(try connection.copy(into: "t", columns: ["a", "b"], rows: rows) == 3)
    #expect(try connection.query("SELECT a, b FROM t").rows == rows)
    let many = (0..<20_000).map { ["\($0)", "x"] as [String?] }
    #expect(try connection.copy(into: "t", columns: ["a", "b"], rows: many) == 20_000)
    #expect(throws: PostgresError.self) { try connection.copy(into: "t", columns: ["a"], rows: [["1", "2"]]) }
    #expect(try count("t") == "20003")
  }

  @Test func manyDifferentTextsDoNotFillTheServer() throws {
    for number in 0..<600 { #expect(try connection.query("SELECT \(number)").rows == [["\(number)"]]) }
    #expect(Int(try count("pg_prepared_statements") ?? "") ?? .max <= 256)
  }

  @Test func aLostConnectionSaysSo() throws {
    let identifier = try connection.query("SELECT pg_backend_pid()").rows[0][0]
    try Cluster.connect().query("SELECT pg_terminate_backend($1)", [identifier])
    let first = #expect(throws: PostgresError.self) { try connection.query("SELECT 1") }
    #expect(first?.isConnectionLost == true && first?.isTransient == true)
    let batch = #expect(throws: PostgresError.self) { try connection.batch([PostgresStatement("SELECT 1")]) }
    #expect(batch?.isConnectionLost == true)
  }

  @Test func nobodyThereIsALostConnection() throws {
    let port = try freePort()
    let error = #expect(throws: PostgresError.self) {
      _ = try PostgresConnection(Secret("postgresql://u:hidden@127.0.0.1:\(port)/x"), applicationName: "test")
    }
    #expect(error?.isConnectionLost == true)
    #expect(error?.description.contains("hidden") == false)
  }

  @Test(arguments: [
    "postgresql//u:hidden@127.0.0.1/x", "postgresql://u:hid%den@127.0.0.1/x", "postgresql://u:hidden/word@127.0.0.1/x",
    "host=127.0.0.1 password=not hidden", "hidden",
  ])
  func aMalformedAddressIsNeverQuoted(address: String) {
    let error = #expect(throws: PostgresError.self) { _ = try PostgresConnection(Secret(address), applicationName: "test") }
    #expect(error?.description.contains("hid") == false)
  }

  @Test func migrationsRunOnceInOrder() throws {
    let directory = try TemporaryDirectory()
    try directory.write("002_b.sql", "ALTER TABLE a ADD COLUMN n int; INSERT INTO a VALUES ('x', 1);")
    try directory.write("001_a.sql", "CREATE TABLE a (t text);")
    try directory.write("notes.txt", "no SQL")
    #expect(try Migrations.apply(directory: directory.path, to: connection) == ["001_a.sql", "002_b.sql"])
    #expect(try Migrations.apply(directory: directory.path, to: connection) == [])
    try directory.write("003_broken.sql", "INSERT INTO a VALUES ('y', 2); SELECT nonsense;")
    #expect(throws: PostgresError.self) { try Migrations.apply(directory: directory.path, to: connection) }
    #expect(try count("a") == "1", "a broken migration leaves nothing behind")
    try directory.write("003_broken.sql", "INSERT INTO a VALUES ('y', 2);")
    #expect(try Migrations.apply(directory: directory.path, to: connection) == ["003_broken.sql"])
    #expect(try count("a") == "2")
  }

  @Test func migrationsOfSeveralProcessesTakeTurns() throws {
    let directory = try TemporaryDirectory()
    for number in 1...5 { try directory.write("00\(number).sql", "CREATE TABLE m\(number) (t text); SELECT pg_sleep(0.01);") }
    let runs = BoundedQueue<Int>(capacity: 4)
    let (database, path) = (database, directory.path)
    let threads = try (0..<4).map { _ in
      try NamedThread("migration") {
        let applied = try? Migrations.apply(directory: path, to: Cluster.connect(database: database))
        runs.push(applied?.count ?? -1)
      }
    }
    for thread in threads { #expect(thread.join(timeoutMilliseconds: 60_000)) }
    #expect(runs.popAll().sorted() == [0, 0, 0, 5])
  }
}
