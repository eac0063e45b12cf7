import Domain
import Postgres
import Runtime

/// `apus trades --csv`: every fill of an account, oldest first, from PostgreSQL.
func tradesCommand(_ arguments: CommandArguments) throws -> ExitCode {
  guard arguments.has("csv") else { throw CommandFailure(.usage, "apus trades --csv [--account A]") }
  let url = Secret(setting("DATABASE_URL", default: "postgresql://apus@127.0.0.1:5432/apus"))
  let result: PostgresResult
  do {
    let connection = try PostgresConnection(url, applicationName: "apus-cli")
    result = try connection.query(
      """
      SELECT time, account, venue, symbol, side, quantity, price, fee, fee_asset, liquidity, client_order_id, venue_order_id, trade_id
      FROM fills WHERE account = $1 ORDER BY time, venue, symbol, trade_id
      """, [try arguments.account().text])
  } catch let error as PostgresError {
    throw CommandFailure(.unreachable, error.reason)
  }
  print(result.columns.joined(separator: ","))
  for row in result.rows { print(row.map { csvField($0 ?? "") }.joined(separator: ",")) }
  return .done
}

/// Quoted when it must be (RFC 4180).
private func csvField(_ text: String) -> String {
  guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
  return "\"\(text.replacing("\"", with: "\"\""))\""
}
