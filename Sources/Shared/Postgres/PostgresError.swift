/// An error of PostgreSQL or of the way to it.
public struct PostgresError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The five characters of the SQL standard; `08006` when there is no server to say one.
  public let sqlState: String
  /// The server's or the library's words, without a line end.
  public let reason: String

  /// Takes the state and the words.
  public init(sqlState: String, reason: String) {
    self.sqlState = sqlState
    self.reason = reason
  }

  /// `23505: duplicate key value violates unique constraint …`.
  public var description: String { "\(sqlState): \(reason)" }

  /// The connection is gone (class 08, or the server is ending it): make a new one.
  public var isConnectionLost: Bool { sqlState.hasPrefix("08") || sqlState.hasPrefix("57P") }

  /// The same statement may succeed later: a lost connection, a conflict of transactions (class 40), exhausted resources (53), a lock
  /// not granted (55P03), a time-out or cancellation (57). Everything else is permanent: repeating it is pointless.
  public var isTransient: Bool {
    isConnectionLost || ["40", "53", "57"].contains(String(sqlState.prefix(2))) || sqlState == "55P03"
  }

  /// A row with this key is there already.
  public var isUniqueViolation: Bool { sqlState == "23505" }
}
