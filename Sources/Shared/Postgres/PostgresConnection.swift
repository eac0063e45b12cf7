import CPostgres
import Runtime

/// A blocking connection to PostgreSQL, for one thread. It never reconnects by itself: after an error with `isConnectionLost` the caller
/// makes a new one.
public final class PostgresConnection {
  let connection: OpaquePointer?
  /// Names of the prepared statements by their text.
  private var prepared: [String: String] = [:]
  private static let maximumPrepared = 256

  /// Connects to `postgresql://user:password@host:port/database`. A statement that takes longer than its time-out is cancelled by the
  /// server; a peer that vanished is noticed within about ten seconds.
  public init(
    _ url: Secret, applicationName: String, connectTimeoutSeconds: Int = 5, statementTimeoutMilliseconds: Int = 30_000
  ) throws(PostgresError) {
    guard Self.isReadable(url) else {
      // The library's words would quote it, password and all.
      throw PostgresError(sqlState: "08001", reason: "the address is not postgresql://user:password@host:port/database")
    }
    let options = [
      ("dbname", url.reveal()), ("fallback_application_name", applicationName),
      ("connect_timeout", String(connectTimeoutSeconds)), ("tcp_user_timeout", "10000"), ("keepalives_idle", "10"),
      ("client_encoding", "UTF8"),
    ]
    let keys = ParameterBuffer(options.map { .text($0.0) } + [.text(nil)])
    let values = ParameterBuffer(options.map { .text($0.1) } + [.text(nil)])
    connection = keys.withPointers { keys, _, _ in values.withPointers { values, _, _ in PQconnectdbParams(keys, values, 1) } }
    guard PQstatus(connection) == CONNECTION_OK else { throw lastError() }
    // Notices are not errors; anything worth knowing comes back as one.
    PQsetNoticeProcessor(connection, { _, _ in }, nil)
    try script("SET statement_timeout = \(statementTimeoutMilliseconds); SET timezone = 'UTC'")
  }

  deinit { PQfinish(connection) }

  private static func isReadable(_ url: Secret) -> Bool {
    guard ["postgresql://", "postgres://"].contains(where: url.reveal().hasPrefix) else { return false }
    guard let options = PQconninfoParse(url.reveal(), nil) else { return false }
    defer { PQconninfoFree(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      // A slash in a password that is not escaped makes its beginning the port.
      if String(cString: keyword) == "port", let value = option.pointee.val, Int(String(cString: value)) == nil { return false }
      option += 1
    }
    return true
  }

  /// Runs one statement, prepared once per connection and text.
  @discardableResult
  public func query(_ sql: String, _ parameters: [String?] = []) throws(PostgresError) -> PostgresResult {
    let statement = PostgresStatement(sql, parameters)
    try refuseNUL(statement)
    let name = try prepare(sql)
    let result = ParameterBuffer(statement.parameters).withPointers { values, lengths, formats in
      PQexecPrepared(connection, name, Int32(parameters.count), values, lengths, formats, 0)
    }
    return try take(result)
  }

  /// Runs a text of one or more statements without parameters, such as a migration; results are dropped.
  public func script(_ sql: String) throws(PostgresError) {
    guard !sql.utf8.contains(0) else { throw PostgresConnection.nulByte }
    _ = try take(PQexec(connection, sql))
  }

  /// Runs `body` between BEGIN and COMMIT; an error thrown by it rolls back and is passed on.
  public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try script("BEGIN")
    let result: Result
    do {
      result = try body()
    } catch {
      // A connection that died has rolled back by itself; the first error is the one to report.
      try? script("ROLLBACK")
      throw error
    }
    try script("COMMIT")
    return result
  }

  /// Runs many statements in one round trip, all or nothing (outside a transaction they are one by themselves). Gives the number of rows
  /// that each one touched.
  @discardableResult
  public func batch(_ statements: [PostgresStatement]) throws(PostgresError) -> [Int] {
    guard !statements.isEmpty else { return [] }
    var names: [String] = []
    for statement in statements {
      try refuseNUL(statement)
      names.append(try prepare(statement.sql))
    }
    guard PQenterPipelineMode(connection) == 1 else { throw lastError() }
    defer { PQexitPipelineMode(connection) }
    for (statement, name) in zip(statements, names) {
      let sent = ParameterBuffer(statement.parameters).withPointers { values, lengths, formats in
        PQsendQueryPrepared(connection, name, Int32(statement.parameters.count), values, lengths, formats, 0)
      }
      guard sent == 1 else { throw lastError() }
    }
    guard PQpipelineSync(connection) == 1 else { throw lastError() }
    return try pipelineResults(count: statements.count)
  }

  /// Loads rows with COPY, the fastest way in; gives their number. All or nothing.
  @discardableResult
  public func copy(
    into table: String, columns: [String], rows: some Sequence<[String?]>
  ) throws(PostgresError) -> Int {
    let names = columns.map { "\"\($0)\"" }.joined(separator: ", ")
    let start = PQexec(connection, "COPY \(table) (\(names)) FROM STDIN")
    guard PQresultStatus(start) == PGRES_COPY_IN else { return try take(start).affected }
    PQclear(start)
    var text = CopyText()
    for row in rows {
      text.append(row)
      if text.bytes.count > 64 << 10 { try put(&text) }
    }
    try put(&text)
    guard PQputCopyEnd(connection, nil) == 1 else { throw lastError() }
    let result = try take(PQgetResult(connection))
    while let extra = PQgetResult(connection) { PQclear(extra) }
    return result.affected
  }

  private func put(_ text: inout CopyText) throws(PostgresError) {
    let code = text.bytes.withUnsafeBytes {
      PQputCopyData(connection, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count))
    }
    guard code == 1 else { throw lastError() }
    text.removeAll()
  }

  private func prepare(_ sql: String) throws(PostgresError) -> String {
    if let name = prepared[sql] { return name }
    guard !sql.utf8.contains(0) else { throw PostgresConnection.nulByte }
    if prepared.count >= PostgresConnection.maximumPrepared {
      // Texts made on the fly: start over rather than fill the server's memory.
      try script("DEALLOCATE ALL")
      prepared = [:]
    }
    let name = "apus_\(prepared.count)"
    _ = try take(PQprepare(connection, name, sql, 0, nil))
    prepared[sql] = name
    return name
  }

  /// One result for each statement, each followed by a null, then the sync. After an error the rest is skipped by the server.
  private func pipelineResults(count: Int) throws(PostgresError) -> [Int] {
    var affected: [Int] = []
    var failure: PostgresError?
    var nulls = 0
    while true {
      guard let result = PQgetResult(connection) else {
        // One null after each statement; more than that means a dead connection.
        nulls += 1
        if nulls > count + 1 || PQstatus(connection) != CONNECTION_OK { throw failure ?? lastError() }
        continue
      }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_PIPELINE_SYNC:
        if let failure { throw failure }
        return affected
      case PGRES_COMMAND_OK, PGRES_TUPLES_OK: affected.append(PostgresResult(result).affected)
      case PGRES_PIPELINE_ABORTED: break
      default: failure = failure ?? error(of: result)
      }
    }
  }

  private func take(_ result: OpaquePointer?) throws(PostgresError) -> PostgresResult {
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return PostgresResult(result)
    default: throw error(of: result)
    }
  }

  private func error(of result: OpaquePointer?) -> PostgresError {
    guard let result, let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else { return lastError() }
    let words = PQresultErrorField(result, Int32(UInt8(ascii: "M")))
    return PostgresError(sqlState: String(cString: state), reason: PostgresConnection.trimmed(words))
  }

  /// An error without a result: the connection is in trouble.
  private func lastError() -> PostgresError {
    PostgresError(sqlState: "08006", reason: PostgresConnection.trimmed(PQerrorMessage(connection)))
  }

  private func refuseNUL(_ statement: PostgresStatement) throws(PostgresError) {
    for parameter in statement.parameters {
      for case let text? in parameter.texts where text.utf8.contains(0) { throw PostgresConnection.nulByte }
    }
  }

  /// PostgreSQL's text cannot hold it, and a C string would be cut there in silence.
  private static let nulByte = PostgresError(sqlState: "22021", reason: "text contains a NUL byte")

  private static func trimmed(_ text: UnsafePointer<CChar>?) -> String {
    guard let text else { return "no message" }
    return String(cString: text).split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
