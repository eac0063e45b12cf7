#include "book.h"

floor_book *floor_book_new(void) { return new floor_book(); }
void floor_book_free(floor_book *book) { delete book; }

uint64_t floor_book_apply(floor_book *book, const floor_level *levels, size_t count) {
  for (size_t i = 0; i < count; i++) book->set(levels[i].is_bid, levels[i].price, levels[i].quantity);
  return book->top_sum();
}

/// The best ten levels of one side: each next one is the best of the books' heads.
static uint64_t merge(floor_book *const *books, size_t count, side floor_book::*which) {
  const side::level *heads[16];
  const side::level *ends[16];
  for (size_t i = 0; i < count; i++) {
    auto &levels = (books[i]->*which).levels;
    heads[i] = levels.data() + levels.size();
    ends[i] = levels.data();
  }
  uint64_t sum = 0;
  for (int depth = 0; depth < 10; depth++) {
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
      if (heads[i] == ends[i]) continue;
      if (best == count || heads[i][-1].key > heads[best][-1].key ||
          (heads[i][-1].key == heads[best][-1].key && heads[i][-1].quantity > heads[best][-1].quantity)) {
        best = i;
      }
    }
    if (best == count) break;
    heads[best]--;
    int64_t key = heads[best]->key;
    sum += (uint64_t)(key < 0 ? -key : key);
  }
  return sum;
}

uint64_t floor_merge_top10(floor_book *const *books, size_t count, size_t rounds) {
  uint64_t sum = 0;
  for (size_t i = 0; i < rounds; i++) {
    sum += merge(books, count, &floor_book::bids) + merge(books, count, &floor_book::asks);
    // Every round is a book's change in real life: nothing may be kept from one to the next.
    asm volatile("" ::: "memory");
  }
  return sum;
}
