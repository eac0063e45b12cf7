// Reads depth frames with simdjson.
#pragma once

#include <simdjson.h>

#include <vector>

#include "book.h"
#include "decimal.h"

/// simdjson looks at so many bytes behind a frame.
const size_t depth_padding = 64;

struct depth_reader {
  simdjson::ondemand::parser parser;
  std::vector<floor_level> levels;

  void read(simdjson::ondemand::array sides, bool is_bid) {
    for (simdjson::ondemand::array level : sides) {
      simdjson::ondemand::array_iterator fields = level.begin();
      std::string_view price = *fields;
      ++fields;
      std::string_view quantity = *fields;
      ++fields;
      levels.push_back({units(price, 10), units(quantity, 8), is_bid});
    }
  }

  /// `{"e","E","s","U","u","b","a"}`, or that in a member `data`. Members come as the venue writes them, so each is looked at once.
  void binance(simdjson::ondemand::object event, int64_t &first, int64_t &last, int64_t &time) {
    for (auto field : event) {
      std::string_view name = field.unescaped_key();
      if (name == "b") read(field.value(), true);
      else if (name == "a") read(field.value(), false);
      else if (name == "U") first = field.value();
      else if (name == "u") last = field.value();
      else if (name == "E") time = field.value();
      else if (name == "data") binance(field.value(), first, last, time);
    }
  }

  void read_binance(const uint8_t *bytes, size_t length, int64_t &first, int64_t &last, int64_t &time) {
    simdjson::ondemand::document document = parser.iterate(simdjson::padded_string_view(bytes, length, length + depth_padding));
    levels.clear();
    binance(document, first, last, time);
  }

  /// Fills a book from the reply to a request for it; gives the number of the last change in it.
  int64_t load(const std::string &body, floor_book &book) {
    simdjson::padded_string text(body);
    simdjson::ondemand::document document = parser.iterate(text);
    int64_t last = 0;
    levels.clear();
    for (auto field : document.get_object()) {
      std::string_view name = field.unescaped_key();
      if (name == "lastUpdateId") last = field.value();
      else if (name == "bids") read(field.value(), true);
      else if (name == "asks") read(field.value(), false);
    }
    for (auto &level : levels) book.set(level.is_bid, level.price, level.quantity);
    return last;
  }
};
