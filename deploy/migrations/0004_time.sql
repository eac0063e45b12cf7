-- The same function from another whose volatility lets PostgreSQL put its body in place of the call: a tenth of the time.
-- Microseconds since 1970 are exact in a double until the year 2255.
CREATE OR REPLACE FUNCTION apus_time(nanoseconds bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp((nanoseconds / 1000) / 1000000.0::double precision);
