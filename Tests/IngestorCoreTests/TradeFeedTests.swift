import Domain
import IngestorCore
import Testing
import Venues
import Wire

/// Frames of trades in a venue's own words.
private func tradeFrame(_ market: VenueMarket, _ numbers: [Int64], venueSymbol: String = "BTCUSDT") -> [UInt8] {
  JSONWriter.object { writer in
    switch market {
    case .binance:
      let number = numbers.first ?? 0
      writer.member("stream", "btcusdt@trade")
      writer.name("data")
      writer.beginObject()
      writer.member("e", "trade")
      writer.member("s", venueSymbol)
      writer.member("t", number)
      writer.member("p", "1000.5")
      writer.member("q", "0.25")
      writer.member("T", 1_700_000_000_000 + number)
      writer.member("m", number % 2 == 0)
      writer.endObject()
    case .bybit:
      writer.member("topic", "publicTrade.\(venueSymbol)")
      writer.name("data")
      writer.beginArray()
      for number in numbers {
        writer.beginObject()
        writer.member("T", 1_700_000_000_000 + number)
        writer.member("s", venueSymbol)
        writer.member("S", number % 2 == 0 ? "Sell" : "Buy")
        writer.member("v", "0.25")
        writer.member("p", "1000.5")
        writer.member("i", "id-\(number)")
        writer.endObject()
      }
      writer.endArray()
    }
  }
}

extension World {
  fileprivate mutating func trade(_ numbers: Int64..., of venueSymbol: String = "BTCUSDT") throws {
    guard let link, isOpen else { return }
    try apply(.frame(link, tradeFrame(venue.market, numbers, venueSymbol: venueSymbol)))
  }

  fileprivate var tradeIDs: [String] { trades.flatMap { $0.trades.map(\.id) } }
  fileprivate var gaps: [TradeRecord.Gap?] { trades.flatMap { $0.trades.map(\.gap) } }
}

@Suite struct TradeFeedTests {
  static let markets: [VenueMarket] = [.binance(.spot), .bybit(BybitMarket(.spot)), .bybit(BybitMarket(.linear, depth: 200))]

  @Test(arguments: markets)
  func tradesAreOnTheTopicAsTheVenueSaysThem(market: VenueMarket) throws {
    var world = World(market)
    try world.becomeValid()
    let ignored = world.core.health[0].ignoredFrames
    try world.trade(1)
    try world.wait(50)
    try world.trade(2)
    try world.trade(9, of: "ETHUSDT")
    try world.wait(50)
    let trades = world.trades.flatMap(\.trades)
    #expect(
      trades.map(\.takerSide) == [.buy, .sell] && trades.map(\.time.milliseconds) == [1_700_000_000_001, 1_700_000_000_002])
    #expect(trades.allSatisfy { $0.price.description == "1000.5" && $0.quantity.description == "0.25" })
    #expect(world.gaps == [.init(.started), nil])
    #expect(world.trades.map(\.symbol.isPerpetual) == Array(repeating: market.declaration.isPerpetual, count: world.trades.count))
    #expect(world.isValid && world.core.health[0].trades.published == 2 && world.core.health[0].ignoredFrames == ignored)
  }

  @Test(arguments: markets)
  func anyNumberOfTradesIsABoundedNumberOfRecords(market: VenueMarket) throws {
    var world = World(market)
    try world.becomeValid()
    for number in 1...4_000 as ClosedRange<Int64> {
      try world.trade(number)
      if number % 4 == 0 { try world.wait(1) }
    }
    try world.wait(50)
    #expect(world.trades.count <= 1_000 / 50 + 2, "\(world.trades.count) records in a second")
    #expect(world.tradeIDs == (1...4_000).map { market.venue == .bybit ? "id-\($0)" : "\($0)" })
    let quick = world.trades.count
    for number in 4_001...7_000 as ClosedRange<Int64> { try world.trade(number) }
    #expect(world.trades.count == quick + 3, "full records go out at once")
  }

  @Test(arguments: markets)
  func whatIsRepeatedAfterAReconnectIsDroppedAndTheBreakIsSaid(market: VenueMarket) throws {
    var world = World(market)
    try world.becomeValid()
    for number in 1...5 as ClosedRange<Int64> { try world.trade(number) }
    try reconnect(&world)
    for number in 3...9 as ClosedRange<Int64> where number != 6 && number != 7 { try world.trade(number) }
    try world.wait(50)
    #expect(world.tradeIDs.count == 7 && Set(world.tradeIDs).count == 7)
    let said = market.venue == .bybit ? TradeRecord.Gap(.disconnected) : TradeRecord.Gap(.missed, missed: 2)
    #expect(world.gaps == [.init(.started), nil, nil, nil, nil, said, nil])
    #expect(world.core.health[0].trades.repeated == 3 && world.logs.contains { $0.contains("missing") })
  }

  @Test(arguments: markets)
  func damageAndLostRecordsAreSaid(market: VenueMarket) throws {
    var world = World(market)
    try world.becomeValid()
    try world.trade(1)
    let frame = tradeFrame(market, [2])
    try world.apply(.frame(try #require(world.link), Array(frame.dropLast(2))))
    try world.trade(3)
    try world.wait(50)
    try world.apply(.undelivered(.trades(feed: 0)))
    let valid = world.isValid
    try world.trade(4)
    try world.wait(50)
    let damaged = market.venue == .bybit ? TradeRecord.Gap(.damaged) : TradeRecord.Gap(.missed, missed: 1)
    #expect(world.gaps == [.init(.started), damaged, .init(.undelivered)] && world.isValid == valid)
  }

  @Test func tradesThatCannotBeReadDoNotTouchTheBook() throws {
    var world = World(.bybit(BybitMarket(.spot)))
    try world.becomeValid()
    let bad = #"{"topic":"publicTrade.BTCUSDT","data":[{"s":"BTCUSDT","S":"Buy","p":"0","v":"1","i":"x","T":1}]}"#
    try world.apply(.frame(try #require(world.link), Array(bad.utf8)))
    #expect(world.isValid && world.logs.last?.hasPrefix("unreadable trades") == true)
  }

  @Test func theLastTradesGoOutAtTheEnd() throws {
    var world = World()
    try world.becomeValid()
    try world.trade(1)
    try world.trade(2)
    try world.apply(.stopping)
    #expect(world.tradeIDs == ["1", "2"])
  }

  /// Whatever the network does: in order, none twice, and every trade that is missing lies in a gap that is said.
  @Test(arguments: markets, 1...20)
  func nothingIsMissingSilently(market: VenueMarket, seed: Int) throws {
    var world = World(market, seed: UInt64(seed))
    var generator = SeededGenerator(seed: UInt64(seed) &* 31)
    try world.becomeValid()
    var next: Int64 = 1
    var sent: [Int64] = []
    for _ in 0..<600 {
      switch Int.random(in: 0..<20, using: &generator) {
      case 0:
        // A stream that breaks takes the next trades with it.
        try reconnect(&world)
        next += Int64.random(in: 0...3, using: &generator)
      case 1: if let again = sent.suffix(30).randomElement(using: &generator) { try world.trade(again) }
      case 2 where market.venue == .binance: next += 1
      case 3...6: try world.wait(Int64.random(in: 1...60, using: &generator))
      default:
        try world.trade(next)
        sent.append(next)
        next += 1
      }
    }
    try world.wait(100)
    var last: Int64 = 0
    for trade in world.trades.flatMap(\.trades) {
      let number = trade.time.milliseconds - 1_700_000_000_000
      #expect(number > last, "seed \(seed)")
      if number > last + 1 { #expect(trade.gap != nil, "seed \(seed): before \(number)") }
      last = number
    }
    #expect(Set(world.tradeIDs).count == world.tradeIDs.count, "seed \(seed)")
  }

  private func reconnect(_ world: inout World) throws {
    let old = try #require(world.link)
    try world.apply(.closed(old, reason: "code 1006"))
    while world.link == old || world.link == nil { try world.wait(200) }
    try world.open()
  }
}
