import Domain
import Testing
import Venues
import Wire

@Suite struct BybitDepthTests {
  private func decode(_ text: String) throws -> (BybitFrame, DepthUpdate) {
    var update = DepthUpdate()
    return (try BybitDepth.decode(frame: Array(text.utf8), into: &update), update)
  }

  @Test func aFrameIsReadWhateverTheOrderOfItsMembers() throws {
    let members = [
      #""topic":"orderbook.50.BTCUSDT""#, #""type":"delta""#, #""ts":9"#,
      #""data":{"seq":4,"a":[],"new":{"b":[1,{"x":null}]},"u":7,"b":[["1.5","2"]],"s":"BTCUSDT"}"#, #""cts":8"#, #""id":null"#,
    ]
    for rotation in members.indices {
      let (kind, update) = try decode("{\((members[rotation...] + members[..<rotation]).joined(separator: ","))}")
      #expect(kind == .book(depth: 50) && update.venueSymbol == "BTCUSDT" && update.firstID == 7 && update.lastID == 7)
      #expect(update.eventTime == Timestamp(milliseconds: 8) && !update.isWhole)
      #expect(try update.bids == [BookLevel(price: Price("1.5"), quantity: Quantity("2"))] && update.asks.isEmpty)
    }
  }

  @Test(arguments: [("snapshot", 7, true), ("delta", 7, false), ("delta", 1, true)])
  func aSnapshotAndNumberOneAreWhole(type: String, number: Int, isWhole: Bool) throws {
    let (_, update) = try decode(#"{"topic":"orderbook.1.B","type":"\#(type)","data":{"s":"B","b":[],"a":[],"u":\#(number)}}"#)
    #expect(update.isWhole == isWhole)
  }

  @Test func everyRecordedFrameIsReadOrOfAnotherKind() throws {
    var counts: [BybitFrame: Int] = [:]
    for line in try inflated("bybit/captures/v5_20260809.jsonl.gz").split(separator: UInt8(ascii: "\n")) {
      let record = try JSON.parse(Array(line))
      guard record["t"]?.string == "recv", let data = record["data"]?.string else { continue }
      counts[try decode(data).0, default: 0] += 1
    }
    #expect(counts == [.book(depth: 200): 1_094, .other: 483, .answer: 24])
  }

  @Test func answersAreNotDepthAndARefusalIsSaid() throws {
    for (name, expected) in [
      ("ws_subscription_ack", BybitFrame.answer), ("ws_subscription_failure", .refused),
      ("ws_orderbook_snapshot", .book(depth: 1)),
      ("ws_orderbook_delta", .book(depth: 1)), ("ws_public_trade", .other), ("ws_ticker_linear", .other), ("ws_kline", .other),
    ] {
      #expect(try decode(String(decoding: Fixtures.bytes("bybit/nautilus/\(name).json"), as: UTF8.self)).0 == expected, "\(name)")
    }
    for text in [#"{"success":true,"ret_msg":"pong","op":"ping"}"#, #"{"op":"pong","args":["1"]}"#] {
      #expect(try decode(text).0 == .answer)
    }
    #expect(try decode("{}").0 == .other)
  }

  @Test(arguments: [
    "", "7", "{", "[]", #"{"topic":"orderbook.50.B"}"#, #"{"topic":"orderbook.50."}"#, #"{"topic":"orderbook.x.B"}"#,
    #"{"topic":"orderbook.50.B","type":"snapshot","data":[]}"#,
    #"{"topic":"orderbook.50.B","type":"other","data":{"b":[],"a":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","data":{"b":[],"a":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[],"a":[],"u":0}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[],"a":[],"u":1.5}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[["1"]],"a":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[["0","1"]],"a":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[["1","-1"]],"a":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[["1","1e40"]],"a":[],"u":3}}"#,
    #"{"topic":"orderbook.50.B","type":"delta","data":{"b":[],"a":[],"u":3}}x"#,
  ])
  func aBookThatIsNotWholeIsAnError(text: String) {
    #expect(throws: ReplyError.self) { try decode(text) }
  }

  /// Bytes changed or cut at random never trap, and are an error, another kind, or a frame whose numbers are in order.
  @Test func damagedBytesNeverTrap() throws {
    let seed: UInt64 = 5
    let frame = Array(
      #"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":9,"data":{"s":"BTCUSDT","b":[["1.5","2"]],"a":[["2","0"]],"u":7},"cts":8}"#
        .utf8)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      var damaged = Array(frame.prefix(Int.random(in: 0...frame.count, using: &generator)))
      for _ in 0..<Int.random(in: 0...3, using: &generator) where !damaged.isEmpty {
        damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      var update = DepthUpdate()
      guard let kind = try? BybitDepth.decode(frame: damaged, into: &update), case .book = kind else { continue }
      let isSound = update.lastID > 0 && update.bids.allSatisfy { $0.price.isPositive && !$0.quantity.isNegative }
      #expect(isSound, "seed \(seed)")
    }
  }

  @Test func framesAndTargetsAreTheVenues() {
    #expect(
      String(decoding: BybitFrames.subscribe(["orderbook.50.BTCUSDT"], requestID: "x"), as: UTF8.self)
        == #"{"req_id":"x","op":"subscribe","args":["orderbook.50.BTCUSDT"]}"#)
    #expect(BybitMarket(.linear).streamTarget == "/v5/public/linear")
    #expect(BybitMarket(.linear).instrumentsInfo().target == "/v5/market/instruments-info?category=linear&limit=1000")
    #expect(BybitMarket(.spot).instrumentsInfo().target == "/v5/market/instruments-info?category=spot")
    #expect(
      BybitMarket(.linear).fundingHistory(venueSymbol: "ETHPERP", limit: 1).target
        == "/v5/market/funding/history?category=linear&symbol=ETHPERP&limit=1")
  }
}
