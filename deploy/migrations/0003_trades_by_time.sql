-- Venues whose trade ids do not count: a cursor stands at a trade's id where they do, else at its time in nanoseconds.

ALTER TABLE trade_cursors RENAME COLUMN settled_trade_id TO settled;
ALTER TABLE trade_cursors RENAME COLUMN counted_trade_id TO counted;
-- The id of the newest trade that was dealt with.
ALTER TABLE trade_cursors ADD COLUMN newest text;
UPDATE trade_cursors SET newest = greatest(settled, counted)::text WHERE greatest(settled, counted) > 0;
