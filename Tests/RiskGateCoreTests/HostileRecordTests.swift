import Domain
import RiskGateCore
import Testing
import Wire

/// What clients get wrong, and worse: a coded rejection or a dead letter each, and the next order passes.
@Suite struct HostileRecordTests {
  @Test func everyBadRecordIsAnsweredWithItsCode() {
    var gate = Harness()
    let thirtyDecimals = "0." + String(repeating: "0", count: 29) + "1"
    let cases: [(String, RejectionCode)] = [
      (#"{"side":"buy","quantity":0}"#, .notPositive), (#"{"side":"buy","quantity":-1}"#, .notPositive),
      (#"{"side":"buy","quantity":"NaN"}"#, .invalidNumber), (#"{"side":"buy","quantity":1e400}"#, .outOfRange),
      (#"{"side":"buy","quantity":" 1 "}"#, .invalidNumber), (#"{"side":"buy","quantity":\#(thirtyDecimals)}"#, .tooPrecise),
      (#"{"side":"hold","quantity":1}"#, .unknownValue), (#"{"side":"buy","quantity":true}"#, .invalidNumber),
      (#"{"side":"buy"}"#, .missingField), (#"{"quantity":1}"#, .missingField),
      (#"{"side":"buy","quantity":1,"quote_quantity":1}"#, .contradiction),
      (#"{"side":"buy","quantity":1,"client_order_id":"no spaces"}"#, .invalidIdentifier),
      (#"{"side":"buy","quantity":1,"symbol":"BTC"}"#, .unknownInstrument), (#"{"side":1,"quantity":1}"#, .malformed),
    ]
    for (text, code) in cases {
      let answer = gate.send(text)
      #expect(answer.code == code, "\(text)")
      #expect(answer.reason?.hasPrefix("Order rejected: ") == true)
      #expect(answer.rejections.first?.source.offset == Int64(gate.orders.count - 1))
      // Malformed records and unknown words are kept for a person to look at.
      #expect(answer.letters.isEmpty == (code != .unknownValue && code != .malformed), "\(text)")
    }
    #expect(gate.send(#"{"side":"buy","quantity":0.25}"#).passed)
  }

  @Test func whatNamesNoOrderIsADeadLetter() throws {
    var gate = Harness()
    let cases: [([UInt8]?, RejectionCode)] = [
      (nil, .malformed), ([], .malformed), (Array("{".utf8), .malformed), (Array("[1]".utf8), .malformed),
      (Array(#"{"side":"buy","side":"sell","quantity":1}"#.utf8), .malformed),
      (Array(#"{"side":""#.utf8) + [0xFF, 0xFE] + Array(#"","quantity":1}"#.utf8), .malformed), ([0, 1, 2, 255], .malformed),
      (Array(repeating: UInt8(ascii: "x"), count: 900_000), .tooLarge),
    ]
    for (bytes, code) in cases {
      let answer = gate.send(bytes: bytes)
      let letter = try #require(answer.letters.first)
      #expect(letter.code == code)
      #expect(letter.length == bytes?.count)
      #expect(letter.payload.utf8.count <= 5_464)
      #expect(answer.approvals.isEmpty && answer.rejections.isEmpty)
    }
    #expect(gate.send(#"{"side":"buy","quantity":0.25}"#).passed)
  }

  /// Anyone can write to RiskGate's own topics; only what carries an owner's epoch counts, and nothing else stops a take-over.
  @Test func strangersRecordsDoNotStopATakeOver() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","quantity":0.25,"client_order_id":"a"}"#)
    let approval = try #require(gate.approved.last).value
    var restore = RiskRestore(gate.settings, epoch: 1)
    let hostile: [[UInt8]?] = [nil, [], Array("{".utf8), Array("[]".utf8), Array(#"{"v":1,"type":"checkpoint"}"#.utf8), approval]
    for (offset, value) in hostile.enumerated() {
      for key in ["main", Checkpoint.key, "main/a/1"] {
        try restore.readState(key: Array(key.utf8), value: value, epoch: nil)
      }
      try restore.readDecision(topic: Topic.approved, value: value, epoch: nil, offset: Int64(offset))
      try restore.readDecision(topic: Topic.rejected, value: value, epoch: nil, offset: Int64(offset))
    }
    gate.engine = try restore.engine()
    gate.apply(.ready)
    #expect(gate.exposure() == nil, "an approval without an epoch is nobody's")
  }

  /// Only OrderManager's epoch moves a position or releases what is reserved; Reconciler's adjustments need none.
  @Test func strangersExecutionsChangeNothing() {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    var copy = gate
    copy.event("a", .cancelled, quantity: "1")
    copy.event("b", .filled, quantity: "2", cumulative: "2", fill: Harness.fill("1", price: "26000", quantity: "2"))
    let forged = copy.executions.suffix(2).compactMap(\.value)
    let impossible = EpochMarker(epoch: .max, owner: "ordermanager/x").encoded()
    for bytes in forged + [impossible] {
      for epoch in [nil, 1, .max] as [Int64?] { gate.execute(bytes: bytes, epoch: epoch) }
    }
    #expect(gate.deadLetters.map(\.code) == Array(repeating: .unfenced, count: 9))
    #expect(gate.alerts.map(\.code) == ["unfenced_record"], "it is said once")
    var exposure = gate.exposure()
    #expect(exposure?.openBuys == Harness.quantity("1") && exposure?.position == .zero)
    gate.hold("0.5", at: "26000", id: "h")
    gate.event("a", .cancelled, quantity: "1")
    exposure = gate.exposure()
    #expect(exposure?.openBuys == .zero && exposure?.position == Harness.quantity("0.5"))
  }

  /// A marker at the end of time, on any of the topics, hides nothing from a successor.
  @Test func impossibleMarkersHideNothing() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    gate.acknowledge()
    gate.apply(.flush)
    let marker = EpochMarker(epoch: .max, owner: "x").encoded()
    gate.approved.append((marker, -1))
    gate.rejected.append((marker, -1))
    gate.state.append(("@epoch", marker, -1))
    gate.send(#"{"side":"buy","price":26000,"quantity":0.5,"client_order_id":"b"}"#)
    try gate.restart(readsOrders: false)
    #expect(gate.exposure()?.openBuys == Harness.quantity("1.5"))
  }

  /// A book from a clock that runs ahead is as old as its reading: it does not stay young, and the marks after it count.
  @Test func aBookFromTheFutureGrowsOld() throws {
    var gate = Harness()
    let now = gate.now
    gate.now = now + Interval.hour
    let top = TopOfBook(
      bid: BookLevel(price: Harness.price("26000"), quantity: Harness.quantity("1")),
      ask: BookLevel(price: Harness.price("26001"), quantity: Harness.quantity("1")))
    let early = BookRecord(
      kind: .diff, venue: .binance, symbol: Harness.btc, updateID: 2, isValid: true, ingestTime: gate.now, top: top)
    gate.now = now
    gate.apply(.book(early))
    #expect(gate.send(#"{"side":"buy","quantity":0.25}"#).passed)
    gate.hold("1", at: "26000", id: "h")
    gate.wait(3 * Interval.second)
    #expect(gate.send(#"{"side":"buy","quantity":0.25}"#).code == .noReference)
    gate.quote("BTC-USDT", bid: "27000", ask: "27002")
    gate.apply(.tick)
    #expect(try #require(gate.positions.last).mark == Harness.price("27001"))
  }

  /// A fee that is the smallest of all numbers is a dead letter.
  @Test func noFeeStopsTheGate() {
    var gate = Harness()
    for fee in ["-92233720368.54775808", "92233720368.54775808", "-99999999999999999999"] {
      let fill = Harness.fill(fee, price: "26000", quantity: "1", fee: fee, asset: "BTC")
      gate.event("a", .partiallyFilled, quantity: "5", cumulative: "1", fill: fill)
    }
    #expect(gate.deadLetters.count == 3)
    #expect(gate.send(#"{"action":"cancel","target_client_order_id":"a"}"#).passed)
  }

  /// However much an account has done, each record of its snapshot stays below the broker's limit.
  @Test func aSnapshotFitsItsRecords() throws {
    var gate = Harness()
    let name = String(repeating: "n", count: 59)
    for number in 0..<10_000 { gate.send(#"{"side":"buy","quantity":3,"client_order_id":"\#(name)\#(number)"}"#) }
    for number in 0..<1_000 {
      let fill = Harness.fill("t\(number)", price: "26000", quantity: "1")
      gate.event("\(name)e\(number)", .filled, side: number % 2 == 0 ? .buy : .sell, quantity: "1", cumulative: "1", fill: fill)
    }
    for number in 0..<4_200 {
      let fill = Harness.fill("\(10_000_000_000_000_000_000 as UInt64 + UInt64(number))", price: "26000", quantity: "0.1")
      gate.event("big", .partiallyFilled, quantity: "5000", cumulative: "\(Double(number + 1) / 10)", fill: fill)
    }
    for number in 0..<2_000 { gate.hold("0.1", at: "26000", id: "\(name)\(name)\(number)") }
    gate.state = []
    gate.apply(.flush)
    #expect(gate.state.count > 2)
    #expect(try #require(gate.state.map(\.value.count).max()) < 950_000)
  }

  /// USDT is the dollar of the limits even where the list of stablecoins forgets it.
  @Test func aListOfStablecoinsWithoutTheDollarIsSurvived() {
    var settings = Harness().settings
    settings.stablecoins = ["USDC"]
    var engine = RiskEngine(settings)
    var effects: [RiskEffect] = []
    engine.apply(.instrument(Harness.instrument("BTC-USDT")), at: Harness.start, into: &effects)
    engine.apply(.instrument(Harness.instrument("ETH-BTC")), at: Harness.start, into: &effects)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func noBytesStopTheGate(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var gate = Harness()
    let good = Array(
      #"{"side":"buy","type":"limit","price":"26000.5","quantity":0.25,"client_order_id":"abc","tags":["t"]}"#.utf8)
    for _ in 0..<300 {
      var bytes = good
      for _ in 0..<(1 + random.next() % 6) {
        let index = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: index)
        default: bytes.insert(Array("0123456789eE+-.\"{}[],:".utf8).randomElement(using: &random) ?? 0, at: index)
        }
        if bytes.isEmpty { bytes = good }
      }
      let answer = gate.send(bytes: bytes)
      #expect(answer.effects.contains { if case .snapshot = $0 { false } else { true } }, "seed \(seed): no answer")
      gate.execute(bytes: bytes)
    }
    gate.waitWithBook(2 * Interval.second)
    #expect(gate.send(#"{"side":"buy","quantity":0.0025}"#).passed, "seed \(seed)")
  }

  @Test func hostileExecutionsStopNothing() {
    var gate = Harness()
    gate.execute(bytes: nil)
    gate.execute(bytes: Array("{}".utf8))
    let largest = Quantity(units: .max).description
    gate.event(
      "x", .filled, quantity: largest, cumulative: largest, fill: Harness.fill("1", price: "922337203", quantity: largest))
    gate.event("y", .open, quantity: "-5")
    gate.event("z", .filled, quantity: "1", cumulative: "1", fill: Harness.fill("1", price: "-5", quantity: "1"))
    gate.hold(largest, at: "922337203", id: "a")
    #expect(gate.deadLetters.count == 6)
    gate.waitWithBook(Interval.second)
    gate.apply(.tick)
    #expect(gate.exposure()?.position == .zero)
  }

  @Test func aRecordOnTheWrongPartitionIsMovedOnce() throws {
    let right = Partitioner.partition(forKey: "main".utf8, count: 6)
    let wrong = (right + 1) % 6
    var lost = Harness(partition: wrong, partitionCount: 6)
    let moved = lost.send(#"{"side":"buy","quantity":0.25}"#)
    guard case .rekey(let account, let partition, let payload, let origin)? = moved.effects.first else {
      Issue.record("it was not moved")
      return
    }
    #expect(account == Harness.main && partition == right && origin.partition == wrong)
    var home = Harness(partition: right, partitionCount: 6)
    let approval = try #require(home.send(bytes: payload, origin: origin).approval)
    #expect(approval.source == origin)
    // Staleness is counted from the first append.
    var old = origin
    old.timestamp = home.now + -11 * Interval.second
    #expect(home.send(bytes: payload, origin: old).code == .stale)
    // Moved and still wrong.
    var elsewhere = origin
    elsewhere.partition = (wrong + 1) % 6
    let letters = lost.send(bytes: payload, origin: elsewhere).letters
    #expect(letters.first?.code == .wrongPartition)
    // A header that cannot be true counts for nothing.
    var forged = origin
    forged.topic = "elsewhere"
    #expect(home.send(bytes: payload, origin: forged).approval?.source.partition == right)
  }
}
