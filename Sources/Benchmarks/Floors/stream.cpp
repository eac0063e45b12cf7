#include "include/stream.h"

#include <cstring>
#include <memory>
#include <string>

#include "book.h"
#include "client.h"
#include "decimal.h"
#include "reader.h"
#include "socket.h"

namespace {

/// The body of the reply to a request for the book.
std::string snapshot(uint16_t port, const std::string &symbol) {
  connection http(port);
  http.write("GET /api/v3/depth?symbol=" + symbol + "&limit=5000 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  std::string text;
  char part[65536];
  while (true) {
    text.append(part, http.read(part, sizeof part));
    size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    size_t field = text.find("Content-Length: ");
    if (field > end) throw std::runtime_error("a reply without a length");
    size_t length = std::stoul(text.substr(field + 16));
    if (text.size() >= end + 4 + length) return text.substr(end + 4, length);
  }
}

/// Writes a diff as the project does.
struct record_writer {
  std::string text;

  static char *level(char *out, int64_t price, int64_t quantity) {
    out = write_text(out, "[\"");
    out = write_decimal(out, price, 10);
    out = write_text(out, "\",\"");
    out = write_decimal(out, quantity, 8);
    return write_text(out, "\"]");
  }

  static char *side(char *out, const std::vector<floor_level> &levels, bool is_bid) {
    *out++ = '[';
    bool is_first = true;
    for (auto &each : levels) {
      if ((each.is_bid != 0) != is_bid) continue;
      if (!is_first) *out++ = ',';
      is_first = false;
      out = level(out, each.price, each.quantity);
    }
    *out++ = ']';
    return out;
  }

  size_t write(int64_t last, int64_t time, int64_t event, const floor_book &book, const std::vector<floor_level> &levels) {
    text.resize(512 + 64 * levels.size());
    char *out = write_text(&text[0], "{\"v\":1,\"type\":\"diff\",\"venue\":\"binance\",\"symbol\":\"BTC-USDT\",\"u\":");
    out = write_integer(out, last);
    out = write_text(out, ",\"valid\":true,\"time\":");
    out = write_integer(out, time);
    out = write_text(out, ",\"venue_time\":");
    out = write_integer(out, event * 1000000);
    out = write_text(out, ",\"bid\":");
    out = level(out, book.bids.levels.back().key, book.bids.levels.back().quantity);
    out = write_text(out, ",\"ask\":");
    out = level(out, -book.asks.levels.back().key, book.asks.levels.back().quantity);
    out = write_text(out, ",\"bids\":");
    out = side(out, levels, true);
    out = write_text(out, ",\"asks\":");
    out = side(out, levels, false);
    *out++ = '}';
    return (size_t)(out - text.data());
  }
};

int64_t wall_clock() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/// Hands records to librdkafka with the two times that the project's have in their headers.
struct record_sender {
  rd_kafka_t *handle;
  rd_kafka_topic_t *topic;

  void send(const char *bytes, size_t length, int64_t heard) {
    while (true) {
      char in[24], out[24];
      size_t in_length = (size_t)(write_integer(in, heard) - in), out_length = (size_t)(write_integer(out, wall_clock()) - out);
      rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
      rd_kafka_header_add(headers, "t.ingestor.in", 13, in, (ssize_t)in_length);
      rd_kafka_header_add(headers, "t.ingestor.out", 14, out, (ssize_t)out_length);
      rd_kafka_vu_t arguments[6];
      arguments[0].vtype = RD_KAFKA_VTYPE_RKT, arguments[0].u.rkt = topic;
      arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION, arguments[1].u.i32 = 0;
      arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS, arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
      arguments[3].vtype = RD_KAFKA_VTYPE_KEY, arguments[3].u.mem = {(void *)"BTC-USDT", 8};
      arguments[4].vtype = RD_KAFKA_VTYPE_VALUE, arguments[4].u.mem = {(void *)bytes, length};
      arguments[5].vtype = RD_KAFKA_VTYPE_HEADERS, arguments[5].u.headers = headers;
      rd_kafka_error_t *error = rd_kafka_produceva(handle, arguments, 6);
      rd_kafka_poll(handle, 0);
      if (!error) return;
      rd_kafka_headers_destroy(headers);
      bool is_full = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
      std::string reason = rd_kafka_error_string(error);
      rd_kafka_error_destroy(error);
      if (!is_full) throw std::runtime_error(reason);
      rd_kafka_poll(handle, 1);
    }
  }
};

/// The payloads of one read, frame by frame.
template <typename Body>
size_t cut(const uint8_t *bytes, size_t count, Body body) {
  size_t position = 0;
  while (count - position >= 4) {
    const uint8_t *frame = bytes + position;
    size_t header = 2, length = frame[1];
    if (length == 126) {
      length = (size_t)frame[2] << 8 | frame[3];
      header = 4;
    } else if (length == 127) {
      throw std::runtime_error("no frame of these is that long");
    }
    if (count - position < header + length) break;
    body(frame + header, length);
    position += header + length;
  }
  return position;
}

void follow(uint16_t port, const std::string &symbol, int64_t last, const char *bootstrap, const char *topic) {
  connection stream(port);
  stream.write("GET /stream?streams=depth HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  const size_t capacity = 128 * 1024;
  std::vector<char> memory(capacity + depth_padding);
  size_t waiting = 0;
  size_t head = std::string::npos;
  while (head == std::string::npos) {
    waiting += stream.read(&memory[waiting], capacity - waiting);
    head = std::string(&memory[0], waiting).find("\r\n\r\n");
  }
  waiting -= head + 4;
  memmove(&memory[0], &memory[head + 4], waiting);

  std::unique_ptr<producer> kafka;
  record_sender sender{};
  if (bootstrap) {
    kafka = std::make_unique<producer>(bootstrap);
    kafka->know(topic);
    sender = {kafka->handle, rd_kafka_topic_new(kafka->handle, topic, nullptr)};
  }
  depth_reader depths;
  floor_book book;
  int64_t now = depths.load(snapshot(port, symbol), book);
  record_writer writer;
  std::vector<int64_t> notes;
  notes.reserve(1 << 20);
  while (now < last) {
    int64_t heard = wall_clock();
    size_t used = cut((const uint8_t *)&memory[0], waiting, [&](const uint8_t *payload, size_t length) {
      int64_t first = 0, next = 0, event = 0;
      depths.read_binance(payload, length, first, next, event);
      if (next <= now) return;
      if (first > now + 1) throw std::runtime_error("a diff is missing");
      now = next;
      for (auto &level : depths.levels) book.set(level.is_bid, level.price, level.quantity);
      if (book.is_crossed()) throw std::runtime_error("the book is crossed");
      if (kafka) {
        size_t size = writer.write(now, heard, event, book, depths.levels);
        sender.send(writer.text.data(), size, heard);
      } else {
        notes.push_back(now);
        notes.push_back(floor_now());
      }
    });
    waiting -= used;
    memmove(&memory[0], &memory[used], waiting);
    if (now < last) waiting += stream.read(&memory[waiting], capacity - waiting);
  }
  if (!kafka) return;
  kafka->flush();
  rd_kafka_topic_destroy(sender.topic);
}

}  // namespace

const char *floor_stream(uint16_t port, const char *symbol, int64_t last, const char *bootstrap, const char *topic) {
  return attempt([&] { follow(port, symbol, last, bootstrap, topic); });
}
