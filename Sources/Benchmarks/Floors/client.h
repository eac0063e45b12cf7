// librdkafka with the project's settings.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "include/kafka.h"

/// Says what went wrong to a caller in C.
const char *told(const std::string &failure);

/// Runs the body; gives null, or what it threw as a sentence.
template <typename Body>
const char *attempt(Body body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception &error) {
    return told(error.what());
  }
}

class client {
 public:
  rd_kafka_t *handle;

  /// `report` hears of each record that the broker has; null for nobody.
  client(
      rd_kafka_type_t type, const char *bootstrap, const std::vector<std::pair<const char *, const char *>> &settings,
      void (*report)(rd_kafka_t *, const rd_kafka_message_t *, void *) = nullptr) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(conf, report);
    rd_kafka_conf_set_opaque(conf, this);
    char text[256];
    auto set = [&](const char *key, const char *value) {
      if (rd_kafka_conf_set(conf, key, value, text, sizeof text) != RD_KAFKA_CONF_OK) throw std::runtime_error(text);
    };
    set("bootstrap.servers", bootstrap);
    set("client.id", "floor");
    set("socket.nagle.disable", "true");
    set("log_level", "0");
    for (auto &[key, value] : settings) set(key, value);
    handle = rd_kafka_new(type, conf, text, sizeof text);
    if (!handle) throw std::runtime_error(text);
  }
  ~client() { rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }
  client(const client &) = delete;
};

/// acks=all, idempotent, no linger.
class producer : public client {
 public:
  explicit producer(const char *bootstrap, void (*report)(rd_kafka_t *, const rd_kafka_message_t *, void *) = nullptr)
      : client(RD_KAFKA_PRODUCER, bootstrap,
               {{"queue.buffering.max.ms", "0"},
                {"acks", "all"},
                {"enable.idempotence", "true"},
                {"partitioner", "murmur2_random"},
                {"queue.buffering.max.messages", "100000"}},
               report) {}

  /// Learns of a topic, which the first record would else wait for.
  void know(const char *topic) {
    rd_kafka_topic_t *handle_of_topic = rd_kafka_topic_new(handle, topic, nullptr);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 0, handle_of_topic, &metadata, 10000);
    rd_kafka_topic_destroy(handle_of_topic);
    if (error) throw std::runtime_error(rd_kafka_err2str(error));
    rd_kafka_metadata_destroy(metadata);
  }

  void send(
      const char *topic, int32_t partition, const char *key, const char *value, size_t length, const char *stamp = nullptr);
  void send(const char *topic, int32_t partition, const char *key, const std::string &value, const char *stamp = nullptr) {
    send(topic, partition, key, value.data(), value.size(), stamp);
  }
  void flush();
};

/// Waits for the broker's acknowledgement of each record.
class appender : public producer {
 public:
  explicit appender(const char *bootstrap) : producer(bootstrap, acknowledged) {}

  /// Returns when the broker has the record.
  void append(const char *topic, int32_t partition, const char *key, const std::string &value) {
    send(topic, partition, key, value);
    for (int tries = 0; rd_kafka_outq_len(handle) > 0; tries++) {
      if (tries == 100) throw std::runtime_error("no acknowledgement for ten seconds");
      rd_kafka_poll(handle, 100);
    }
    if (error) throw std::runtime_error(rd_kafka_err2str(error));
  }

 private:
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

  static void acknowledged(rd_kafka_t *, const rd_kafka_message_t *message, void *opaque) {
    if (message->err) static_cast<appender *>(static_cast<client *>(opaque))->error = message->err;
  }
};

/// One partition, from its end on.
class reader : public client {
 public:
  reader(const char *bootstrap, const char *topic, int32_t partition)
      : client(RD_KAFKA_CONSUMER, bootstrap,
               {{"group.id", "floor"},
                {"auto.offset.reset", "error"},
                {"enable.auto.commit", "false"},
                {"enable.auto.offset.store", "false"},
                {"fetch.wait.max.ms", "100"},
                {"queued.min.messages", "10000"},
                {"queued.max.messages.kbytes", "65536"}}) {
    rd_kafka_poll_set_consumer(handle);
    int64_t low, high;
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(handle, topic, partition, &low, &high, 10000);
    if (error) throw std::runtime_error(std::string(topic) + ": " + rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = high;
    rd_kafka_assign(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
  }

  /// The next record's bytes; throws when nothing comes for ten seconds.
  template <typename Body>
  void next(Body body) {
    for (int tries = 0; tries < 100; tries++) {
      rd_kafka_message_t *message = rd_kafka_consumer_poll(handle, 100);
      if (!message) continue;
      bool is_record = !message->err;
      if (is_record) body((const char *)message->payload, message->len);
      rd_kafka_message_destroy(message);
      if (is_record) return;
    }
    throw std::runtime_error("nothing has come for ten seconds");
  }
};

/// Sends at the rate that is asked for; stops early when told to.
void send_all(const floor_sender &sender, producer &producer, const std::atomic<bool> &stop);

/// A thread beside the calling one; told to stop, and awaited, when that one fails.
class worker {
 public:
  /// The body is called with the wish to stop.
  template <typename Body>
  explicit worker(Body body)
      : thread([this, body] {
          const char *error = attempt([&] { body(stop); });
          failure = error ? error : "";
        }) {}
  ~worker() {
    stop = true;
    if (thread.joinable()) thread.join();
  }
  /// Waits for the end; throws what the body threw.
  void finish() {
    thread.join();
    if (!failure.empty()) throw std::runtime_error(failure);
  }

 private:
  std::atomic<bool> stop{false};
  std::string failure;
  std::thread thread;
};
