// The least programs that write and read a topic's records, and that sign and decide orders.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What one piece of a JSON text is written from.
typedef enum {
  /// `text` as it is: brackets, and words such as `true`.
  floor_raw,
  /// `text` in quotes.
  floor_text,
  /// `number` as it is.
  floor_integer,
  /// `number` in units of 10^-scale, in quotes.
  floor_decimal
} floor_kind;

/// One piece, and the name that it has in its object; null for none.
typedef struct {
  const char *name;
  const char *text;
  int64_t number;
  int32_t scale;
  floor_kind kind;
} floor_piece;

/// Writes the pieces to `out`, which has room for them, so often; gives the length of the text.
size_t floor_write_record(const floor_piece *pieces, size_t count, char *out, size_t rounds);

/// Reads a record (followed by 64 readable bytes) so often: every name, every text, every number, decimals in quotes to integers too.
/// Gives a sum over all of it.
uint64_t floor_read_record(const uint8_t *bytes, size_t length, size_t rounds);

/// A key for HMAC-SHA256, hashed once.
typedef struct floor_signer floor_signer;
floor_signer *floor_signer_new(const char *key);
void floor_signer_free(floor_signer *signer);
/// Signs a message so often, as 64 hexadecimal digits.
void floor_sign(floor_signer *signer, const char *message, size_t length, char *hex, size_t rounds);
/// Writes the signed body of a limit order at Binance (units of 10^-10 and 10^-8) so often; gives its length.
size_t floor_order_body(
  floor_signer *signer, const char *symbol, int is_buy, int64_t quantity, int64_t price, const char *client_id, int64_t milliseconds,
  char *out, size_t rounds);

/// The least risk gate: one account, limits that are integers, symbols and ids in hash tables.
typedef struct floor_gate floor_gate;
floor_gate *floor_gate_new(void);
void floor_gate_free(floor_gate *gate);
/// A symbol and the top of its book, in units of 10^-10.
void floor_gate_quote(floor_gate *gate, const char *symbol, int64_t bid, int64_t ask);
/// Reads records on `orders`, each followed by 64 readable bytes; gives how many.
size_t floor_gate_read(floor_gate *gate, const uint8_t *bytes, const size_t *offsets, const size_t *lengths, size_t count);
/// Decides on each order that was read last. Gives how many it approves.
size_t floor_gate_decide(floor_gate *gate);

#ifdef __cplusplus
}
#endif
