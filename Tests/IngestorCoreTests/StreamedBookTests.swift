import Domain
import IngestorCore
import Testing
import Venues
import Wire

/// Feeds of a venue whose stream brings the book, and of several venues at once.
@Suite struct StreamedBookTests {
  private let market = VenueMarket.bybit(BybitMarket(.spot, depth: 200))

  @Test func theSubscriptionBringsTheBook() throws {
    var world = World(market)
    try world.learn()
    #expect(world.effects.contains(.connect(LinkID(feed: 0, number: 1), target: "/v5/public/spot")))
    try world.open()
    #expect(world.sent == [#"{"op":"subscribe","args":["orderbook.200.BTCUSDT","publicTrade.BTCUSDT"]}"#])
    try world.frame()
    #expect(!world.isValid, "a step without a book is of no use")
    try world.answerSnapshot()
    #expect(world.isValid && world.reader.records.last?.kind == .snapshot && world.reader.records.last?.venue == .bybit)
    try world.frame()
    #expect(world.reader.records.last?.kind == .diff && world.reader.records.last?.updateID == world.venue.lastID)
    #expect(world.reader.book?.levels(.buy) == world.venue.book.levels(.buy))
  }

  @Test func aGapIsHealedByANewSubscriptionOnTheSameStream() throws {
    var world = World(market)
    try world.becomeValid()
    _ = world.venue.nextFrame()
    try world.frame()
    #expect(!world.isValid && world.reader.book == nil && world.link?.number == 1)
    #expect(
      world.sent.suffix(2) == [
        #"{"op":"unsubscribe","args":["orderbook.200.BTCUSDT"]}"#, #"{"op":"subscribe","args":["orderbook.200.BTCUSDT"]}"#,
      ])
    try world.answerSnapshot()
    #expect(world.isValid && world.core.health[0].counts.resyncs == 1)
  }

  @Test func anUnansweredSubscriptionIsRepeatedNotFlooded() throws {
    var world = World(market) { $0.bookLimits.silence = Interval.hour }
    try world.becomeValid()
    _ = world.venue.nextFrame()
    try world.frame()
    let asked = world.sent.count
    for _ in 0..<200 {
      try world.wait(50)
      try world.frame()
    }
    #expect(world.sent.count - asked <= 1, "a heartbeat at most")
    for _ in 0..<200 { try world.wait(50) }
    #expect(world.sent.count - asked >= 2)
  }

  @Test func theStreamIsKeptAliveByFramesOfTheVenues() throws {
    var world = World(market) { $0.bookLimits.silence = Interval.hour }
    try world.becomeValid()
    for _ in 0..<61 { try world.wait(1_000) }
    #expect(world.sent.count { $0 == #"{"op":"ping"}"# } == 3)
    let ignored = world.core.health[0].ignoredFrames
    try world.apply(.frame(try #require(world.link), Array(#"{"success":true,"ret_msg":"pong","op":"ping"}"#.utf8)))
    #expect(world.core.health[0].ignoredFrames == ignored && world.isValid)
  }

  @Test func aRefusedSubscriptionIsTriedAgainOnANewStream() throws {
    var world = World(market)
    try world.learn()
    try world.open()
    let refusal = #"{"success":false,"ret_msg":"Invalid topic","op":"subscribe"}"#
    try world.apply(.frame(try #require(world.link), Array(refusal.utf8)))
    #expect(world.link == nil && world.logs.contains { $0.contains("refuses") })
  }

  @Test func twoVenuesAreFedEachFromItsOwn() throws {
    let settings = IngestorSettings(
      markets: [.binance(.spot), market, .bybit(BybitMarket(.linear))],
      symbols: ["BTC-USDT", "BTC-USDT-PERP"].compactMap { Symbol($0) })
    #expect(
      settings.feeds.map { "\($0.market.venue) \($0.symbol)" } == ["binance BTC-USDT", "bybit BTC-USDT", "bybit BTC-USDT-PERP"])
    var core = IngestorCore(settings, seed: 1)
    var effects: [IngestorEffect] = []
    let moment = Moment(steady: Timestamp(nanoseconds: 0), wall: Timestamp(milliseconds: 1))
    core.apply(.started, at: moment, into: &effects)
    let requests = effects.compactMap { effect -> String? in
      if case .requestInstruments(let market, let request) = effect { "\(market) \(request.path)" } else { nil }
    }
    #expect(requests == ["0 /api/v3/exchangeInfo", "1 /v5/market/instruments-info", "2 /v5/market/instruments-info"])
    effects = []
    let list = VenueReply(status: 200, body: VenueModel.bybitInstruments("BTC", cursor: ""))
    core.apply(.instruments(market: 2, .reply(list)), at: moment, into: &effects)
    #expect(effects.contains(.connect(LinkID(feed: 2, number: 1), target: "/v5/public/linear")))
    #expect(!effects.contains { if case .connect(let link, _) = $0 { link.feed < 2 } else { false } })
    effects = []
    core.apply(
      .instruments(market: 1, .reply(VenueReply(status: 200, body: VenueModel.bybitInstruments("ETH", cursor: "")))), at: moment,
      into: &effects)
    #expect(effects.contains { if case .log(let log) = $0 { log.venue == .bybit && log.level == .error } else { false } })
  }

  @Test func aListOfSeveralPagesIsReadToItsEnd() throws {
    let settings = IngestorSettings(
      markets: [.bybit(BybitMarket(.linear))], symbols: ["BTC-USDT-PERP"].compactMap { Symbol($0) })
    var core = IngestorCore(settings, seed: 1)
    var effects: [IngestorEffect] = []
    let moment = Moment(steady: Timestamp(nanoseconds: 0), wall: Timestamp(milliseconds: 1))
    core.apply(.started, at: moment, into: &effects)
    effects = []
    let first = VenueReply(status: 200, body: VenueModel.bybitInstruments("ETH", cursor: "next%3D1"))
    core.apply(.instruments(market: 0, .reply(first)), at: moment, into: &effects)
    guard case .requestInstruments(market: 0, let request)? = effects.last else {
      Issue.record("the next page is asked for")
      return
    }
    #expect(request.query == "category=linear&limit=1000&cursor=next%3D1")
    let second = VenueReply(status: 200, body: VenueModel.bybitInstruments("BTC", cursor: ""))
    core.apply(.instruments(market: 0, .reply(second)), at: moment, into: &effects)
    #expect(effects.contains { if case .connect = $0 { true } else { false } })
  }

  @Test func aContractOfAThousandIsFedInSingleUnits() throws {
    let settings = IngestorSettings(
      markets: [.bybit(BybitMarket(.linear, depth: 50))], symbols: ["BONK-USDT-PERP"].compactMap { Symbol($0) })
    var core = IngestorCore(settings, seed: 1)
    var effects: [IngestorEffect] = []
    let moment = Moment(steady: Timestamp(nanoseconds: 0), wall: Timestamp(milliseconds: 1))
    core.apply(.started, at: moment, into: &effects)
    let list = VenueReply(status: 200, body: VenueModel.bybitInstruments("1000BONK", cursor: ""))
    core.apply(.instruments(market: 0, .reply(list)), at: moment, into: &effects)
    let link = LinkID(feed: 0, number: 1)
    core.apply(.opened(link), at: moment, into: &effects)
    let frame = #"""
      {"topic":"orderbook.50.1000BONKUSDT","type":"snapshot","ts":1,"data":{"s":"1000BONKUSDT","b":[["0.01","2"]],"a":[["0.02","0.003"]],"u":7}}
      """#
    core.apply(.frame(link, Array(frame.utf8)), at: moment, into: &effects)
    let top = effects.compactMap { effect -> TopOfBook? in
      if case .publish(_, let record) = effect, record.isValid { record.top } else { nil }
    }.last
    #expect(try top?.bid == BookLevel(price: Price("0.00001"), quantity: Quantity("2000")))
    #expect(try top?.ask == BookLevel(price: Price("0.00002"), quantity: Quantity("3")))
  }
}
