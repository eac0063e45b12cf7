/// The texts of reconciliation's statements.
enum ReconciliationSQL {
  static let cursors = "SELECT symbol, settled, counted, newest FROM trade_cursors WHERE account = $1 AND venue = $2"

  static let expected = "SELECT asset, expected FROM balances WHERE account = $1 AND venue = $2 AND expected IS NOT NULL"

  static let openDiscrepancies = """
    SELECT code, subject, detected_ns FROM discrepancies WHERE account = $1 AND venue = $2 AND resolved_at IS NULL
    """

  static let firstDecision = "SELECT min(decided_ns) FROM orders WHERE account = $1"

  /// The live ones, as the index `child_orders_live` has them, and those named by either id.
  static let orders = """
    SELECT c.venue_client_id, c.venue_order_id, c.client_order_id, c.symbol, c.status, trim_scale(c.filled_quantity), c.updated_ns,
      coalesce(o.decided_ns, 0)
    FROM child_orders AS c LEFT JOIN orders AS o ON o.account = c.account AND o.client_order_id = c.client_order_id
    WHERE c.account = $1 AND c.venue = $2 AND c.venue_client_id IS NOT NULL AND (
      c.status NOT IN ('received', 'filled', 'cancelled', 'expired', 'rejected', 'halted')
      OR c.venue_client_id = ANY ($3::text[]) OR c.venue_order_id = ANY ($4::text[]))
    """

  static let knownTrades = """
    SELECT trade_id FROM fills WHERE account = $1 AND venue = $2 AND symbol = $3 AND trade_id = ANY ($4::text[])
    """

  static let keepBalance = """
    INSERT INTO balances (account, venue, asset, free, locked, expected, time, time_ns)
    VALUES ($1, $2, $3, $4, $5, $6, apus_time($7), $7)
    ON CONFLICT (account, venue, asset) DO UPDATE SET
      free = excluded.free, locked = excluded.locked, expected = excluded.expected, time = excluded.time, time_ns = excluded.time_ns
    """

  static let keepCursor = """
    INSERT INTO trade_cursors (account, venue, symbol, settled, counted, newest) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (account, venue, symbol) DO UPDATE SET
      settled = excluded.settled, counted = excluded.counted, newest = excluded.newest
    """

  static let open = """
    INSERT INTO discrepancies (account, venue, code, subject, client_order_id, ours, venues, detected_at, detected_ns)
    VALUES ($1, $2, $3, $4, $5, $6, $7, apus_time($8), $8)
    ON CONFLICT DO NOTHING
    """

  static let resolve = """
    UPDATE discrepancies SET resolved_at = apus_time($5), resolution = $6
    WHERE account = $1 AND venue = $2 AND code = $3 AND subject = $4 AND resolved_at IS NULL
    """

  static let round = """
    INSERT INTO reconciliations (account, venue, started_at, started_ns, finished_at, outcome, open_orders, trades, differences, reason)
    VALUES ($1, $2, apus_time($3), $3, apus_time($4), $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING
    """

  static let forgetRounds = "DELETE FROM reconciliations WHERE started_at < now() - interval '30 days'"
}
