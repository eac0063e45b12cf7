// The book of the floors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "include/frames.h"

/// One side: keys ascending, the best last (ask prices are negated), so that most updates move little memory.
struct side {
  struct level {
    int64_t key, quantity;
  };
  std::vector<level> levels;

  void set(int64_t key, int64_t quantity) {
    auto at = levels.end();
    // Nearly all updates are near the best.
    for (int steps = 0; steps < 16 && at != levels.begin() && (at - 1)->key >= key; steps++) at--;
    if (at != levels.begin() && (at - 1)->key >= key) {
      at = std::lower_bound(levels.begin(), at, key, [](const level &level, int64_t key) { return level.key < key; });
    }
    bool is_present = at != levels.end() && at->key == key;
    if (is_present && quantity != 0) at->quantity = quantity;
    else if (is_present) levels.erase(at);
    else if (quantity != 0) levels.insert(at, {key, quantity});
  }
};

struct floor_book {
  side bids, asks;

  void set(bool is_bid, int64_t price, int64_t quantity) {
    if (is_bid) bids.set(price, quantity);
    else asks.set(-price, quantity);
  }
  bool is_crossed() const {
    return !bids.levels.empty() && !asks.levels.empty() && bids.levels.back().key >= -asks.levels.back().key;
  }
  uint64_t top_sum() const {
    uint64_t sum = bids.levels.empty() ? 0 : (uint64_t)bids.levels.back().key;
    return sum + (asks.levels.empty() ? 0 : (uint64_t)-asks.levels.back().key);
  }
};
