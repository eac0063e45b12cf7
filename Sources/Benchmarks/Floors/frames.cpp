#include "include/frames.h"

#include "book.h"
#include "reader.h"

using namespace simdjson;

/// `{"topic","ts","type","data":{"s","b","a","u","seq"}}`.
static void read_bybit(depth_reader &reader, ondemand::object event, int64_t &last) {
  for (auto field : event) {
    std::string_view name = field.unescaped_key();
    if (name == "b") reader.read(field.value(), true);
    else if (name == "a") reader.read(field.value(), false);
    else if (name == "u") last = field.value();
    else if (name == "data") read_bybit(reader, field.value(), last);
  }
}

static uint64_t sum(const std::vector<floor_level> &levels) {
  uint64_t sum = 0;
  for (auto &level : levels) sum += (uint64_t)level.price + (uint64_t)level.quantity;
  return sum;
}

uint64_t floor_decode_binance(const floor_frames *frames) {
  depth_reader reader;
  uint64_t total = 0;
  for (size_t i = 0; i < frames->count; i++) {
    int64_t first = 0, last = 0, time = 0;
    reader.read_binance(frames->bytes + frames->offsets[i], frames->lengths[i], first, last, time);
    total += sum(reader.levels);
  }
  return total;
}

uint64_t floor_decode_bybit(const floor_frames *frames) {
  depth_reader reader;
  uint64_t total = 0;
  for (size_t i = 0; i < frames->count; i++) {
    const uint8_t *bytes = frames->bytes + frames->offsets[i];
    size_t length = frames->lengths[i];
    ondemand::document document = reader.parser.iterate(padded_string_view(bytes, length, length + depth_padding));
    int64_t last = 0;
    reader.levels.clear();
    read_bybit(reader, document, last);
    total += sum(reader.levels);
  }
  return total;
}

uint64_t floor_follow_binance(floor_book *book, int64_t last, const floor_frames *frames) {
  depth_reader reader;
  uint64_t sum = 0;
  for (size_t i = 0; i < frames->count; i++) {
    int64_t first = 0, next = 0, time = 0;
    reader.read_binance(frames->bytes + frames->offsets[i], frames->lengths[i], first, next, time);
    if (first > last + 1) return 0;
    last = next;
    for (auto &level : reader.levels) book->set(level.is_bid, level.price, level.quantity);
    if (book->is_crossed()) return 0;
    sum += book->top_sum();
  }
  return sum;
}
