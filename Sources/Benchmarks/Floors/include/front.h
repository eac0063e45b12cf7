// What stands before a venue and says when each order's bytes have come, by the clock of the one who sent them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// An order at the venue's socket: its `newClientOrderId`, and when it was there by both clocks, in nanoseconds.
typedef struct {
  char id[64];
  int64_t monotonic;
  int64_t wall;
} floor_arrival;

/// Listens on 127.0.0.1, on a thread of its own, and hands everything on to `upstream` and back; requests to `/floor/…` it answers itself.
typedef struct floor_front floor_front;
/// Null when it cannot listen. `port` receives where it does.
floor_front *floor_front_new(int32_t upstream, int32_t *port);
void floor_front_free(floor_front *front);
/// Moves what has come since the last call to `arrivals`, at most `capacity`; gives how many.
size_t floor_front_take(floor_front *front, floor_arrival *arrivals, size_t capacity);

#ifdef __cplusplus
}
#endif
