-- The projection of the log: orders, what happened to them, and how far each input has been read.
-- Money is numeric; an instant is timestamptz for people and nanoseconds since 1970 (…_ns) where order matters.

CREATE FUNCTION apus_time(nanoseconds bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN timestamptz '1970-01-01 00:00:00+00' + (nanoseconds / 1000) * interval '1 microsecond';

-- One row per input partition, changed in the transaction that stores what was read: that makes the projection exactly once.
CREATE TABLE input_offsets (
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  -- The newest owner's epoch: records of an older one do not count.
  epoch bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition)
);

CREATE TABLE orders (
  account text NOT NULL,
  client_order_id text NOT NULL,
  status text NOT NULL CHECK (status IN (
    'received', 'submitting', 'unknown', 'open', 'partially_filled', 'pending_cancel', 'pending_replace', 'filled', 'cancelled',
    'expired', 'rejected', 'halted')),
  venue text,
  symbol text,
  side text,
  type text,
  quantity numeric,
  quote_quantity numeric,
  price numeric,
  limit_price numeric,
  time_in_force text,
  post_only boolean NOT NULL DEFAULT false,
  reduce_only boolean NOT NULL DEFAULT false,
  strategy text,
  target_client_order_id text,
  venue_order_id text,
  filled_quantity numeric NOT NULL DEFAULT 0,
  filled_quote numeric NOT NULL DEFAULT 0,
  average_price numeric GENERATED ALWAYS AS (round(filled_quote / nullif(filled_quantity, 0), 10)) STORED,
  provenance text,
  reason text,
  reject_code integer,
  decided_at timestamptz,
  decided_ns bigint,
  updated_at timestamptz NOT NULL,
  updated_ns bigint NOT NULL,
  -- Offsets of the approval, the refusal and the newest execution, all in the account's partition.
  approved_offset bigint,
  rejected_offset bigint,
  execution_offset bigint,
  PRIMARY KEY (account, client_order_id)
);
CREATE INDEX orders_live ON orders (account, status)
  WHERE status NOT IN ('filled', 'cancelled', 'expired', 'rejected', 'halted');

-- Every record that named an order, as it was written.
CREATE TABLE order_events (
  topic text NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  kind text NOT NULL,
  account text NOT NULL,
  client_order_id text NOT NULL,
  child bigint,
  venue text,
  venue_order_id text,
  status text,
  provenance text,
  reason text,
  time timestamptz NOT NULL,
  time_ns bigint NOT NULL,
  appended_at timestamptz NOT NULL,
  record jsonb NOT NULL,
  PRIMARY KEY (topic, partition, log_offset)
);
CREATE INDEX order_events_by_order ON order_events (account, client_order_id);
CREATE INDEX order_events_by_time ON order_events (time);

CREATE TABLE fills (
  venue text NOT NULL,
  account text NOT NULL,
  symbol text NOT NULL,
  venue_order_id text NOT NULL,
  trade_id text NOT NULL,
  client_order_id text NOT NULL,
  child bigint NOT NULL,
  side text NOT NULL,
  price numeric NOT NULL,
  quantity numeric NOT NULL,
  quote numeric NOT NULL,
  fee numeric NOT NULL,
  fee_asset text NOT NULL,
  fee_price numeric,
  liquidity text,
  provenance text NOT NULL,
  strategy text,
  time timestamptz NOT NULL,
  time_ns bigint NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  PRIMARY KEY (venue, account, symbol, venue_order_id, trade_id)
);
CREATE INDEX fills_by_order ON fills (account, client_order_id);
CREATE INDEX fills_by_trade ON fills (trade_id);
CREATE INDEX fills_by_time ON fills (time);

-- One row per record on orders.rejected; `source_…` is where the client put the order.
CREATE TABLE rejections (
  topic text NOT NULL,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  account text NOT NULL,
  client_order_id text NOT NULL,
  action text,
  code integer NOT NULL,
  reason text NOT NULL,
  duplicate boolean NOT NULL,
  figures jsonb NOT NULL,
  control_version bigint NOT NULL,
  limits_version bigint NOT NULL,
  source_topic text NOT NULL,
  source_partition integer NOT NULL,
  source_offset bigint NOT NULL,
  source_time timestamptz NOT NULL,
  decided_at timestamptz NOT NULL,
  decided_ns bigint NOT NULL,
  PRIMARY KEY (topic, partition, log_offset)
);
CREATE INDEX rejections_by_order ON rejections (account, client_order_id);
CREATE INDEX rejections_by_source ON rejections (source_topic, source_partition, source_offset);

-- What was, or is to be, sent to venues: one row per order and child.
CREATE TABLE child_orders (
  account text NOT NULL,
  client_order_id text NOT NULL,
  child bigint NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  side text,
  venue_client_id text,
  venue_order_id text,
  status text NOT NULL,
  quantity numeric NOT NULL,
  price numeric,
  filled_quantity numeric NOT NULL DEFAULT 0,
  filled_quote numeric NOT NULL DEFAULT 0,
  provenance text,
  updated_at timestamptz NOT NULL,
  updated_ns bigint NOT NULL,
  execution_offset bigint NOT NULL,
  PRIMARY KEY (account, client_order_id, child)
);
-- No other full index begins with the account: on a young table the planner would take it in place of the primary key and read them all.
CREATE INDEX child_orders_by_client_id ON child_orders (venue_client_id);
CREATE INDEX child_orders_by_venue_id ON child_orders (venue_order_id);
CREATE INDEX child_orders_live ON child_orders (account, venue)
  WHERE status NOT IN ('received', 'filled', 'cancelled', 'expired', 'rejected', 'halted');
