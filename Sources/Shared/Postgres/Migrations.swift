import Runtime

/// Brings a database to the newest schema: every `*.sql` file of a directory, in lexical order, once.
public enum Migrations {
  /// Any number that no other program takes; several services may start at once.
  private static let lockKey = "4705170101"

  /// Runs what is not recorded in `schema_migrations` yet, each file in a transaction of its own with its record, under an advisory lock.
  /// Gives the names that were run. Files must not begin or end transactions themselves.
  @discardableResult
  public static func apply(directory: String, to connection: PostgresConnection) throws -> [String] {
    let names = try listDirectory(directory).filter { $0.hasSuffix(".sql") }
    try connection.query("SELECT pg_advisory_lock($1)", [lockKey])
    defer {
      // A lost connection has released it already.
      _ = try? connection.query("SELECT pg_advisory_unlock($1)", [lockKey])
    }
    try connection.script(
      """
      CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
      )
      """)
    let applied = Set(try connection.query("SELECT name FROM schema_migrations").rows.compactMap { $0[0] })
    let missing = names.filter { !applied.contains($0) }
    for name in missing {
      let sql = String(decoding: try readFile("\(directory)/\(name)", limitBytes: 4 << 20), as: UTF8.self)
      try connection.transaction {
        try connection.script(sql)
        try connection.query("INSERT INTO schema_migrations (name) VALUES ($1)", [name])
      }
    }
    return missing
  }
}
