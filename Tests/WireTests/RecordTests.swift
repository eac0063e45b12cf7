import Domain
import Testing

@testable import Wire

@Suite struct RecordTests {
  private let defaults = OrderDefaults(account: Samples.identifier("other"), symbol: Symbol("ETH-USDT")!)

  @Test func everyRecordReadsBackWhatWasWritten() throws {
    for request in Samples.requests {
      #expect(OrderRequest.read(request.encoded(), defaults: defaults) == .request(Shared(request), unknownFields: 0))
    }
    for approval in Samples.approvals { #expect(try Approval(approval.encoded()) == approval) }
    for rejection in Samples.rejections { #expect(try Rejection(rejection.encoded()) == rejection) }
    for letter in Samples.deadLetters { #expect(try DeadLetter(letter.encoded()) == letter) }
    for record in Samples.executions { #expect(try ExecutionRecord(record.encoded()) == record) }
    #expect(try Control(Samples.control.encoded()) == Samples.control)
    #expect(try Limits(Samples.limits.encoded()) == Samples.limits)
    #expect(try Balances(Samples.balances.encoded()) == Samples.balances)
    #expect(try Instrument(Samples.instrument.encoded()) == Samples.instrument)
    #expect(try Alert(Samples.alert.encoded()) == Samples.alert)
    for book in Samples.books { #expect(try BookRecord(book.encoded()) == book) }
    #expect(try TradeRecord(Samples.trades.encoded()) == Samples.trades)
    for funding in Samples.funding { #expect(try FundingRecord(funding.encoded()) == funding) }
  }

  @Test func everyRecordCarriesItsVersion() throws {
    for sample in Samples.encoded { #expect(try JSON.parse(sample.bytes)["v"] == .number("1"), "\(sample.schema)") }
  }

  @Test func theTopOfABookIsReadWithoutItsLevels() throws {
    let top = try BookRecord.topOnly(Samples.books[0].encoded())
    #expect(top.top == Samples.books[0].top)
    #expect(top.bids.isEmpty)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func aDamagedRecordIsAnErrorNeverATrap(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for sample in Samples.encoded {
      for _ in 0..<150 {
        var bytes = sample.bytes
        for _ in 0..<(1 + generator.next() % 3) {
          let index = Int(generator.next() % UInt64(bytes.count))
          if generator.next() % 2 == 0 {
            bytes[index] = UInt8(truncatingIfNeeded: generator.next())
          } else {
            bytes.remove(at: index)
          }
        }
        _ = OrderRequest.read(bytes, defaults: defaults)
        _ = try? Approval(bytes)
        _ = try? Rejection(bytes)
        _ = try? DeadLetter(bytes)
        _ = try? ExecutionRecord(bytes)
        _ = try? Control(bytes)
        _ = try? Limits(bytes)
        _ = try? Balances(bytes)
        _ = try? Instrument(bytes)
        _ = try? BookRecord(bytes)
        _ = try? TradeRecord(bytes)
        _ = try? FundingRecord(bytes)
      }
    }
  }

  /// Ids from outside are kept in snapshots and indices, and reasons travel in dead letters: neither may be of any length.
  @Test func wordsFromOutsideAreBounded() throws {
    let long = String(repeating: "x", count: 129)
    for record in Samples.executions {
      let text = String(decoding: record.encoded(), as: UTF8.self)
      for name in ["trade_id", "venue_order_id", "venue_client_id", "fee_asset", "id"] where text.contains("\"\(name)\":\"") {
        let damaged = text.replacing(try Regex("\"\(name)\":\"[^\"]*\""), with: "\"\(name)\":\"\(long)\"")
        #expect(throws: RecordError.self, "\(name)") { try ExecutionRecord(Array(damaged.utf8)) }
      }
    }
    let tower = "e" + String(repeating: "\u{301}", count: 400_000)
    #expect(RecordError(.unknownValue, tower).reason.utf8.count < 1_000)
    let instrument = String(decoding: Samples.instrument.encoded(), as: UTF8.self)
    let negative = instrument.replacing(try Regex("\"tick\":\"[^\"]*\""), with: "\"tick\":\"-0.01\"")
    #expect(negative != instrument)
    #expect(throws: RecordError.self) { try Instrument(Array(negative.utf8)) }
  }

  @Test func limitsKeepTheirDefaultsAndRefuseNegatives() throws {
    let limits = try Limits(Array(#"{"v":1,"account":"main","version":1,"max_order_notional":70000}"#.utf8))
    #expect(limits.maximumOrderNotional == Samples.money("70000"))
    #expect(limits.maximumPosition(of: "BTC") == Samples.quantity("5"))
    #expect(limits.maximumPosition(of: "DOGE") == nil)
    #expect(throws: RecordError.self) { try Limits(Array(#"{"account":"main","version":1,"max_daily_loss":-1}"#.utf8)) }
    #expect(throws: RecordError.self) { try Limits(Array(#"{"account":"main","version":1,"price_collar_bps":10000}"#.utf8)) }
  }

  @Test func headersReadBackAndIgnoreWhatTheyDoNotKnow() {
    var headers = RecordHeaders(traceparent: "00-ab-cd-01", epoch: 7, origin: Samples.source)
    headers = headers.adding("riskgate.in", Samples.time).adding("riskgate.out", Samples.time + 5)
    #expect(RecordHeaders(headers.encoded()) == headers)
    #expect(
      RecordHeaders([("x", [0xFF]), ("epoch", Array("x".utf8)), ("t.a", []), ("origin", Array("a:b".utf8))]) == RecordHeaders())
  }

  @Test func aStalledFormerOwnerDoesNotCount() {
    var fence = EpochFence()
    #expect(fence.writer(of: 3) == .stranger, "nobody has begun")
    let first = fence.see(EpochMarker(epoch: -1, owner: "a"), at: 10)
    let second = fence.see(EpochMarker(epoch: -1, owner: "b"), at: 20)
    #expect(first && second)
    #expect(fence.writer(of: 10) == .former)
    #expect(fence.writer(of: 20) == .owner)
    let late = fence.see(EpochMarker(epoch: 10, owner: "a"), at: 30)
    #expect(late && fence.epoch == 20)
    for epoch in [nil, -1, 21, .max] as [Int64?] { #expect(fence.writer(of: epoch) == .stranger) }
  }

  /// An epoch is the offset of its first marker: nothing that is written names one that lies ahead. Further topics name it.
  @Test func anEpochThatCannotHaveBegunEndsNone() {
    var fence = EpochFence()
    _ = fence.see(EpochMarker(epoch: -1, owner: "a"), at: 10)
    let impossible = [
      fence.see(EpochMarker(epoch: .max, owner: "b"), at: 11), fence.see(EpochMarker(epoch: 12, owner: "b"), at: 11),
      fence.see(EpochMarker(epoch: 12, owner: "b"), notAbove: 11), fence.see(EpochMarker(epoch: -1, owner: "b"), notAbove: 11),
    ]
    #expect(impossible == [false, false, false, false])
    #expect(fence.writer(of: 10) == .owner)
    let possible = fence.see(EpochMarker(epoch: 12, owner: "c"), notAbove: 12)
    #expect(possible && fence.writer(of: 10) == .former)
  }

  /// Where markers may have been missed, an epoch above the known one may be an owner's, until the next marker.
  @Test func aBlindFenceBelievesUntilItSees() {
    for blind in [EpochFence(isBlind: true), EpochFence(epoch: -1, next: 5)] {
      var fence = blind
      #expect(fence.writer(of: 7) == .owner && fence.writer(of: nil) == .stranger)
      _ = fence.see(EpochMarker(epoch: -1, owner: "a"), at: 20)
      #expect(fence.writer(of: 7) == .former && fence.writer(of: 21) == .stranger)
      fence.miss()
      #expect(fence.writer(of: 21) == .owner)
    }
    #expect(EpochFence(epoch: -1, next: 0).writer(of: 0) == .stranger)
    #expect(EpochFence(epoch: 3, next: 9).writer(of: 4) == .stranger)
  }
}

@Suite struct BookLevelTextTests {
  /// Levels are written as their numbers write themselves.
  @Test(arguments: 1...8)
  func levelsAreWrittenAsTheirNumbersAre(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var levels: [BookLevel] = [Int64.min + 1, -1, 0, 1, 10, 99_999_999, 100_000_000, .max].map {
      BookLevel(price: Price(units: $0), quantity: Quantity(units: $0))
    }
    for _ in 0..<500 {
      let (price, quantity) = (
        Int64.random(in: .min + 1 ... .max, using: &generator), Int64.random(in: 0 ... .max, using: &generator)
      )
      let shift = Int64.random(in: 0...50, using: &generator)
      levels.append(BookLevel(price: Price(units: price >> shift), quantity: Quantity(units: quantity >> shift)))
      let power = (0..<Int.random(in: 0...12, using: &generator)).reduce(Int64(1)) { power, _ in power * 10 }
      levels.append(BookLevel(price: Price(units: price / power / 1_000 * power), quantity: Quantity(units: power)))
    }
    var writer = JSONWriter()
    writer.levels(levels)
    let expected = levels.map { "[\"\($0.price)\",\"\($0.quantity)\"]" }.joined(separator: ",")
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "[\(expected)]", "seed \(seed)")
    writer.removeAll()
    writer.levels([])
    #expect(writer.bytes == Array("[]".utf8))
  }
}
