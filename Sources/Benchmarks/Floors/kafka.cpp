#include "include/kafka.h"

#include <time.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "client.h"

const char *told(const std::string &failure) {
  static thread_local std::string text;
  text = failure;
  return text.c_str();
}

static int64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t floor_now(void) { return nanoseconds(CLOCK_MONOTONIC); }

void floor_wait_until(int64_t due) {
  const int64_t spin = 150000;
  if (due - floor_now() > spin) {
    struct timespec time = {(time_t)((due - spin) / 1000000000), (long)((due - spin) % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
  }
  while (floor_now() < due) {
  }
}

void producer::send(
    const char *topic, int32_t partition, const char *key, const char *value, size_t length, const char *stamp) {
  while (true) {
    rd_kafka_headers_t *headers = nullptr;
    if (stamp) {
      headers = rd_kafka_headers_new(1);
      rd_kafka_header_add(headers, "t.client.out", -1, stamp, -1);
    }
    rd_kafka_vu_t arguments[7];
    size_t count = 0;
    arguments[count].vtype = RD_KAFKA_VTYPE_TOPIC, arguments[count++].u.cstr = topic;
    arguments[count].vtype = RD_KAFKA_VTYPE_PARTITION, arguments[count++].u.i32 = partition < 0 ? RD_KAFKA_PARTITION_UA : partition;
    arguments[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS, arguments[count++].u.i = RD_KAFKA_MSG_F_COPY;
    arguments[count].vtype = RD_KAFKA_VTYPE_VALUE, arguments[count++].u.mem = {(void *)value, length};
    if (key) arguments[count].vtype = RD_KAFKA_VTYPE_KEY, arguments[count++].u.mem = {(void *)key, strlen(key)};
    if (headers) arguments[count].vtype = RD_KAFKA_VTYPE_HEADERS, arguments[count++].u.headers = headers;
    rd_kafka_error_t *error = rd_kafka_produceva(handle, arguments, count);
    rd_kafka_poll(handle, 0);
    if (!error) return;
    if (headers) rd_kafka_headers_destroy(headers);
    std::string reason = rd_kafka_error_string(error);
    bool is_full = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    rd_kafka_error_destroy(error);
    if (!is_full) throw std::runtime_error(reason);
    rd_kafka_poll(handle, 1);
  }
}

void producer::flush() {
  if (rd_kafka_flush(handle, 30000)) throw std::runtime_error("the broker did not take every record");
}

void send_all(const floor_sender &sender, producer &producer, const std::atomic<bool> &stop) {
  int64_t interval = sender.per_second > 0 ? 1000000000 / sender.per_second : 0;
  int64_t start = floor_now() + 1000000;
  for (int32_t i = 0; i < sender.count && !stop; i++) {
    int64_t due = interval > 0 ? start + i * interval : floor_now();
    if (interval > 0) floor_wait_until(due);
    size_t variant = (size_t)i % sender.variants;
    std::string value = sender.prefixes[variant] + std::to_string(due) + sender.suffix;
    std::string stamp = sender.is_stamped ? std::to_string(nanoseconds(CLOCK_REALTIME)) : "";
    producer.send(
        sender.topic, sender.partition, sender.keys ? sender.keys[variant] : nullptr, value, sender.is_stamped ? stamp.c_str() : nullptr);
  }
  producer.flush();
}

const char *floor_send(const floor_sender *sender) {
  return attempt([&] {
    producer producer(sender->bootstrap);
    producer.know(sender->topic);
    send_all(*sender, producer, false);
  });
}

const char *floor_hop(
    const char *bootstrap, const char *topic, int32_t per_second, int32_t count, int32_t bytes, int64_t *latencies, int64_t *elapsed) {
  return attempt([&] {
    producer producer(bootstrap);
    producer.know(topic);
    reader reader(bootstrap, topic, 0);
    std::string filling((size_t)(bytes > 20 ? bytes - 20 : 1), ' ');
    const char *prefix = "";
    floor_sender sender = {bootstrap, topic, 0, nullptr, &prefix, 1, filling.c_str(), per_second, count, 0};
    int64_t start = floor_now();
    worker sending([&](const std::atomic<bool> &stop) { send_all(sender, producer, stop); });
    for (int32_t i = 0; i < count; i++) {
      reader.next([&](const char *value, size_t) { latencies[i] = floor_now() - strtoll(value, nullptr, 10); });
    }
    *elapsed = floor_now() - start;
    sending.finish();
  });
}

const char *floor_idle(const char *bootstrap, const char *topic, int32_t readers, int32_t milliseconds) {
  return attempt([&] {
    std::vector<std::unique_ptr<reader>> idle;
    for (int32_t i = 0; i < readers; i++) idle.push_back(std::make_unique<reader>(bootstrap, topic, 0));
    int64_t end = floor_now() + (int64_t)milliseconds * 1000000;
    while (floor_now() < end) {
      for (auto &reader : idle) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->handle, 100);
        if (message) rd_kafka_message_destroy(message);
      }
    }
  });
}
