/// The texts of the projection's statements; constant, since each is prepared once per connection. Those that write rows take any number
/// of them: `rows(a, b, …)` is a table, `r`, whose columns are the parameters in that order, each with one text for every row.
enum RowSQL {
  static let events = ofRows(
    """
    INSERT INTO order_events (topic, partition, log_offset, kind, account, client_order_id, child, venue, venue_order_id, status,
      provenance, reason, time, time_ns, appended_at, record)
    SELECT topic, partition::integer, log_offset::bigint, kind, account, client_order_id, child::bigint, venue, venue_order_id, status,
      provenance, reason, apus_time(time::bigint), time::bigint, apus_time(appended::bigint), record::jsonb
    FROM rows(topic, partition, log_offset, kind, account, client_order_id, child, venue, venue_order_id, status, provenance, reason,
      time, appended, record)
    ON CONFLICT DO NOTHING
    """)

  static let rejections = ofRows(
    """
    INSERT INTO rejections (topic, partition, log_offset, account, client_order_id, action, code, reason, duplicate, figures,
      control_version, limits_version, source_topic, source_partition, source_offset, source_time, decided_at, decided_ns)
    SELECT topic, partition::integer, log_offset::bigint, account, client_order_id, action, code::integer, reason, duplicate::boolean,
      coalesce(record::jsonb -> 'figures', '{}'), control_version::bigint, limits_version::bigint, source_topic,
      source_partition::integer, source_offset::bigint, apus_time(source_time::bigint), apus_time(decided::bigint), decided::bigint
    FROM rows(topic, partition, log_offset, account, client_order_id, action, code, reason, duplicate, record, control_version,
      limits_version, source_topic, source_partition, source_offset, source_time, decided)
    ON CONFLICT DO NOTHING
    """)

  /// Only an order of which nothing else is known is a rejected one: a refusal may also answer a second use of an id.
  static let refusedOrders = ofRows(
    """
    INSERT INTO orders (account, client_order_id, status, venue, symbol, side, type, quantity, quote_quantity, price, time_in_force,
      post_only, reduce_only, strategy, target_client_order_id, reason, reject_code, decided_at, decided_ns, updated_at, updated_ns,
      rejected_offset)
    SELECT account, client_order_id, 'rejected', venue, symbol, side, type, quantity::numeric, quote_quantity::numeric, price::numeric,
      time_in_force, post_only::boolean, reduce_only::boolean, strategy, target, reason, code::integer, apus_time(decided::bigint),
      decided::bigint, apus_time(decided::bigint), decided::bigint, log_offset::bigint
    FROM rows(account, client_order_id, venue, symbol, side, type, quantity, quote_quantity, price, time_in_force, post_only,
      reduce_only, strategy, target, reason, code, decided, log_offset)
    ON CONFLICT DO NOTHING
    """)

  /// The first approval of an id counts; what an execution has said already stays.
  static let approvedOrders = ofRows(
    """
    INSERT INTO orders AS o (account, client_order_id, status, venue, symbol, side, type, quantity, quote_quantity, price, limit_price,
      time_in_force, post_only, reduce_only, strategy, target_client_order_id, decided_at, decided_ns, updated_at, updated_ns,
      approved_offset)
    SELECT account, client_order_id, 'received', venue, symbol, side, type, quantity::numeric, quote_quantity::numeric, price::numeric,
      limit_price::numeric, time_in_force, post_only::boolean, reduce_only::boolean, strategy, target, apus_time(decided::bigint),
      decided::bigint, apus_time(decided::bigint), decided::bigint, log_offset::bigint
    FROM rows(account, client_order_id, venue, symbol, side, type, quantity, quote_quantity, price, limit_price, time_in_force,
      post_only, reduce_only, strategy, target, decided, log_offset)
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
    """)

  static let plannedChildren = ofRows(
    """
    INSERT INTO child_orders (account, client_order_id, child, venue, symbol, side, venue_client_id, status, quantity, price,
      updated_at, updated_ns, execution_offset)
    SELECT account, client_order_id, child::bigint, venue, symbol, side, venue_client_id, 'submitting', quantity::numeric,
      price::numeric, apus_time(time::bigint), time::bigint, log_offset::bigint
    FROM rows(account, client_order_id, child, venue, symbol, side, venue_client_id, quantity, price, time, log_offset)
    ON CONFLICT DO NOTHING
    """)

  /// One at a time: they are few, and a join with many lets the planner read the whole table.
  static let plannedOrder = """
    UPDATE orders SET status = 'submitting', updated_at = apus_time($3), updated_ns = $3, execution_offset = $4
    WHERE account = $1 AND client_order_id = $2 AND execution_offset IS NULL
    """

  static let children = ofRows(
    """
    INSERT INTO child_orders AS c (account, client_order_id, child, venue, symbol, side, venue_client_id, venue_order_id, status,
      quantity, price, filled_quantity, filled_quote, provenance, updated_at, updated_ns, execution_offset)
    SELECT account, client_order_id, child::bigint, venue, symbol, side, venue_client_id, venue_order_id, status, quantity::numeric,
      price::numeric, filled_quantity::numeric, filled_quote::numeric, provenance, apus_time(time::bigint), time::bigint,
      log_offset::bigint
    FROM rows(account, client_order_id, child, venue, symbol, side, venue_client_id, venue_order_id, status, quantity, price,
      filled_quantity, filled_quote, provenance, time, log_offset)
    ON CONFLICT (account, client_order_id, child) DO UPDATE SET
      venue = excluded.venue, symbol = excluded.symbol, side = excluded.side,
      venue_client_id = coalesce(excluded.venue_client_id, c.venue_client_id),
      venue_order_id = coalesce(excluded.venue_order_id, c.venue_order_id),
      status = excluded.status, quantity = excluded.quantity, price = coalesce(excluded.price, c.price),
      filled_quantity = greatest(c.filled_quantity, excluded.filled_quantity),
      filled_quote = greatest(c.filled_quote, excluded.filled_quote), provenance = excluded.provenance,
      updated_at = excluded.updated_at, updated_ns = excluded.updated_ns, execution_offset = excluded.execution_offset
    WHERE c.execution_offset < excluded.execution_offset
    """)

  /// Runs after `children`: what was filled is what the venues say of each.
  static let orders = ofRows(
    """
    INSERT INTO orders AS o (account, client_order_id, status, venue, symbol, side, quantity, limit_price, strategy, venue_order_id,
      filled_quantity, filled_quote, provenance, reason, updated_at, updated_ns, execution_offset)
    SELECT r.account, r.client_order_id, status, venue, symbol, side, quantity::numeric, limit_price::numeric, strategy, venue_order_id,
      filled.base, filled.quote, provenance, reason, apus_time(time::bigint), time::bigint, log_offset::bigint
    FROM rows(account, client_order_id, status, venue, symbol, side, quantity, limit_price, strategy, venue_order_id, provenance,
      reason, time, log_offset)
    CROSS JOIN LATERAL (
      SELECT sum(c.filled_quantity) AS base, sum(c.filled_quote) AS quote FROM child_orders c
      WHERE c.account = r.account AND c.client_order_id = r.client_order_id) AS filled
    ON CONFLICT (account, client_order_id) DO UPDATE SET
      status = excluded.status, venue = excluded.venue, symbol = excluded.symbol, side = excluded.side,
      quantity = coalesce(o.quantity, excluded.quantity), limit_price = coalesce(excluded.limit_price, o.limit_price),
      strategy = coalesce(o.strategy, excluded.strategy), venue_order_id = coalesce(excluded.venue_order_id, o.venue_order_id),
      filled_quantity = excluded.filled_quantity, filled_quote = excluded.filled_quote,
      provenance = excluded.provenance, reason = excluded.reason, reject_code = NULL,
      updated_at = excluded.updated_at, updated_ns = excluded.updated_ns, execution_offset = excluded.execution_offset
    WHERE o.execution_offset IS NULL OR o.execution_offset < excluded.execution_offset
    """)

  static let fills = ofRows(
    """
    INSERT INTO fills (venue, account, symbol, venue_order_id, trade_id, client_order_id, child, side, price, quantity, quote, fee,
      fee_asset, fee_price, liquidity, provenance, strategy, time, time_ns, partition, log_offset)
    SELECT venue, account, symbol, venue_order_id, trade_id, client_order_id, child::bigint, side, price::numeric, quantity::numeric,
      quote::numeric, fee::numeric, fee_asset, fee_price::numeric, liquidity, provenance, strategy, apus_time(time::bigint),
      time::bigint, partition::integer, log_offset::bigint
    FROM rows(venue, account, symbol, venue_order_id, trade_id, client_order_id, child, side, price, quantity, quote, fee, fee_asset,
      fee_price, liquidity, provenance, strategy, time, partition, log_offset)
    ON CONFLICT DO NOTHING
    """)

  static let enterInput = """
    INSERT INTO input_offsets (topic, partition, next_offset, epoch) VALUES ($1, $2, 0, -1) ON CONFLICT DO NOTHING
    """

  static let readInput = "SELECT next_offset, epoch FROM input_offsets WHERE topic = $1 AND partition = $2"

  /// Touches no row when somebody else has moved the input on in the meantime: the transaction is then abandoned.
  static let advanceInput = """
    UPDATE input_offsets SET next_offset = $4, epoch = $5, updated_at = now()
    WHERE topic = $1 AND partition = $2 AND next_offset = $3
    """

  /// Spells out `rows(a, b, …)`.
  private static func ofRows(_ text: String) -> String {
    guard let opening = text.firstRange(of: " rows("), let end = text[opening.upperBound...].firstIndex(of: ")") else {
      preconditionFailure("no rows in \(text)")
    }
    let columns = text[opening.upperBound..<end]
    let parameters = columns.split(separator: ",").indices.map { "$\($0 + 1)::text[]" }
    let table = " unnest(\(parameters.joined(separator: ", "))) AS r(\(columns))"
    return text[..<opening.lowerBound] + table + text[end...].dropFirst()
  }
}
