import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BinanceStreamTests {
  private func levels(_ json: JSON?) -> [BookLevel] {
    (json?.array ?? []).compactMap { level in
      guard let parts = level.array, let first = parts.first?.string, let last = parts.last?.string else { return nil }
      return BookLevel(price: price(first), quantity: quantity(last))
    }
  }

  @Test("a snapshot and the diffs after it give the venue's book, and each best price told on the way", arguments: UInt64(1)...5)
  func diffsFollowSnapshot(seed: UInt64) throws {
    let venue = TestVenue {
      $0.participants.isFrozen = false
      $0.seed = seed
    }
    venue.open(1, "/stream", "streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade")
    for _ in 0..<5 { venue.step() }
    let snapshot = try venue.get("depth", "symbol=BTCUSDT&limit=5000")
    var book = OrderBook()
    for level in levels(snapshot["bids"]) { book.set(.buy, price: level.price, quantity: level.quantity) }
    for level in levels(snapshot["asks"]) { book.set(.sell, price: level.price, quantity: level.quantity) }
    var last = try #require(snapshot["lastUpdateId"]?.integer)
    for index in 0..<100 {
      if index % 10 == 0 { try venue.order(TestVenue.market + "&quantity=0.5", by: index % 20 == 0 ? "alice" : "bob") }
      venue.step()
    }
    let messages = venue.messages(1).compactMap { message in message["data"].map { (message["stream"]?.string, $0) } }
    let tickers = messages.filter { $0.0 == "btcusdt@bookTicker" }.map(\.1)
    var applied = 0
    var compared = 0
    for (stream, diff) in messages where stream == "btcusdt@depth@100ms" {
      let first = try #require(diff["U"]?.integer)
      let final = try #require(diff["u"]?.integer)
      guard final > last else { continue }
      #expect(applied == 0 ? first <= last + 1 : first == last + 1, "seed \(seed): a gap before \(first)")
      for level in levels(diff["b"]) { book.set(.buy, price: level.price, quantity: level.quantity) }
      for level in levels(diff["a"]) { book.set(.sell, price: level.price, quantity: level.quantity) }
      last = final
      applied += 1
      for ticker in tickers where ticker["u"]?.integer == last {
        compared += 1
        #expect(ticker["b"]?.string.map(price) == book.best(.buy)?.price, "seed \(seed)")
        #expect(ticker["A"]?.string.map(quantity) == book.best(.sell)?.quantity, "seed \(seed)")
      }
    }
    #expect(applied > 90 && compared > 5)
    #expect(messages.contains { $0.0 == "btcusdt@trade" })
    for side in Side.allCases {
      #expect(book.levels(side) == venue.exchange.markets[0].levels(side, limit: .max), "seed \(seed)")
    }
  }

  @Test("more load when asked for: diffs every two milliseconds, as many levels in each as are quoted anew")
  func load() {
    let venue = TestVenue(depthIntervalMilliseconds: 2) {
      $0.participants.isFrozen = false
      $0.participants.requotes = 40
      $0.stepNanoseconds = 2 * Interval.millisecond
    }
    venue.open(1, "/ws/btcusdt@depth@100ms")
    for _ in 0..<50 { venue.advance(milliseconds: 2) }
    let diffs = venue.messages(1)
    #expect(diffs.count == 50)
    let count = diffs.reduce(0) { $0 + levels($1["b"]).count + levels($1["a"]).count }
    // Two quotes of one step may be of the same level.
    #expect(count > 50 * 20)
  }

  @Test("streams are taken, listed and given up; raw and combined differ by the wrapping")
  func subscriptions() throws {
    let venue = TestVenue()
    venue.open(1, "/ws")
    venue.send(#"{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms","btcusdt@depth@100ms"],"id":1}"#, on: 1)
    venue.send(#"{"method":"LIST_SUBSCRIPTIONS","id":"x"}"#, on: 1)
    let answers = venue.messages(1)
    #expect(answers.first == (try JSON.parse(Array(#"{"result":null,"id":1}"#.utf8))))
    #expect(answers.last?["id"]?.string == "x")
    venue.step()
    #expect(venue.messages(1).first?["e"]?.string == "depthUpdate")
    venue.send(#"{"method":"SET_PROPERTY","params":["combined",true],"id":2}"#, on: 1)
    venue.step()
    #expect(venue.messages(1).last?["stream"]?.string == "btcusdt@depth@100ms")
    venue.advance(milliseconds: 1_000)
    venue.send(#"{"method":"UNSUBSCRIBE","params":["btcusdt@depth@100ms"],"id":null}"#, on: 1)
    _ = venue.messages(1)
    venue.step()
    #expect(venue.messages(1).isEmpty)
    venue.send("nonsense", on: 1)
    #expect(venue.messages(1).first?["error"]?["code"]?.integer == 2)
  }

  @Test("more than five messages in a second end the connection")
  func flood() {
    let venue = TestVenue()
    venue.open(1, "/ws")
    for id in 0..<5 { venue.send("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":\(id)}", on: 1) }
    #expect(venue.ended.isEmpty)
    venue.send(#"{"method":"LIST_SUBSCRIPTIONS","id":6}"#, on: 1)
    #expect(venue.ended == [1])
  }

  @Test("user data: subscribed by signature, told in order, and only one's own")
  func userData() throws {
    let venue = TestVenue()
    #expect(try venue.subscribe(1)["result"]?["subscriptionId"]?.integer == 0)
    #expect(try venue.subscribe(2, "bob")["status"]?.integer == 200)
    try venue.order("newClientOrderId=rest")
    try venue.call("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=rest&newClientOrderId=bye")
    try venue.order(TestVenue.market + "&quantity=0.1&newClientOrderId=take")
    try venue.order("timeInForce=IOC&newClientOrderId=ioc")
    try venue.order("quantity=300&newClientOrderId=poor")
    let events = venue.messages(1).compactMap { $0["event"] }
    let reports = events.filter { $0["e"]?.string == "executionReport" }
    func text(_ field: String) -> [String] { reports.map { $0[field]?.text ?? "" } }
    #expect(text("x") == ["NEW", "CANCELED", "NEW", "TRADE", "NEW", "EXPIRED", "REJECTED"])
    #expect(text("X") == ["NEW", "CANCELED", "NEW", "FILLED", "NEW", "EXPIRED", "REJECTED"])
    #expect(text("c") == ["rest", "bye", "take", "take", "ioc", "ioc", "poor"])
    #expect(text("C") == ["", "rest", "", "", "", "", ""])
    #expect(text("z")[3] == "0.10000000" && text("N")[3] == "BTC")
    #expect(events.filter { $0["e"]?.string == "outboundAccountPosition" }.count == 6)
    #expect(venue.messages(2).isEmpty)

    venue.send(#"{"id":9,"method":"userDataStream.unsubscribe"}"#, on: 1)
    #expect(venue.messages(1).map { $0["event"]?["e"]?.string ?? "" } == ["eventStreamTerminated", ""])
    try venue.order()
    #expect(venue.messages(1).isEmpty)
  }

  @Test("delayed private events keep their order")
  func delayedEvents() throws {
    let venue = TestVenue { $0.eventDelayNanoseconds = 0...(200 * Interval.millisecond) }
    _ = try venue.subscribe(1)
    for _ in 0..<20 { try venue.order(TestVenue.market + "&quantity=0.001") }
    #expect(venue.messages(1).isEmpty)
    for _ in 0..<3 { venue.step() }
    let numbers = venue.messages(1).compactMap { $0["event"]?["I"]?.integer }
    #expect(numbers.count == 40 && numbers == numbers.sorted())
  }

  @Test("a wrong signature gets no user data")
  func userDataRefused() throws {
    let venue = TestVenue()
    let answer = try venue.subscribe(1, secret: "wrong")
    #expect(answer["status"]?.integer == 400 && answer["error"]?["code"]?.integer == -1022)
    try venue.order()
    #expect(venue.messages(1).isEmpty)
    venue.send(#"{"id":"p","method":"ping"}"#, on: 1)
    #expect(venue.messages(1).first?["result"] == .object([]))
  }
}
