#include "client.h"
#include "include/kafka.h"
#include "socket.h"

namespace {

/// One request at a time on a connection that stays open.
void post(connection &venue, const std::string &body) {
  venue.write(
      "POST /floor/order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  char reply[512];
  venue.read(reply, sizeof reply);
}

/// The instant at which a record was due, which it begins with, and blanks up to a length.
std::string passed_on(const char *value, int32_t bytes) {
  std::string text = std::to_string(strtoll(value, nullptr, 10));
  text.resize((size_t)std::max(bytes, 32), ' ');
  return text;
}

/// What a signed order looks like, in so many bytes.
std::string order_body(int64_t due, int32_t bytes) {
  std::string body = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.001&price=26795.4&newClientOrderId=due-" +
                     std::to_string(due) + "&newOrderRespType=FULL&recvWindow=2000&timestamp=1700000000000&signature=";
  if (body.size() < (size_t)bytes) body.resize((size_t)bytes, 'f');
  return body;
}

/// What stands for the risk gate: hands each record on.
void relay(const floor_chain &chain, reader &source, const std::atomic<bool> &stop) {
  producer sink(chain.bootstrap);
  sink.know(chain.second);
  for (int32_t i = 0; i < chain.count && !stop; i++) {
    source.next([&](const char *value, size_t) { sink.send(chain.second, 0, "main", passed_on(value, chain.approval_bytes)); });
  }
  sink.flush();
}

}  // namespace

const char *floor_run_chain(const floor_chain *chain) {
  return attempt([&] {
    reader orders(chain->bootstrap, chain->first, 0), approved(chain->bootstrap, chain->second, 0);
    connection venue(chain->port);
    appender plans(chain->bootstrap);
    if (chain->third) plans.know(chain->third);
    worker gate([&](const std::atomic<bool> &stop) { relay(*chain, orders, stop); });
    producer client(chain->bootstrap);
    client.know(chain->first);
    std::string filling((size_t)std::max(chain->order_bytes - 20, 1), ' ');
    const char *prefix = "", *key = "main";
    floor_sender sender = {chain->bootstrap, chain->first, 0, &key, &prefix, 1, filling.c_str(), chain->per_second, chain->count, 0};
    worker sending([&](const std::atomic<bool> &stop) { send_all(sender, client, stop); });
    for (int32_t i = 0; i < chain->count; i++) {
      int64_t due = 0;
      approved.next([&](const char *value, size_t) {
        due = strtoll(value, nullptr, 10);
        if (chain->third) plans.append(chain->third, 0, "main", passed_on(value, chain->plan_bytes));
      });
      post(venue, order_body(due, chain->request_bytes));
    }
    sending.finish();
    gate.finish();
  });
}
