/// The texts of the projection's statements; constant, since each is prepared once per connection.
enum RowSQL {
  static let event = """
    INSERT INTO order_events (topic, partition, log_offset, kind, account, client_order_id, child, venue, venue_order_id, status,
      provenance, reason, time, time_ns, appended_at, record)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, apus_time($13), $13, apus_time($14), $15::jsonb)
    ON CONFLICT DO NOTHING
    """

  /// The first approval of an id counts; what an execution has said already stays.
  static let approvedOrder = """
    INSERT INTO orders AS o (account, client_order_id, status, venue, symbol, side, type, quantity, quote_quantity, price, limit_price,
      time_in_force, post_only, reduce_only, strategy, target_client_order_id, decided_at, decided_ns, updated_at, updated_ns,
      approved_offset)
    VALUES ($1, $2, 'received', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, apus_time($16), $16, apus_time($16), $16, $17)
    ON CONFLICT (account, client_order_id) DO UPDATE SET
      status = CASE WHEN o.execution_offset IS NULL THEN 'received' ELSE o.status END,
      venue = CASE WHEN o.execution_offset IS NULL THEN excluded.venue ELSE o.venue END,
      symbol = excluded.symbol, side = excluded.side, type = excluded.type, quantity = excluded.quantity,
      quote_quantity = excluded.quote_quantity, price = excluded.price,
      limit_price = coalesce(o.limit_price, excluded.limit_price), time_in_force = excluded.time_in_force,
      post_only = excluded.post_only, reduce_only = excluded.reduce_only, strategy = excluded.strategy,
      target_client_order_id = excluded.target_client_order_id, decided_at = excluded.decided_at, decided_ns = excluded.decided_ns,
      reject_code = NULL, reason = CASE WHEN o.execution_offset IS NULL THEN NULL ELSE o.reason END,
      updated_at = greatest(o.updated_at, excluded.updated_at), updated_ns = greatest(o.updated_ns, excluded.updated_ns),
      approved_offset = excluded.approved_offset
    WHERE o.approved_offset IS NULL
    """

  /// Only an order of which nothing else is known is a rejected one: a refusal may also answer a second use of an id.
  static let rejectedOrder = """
    INSERT INTO orders (account, client_order_id, status, venue, symbol, side, type, quantity, quote_quantity, price, time_in_force,
      post_only, reduce_only, strategy, target_client_order_id, reason, reject_code, decided_at, decided_ns, updated_at, updated_ns,
      rejected_offset)
    VALUES ($1, $2, 'rejected', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, apus_time($17), $17, apus_time($17), $17,
      $18)
    ON CONFLICT DO NOTHING
    """

  static let rejection = """
    INSERT INTO rejections (topic, partition, log_offset, account, client_order_id, action, code, reason, duplicate, figures,
      control_version, limits_version, source_topic, source_partition, source_offset, source_time, decided_at, decided_ns)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10::jsonb -> 'figures', '{}'), $11, $12, $13, $14, $15, apus_time($16),
      apus_time($17), $17)
    ON CONFLICT DO NOTHING
    """

  static let plannedChild = """
    INSERT INTO child_orders (account, client_order_id, child, venue, symbol, side, venue_client_id, status, quantity, price,
      updated_at, updated_ns, execution_offset)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'submitting', $8, $9, apus_time($10), $10, $11)
    ON CONFLICT DO NOTHING
    """

  static let plannedOrder = """
    UPDATE orders SET status = 'submitting', updated_at = apus_time($3), updated_ns = $3, execution_offset = $4
    WHERE account = $1 AND client_order_id = $2 AND execution_offset IS NULL
    """

  static let child = """
    INSERT INTO child_orders AS c (account, client_order_id, child, venue, symbol, side, venue_client_id, venue_order_id, status,
      quantity, price, filled_quantity, filled_quote, provenance, updated_at, updated_ns, execution_offset)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, apus_time($15), $15, $16)
    ON CONFLICT (account, client_order_id, child) DO UPDATE SET
      venue = excluded.venue, symbol = excluded.symbol, side = excluded.side,
      venue_client_id = coalesce(excluded.venue_client_id, c.venue_client_id),
      venue_order_id = coalesce(excluded.venue_order_id, c.venue_order_id),
      status = excluded.status, quantity = excluded.quantity, price = coalesce(excluded.price, c.price),
      filled_quantity = greatest(c.filled_quantity, excluded.filled_quantity),
      filled_quote = greatest(c.filled_quote, excluded.filled_quote), provenance = excluded.provenance,
      updated_at = excluded.updated_at, updated_ns = excluded.updated_ns, execution_offset = excluded.execution_offset
    WHERE c.execution_offset < excluded.execution_offset
    """

  /// Runs after `child`, whose rows hold what each venue says was filled.
  static let order = """
    INSERT INTO orders AS o (account, client_order_id, status, venue, symbol, side, quantity, limit_price, strategy, venue_order_id,
      filled_quantity, filled_quote, provenance, reason, updated_at, updated_ns, execution_offset)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, apus_time($15), $15, $16)
    ON CONFLICT (account, client_order_id) DO UPDATE SET
      status = excluded.status, venue = excluded.venue, symbol = excluded.symbol, side = excluded.side,
      quantity = coalesce(o.quantity, excluded.quantity), limit_price = coalesce(excluded.limit_price, o.limit_price),
      strategy = coalesce(o.strategy, excluded.strategy), venue_order_id = coalesce(excluded.venue_order_id, o.venue_order_id),
      filled_quantity = (SELECT coalesce(sum(filled_quantity), 0) FROM child_orders WHERE account = $1 AND client_order_id = $2),
      filled_quote = (SELECT coalesce(sum(filled_quote), 0) FROM child_orders WHERE account = $1 AND client_order_id = $2),
      provenance = excluded.provenance, reason = excluded.reason, reject_code = NULL,
      updated_at = excluded.updated_at, updated_ns = excluded.updated_ns, execution_offset = excluded.execution_offset
    WHERE o.execution_offset IS NULL OR o.execution_offset < excluded.execution_offset
    """

  static let fill = """
    INSERT INTO fills (venue, account, symbol, venue_order_id, trade_id, client_order_id, child, side, price, quantity, quote, fee,
      fee_asset, fee_price, liquidity, provenance, strategy, time, time_ns, partition, log_offset)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, apus_time($18), $18, $19, $20)
    ON CONFLICT DO NOTHING
    """

  static let enterInput = """
    INSERT INTO input_offsets (topic, partition, next_offset, epoch) VALUES ($1, $2, 0, -1) ON CONFLICT DO NOTHING
    """

  static let readInput = "SELECT next_offset, epoch FROM input_offsets WHERE topic = $1 AND partition = $2"

  /// Touches no row when somebody else has moved the input on in the meantime: the transaction is then abandoned.
  static let advanceInput = """
    UPDATE input_offsets SET next_offset = $4, epoch = $5, updated_at = now()
    WHERE topic = $1 AND partition = $2 AND next_offset = $3
    """
}
