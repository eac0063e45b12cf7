#include <simdjson.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "decimal.h"
#include "include/records.h"

using namespace simdjson;

namespace {

struct market {
  int64_t bid = 0, ask = 0;
  __int128 open_buys = 0, open_sells = 0, position = 0;
};

struct open_order {
  size_t market;
  bool is_buy;
  int64_t quantity, price;
};

struct order {
  std::string id, symbol;
  bool is_buy = false;
  int64_t quantity = 0, price = 0;
};

void assign(std::string &text, std::string_view value) { text.assign(value.data(), value.size()); }

}  // namespace

struct floor_gate {
  ondemand::parser parser;
  std::unordered_map<std::string, size_t> symbols;
  std::vector<market> markets;
  std::unordered_map<std::string, open_order> orders;
  std::vector<order> read_orders;

  void read(order &order, const uint8_t *bytes, size_t length) {
    ondemand::document document = parser.iterate(padded_string_view(bytes, length, length + 64));
    for (auto field : document.get_object()) {
      std::string_view name = field.unescaped_key();
      if (name == "client_order_id") assign(order.id, field.value());
      else if (name == "symbol") assign(order.symbol, field.value());
      else if (name == "side") order.is_buy = std::string_view(field.value()) == "buy";
      else if (name == "quantity") order.quantity = units(std::string_view(field.value()), 8);
      else if (name == "price") order.price = units(std::string_view(field.value()), 10);
    }
  }

  /// Id, collar, notional and position; then it counts as open.
  bool decide(const order &order) {
    auto found = symbols.find(order.symbol);
    if (found == symbols.end()) return false;
    auto &market = markets[found->second];
    bool is_buy = order.is_buy;
    int64_t reference = is_buy ? market.ask : market.bid;
    int64_t limit = is_buy ? reference + reference / 20 : reference - reference / 20;
    if (is_buy ? order.price > limit : order.price < limit) return false;
    const __int128 one = 1000000000000000000;
    if ((__int128)order.quantity * std::max(order.price, reference) > 50000 * one) return false;
    __int128 after = is_buy ? market.position + market.open_buys : market.position - market.open_sells;
    after += is_buy ? order.quantity : -order.quantity;
    if (after > 1000000000000 || after < -1000000000000) return false;
    if (!orders.emplace(order.id, open_order{found->second, is_buy, order.quantity, order.price}).second) return false;
    (is_buy ? market.open_buys : market.open_sells) += order.quantity;
    return true;
  }
};

floor_gate *floor_gate_new(void) { return new floor_gate(); }
void floor_gate_free(floor_gate *gate) { delete gate; }

void floor_gate_quote(floor_gate *gate, const char *symbol, int64_t bid, int64_t ask) {
  auto [place, is_new] = gate->symbols.emplace(symbol, gate->markets.size());
  if (is_new) gate->markets.push_back({});
  gate->markets[place->second].bid = bid;
  gate->markets[place->second].ask = ask;
}

size_t floor_gate_read(floor_gate *gate, const uint8_t *bytes, const size_t *offsets, const size_t *lengths, size_t count) {
  gate->read_orders.resize(count);
  for (size_t i = 0; i < count; i++) gate->read(gate->read_orders[i], bytes + offsets[i], lengths[i]);
  return count;
}

size_t floor_gate_decide(floor_gate *gate) {
  size_t approved = 0;
  for (auto &order : gate->read_orders) approved += gate->decide(order);
  return approved;
}
