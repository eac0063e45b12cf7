-- What the venues say, and where it differs from the log.

-- What an account holds at a venue, as the venue last said; `expected` is what it held before, moved by the trades since.
CREATE TABLE balances (
  account text NOT NULL,
  venue text NOT NULL,
  asset text NOT NULL,
  free numeric NOT NULL,
  locked numeric NOT NULL,
  total numeric GENERATED ALWAYS AS (free + locked) STORED,
  expected numeric,
  time timestamptz NOT NULL,
  time_ns bigint NOT NULL,
  PRIMARY KEY (account, venue, asset)
);

-- Per symbol: every trade up to `settled_trade_id` is in `fills` or foreign; `expected` includes those up to `counted_trade_id`.
CREATE TABLE trade_cursors (
  account text NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  settled_trade_id bigint NOT NULL,
  counted_trade_id bigint NOT NULL,
  PRIMARY KEY (account, venue, symbol)
);

-- One row per round of questions.
CREATE TABLE reconciliations (
  account text NOT NULL,
  venue text NOT NULL,
  started_at timestamptz NOT NULL,
  started_ns bigint NOT NULL,
  finished_at timestamptz NOT NULL,
  outcome text NOT NULL,
  open_orders integer NOT NULL DEFAULT 0,
  trades integer NOT NULL DEFAULT 0,
  differences integer NOT NULL DEFAULT 0,
  reason text,
  PRIMARY KEY (account, venue, started_at, started_ns)
);

CREATE TABLE discrepancies (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account text NOT NULL,
  venue text NOT NULL,
  -- order_missing_at_venue, order_unknown_to_us, fill_missing, status_mismatch, balance_mismatch, account_cannot_trade,
  -- venue_wiped
  code text NOT NULL,
  -- The order's id at the venue, the symbol and trade, or the asset.
  subject text NOT NULL,
  client_order_id text,
  ours text,
  venues text,
  detected_at timestamptz NOT NULL,
  detected_ns bigint NOT NULL,
  resolved_at timestamptz,
  resolution text
);
CREATE UNIQUE INDEX discrepancies_open ON discrepancies (account, venue, code, subject) WHERE resolved_at IS NULL;
CREATE INDEX discrepancies_by_time ON discrepancies (detected_at);

-- The one table that grows with time alone is partitioned by it where TimescaleDB is at hand. The others are unique by log position or
-- trade, which a hypertable cannot promise.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
    PERFORM create_hypertable('reconciliations', 'started_at', if_not_exists => true);
  END IF;
END
$$;
