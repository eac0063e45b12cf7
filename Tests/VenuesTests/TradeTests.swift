import Domain
import Testing
import Wire

@testable import Venues

@Suite struct TradeTests {
  @Test(arguments: Capture.names)
  func everyRecordedBinanceTradeIsReadAndNoneIsMissing(name: String) throws {
    var sequences: [String: TradeSequence] = [:]
    var gaps: [TradeRecord.Gap] = []
    var count = 0
    for line in try Capture(name).lines {
      let record = try JSON.parse(line)
      guard record["t"]?.string == "recv", let data = record["data"]?.string else { continue }
      guard let frame = try BinanceTrades.trades(frame: Array(data.utf8)) else {
        #expect(!data.contains(#""e":"aggTrade""#))
        continue
      }
      #expect(frame.unknownFields == 0 && frame.leftOut == 0)
      for trade in frame.trades {
        count += 1
        guard case .new(let gap) = sequences[trade.venueSymbol, default: TradeSequence(.counted)].take(trade) else {
          Issue.record("\(trade.tradeID) of \(trade.venueSymbol) came before")
          continue
        }
        if let gap { gaps.append(gap) }
      }
    }
    #expect(count == ["spot_20210417": 24, "spot_20211011": 2, "futures_20210722": 91][name])
    #expect(gaps.count == sequences.count && gaps.allSatisfy { $0.reason == .started })
  }

  @Test func recordedBinanceFramesOneAFile() throws {
    let files = [
      "ws_messages/ws_spot_trade": "705291099 sell 4149.74 0.4387", "ws_messages/ws_spot_agg_trade": "226532 buy 1632.46 0.34305",
      "futures/market_data_json/agg_trade_stream": "5933014 sell 0.001 100",
      "futures/market_data_json/trade_stream": "5933014 sell 0.001 100",
    ]
    for (file, expected) in files {
      let frame = try #require(try BinanceTrades.trades(frame: Fixtures.bytes("binance/nautilus/\(file).json")), "\(file)")
      let trade = try #require(frame.trades.first)
      #expect("\(trade.tradeID) \(trade.takerSide) \(trade.price) \(trade.quantity)" == expected && frame.unknownFields == 0)
    }
  }

  @Test func documentedBinanceFrames() throws {
    var kinds: [String] = []
    for example in try #require(try Fixtures.json("binance/docs/ws_stream_examples.json").array) {
      guard let payload = example["example"], payload.members != nil else { continue }
      if try BinanceTrades.trades(frame: payload.bytes) != nil { kinds.append(payload["e"]?.string ?? "") }
    }
    #expect(kinds == ["aggTrade", "trade"])
    var pushes = 0
    for dialogue in try #require(try Fixtures.json("binance/jkorf/ws_exchanges.json").array) {
      for step in dialogue["steps"]?.array ?? [] where step["dir"]?.string == "server_push" {
        guard let push = step["json"], try BinanceTrades.trades(frame: push.bytes) != nil else { continue }
        pushes += 1
      }
    }
    #expect(pushes == 1)
  }

  @Test func everyRecordedBybitTradeIsReadOnceAndARepetitionIsNoticed() throws {
    var sequences: [String: TradeSequence] = [:]
    var fresh = 0
    for round in 1...2 {
      for line in try inflated("bybit/captures/v5_20260809.jsonl.gz").split(separator: UInt8(ascii: "\n")) {
        let record = try JSON.parse(Array(line))
        guard record["t"]?.string == "recv", let data = record["data"]?.string, let connection = record["conn"]?.string,
          let frame = try BybitPublic.trades(frame: Array(data.utf8))
        else { continue }
        #expect(frame.unknownFields == 0 && frame.leftOut == 0)
        for trade in frame.trades {
          let book = "\(connection) \(trade.venueSymbol)"
          guard case .new(let gap) = sequences[book, default: TradeSequence(.named)].take(trade) else { continue }
          fresh += 1
          #expect(round == 1 && (gap == nil || gap?.reason == .started))
        }
      }
      for book in sequences.keys { sequences[book]?.closed() }
    }
    #expect(fresh == 150 && sequences.count == 3)
    let file = try #require(try BybitPublic.trades(frame: Fixtures.bytes("bybit/nautilus/ws_public_trade.json")))
    #expect(file.trades.map(\.tradeID) == ["9dc75fca-4bdd-4773-9f78-6f5d7ab2a110"])
  }

  @Test func whatIsUnknownIsIgnoredAndCounted() throws {
    let bybit = #"""
      {"topic":"publicTrade.A","new":1,"data":[{"T":1,"s":"A","S":"Buy","v":"1","p":"2","i":"x","mood":"good"},
      {"T":1,"s":"A","S":"Borrow","v":"1","p":"2","i":"y","seq":1}]}
      """#
    let frame = try #require(try BybitPublic.trades(frame: Array(bybit.utf8)))
    #expect(frame.trades.map(\.tradeID) == ["x"] && frame.unknownFields == 1 && frame.leftOut == 1)
    let binance = #"{"stream":"a@trade","data":{"e":"trade","s":"A","t":5,"p":"1","q":"2","T":3,"m":false,"zz":[1],"yy":{}}}"#
    let trade = try #require(try BinanceTrades.trades(frame: Array(binance.utf8)))
    #expect(trade.trades.first?.number == 5 && trade.unknownFields == 2)
  }

  @Test(arguments: [#""p":"0""#, #""p":"-1""#, #""q":"0""#, #""t":-9223372036854775808"#, #""t":"x""#, #""m":1"#, #""p":"1e99""#])
  func whatNobodyCanHaveTradedIsAnError(damage: String) throws {
    let sound = #"{"e":"trade","s":"A","t":5,"p":"1","q":"2","T":3,"m":false}"#
    let name = try #require(damage.split(separator: ":").first)
    let damaged = sound.replacing(try Regex("\(name):[^,}]*"), with: damage)
    #expect(damaged != sound)
    #expect(throws: ReplyError.self) { try BinanceTrades.trades(frame: Array(damaged.utf8)) }
  }

  @Test func damagedFramesNeverTrap() throws {
    let seed: UInt64 = 23
    var generator = SeededGenerator(seed: seed)
    let frames = try ["ws_spot_trade", "ws_spot_agg_trade"].map { try Fixtures.bytes("binance/nautilus/ws_messages/\($0).json") }
    for _ in 0..<2_000 {
      var bytes = frames.randomElement(using: &generator) ?? []
      bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
      for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      var sequence = TradeSequence(.counted)
      for trade in (try? BinanceTrades.trades(frame: bytes))?.trades ?? [] { _ = sequence.take(trade) }
    }
  }

  /// A stream that loses, repeats and breaks off: what is taken is in order, none twice, and the gaps count what is missing exactly.
  @Test(arguments: 1...60)
  func countedTradesAreInOrderAndMissingOnesAreCounted(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var sequence = TradeSequence(.counted)
    var next: Int64 = 100
    var taken: [Int64] = []
    var missed: Int64 = 0
    for _ in 0..<500 {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: next += Int64.random(in: 1...5, using: &generator)
      case 1: sequence.closed()
      case 2 where !taken.isEmpty:
        let again = taken.suffix(20).randomElement(using: &generator) ?? 0
        #expect(sequence.take(trade(again)) == .repeated, "seed \(seed)")
      default:
        guard case .new(let gap) = sequence.take(trade(next)) else {
          Issue.record("\(next) is new, seed \(seed)")
          return
        }
        #expect((gap?.reason == .started) == taken.isEmpty)
        missed += gap?.missed ?? 0
        taken.append(next)
        next += 1
      }
    }
    #expect(zip(taken, taken.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
    let span = (taken.last ?? 0) - (taken.first ?? 0) + 1
    #expect(span - Int64(taken.count) == missed, "seed \(seed)")
  }

  @Test func aVenueThatCountsAnewIsFollowedAndSaid() {
    var sequence = TradeSequence(.counted)
    _ = sequence.take(trade(900))
    #expect(sequence.take(trade(3)) == .repeated, "an earlier trade")
    #expect(sequence.take(trade(1, at: 1_000)) == .new(.init(.renumbered)))
    #expect(sequence.take(trade(2, at: 1_000)) == .new(nil))
  }

  @Test func namedTradesSayABreakOnceAndForgetTheOldest() {
    var sequence = TradeSequence(.named)
    #expect(sequence.take(trade("a")) == .new(.init(.started)) && sequence.take(trade("b")) == .new(nil))
    sequence.damaged()
    sequence.closed()
    #expect(sequence.take(trade("a")) == .repeated, "a repetition proves nothing of what was missed")
    #expect(sequence.take(trade("c")) == .new(.init(.damaged)) && sequence.take(trade("d")) == .new(nil))
    for number in 0..<TradeSequence.rememberedIDs { _ = sequence.take(trade("n\(number)")) }
    #expect(sequence.take(trade("n0")) == .repeated && sequence.take(trade("a")) == .new(nil), "memory has an end")
  }

  private func trade(_ number: Int64, at time: Int64? = nil) -> PublicTrade {
    PublicTrade(
      venueSymbol: "A", tradeID: String(number), number: number, takerSide: .buy, price: Price(units: 1),
      quantity: Quantity(units: 1), time: Timestamp(milliseconds: time ?? number))
  }

  private func trade(_ id: String) -> PublicTrade {
    PublicTrade(
      venueSymbol: "A", tradeID: id, takerSide: .buy, price: Price(units: 1), quantity: Quantity(units: 1), time: .zero)
  }
}
