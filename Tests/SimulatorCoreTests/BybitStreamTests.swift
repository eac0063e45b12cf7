import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BybitStreamTests {
  private func levels(_ json: JSON?) -> [BookLevel] {
    (json?.array ?? []).compactMap { level in
      guard let parts = level.array, let first = parts.first?.string, let last = parts.last?.string else { return nil }
      return BookLevel(price: price(first), quantity: quantity(last))
    }
  }

  @Test("a snapshot and its deltas give the venue's best levels, whatever the depth", arguments: [50, 200, 1_000], UInt64(1)...3)
  func booksFollow(depth: Int, seed: UInt64) throws {
    let venue = BybitVenue {
      $0.participants.isFrozen = false
      $0.seed = seed
    }
    let topic = "orderbook.\(depth).BTCUSDT"
    var messages = venue.follow(1, "public/spot", topic).filter { $0["topic"]?.string == topic }
    for index in 0..<100 {
      if index % 10 == 0 { try venue.create(BybitVenue.market.merging(["qty": "0.5"]) { $1 }) }
      venue.advance(milliseconds: 200)
      messages += venue.messages(1)
    }
    #expect(messages.first?["type"]?.string == "snapshot")
    var book = OrderBook()
    var (last, sequence) = (Int64(0), Int64(0))
    for message in messages {
      let data = try #require(message["data"])
      let number = try #require(data["u"]?.integer)
      #expect(last == 0 || number == last + 1, "seed \(seed)")
      #expect(try #require(data["seq"]?.integer) > sequence, "seed \(seed)")
      last = number
      sequence = data["seq"]?.integer ?? 0
      for level in levels(data["b"]) { book.set(.buy, price: level.price, quantity: level.quantity) }
      for level in levels(data["a"]) { book.set(.sell, price: level.price, quantity: level.quantity) }
    }
    #expect(messages.count > 50)
    for side in Side.allCases {
      #expect(book.levels(side) == venue.exchange.markets[0].levels(side, limit: depth), "seed \(seed)")
    }
  }

  @Test("a later listener gets the book as the others have it, and goes on with them")
  func laterListener() throws {
    let venue = BybitVenue { $0.participants.isFrozen = false }
    venue.follow(1, "public/spot", "orderbook.1000.BTCUSDT")
    venue.advance(milliseconds: 200)
    let told = try #require(venue.messages(1).last?["data"]?["u"]?.integer)
    venue.advance(milliseconds: 60)
    let snapshot = try #require(venue.follow(2, "public/spot", "orderbook.1000.BTCUSDT").last)
    #expect(snapshot["type"]?.string == "snapshot" && snapshot["data"]?["u"]?.integer == told)
    venue.advance(milliseconds: 200)
    #expect(venue.messages(1) == venue.messages(2))
  }

  @Test("the best prices come whole, and again after three quiet seconds with the same number")
  func topOfBook() throws {
    let venue = BybitVenue()
    let first = try #require(venue.follow(1, "public/spot", "orderbook.1.BTCUSDT").last?["data"])
    #expect(levels(first["b"]).count == 1 && levels(first["a"]).count == 1)
    for _ in 0..<29 { venue.step() }
    #expect(venue.messages(1).isEmpty)
    venue.step()
    let again = try #require(venue.messages(1).first)
    #expect(again["type"]?.string == "snapshot" && again["data"]?["u"] == first["u"])
    try venue.create(BybitVenue.market.merging(["qty": "3"]) { $1 })
    venue.advance(milliseconds: 60)
    let moved = try #require(venue.messages(1).first?["data"])
    #expect(try #require(moved["u"]?.integer) == (first["u"]?.integer ?? 0) + 1 && moved["a"] != first["a"])
  }

  @Test("differences are complete", arguments: UInt64(1)...50)
  func differences(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    func side() -> [BookLevel] {
      (1...20).reversed().filter { _ in Bool.random(using: &generator) }.map {
        BookLevel(price: Price(units: $0), quantity: Quantity(units: Int64.random(in: 1...3, using: &generator)))
      }
    }
    let (old, new) = (side(), side())
    for (before, after, which) in [(old, new, Side.buy), (Array(old.reversed()), Array(new.reversed()), .sell)] {
      var book = OrderBook()
      for level in before { book.set(which, price: level.price, quantity: level.quantity) }
      let changes = BybitOrderBooks.difference(before, after, which)
      for level in changes { book.set(which, price: level.price, quantity: level.quantity) }
      #expect(book.levels(which) == after, "seed \(seed)")
      #expect(Set(changes.map(\.price)).count == changes.count && changes.allSatisfy { !before.contains($0) }, "seed \(seed)")
    }
  }

  @Test("trades of one operation come in one message; the perpetual's are told on its own channel")
  func trades() throws {
    let venue = BybitVenue { $0.participants.isFrozen = false }
    venue.follow(1, "public/spot", "publicTrade.BTCUSDT")
    venue.follow(2, "public/linear", "publicTrade.BTCUSDT")
    try venue.create(BybitVenue.market.merging(["qty": "10"]) { $1 })
    venue.advance(milliseconds: 51)
    let message = try #require(venue.messages(1).first { ($0["data"]?.array?.count ?? 0) > 5 })
    let trades = try #require(message["data"]?.array)
    #expect(trades.compactMap { $0["v"]?.string.map(quantity) }.reduce(Quantity.zero, +) == quantity("10"))
    #expect(trades.allSatisfy { $0["S"]?.string == "Buy" })
    #expect(!venue.messages(2).contains { ($0["data"]?.array?.count ?? 0) > 5 })
  }

  @Test("the ticker is told whole on spot, and by what changed on linear")
  func tickers() throws {
    let venue = BybitVenue { $0.participants.isFrozen = false }
    #expect(venue.follow(1, "public/spot", "tickers.BTCUSDT").last?["type"]?.string == "snapshot")
    #expect(venue.follow(2, "public/linear", "tickers.BTCUSDT").last?["data"]?["fundingRate"]?.string == "0.0001")
    for _ in 0..<20 { venue.step() }
    #expect(venue.messages(1).allSatisfy { $0["type"]?.string == "snapshot" && $0["data"]?["volume24h"] != nil })
    let deltas = venue.messages(2)
    #expect(!deltas.isEmpty && deltas.allSatisfy { $0["type"]?.string == "delta" && $0["data"]?["symbol"] != nil })
    #expect(deltas.allSatisfy { $0["data"]?["fundingRate"] == nil })
  }

  @Test(
    "a subscription is refused whole",
    arguments: [
      #"["orderbook.50.NOSUCH"]"#, #"["orderbook.7.BTCUSDT"]"#, #"["orderbook.50.BTCUSDT","kline.1.BTCUSDT"]"#, "[]", "7",
      #"["publicTrade.BTCUSDT.x"]"#, #"[""]"#, #"["order"]"#,
      "[" + Array(repeating: #""publicTrade.BTCUSDT""#, count: 11).joined(separator: ",") + "]",
    ])
  func refusals(topics: String) {
    let venue = BybitVenue()
    venue.open(1, "/v5/public/spot")
    venue.send("{\"op\":\"subscribe\",\"args\":\(topics)}", on: 1)
    let answer = venue.messages(1)
    #expect(answer.count == 1 && answer.first?["success"]?.bool == false)
    venue.step()
    #expect(venue.messages(1).isEmpty)
  }

  @Test("subscriptions are taken once and given up; nonsense is refused; pings are answered in each channel's way")
  func commands() throws {
    let venue = BybitVenue()
    #expect(venue.follow(1, "public/spot", "publicTrade.BTCUSDT").first?["req_id"]?.string == "s")
    venue.send(#"{"op":"subscribe","args":["publicTrade.BTCUSDT"]}"#, on: 1)
    #expect(venue.messages(1).first?["success"]?.bool == false)
    venue.send(#"{"op":"unsubscribe","args":["publicTrade.BTCUSDT"]}"#, on: 1)
    #expect(venue.messages(1).first?["success"]?.bool == true)
    try venue.create(BybitVenue.market)
    venue.step()
    #expect(venue.messages(1).isEmpty)
    for nonsense in ["nonsense", "{}", #"{"op":"dance"}"#, #"{"op":"auth","args":[]}"#] {
      venue.send(nonsense, on: 1)
      #expect(venue.messages(1).first?["success"]?.bool == false, "\(nonsense)")
    }
    venue.send(#"{"op":"ping","req_id":"p"}"#, on: 1)
    let pong = try #require(venue.messages(1).first)
    #expect(pong["ret_msg"]?.string == "pong" && pong["op"]?.string == "ping" && pong["req_id"]?.string == "p")
    venue.follow(2, "private", "order")
    venue.send(#"{"op":"ping"}"#, on: 2)
    let other = try #require(venue.messages(2).first)
    #expect(other["op"]?.string == "pong" && other["args"]?.array?.first?.string == String(venue.now.milliseconds))
  }

  @Test("a client that says nothing for ten minutes is closed, one that pings is not")
  func idle() {
    let venue = BybitVenue()
    venue.open(1, "/v5/public/spot")
    venue.open(2, "/v5/public/spot")
    venue.advance(milliseconds: 500_000)
    venue.send(#"{"op":"ping"}"#, on: 2)
    venue.advance(milliseconds: 100_001)
    #expect(venue.ended == [1])
  }

  @Test("private events: orders, executions and balances, told to their owner alone")
  func privateEvents() throws {
    let venue = BybitVenue()
    venue.follow(1, "private", "order", "execution", "wallet")
    venue.follow(2, "private", "order", "execution", "wallet", as: "bob")
    venue.follow(3, "private", "order.spot", "execution.linear")
    try venue.place(["orderLinkId": "rest"])
    try venue.call("POST", "order/cancel", #"{"category":"spot","symbol":"BTCUSDT","orderLinkId":"rest"}"#)
    venue.step()
    try venue.place(BybitVenue.market.merging(["qty": "3", "orderLinkId": "take"]) { $1 })
    try venue.place(["timeInForce": "PostOnly", "price": "27000", "orderLinkId": "late"])
    let messages = venue.messages(1)
    func rows(_ topic: String) -> [JSON] { messages.filter { $0["topic"]?.string == topic }.flatMap { $0["data"]?.array ?? [] } }
    let told = rows("order").map { "\($0["orderLinkId"]?.string ?? "") \($0["orderStatus"]?.string ?? "")" }
    #expect(told == ["rest New", "rest Cancelled", "take Filled", "late Cancelled"])
    let executions = rows("execution")
    #expect(executions.count > 1 && executions.allSatisfy { $0["orderLinkId"]?.string == "take" })
    #expect(executions.compactMap { $0["execQty"]?.string.map(quantity) }.reduce(Quantity.zero, +) == quantity("3"))
    #expect(executions.last?["leavesQty"]?.string == "0" && executions.first?["leavesQty"]?.string != "0")
    let wallets = rows("wallet")
    #expect(wallets.count == 3, "a refused order moves nothing")
    #expect(wallets.last?["coin"]?.array?.first { $0["coin"]?.string == "BTC" }?["walletBalance"]?.string == "52.997")
    #expect(venue.messages(2).isEmpty)
    let spot = venue.messages(3)
    #expect(spot.count == 4 && spot.allSatisfy { $0["topic"]?.string == "order.spot" })
  }
}
