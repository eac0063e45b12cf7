import Domain
import SimulatorCore
import Testing
import Venues
import Wire

/// Our own Binance adapter before the simulated venue: each was written from the venue's documents, neither from the other.
@Suite struct AdapterTests {
  private let credentials = BinanceCredentials(apiKey: "alice-key", secret: "alice-secret")
  private var trading: BinanceTrading { BinanceTrading(credentials: credentials) }

  private func send(_ request: VenueRequest, to venue: TestVenue) -> VenueResult {
    let reply = venue.send(
      WebRequest(
        method: request.method.rawValue, path: request.path, query: request.query,
        headers: request.headers.map { (name: $0.name.lowercased(), value: $0.value) }, body: request.body))
    guard let reply else { return .maybeSent(reason: "the connection was dropped") }
    return .reply(VenueReply(status: reply.status, body: reply.body))
  }

  private func call<Reply: Sendable>(
    _ request: VenueRequest, _ venue: TestVenue, _ read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply> {
    BinanceErrors.classify(send(request, to: venue), of: request.purpose, read: read)
  }

  private func confirmed<Reply>(_ outcome: VenueOutcome<Reply>) throws -> Reply {
    guard case .confirmed(let reply) = outcome else { throw Unconfirmed(what: "\(outcome)") }
    return reply
  }

  private struct Unconfirmed: Error { let what: String }

  private func order(_ id: String, _ terms: Venues.NewOrder.Terms, _ size: String = "0.25") -> Venues.NewOrder {
    Venues.NewOrder(clientID: id, venueSymbol: "BTCUSDT", side: .buy, terms: terms, quantity: quantity(size))
  }

  @Test("an order is placed, queried, cancelled and found in the histories")
  func orders() throws {
    let venue = TestVenue()
    let list = try BinanceMarket.spot.instruments(try #require(reply(BinanceMarket.spot.exchangeInfo(), venue)))
    #expect(list.refusals.isEmpty && list.instruments.first?.tick == price("0.01"))
    let filled = try confirmed(call(trading.place(order("a", .market), at: venue.now), venue, BinanceReplies.order))
    #expect(filled.state == .filled && filled.cumulativeQuantity == quantity("0.25"))
    #expect(filled.fills.map(\.fee).reduce(Money.zero, +) == money("0.00025"))
    let limit = order("b", .limit(price: price("20000"), .gtc))
    let open = try confirmed(call(trading.place(limit, at: venue.now), venue, BinanceReplies.order))
    #expect(open.state == .open)
    let query = trading.order(clientID: "b", venueSymbol: "BTCUSDT", at: venue.now)
    #expect(try confirmed(call(query, venue, BinanceReplies.order)).venueOrderID == open.venueOrderID)
    let cancel = trading.cancel(clientID: "b", venueSymbol: "BTCUSDT", at: venue.now)
    let cancelled = try confirmed(call(cancel, venue, BinanceReplies.order))
    #expect(cancelled.state == .cancelled && cancelled.clientID == "b")
    let all = trading.allOrders(venueSymbol: "BTCUSDT", at: venue.now)
    #expect(try confirmed(call(all, venue, BinanceReplies.orders)).count == 2)
    let trades = trading.trades(venueSymbol: "BTCUSDT", .order(venueOrderID: filled.venueOrderID), at: venue.now)
    #expect(try confirmed(call(trades, venue, BinanceReplies.trades)).map(\.fill.tradeID) == filled.fills.map(\.tradeID))
    let balances = try confirmed(call(trading.account(at: venue.now), venue, BinanceReplies.account)).balances
    #expect(balances.first { $0.asset == "BTC" }?.free == money("50.24975"))
  }

  private func reply(_ request: VenueRequest, _ venue: TestVenue) -> [UInt8]? {
    if case .reply(let reply) = send(request, to: venue) { reply.body } else { nil }
  }

  @Test("what is certain is certain, and what is not is unknown")
  func outcomes() throws {
    let venue = TestVenue()
    let limit = trading.place(order("a", .limit(price: price("20000"), .gtc)), at: venue.now)
    _ = try confirmed(call(limit, venue, BinanceReplies.order))
    guard case .unknown = call(limit, venue, BinanceReplies.order) else {
      Issue.record("a duplicate means that an earlier attempt arrived")
      return
    }
    _ = try venue.control("POST", "/faults", #"{"fault":"drop_reply","match":"POST *"}"#)
    let second = trading.place(order("b", .limit(price: price("20000"), .gtc)), at: venue.now)
    guard case .unknown = call(second, venue, BinanceReplies.order) else {
      Issue.record("a lost reply proves nothing")
      return
    }
    let poor = trading.place(order("c", .limit(price: price("20000"), .gtc), "300"), at: venue.now)
    guard case .failed(let failure) = call(poor, venue, BinanceReplies.order) else {
      Issue.record("a refusal is certain")
      return
    }
    #expect(failure.kind == .permanent)
    venue.advance(milliseconds: 2_001)
    guard case .failed(let late) = call(limit, venue, BinanceReplies.order) else {
      Issue.record("a request that comes too late is refused")
      return
    }
    #expect(late.kind == .clock)
  }

  @Test("the private stream tells what the replies tell")
  func privateStream() throws {
    let venue = TestVenue()
    venue.open(1, BinanceUserStream.target)
    let subscription = BinanceUserStream.subscribe(credentials, requestID: "s", at: venue.now)
    venue.send(String(decoding: subscription, as: UTF8.self), on: 1)
    let place = trading.place(order("a", .market), at: venue.now)
    let reply = try confirmed(call(place, venue, BinanceReplies.order))
    let events = try venue.messages(1).map { try BinanceUserStream.event(bytes($0)) }
    #expect(events.first == .subscribed(requestID: "s"))
    let reports = events.compactMap { event -> VenueOrderReport? in if case .order(let report) = event { report } else { nil } }
    #expect(reports.map(\.state) == [.open, .filled])
    #expect(reports.last?.clientID == "a" && reports.last?.cumulativeQuote == reply.cumulativeQuote)
    #expect(reports.flatMap(\.fills).map(\.tradeID) == reply.fills.map(\.tradeID))
    #expect(events.contains { if case .balances = $0 { true } else { false } })
  }

  @Test("book and trades are the venue's, and a skipped diff is noticed", arguments: UInt64(1)...3)
  func book(seed: UInt64) throws {
    let venue = TestVenue {
      $0.participants.isFrozen = false
      $0.seed = seed
    }
    var sync = BookSync(rules: BinanceMarket.spot.bookRules)
    let target = BinanceMarket.spot.symbolStreamTarget(venueSymbol: "BTCUSDT").split(separator: "?").map(String.init)
    venue.open(1, target[0], target[1])
    _ = sync.opened(at: venue.now)
    var trades: [Venues.PublicTrade] = []
    func follow(_ steps: Int) throws {
      for _ in 0..<steps {
        venue.step()
        for message in venue.messages(1) {
          if let found = try BinanceTrades.trades(frame: bytes(message)) {
            trades += found.trades
            continue
          }
          var update = DepthUpdate()
          #expect(try BinanceDepth.decode(frame: bytes(message), into: &update) == .depth)
          _ = sync.receive(update, at: venue.now)
        }
        if sync.wantsSnapshot {
          var snapshot = DepthSnapshot()
          let body = try #require(reply(BinanceMarket.spot.depth(venueSymbol: "BTCUSDT"), venue))
          try BinanceDepth.decode(snapshot: body, into: &snapshot)
          _ = sync.receive(snapshot)
        }
      }
    }
    try follow(50)
    let book = try #require(sync.book, "seed \(seed): \(String(describing: sync.invalidity))")
    for side in Side.allCases {
      #expect(book.levels(side) == venue.exchange.markets[0].levels(side, limit: .max), "seed \(seed)")
    }
    #expect(sync.counts.gaps == 0)
    let there = venue.exchange.markets[0].trades.suffix(trades.count)
    #expect(trades.map(\.number) == there.map { $0.id } && trades.map(\.price) == there.map(\.price) && !trades.isEmpty)
    #expect(trades.map { $0.takerSide == .sell } == there.map(\.isBuyerMaker) && trades.map(\.quantity) == there.map(\.quantity))
    _ = try venue.control("POST", "/faults", #"{"fault":"skip_diff","match":"btcusdt@depth@100ms"}"#)
    try follow(10)
    #expect(sync.counts.gaps == 1 && sync.book != nil, "seed \(seed)")
  }

  private func bytes(_ json: JSON) -> [UInt8] {
    var writer = JSONWriter()
    writer.value(json)
    return writer.bytes
  }
}
