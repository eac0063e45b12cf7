#include "include/front.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "socket.h"

namespace {

int64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/// One end of a pair: what comes in here goes out at the peer.
struct end {
  int descriptor;
  end *peer = nullptr;
  bool is_client = false;
  /// What has come of a client since its last order was seen: an id may come in two parts.
  std::string seen;
  ~end() { close(descriptor); }
};

}  // namespace

struct floor_front {
  int32_t upstream;
  int listener = -1, poll = -1, stop = -1;
  std::unordered_map<int, std::unique_ptr<end>> ends;
  std::mutex lock;
  std::vector<floor_arrival> arrivals;
  std::thread thread;

  void watch(int descriptor) {
    struct epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
  }

  void run() {
    while (true) {
      struct epoll_event events[64];
      int count = epoll_wait(poll, events, 64, -1);
      for (int i = 0; i < count; i++) {
        int descriptor = events[i].data.fd;
        if (descriptor == stop) return;
        if (descriptor == listener) accept_one();
        else if (auto found = ends.find(descriptor); found != ends.end() && !pass(*found->second)) drop(*found->second);
      }
    }
  }

  void accept_one() {
    int descriptor = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    hurry(descriptor);
    auto client = std::make_unique<end>();
    client->descriptor = descriptor;
    client->is_client = true;
    ends[descriptor] = std::move(client);
    watch(descriptor);
  }

  /// Takes what has come at one end; false when it is over.
  bool pass(end &from) {
    char bytes[65536];
    ssize_t count = recv(from.descriptor, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    if (from.is_client) {
      int64_t monotonic = nanoseconds(CLOCK_MONOTONIC), wall = nanoseconds(CLOCK_REALTIME);
      bool is_floors = !from.peer && count > 11 && memcmp(bytes, "POST /floor", 11) == 0;
      bool has_order = note(from, std::string_view(bytes, (size_t)count), monotonic, wall);
      if (is_floors) return !has_order || answer(from);
      if (!from.peer && !connect_upstream(from)) return false;
    }
    return write_all(from.peer->descriptor, bytes, (size_t)count);
  }

  /// Notes every order whose id is complete; true when there was one.
  bool note(end &from, std::string_view bytes, int64_t monotonic, int64_t wall) {
    static const std::string_view name = "newClientOrderId=";
    from.seen += bytes;
    bool has_order = false;
    size_t kept = 0;
    while (true) {
      size_t at = from.seen.find(name, kept);
      size_t end = at == std::string::npos ? at : from.seen.find('&', at);
      if (end == std::string::npos) {
        // The rest may end within a name or an id.
        kept = at != std::string::npos ? at : std::max(kept, from.seen.size() - std::min(from.seen.size(), name.size()));
        break;
      }
      floor_arrival arrival = {};
      std::string_view id = std::string_view(from.seen).substr(at + name.size(), end - at - name.size());
      memcpy(arrival.id, id.data(), std::min(id.size(), sizeof arrival.id - 1));
      arrival.monotonic = monotonic;
      arrival.wall = wall;
      std::lock_guard<std::mutex> guard(lock);
      arrivals.push_back(arrival);
      has_order = true;
      kept = end;
    }
    from.seen.erase(0, kept);
    return has_order;
  }

  bool answer(end &client) {
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    return write_all(client.descriptor, reply, sizeof reply - 1);
  }

  bool connect_upstream(end &client) {
    auto venue = std::make_unique<end>();
    venue->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(upstream);
    if (connect(venue->descriptor, (struct sockaddr *)&address, sizeof address) != 0) return false;
    hurry(venue->descriptor);
    venue->peer = &client;
    client.peer = venue.get();
    watch(venue->descriptor);
    ends[venue->descriptor] = std::move(venue);
    return true;
  }

  /// Both ends go together.
  void drop(end &one) {
    int own = one.descriptor;
    if (one.peer) ends.erase(one.peer->descriptor);
    ends.erase(own);
  }
};

floor_front *floor_front_new(int32_t upstream, int32_t *port) {
  auto front = std::make_unique<floor_front>();
  front->upstream = upstream;
  front->listener = listening(port);
  if (front->listener < 0) return nullptr;
  front->poll = epoll_create1(EPOLL_CLOEXEC);
  front->stop = eventfd(0, EFD_CLOEXEC);
  front->watch(front->listener);
  front->watch(front->stop);
  front->thread = std::thread([front = front.get()] { front->run(); });
  return front.release();
}

void floor_front_free(floor_front *front) {
  uint64_t one = 1;
  if (write(front->stop, &one, sizeof one) == sizeof one) front->thread.join();
  for (int descriptor : {front->listener, front->poll, front->stop}) close(descriptor);
  delete front;
}

size_t floor_front_take(floor_front *front, floor_arrival *arrivals, size_t capacity) {
  std::lock_guard<std::mutex> guard(front->lock);
  size_t count = std::min(capacity, front->arrivals.size());
  std::copy_n(front->arrivals.begin(), count, arrivals);
  front->arrivals.erase(front->arrivals.begin(), front->arrivals.begin() + (ptrdiff_t)count);
  return count;
}
