// The least program that follows a book over a WebSocket.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Follows the book of `symbol` at a server that replays Binance on 127.0.0.1, without TLS, up to the update `last`. With a broker it
/// writes a record for each diff to partition 0 of the topic and waits until the broker has all; without one it notes the instant of each.
/// Gives null, or what went wrong.
const char *floor_stream(uint16_t port, const char *symbol, int64_t last, const char *bootstrap, const char *topic);

#ifdef __cplusplus
}
#endif
