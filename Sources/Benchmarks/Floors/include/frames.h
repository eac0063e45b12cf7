// The least programs that read depth frames and keep a book: simdjson and arrays.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Frames one behind the other. simdjson looks at up to 64 bytes behind a frame: they are readable.
typedef struct {
  const uint8_t *bytes;
  const size_t *offsets;
  const size_t *lengths;
  size_t count;
} floor_frames;

/// Where a level goes and what then rests there, in units of 10^-10 and 10^-8.
typedef struct {
  int64_t price;
  int64_t quantity;
  int32_t is_bid;
} floor_level;

/// A book of two sorted arrays.
typedef struct floor_book floor_book;
floor_book *floor_book_new(void);
void floor_book_free(floor_book *book);
/// Applies levels; gives the sum of the best bid's and the best ask's price.
uint64_t floor_book_apply(floor_book *book, const floor_level *levels, size_t count);

/// Reads every level of every frame into integers; gives the sum of all prices and quantities.
uint64_t floor_decode_binance(const floor_frames *frames);
uint64_t floor_decode_bybit(const floor_frames *frames);

/// Reads Binance frames, checks that none is missing behind `last` and keeps the book. Gives the sum, over the frames, of the best bid's
/// and the best ask's price; 0 when one is missing or the book is crossed.
uint64_t floor_follow_binance(floor_book *book, int64_t last, const floor_frames *frames);

/// The best ten levels of several books as one, so often: best price first, at equal prices the larger quantity. Gives the sum of their
/// prices.
uint64_t floor_merge_top10(floor_book *const *books, size_t count, size_t rounds);

#ifdef __cplusplus
}
#endif
