import Testing
import Wire

@testable import SimulatorCore

/// What the simulator says has the fields that the venue documents.
@Suite struct BinanceShapeTests {
  private func examples(_ file: String) throws -> [JSON] {
    try #require(try Fixtures.json("binance/docs/\(file)").array)
  }

  private func fields(_ json: JSON?) -> Set<String> { Set((json?.members ?? []).map(\.name)) }

  private func restExample(_ endpoint: String, _ label: String = "") throws -> JSON {
    let found = try examples("rest_examples.json").first {
      $0["endpoint"]?.string == endpoint && (label.isEmpty || ($0["label"]?.string ?? "").contains(label))
    }
    let documented = try #require(found, "no example of \(endpoint)")
    let example = try #require(documented["example"])
    return example.array?.first ?? example
  }

  @Test("orders, trades, balances and tickers have the documented fields")
  func rest() throws {
    let venue = TestVenue()
    let placed = try venue.order(TestVenue.market + "&quantity=0.1")
    #expect(fields(placed) == fields(try restExample("POST /api/v3/order", "FULL")))
    #expect(fields(placed["fills"]?.array?.first) == fields(try restExample("POST /api/v3/order", "FULL")["fills"]?.array?.first))
    #expect(fields(try venue.order("newOrderRespType=ACK")) == fields(try restExample("POST /api/v3/order", "ACK")))
    let open = try venue.call("GET", "openOrders")
    #expect(fields(open.array?.first) == fields(try restExample("GET /api/v3/openOrders")))
    #expect(
      fields(try venue.call("DELETE", "openOrders", "symbol=BTCUSDT").array?.first)
        == fields(try restExample("DELETE /api/v3/openOrders")))
    #expect(
      fields(try venue.call("GET", "myTrades", "symbol=BTCUSDT").array?.first) == fields(try restExample("GET /api/v3/myTrades")))
    #expect(fields(try venue.call("GET", "account")) == fields(try restExample("GET /api/v3/account")))
    #expect(fields(try venue.get("ticker/24hr", "symbol=BTCUSDT")) == fields(try restExample("GET /api/v3/ticker/24hr")))
    #expect(
      fields(try venue.get("ticker/bookTicker", "symbol=BTCUSDT")) == fields(try restExample("GET /api/v3/ticker/bookTicker")))
    #expect(fields(try venue.get("trades", "symbol=BTCUSDT").array?.first) == fields(try restExample("GET /api/v3/trades")))
    #expect(fields(try venue.get("aggTrades", "symbol=BTCUSDT").array?.first) == fields(try restExample("GET /api/v3/aggTrades")))
    #expect(fields(try venue.get("depth", "symbol=BTCUSDT")) == fields(try restExample("GET /api/v3/depth")))
    #expect(code(try venue.get("depth", "symbol=BTCUSDT&limit=0")) == -1130)
  }

  @Test("filters have the documented fields")
  func filters() throws {
    let venue = TestVenue()
    let symbols = try #require(try venue.get("exchangeInfo")["symbols"]?.array)
    let documented = try examples("filter_examples.json").compactMap { $0["example"] }
    let filters = try #require(symbols.first?["filters"]?.array)
    #expect(filters.count == 8)
    for filter in filters {
      let example = documented.first { $0["filterType"] == filter["filterType"] }
      #expect(fields(filter) == fields(example), "\(filter)")
    }
  }

  @Test("private events have the documented fields, but for those of an order that was prevented")
  func userData() throws {
    let venue = TestVenue()
    _ = try venue.subscribe(1)
    try venue.order()
    let events = venue.messages(1)
    for example in try examples("user_data_events.json").compactMap({ $0["example"] }) {
      guard let event = events.first(where: { $0["event"]?["e"] == example["event"]?["e"] }) else { continue }
      #expect(fields(event) == fields(example))
      #expect(fields(event["event"]) == fields(example["event"]).subtracting(["v"]))
    }
  }

  @Test("streams have the documented fields")
  func streams() throws {
    let venue = TestVenue()
    venue.open(1, "/ws/btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade")
    try venue.order(TestVenue.market + "&quantity=1")
    venue.step()
    let documented = try examples("ws_stream_examples.json").compactMap { $0["example"] }
    let messages = venue.messages(1)
    for kind in ["depthUpdate", "trade"] {
      let message = messages.first { $0["e"]?.string == kind }
      #expect(fields(message) == fields(documented.first { $0["e"]?.string == kind }), "\(kind)")
    }
    let ticker = messages.first { $0["e"] == nil }
    #expect(fields(ticker) == fields(documented.first { fields($0) == ["u", "s", "b", "B", "a", "A"] }))
  }
}
