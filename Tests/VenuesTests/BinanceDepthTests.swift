import Domain
import Testing
import Venues
import Wire

@Suite struct BinanceDepthTests {
  private func decode(_ text: String) throws -> (StreamFrame, DepthUpdate) {
    var update = DepthUpdate()
    return (try BinanceDepth.decode(frame: Array(text.utf8), into: &update), update)
  }

  @Test func aFrameIsReadWhateverTheOrderOfItsMembers() throws {
    let members = [
      #""e":"depthUpdate""#, #""E":7"#, #""s":"BTCUSDT""#, #""U":3"#, #""u":5"#, #""pu":2"#, #""b":[["1.5","2"]]"#, #""a":[]"#,
      #""new":{"b":[1,{"x":null}]}"#,
    ]
    for rotation in members.indices {
      let body = (members[rotation...] + members[..<rotation]).joined(separator: ",")
      for text in ["{\(body)}", #"{"stream":"x","data":{\#(body)}}"#, #"{ "data" : {\#(body)} , "stream" : "x" }"#] {
        let (kind, update) = try decode(text)
        #expect(kind == .depth && update.venueSymbol == "BTCUSDT" && update.firstID == 3 && update.lastID == 5)
        #expect(update.previousID == 2 && update.eventTime == Timestamp(milliseconds: 7))
        #expect(try update.bids == [BookLevel(price: Price("1.5"), quantity: Quantity("2"))] && update.asks.isEmpty)
      }
    }
  }

  @Test func otherEventsAreNotDepth() throws {
    var others = 0
    for example in try #require(try Fixtures.json("binance/docs/ws_stream_examples.json").array) {
      let frame = try #require(example["example"])
      var update = DepthUpdate()
      switch try BinanceDepth.decode(frame: frame.bytes, into: &update) {
      case .depth: #expect(frame["e"]?.string == "depthUpdate")
      case .shutdown: #expect((frame["data"] ?? frame)["e"]?.string == "serverShutdown")
      case .refused, .answer, .other: others += 1
      }
    }
    #expect(others == 24)
  }

  @Test func recordedDepthFramesAreRead() throws {
    for path in ["ws_futures_depth_update.json", "ws_futures_depth_diff_update.json"] {
      var update = DepthUpdate()
      let frame = try Fixtures.bytes("binance/nautilus/ws_messages/\(path)")
      #expect(try BinanceDepth.decode(frame: frame, into: &update) == .depth)
      #expect(update.previousID != nil && !update.bids.isEmpty)
    }
  }

  @Test(arguments: [
    "", "7", "{", #"{"e":"depthUpdate"}"#, #"{"e":"depthUpdate","s":"B","U":5,"u":3,"b":[],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":-1,"u":3,"b":[],"a":[]}"#, #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[["1"]],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[["0","1"]],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[["1","-1"]],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[["x","1"]],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[["1","1e40"]],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1.5,"u":3,"b":[],"a":[]}"#,
    #"{"e":"depthUpdate","s":"B","U":1,"u":3,"b":[],"a":[]}x"#,
    #"{"e":"depthUpdate","s":"B","U":99999999999999999999,"u":3,"b":[],"a":[]}"#,
  ])
  func aDepthFrameThatIsNotWholeIsAnError(text: String) {
    #expect(throws: ReplyError.self) { try decode(text) }
  }

  /// Bytes changed or cut at random never trap, and are an error, another kind, or a frame whose numbers are in order.
  @Test func damagedBytesNeverTrap() throws {
    let frame = Array(
      #"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":7,"s":"BTCUSDT","U":3,"u":5,"b":[["1.5","2"]],"a":[["2","0.1"]]}}"#
        .utf8)
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<20_000 {
      var damaged = Array(frame.prefix(Int.random(in: 0...frame.count, using: &generator)))
      for _ in 0..<Int.random(in: 0...3, using: &generator) where !damaged.isEmpty {
        damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      var update = DepthUpdate()
      guard let kind = try? BinanceDepth.decode(frame: damaged, into: &update), kind == .depth else { continue }
      #expect(update.firstID <= update.lastID && update.bids.allSatisfy { $0.price.isPositive && !$0.quantity.isNegative })
    }
  }
}
