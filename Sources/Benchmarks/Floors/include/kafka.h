// Bare librdkafka: what a hop over the log costs before anyone adds to it. Settings are those of the project's own clients. Every function
// that can fail gives null, or a sentence that stays readable until the thread's next call.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Nanoseconds of the monotonic clock.
int64_t floor_now(void);

/// Returns at that instant of the monotonic clock: sleeps, and spins the last 150 µs, since a sleeper wakes late.
void floor_wait_until(int64_t due);

/// Records to send at a fixed rate, whatever becomes of those before: prefix, the instant at which the record was due (nanoseconds of the
/// monotonic clock), suffix.
typedef struct {
  const char *bootstrap;
  const char *topic;
  /// Below 0: by the key.
  int32_t partition;
  /// Taken in turn, each with its prefix; null keys for none.
  const char *const *keys;
  const char *const *prefixes;
  size_t variants;
  const char *suffix;
  /// 0: as fast as they are taken.
  int32_t per_second;
  int32_t count;
  /// Not 0: with a header `t.client.out`, the wall clock when the record was sent.
  int32_t is_stamped;
} floor_sender;

/// Sends all of them and waits until the broker has every one.
const char *floor_send(const floor_sender *sender);

/// One hop: sends `count` records of `bytes` to partition 0 of a topic and reads them again, both in this process. `latencies` has a place
/// for each: from the instant at which it was due to when it was in the reader's hands. `elapsed` is the time of all.
const char *floor_hop(
  const char *bootstrap, const char *topic, int32_t per_second, int32_t count, int32_t bytes, int64_t *latencies, int64_t *elapsed);

/// So many readers at the end of a topic, for so long.
const char *floor_idle(const char *bootstrap, const char *topic, int32_t readers, int32_t milliseconds);

/// The whole way of an order in one program: record on the first topic, read, written to the second, read, posted to `127.0.0.1:port` on a
/// connection that stays open. The request's `newClientOrderId` is `due-` and the instant at which the record was due. With a third topic,
/// a record on it is acknowledged before each request: as many appends as an order has whose plan is in the log before it is sent.
typedef struct {
  const char *bootstrap;
  const char *first;
  const char *second;
  /// Null for none.
  const char *third;
  int32_t port;
  int32_t per_second;
  int32_t count;
  int32_t order_bytes;
  int32_t approval_bytes;
  int32_t plan_bytes;
  int32_t request_bytes;
} floor_chain;

const char *floor_run_chain(const floor_chain *chain);

#ifdef __cplusplus
}
#endif
