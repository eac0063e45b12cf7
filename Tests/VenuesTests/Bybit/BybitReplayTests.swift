import Domain
import Testing
import Wire

@testable import Venues

@Suite struct BybitReplayTests {
  /// A book of a recording: its file, its connection, and how it is asked for.
  private static let books: [(name: String, connection: String, symbol: String, market: BybitMarket)] = [
    ("v5_20260809", "BYBIT.ws.2", "BTCUSDT", BybitMarket(.linear, depth: 200)),
    ("v5_20260809", "BYBIT.ws.2", "DOGEUSDT", BybitMarket(.linear, depth: 200)),
    ("v5_20260809", "BYBIT.ws.3", "BTCUSDT", BybitMarket(.spot, depth: 200)),
    ("v5_ob500_xrpusdt_20241201", "hist", "XRPUSDT", BybitMarket(.linear, depth: 500)),
  ]

  private func lines(_ name: String) throws -> [[UInt8]] {
    try inflated("bybit/captures/\(name).jsonl.gz").split(separator: UInt8(ascii: "\n")).map(Array.init)
  }

  private func play(_ lines: [[UInt8]], _ market: BybitMarket, _ symbol: String) throws -> BybitReplay {
    var replay = BybitReplay(market: market, venueSymbol: symbol)
    for line in lines { try replay.take(line: line) }
    return replay
  }

  /// Where the frames of a book are.
  private func frames(_ lines: [[UInt8]], _ connection: String, _ topic: String) throws -> [Int] {
    try lines.indices.filter { index in
      let record = try JSON.parse(lines[index])
      guard record["conn"]?.string == connection, let data = record["data"]?.string else { return false }
      return data.contains(#""topic":"\#(topic)""#)
    }
  }

  @Test func everyBookIsCovered() throws {
    let named = try ["v5_20260809", "v5_ob500_xrpusdt_20241201"].flatMap { name in
      try #require(try Fixtures.json("bybit/captures/\(name).expected.json")["books"]?.members).map { "\(name)|\($0.name)" }
    }
    let ours = Self.books.map { "\($0.name)|\($0.connection)|\($0.market.bookTopic(venueSymbol: $0.symbol))" }
    #expect(Set(named) == Set(ours))
  }

  @Test(arguments: 0..<4) func capturesEndInTheExpectedBook(index: Int) throws {
    let (name, connection, symbol, market) = Self.books[index]
    let topic = market.bookTopic(venueSymbol: symbol)
    let expected = try #require(try Fixtures.json("bybit/captures/\(name).expected.json")["books"]?["\(connection)|\(topic)"])
    let replay = try play(lines(name), market, symbol)
    let book = try #require(replay.book)
    let final = try #require(expected["final"])
    let steps = try #require(expected["deltas"]?.integer)
    #expect(replay.counts.applied == steps && replay.counts.stale == 0 && replay.counts.gaps == 0)
    #expect(replay.counts.received == Int(steps) + 1 && replay.counts.synchronisations == 1)
    #expect(replay.lastID == expected["last_u"]?.integer)
    #expect(try book.levels(.buy, limit: 5) == levels(final["bids"]) && book.levels(.sell, limit: 5) == levels(final["asks"]))
    #expect(final["bid_levels"]?.integer == Int64(book.count(.buy)) && final["ask_levels"]?.integer == Int64(book.count(.sell)))
  }

  private func levels(_ json: JSON?) throws -> [BookLevel] {
    try #require(json?.array).map { level in
      let parts = try #require(level.array).compactMap { $0.text }
      return BookLevel(price: try Price(parts[0]), quantity: try Quantity(parts[1]))
    }
  }

  @Test(arguments: [0, 2, 3]) func aDroppedFrameIsNoticedAndTheBookIsNotServed(index: Int) throws {
    let (name, connection, symbol, market) = Self.books[index]
    let lines = try lines(name)
    let frames = try frames(lines, connection, market.bookTopic(venueSymbol: symbol))
    for dropped in stride(from: 0, to: frames.count - 1, by: 37) {
      var broken = lines
      broken.remove(at: frames[dropped])
      let replay = try play(broken, market, symbol)
      #expect(replay.book == nil && replay.counts.gaps == (dropped == 0 ? 0 : 1), "frame \(dropped)")
    }
  }

  @Test(arguments: [0, 2, 3]) func swappedFramesAreAGapAndRepeatedOnesAreNot(index: Int) throws {
    let (name, connection, symbol, market) = Self.books[index]
    let lines = try lines(name)
    let frames = try frames(lines, connection, market.bookTopic(venueSymbol: symbol))
    var swapped = lines
    swapped.swapAt(frames[20], frames[21])
    #expect(try play(swapped, market, symbol).book == nil)
    var repeated = lines
    repeated.insert(lines[frames[20]], at: frames[20] + 1)
    let replay = try play(repeated, market, symbol)
    #expect(try replay.summary(depth: .max) == play(lines, market, symbol).summary(depth: .max) && replay.counts.stale == 1)
  }

  /// A whole book in mid-stream heals a gap, and the end is what it would have been.
  @Test func aLaterSnapshotResyncs() throws {
    let (name, connection, symbol, market) = Self.books[0]
    let lines = try lines(name)
    let frames = try frames(lines, connection, market.bookTopic(venueSymbol: symbol))
    let halfWay = try play(Array(lines[...frames[100]]), market, symbol)
    let book = try #require(halfWay.book)
    func side(_ side: Side) -> JSON {
      .array(book.levels(side).map { .array([.string($0.price.description), .string($0.quantity.description)]) })
    }
    let snapshot = JSONWriter.object { writer in
      writer.member("topic", market.bookTopic(venueSymbol: symbol))
      writer.member("type", "snapshot")
      writer.name("data")
      writer.beginObject()
      writer.name("b")
      writer.value(side(.buy))
      writer.name("a")
      writer.value(side(.sell))
      writer.member("u", halfWay.lastID)
      writer.endObject()
    }
    let line = JSONWriter.object { writer in
      writer.member("t", "recv")
      writer.member("conn", connection)
      writer.member("data", String(decoding: snapshot, as: UTF8.self))
    }
    var broken = lines
    broken.insert(line, at: frames[100] + 1)
    broken.remove(at: frames[60])
    let replay = try play(broken, market, symbol)
    #expect(replay.counts.gaps == 1 && replay.counts.resyncs == 1)
    #expect(try replay.book?.levels(.buy) == play(lines, market, symbol).book?.levels(.buy))
  }

  @Test func aTruncatedFrameCostsItsOwnBookAlone() throws {
    let (name, connection, symbol, market) = Self.books[0]
    let lines = try lines(name)
    let frame = try frames(lines, connection, market.bookTopic(venueSymbol: symbol))[30]
    let data = try #require(try JSON.parse(lines[frame])["data"]?.string)
    for length in [1, 15, 60, data.utf8.count - 1] {
      var cut = Array(lines[..<frame])
      cut.append(
        JSONWriter.object { writer in
          writer.member("t", "recv")
          writer.member("conn", connection)
          writer.member("data", String(decoding: data.utf8.prefix(length), as: UTF8.self))
        })
      #expect(try play(cut, market, symbol).book == nil, "cut to \(length)")
      let other = try play(cut, market, "DOGEUSDT")
      #expect(other.counts.gaps == (length < 40 ? 1 : 0), "cut to \(length)")
    }
  }

  @Test func aNewConnectionNeedsANewBook() throws {
    let (name, connection, symbol, market) = Self.books[0]
    var lines = try lines(name)
    let frames = try frames(lines, connection, market.bookTopic(venueSymbol: symbol))
    lines.insert(lines[0], at: frames[50])
    #expect(try play(lines, market, symbol).book == nil)
  }

  @Test(arguments: ["", "{", "7", #"{"t":"recv"}"#, #"{"data":"x"}"#]) func aLineThatIsNoRecordIsAnError(line: String) {
    var replay = BybitReplay(market: BybitMarket(.spot), venueSymbol: "BTCUSDT")
    #expect(throws: ReplyError.self) { try replay.take(line: Array(line.utf8)) }
  }
}
