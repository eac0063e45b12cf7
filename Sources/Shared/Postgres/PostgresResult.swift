import CPostgres

/// The outcome of one statement.
public struct PostgresResult: Sendable, Equatable {
  /// Column names in order; empty for statements that give no rows.
  public let columns: [String]
  /// Rows of text values in column order; nil is NULL.
  public let rows: [[String?]]
  /// Rows inserted, updated, deleted or selected.
  public let affected: Int

  /// The value of a column in a row; nil for NULL. The column must be there.
  public func value(_ row: Int, _ column: String) -> String? {
    guard let index = columns.firstIndex(of: column) else { preconditionFailure("the result has no column \(column)") }
    return rows[row][index]
  }

  init(_ result: OpaquePointer?) {
    let columnCount = PQnfields(result)
    columns = (0..<columnCount).map { String(cString: PQfname(result, $0)) }
    rows = (0..<PQntuples(result)).map { row in
      (0..<columnCount).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
    affected = Int(String(cString: PQcmdTuples(result))) ?? 0
  }
}
