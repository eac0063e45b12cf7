// Decimal text to integers and back, as little of it as these programs need.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

/// `123.45` in units of 10^-scale.
inline int64_t units(std::string_view text, int scale) {
  int64_t value = 0;
  size_t index = 0;
  for (; index < text.size() && text[index] != '.'; index++) value = value * 10 + (text[index] - '0');
  int decimals = 0;
  for (index++; index < text.size(); index++, decimals++) value = value * 10 + (text[index] - '0');
  static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000};
  return value * powers[scale - decimals];
}

/// Writes an integer; gives the place behind it.
inline char *write_integer(char *out, int64_t value) {
  char digits[20];
  int count = 0;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do digits[count++] = (char)('0' + rest % 10);
  while ((rest /= 10) > 0);
  if (value < 0) *out++ = '-';
  while (count > 0) *out++ = digits[--count];
  return out;
}

/// Writes units of 10^-scale as the shortest decimal text; gives the place behind it.
inline char *write_decimal(char *out, int64_t value, int scale) {
  uint64_t power = 1;
  for (int i = 0; i < scale; i++) power *= 10;
  if (value < 0) *out++ = '-';
  uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  out = write_integer(out, (int64_t)(size / power));
  uint64_t part = size % power;
  if (part == 0) return out;
  *out++ = '.';
  for (power /= 10; part > 0; power /= 10) {
    *out++ = (char)('0' + part / power);
    part %= power;
  }
  return out;
}

inline char *write_text(char *out, std::string_view text) {
  memcpy(out, text.data(), text.size());
  return out + text.size();
}
