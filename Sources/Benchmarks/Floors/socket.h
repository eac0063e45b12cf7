// Connections to 127.0.0.1.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

inline struct sockaddr_in loopback(int32_t port) {
  struct sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void hurry(int descriptor) {
  int one = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/// A socket that listens on a free port; -1 when it cannot.
inline int listening(int32_t *port) {
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(descriptor, (struct sockaddr *)&address, length) != 0 || listen(descriptor, 64) != 0 ||
      getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) {
    close(descriptor);
    return -1;
  }
  *port = ntohs(address.sin_port);
  return descriptor;
}

/// Writes all of it; false when the other side has hung up.
inline bool write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = send(descriptor, bytes, count, MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes += written;
    count -= (size_t)written;
  }
  return true;
}

/// A client's connection that blocks.
class connection {
 public:
  explicit connection(int32_t port) : descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_in address = loopback(port);
    hurry(descriptor);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) throw std::runtime_error("the venue does not answer");
  }
  ~connection() { close(descriptor); }
  connection(const connection &) = delete;

  void write(const std::string &bytes) {
    if (!write_all(descriptor, bytes.data(), bytes.size())) throw std::runtime_error("the venue has hung up");
  }

  /// What has come, at least one byte.
  size_t read(char *bytes, size_t capacity) {
    ssize_t count = recv(descriptor, bytes, capacity, 0);
    if (count <= 0) throw std::runtime_error("the venue has hung up");
    return (size_t)count;
  }

 private:
  int descriptor;
};
