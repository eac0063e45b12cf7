import Domain
import Testing
import Wire

@testable import Venues

@Suite struct BinanceReplayTests {
  @Test(arguments: Capture.names) func capturesEndInTheExpectedBook(name: String) throws {
    let capture = try Capture(name)
    #expect(capture.expected.count >= 4)
    for (venueSymbol, expected) in capture.expected.map({ ($0.name, $0.value) }) {
      let replay = try capture.replay(venueSymbol)
      let book = try #require(replay.book, "\(venueSymbol) is valid at the end")
      let final = try #require(expected["final"])
      #expect(try replay.counts.received == number(expected["diffs_total"]), "\(venueSymbol)")
      #expect(try replay.counts.stale == number(expected["dropped_stale"]), "\(venueSymbol)")
      #expect(try replay.counts.applied == number(expected["applied"]), "\(venueSymbol)")
      #expect(replay.counts.gaps == 0 && replay.counts.resyncs == 0)
      #expect(replay.lastID == expected["last_u"]?.integer)
      #expect(try book.levels(.buy, limit: 5) == levels(final["bids"]), "\(venueSymbol)")
      #expect(try book.levels(.sell, limit: 5) == levels(final["asks"]), "\(venueSymbol)")
      #expect(try book.count(.buy) == number(final["bid_levels"]))
      #expect(try book.count(.sell) == number(final["ask_levels"]))
    }
  }

  private func number(_ json: JSON?) throws -> Int { Int(try #require(json?.integer)) }

  private func levels(_ json: JSON?) throws -> [BookLevel] {
    try #require(json?.array).map { level in
      let parts = try #require(level.array).compactMap { $0.text }
      return BookLevel(price: try Price(parts[0]), quantity: try Quantity(parts[1]))
    }
  }

  private func text(_ replay: BinanceReplay) -> String { String(decoding: replay.summary(), as: UTF8.self) }

  @Test func theSummaryIsWhatIsPrinted() throws {
    let capture = try Capture("spot_20211011")
    #expect(
      try text(capture.replay("RUNEEUR")).hasSuffix(#""bid_levels":222,"ask_levels":468,"gaps":0,"resyncs":0,"valid":true}"#))
    #expect(try text(capture.replay("RUNEEUR")).hasPrefix(#"{"bids":[["#))
    let nothing = try capture.replay("NOSUCH")
    #expect(!nothing.hasSeenSymbol)
    #expect(text(nothing) == #"{"bids":[],"asks":[],"bid_levels":0,"ask_levels":0,"gaps":0,"resyncs":0,"valid":false}"#)
  }

  @Test(arguments: [("spot_20211011", "NKNUSDT"), ("spot_20210417", "VETETH"), ("futures_20210722", "CTKUSDT")])
  func aDroppedFrameIsNoticedAndTheBookIsNotServed(name: String, venueSymbol: String) throws {
    let capture = try Capture(name)
    let frames = try capture.depthFrames(venueSymbol)
    let whole = try capture.replay(venueSymbol).counts
    for dropped in stride(from: whole.stale + 1, to: frames.count - 1, by: 7) {
      var broken = capture
      broken.lines.remove(at: frames[dropped])
      let replay = try broken.replay(venueSymbol)
      #expect(replay.counts.gaps == 1 && replay.book == nil, "frame \(dropped)")
      #expect(text(replay).hasPrefix(#"{"bids":[],"asks":[],"bid_levels":0"#) && text(replay).hasSuffix(#""valid":false}"#))
    }
  }

  @Test(arguments: [("spot_20211011", "NKNUSDT"), ("futures_20210722", "CTKUSDT")])
  func aRepeatedFrameChangesNothing(name: String, venueSymbol: String) throws {
    let capture = try Capture(name)
    let whole = try capture.replay(venueSymbol)
    for frame in try capture.depthFrames(venueSymbol).dropFirst(20).prefix(5) {
      var repeated = capture
      repeated.lines.insert(capture.lines[frame], at: frame + 1)
      let replay = try repeated.replay(venueSymbol)
      #expect(replay.summary(depth: .max) == whole.summary(depth: .max))
      #expect(replay.counts.stale == whole.counts.stale + 1)
    }
  }

  @Test(arguments: [("spot_20211011", "NKNUSDT"), ("futures_20210722", "CTKUSDT")])
  func swappedFramesAreAGap(name: String, venueSymbol: String) throws {
    var capture = try Capture(name)
    let frames = try capture.depthFrames(venueSymbol)
    capture.lines.swapAt(frames[30], frames[31])
    let replay = try capture.replay(venueSymbol)
    #expect(replay.book == nil && replay.counts.gaps >= 1)
  }

  @Test(arguments: [("spot_20211011", "NKNUSDT"), ("futures_20210722", "CTKUSDT")])
  func aTruncatedFrameIsNoticedAtOnceAndOnlyByItsOwnBook(name: String, venueSymbol: String) throws {
    let capture = try Capture(name)
    let frames = try capture.depthFrames(venueSymbol)
    let data = try #require(try JSON.parse(capture.lines[frames[30]])["data"]?.string)
    for length in [1, 15, 60, data.utf8.count - 1] {
      var truncated = capture
      truncated.lines[frames[30]] = JSONWriter.object { writer in
        writer.member("t", "recv")
        writer.member("conn", "ws")
        writer.member("data", String(decoding: data.utf8.prefix(length), as: UTF8.self))
      }
      truncated.lines.removeSubrange((frames[30] + 1)...)
      #expect(try truncated.replay(venueSymbol).book == nil, "cut to \(length)")
      if length > 30 {
        let other = try #require(capture.expected.first { $0.name != venueSymbol }?.name)
        #expect(try truncated.replay(other).counts.gaps == 0)
      }
    }
  }

  /// After a gap the next snapshot brings the book back, and it ends as it would have without the gap.
  @Test(arguments: [("spot_20211011", "NKNUSDT"), ("spot_20210417", "VETETH"), ("futures_20210722", "CTKUSDT")])
  func aLaterSnapshotResyncs(name: String, venueSymbol: String) throws {
    let capture = try Capture(name)
    let frames = try capture.depthFrames(venueSymbol)
    let middle = frames.count / 2
    var before = capture
    before.lines.removeSubrange((frames[middle] + 1)...)
    let halfWay = try before.replay(venueSymbol)
    var broken = capture
    // The snapshot is taken from the book itself, as the venue would have it at that moment.
    broken.lines.insert(try snapshotLine(of: halfWay, like: capture.lines[capture.snapshot(venueSymbol)]), at: frames[middle] + 1)
    broken.lines.remove(at: frames[middle - 10])
    let replay = try broken.replay(venueSymbol)
    #expect(replay.counts.gaps == 1 && replay.counts.resyncs == 1)
    #expect(try replay.book?.levels(.buy) == capture.replay(venueSymbol).book?.levels(.buy))
    #expect(try replay.book?.levels(.sell) == capture.replay(venueSymbol).book?.levels(.sell))
  }

  @Test func aSecondSnapshotInMidStreamIsTakenUnlessItIsOld() throws {
    let capture = try Capture("spot_20211011")
    let whole = try capture.replay("NKNUSDT")
    let frames = try capture.depthFrames("NKNUSDT")
    let snapshot = try capture.snapshot("NKNUSDT")
    var old = capture
    old.lines.insert(capture.lines[snapshot], at: frames[80])
    #expect(try old.replay("NKNUSDT").summary(depth: .max) == whole.summary(depth: .max))
    var before = capture
    before.lines.removeSubrange((frames[80] + 1)...)
    let fresh = try snapshotLine(of: before.replay("NKNUSDT"), like: capture.lines[snapshot])
    for position in [frames[80] + 1, frames[70]] {
      var second = capture
      second.lines.insert(fresh, at: position)
      let replay = try second.replay("NKNUSDT")
      #expect(replay.summary(depth: .max) == whole.summary(depth: .max), "at \(position)")
    }
  }

  @Test func aSnapshotOlderThanTheStreamIsNotTaken() throws {
    let capture = try Capture("spot_20211011")
    var late = capture
    let frames = try capture.depthFrames("NKNUSDT")
    late.lines.removeAll { line in frames.prefix(5).contains { capture.lines[$0] == line } }
    let replay = try late.replay("NKNUSDT")
    #expect(replay.book == nil)
  }

  @Test func aNewConnectionNeedsANewSnapshot() throws {
    let capture = try Capture("futures_20210722")
    let frames = try capture.depthFrames("CTKUSDT")
    var again = capture
    again.lines.insert(capture.lines[0], at: frames[60])
    #expect(try again.replay("CTKUSDT").book == nil)
    var before = capture
    before.lines.removeSubrange((frames[70] + 1)...)
    let snapshot = try snapshotLine(of: before.replay("CTKUSDT"), like: capture.lines[capture.snapshot("CTKUSDT")])
    again.lines.insert(snapshot, at: frames[80])
    let replay = try again.replay("CTKUSDT")
    #expect(replay.counts.gaps == 0 && replay.counts.resyncs == 1)
    #expect(try replay.book?.levels(.buy) == capture.replay("CTKUSDT").book?.levels(.buy))
  }

  @Test(arguments: ["", "{", "7", #"{"t":"recv"}"#, #"{"data":"x"}"#]) func aLineThatIsNoRecordIsAnError(line: String) {
    var replay = BinanceReplay(venueSymbol: "BTCUSDT")
    #expect(throws: ReplyError.self) { try replay.take(line: Array(line.utf8)) }
  }

  /// The record of a snapshot request that got the replay's present book.
  private func snapshotLine(of replay: BinanceReplay, like line: [UInt8]) throws -> [UInt8] {
    let url = try #require(try JSON.parse(line)["url"]?.string)
    let book = try #require(replay.book)
    let body = JSONWriter.object { writer in
      writer.member("lastUpdateId", replay.lastID)
      for (name, side) in [("bids", Side.buy), ("asks", .sell)] {
        writer.name(dynamic: name)
        writer.value(
          JSON.array(book.levels(side).map { .array([.string($0.price.description), .string($0.quantity.description)]) }))
      }
    }
    return JSONWriter.object { writer in
      writer.member("t", "http")
      writer.member("conn", "http")
      writer.member("url", url)
      writer.member("data", String(decoding: body, as: UTF8.self))
    }
  }
}
