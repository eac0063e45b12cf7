import Domain
import RiskGateCore
import Testing
import Wire

/// A successor that has only the logs decides as the one before would have: the same decisions, each once, and the same state.
@Suite struct RestartTests {
  @Test(arguments: 0..<16 as Range<UInt64>)
  func aRestartAnywhereChangesNothing(seed: UInt64) throws {
    var steady = Harness()
    var restarted = Harness()
    var script = SeededGenerator(seed: seed)
    var crashes = SeededGenerator(seed: seed &+ 1_000_000)
    for step in 0..<150 {
      let word = script.next()
      let parts = script
      var copy = parts
      Self.play(step, word, &copy, on: &steady, crashing: false)
      copy = parts
      let crash = crashes.next() % 12
      Self.play(step, word, &copy, on: &restarted, crashing: crash == 0)
      script = copy
      if crash <= 1 { try restarted.restart() }
      if crashes.next() % 5 == 0 { restarted.acknowledge() }
    }
    Self.expectSame(Self.decisions(steady.approved), Self.decisions(restarted.approved), seed)
    Self.expectSame(Self.decisions(steady.rejected), Self.decisions(restarted.rejected), seed)
    if steady.engine.stateHash != restarted.engine.stateHash {
      Issue.record("seed \(seed): \(Self.difference(steady.engine.stateText, restarted.engine.stateText))")
    }
    #expect(steady.approved.count > 10)
  }

  /// Where two texts part.
  private static func difference(_ left: String, _ right: String) -> String {
    let same = zip(left.utf8, right.utf8).prefix { $0 == $1 }.count
    let start = max(0, same - 200)
    return [left, right].map { String(decoding: $0.utf8.dropFirst(start).prefix(400), as: UTF8.self) }.joined(separator: "\n")
  }

  /// Says where two logs part, rather than printing both.
  private static func expectSame(_ left: [String], _ right: [String], _ seed: UInt64) {
    for (index, (one, other)) in zip(left, right).enumerated() where one != other {
      Issue.record("seed \(seed): decision \(index) differs:\n\(one)\n\(other)")
      return
    }
    #expect(left.count == right.count, "seed \(seed)")
  }

  /// Everything but the markers.
  private static func decisions(_ log: [(value: [UInt8], epoch: Int64)]) -> [String] {
    log.map { String(decoding: $0.value, as: UTF8.self) }.filter { !$0.contains(#""type":"epoch""#) }
  }

  /// One step of the script. `crashing` leaves an order in the log that the engine never saw.
  private static func play(
    _ step: Int, _ word: UInt64, _ random: inout SeededGenerator, on gate: inout Harness, crashing: Bool
  ) {
    gate.waitWithBook(Int64(random.next() % 200) * Interval.millisecond)
    switch word % 16 {
    case 0..<7: submit(step, &random, on: &gate, crashing: crashing)
    case 7..<12: execute(step, &random, on: &gate)
    case 12:
      let bid = Int64(26_000 + random.next() % 1_000)
      gate.quote("BTC-USDT", bid: "\(bid)", ask: "\(bid).7")
    case 13: gate.hold(random.next() % 2 == 0 ? "0.01" : "-0.01", at: "26000", id: "h\(step)")
    case 14: gate.limit { $0.maximumOrdersPerSecond = Int(3 + random.next() % 5) }
    default: gate.control([.active, .active, .reduceOnly, .halted][Int(random.next() % 4)])
    }
    gate.apply(.tick)
  }

  private static func submit(_ step: Int, _ random: inout SeededGenerator, on gate: inout Harness, crashing: Bool) {
    let side = random.next() % 2 == 0 ? "buy" : "sell"
    let quantity = Quantity(units: Int64(1 + random.next() % 900) * 100_000).description
    let price = random.next() % 2 == 0 ? "\"price\":\(26_000 + random.next() % 900)," : ""
    // Now and then an id comes again, with the same or with other content.
    let name = random.next() % 6 == 0 ? "o\(step - step % 10)" : "o\(step)"
    let kind = random.next() % 10
    let text =
      switch kind {
      case 0: #"{"side":"\#(side)","quote_quantity":\#(100 + random.next() % 3_000),"client_order_id":"\#(name)"}"#
      case 1: #"{"action":"cancel","target_client_order_id":"\#(name)"}"#
      case 2:
        #"{"action":"replace","target_client_order_id":"o\#(step / 2)","quantity":\#(quantity),"client_order_id":"\#(name)"}"#
      case 3: #"{"side":"\#(side)","quantity":-1}"#
      default: #"{"side":"\#(side)",\#(price)"quantity":\#(quantity),"client_order_id":"\#(name)"}"#
      }
    guard crashing else {
      gate.send(text)
      return
    }
    let source = RecordSource(topic: Topic.orders, partition: 0, offset: Int64(gate.orders.count), timestamp: gate.now)
    gate.orders.append(OrderRecord(payload: Array(text.utf8), source: source, defaults: gate.settings.defaults))
  }

  private static func execute(_ step: Int, _ random: inout SeededGenerator, on gate: inout Harness) {
    let orders = gate.approved.compactMap { try? Approval($0.value) }.filter { $0.request.action == .new && !$0.isDuplicate }
    let pick = Int(random.next() % 1_000)
    let kind = random.next() % 5
    guard let order = orders.isEmpty ? nil : orders[pick % orders.count], let side = order.request.side,
      let quantity = order.quantity
    else { return }
    let part = Quantity(units: quantity.units / 4)
    let id = order.clientOrderID.text
    switch kind {
    case 0: gate.event(id, .open, side: side, quantity: quantity.description)
    case 1: gate.event(id, .cancelled, side: side, quantity: quantity.description, cumulative: part.description)
    case 2: gate.event(id, .unknown, side: side, quantity: quantity.description)
    default:
      let fill = Harness.fill("t\(step % 7)", price: "\(26_000 + pick)", quantity: part.description, fee: "0.00001", asset: "BTC")
      gate.event(id, .partiallyFilled, side: side, quantity: quantity.description, cumulative: part.description, fill: fill)
    }
  }

  @Test func aDecisionIsFoundAgainAfterTwoRestartsInARow() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    try gate.restart(readsOrders: false)
    gate.acknowledge()
    gate.apply(.flush)
    try gate.restart()
    #expect(Self.decisions(gate.approved).count == 1)
  }

  @Test func aStalledFormerOwnerDecidesNothing() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    var stalled = gate
    try gate.restart()
    // What the former owner appends behind the marker carries the old epoch.
    stalled.send(#"{"side":"buy","price":26000,"quantity":1.5,"client_order_id":"b"}"#)
    if let late = stalled.approved.last { gate.approved.append(late) }
    try gate.restart()
    #expect(gate.exposure()?.openBuys == Harness.quantity("1"))
  }

  @Test func aCrashBetweenTwoRecordsOfASnapshotLeavesTheOneBefore() throws {
    var gate = Harness()
    gate.limit {
      $0.maximumOrdersPerSecond = 1_000_000
      $0.maximumPosition = [.init(asset: "BTC", quantity: Harness.quantity("100000"))]
    }
    for number in 0..<2_000 { gate.send(#"{"side":"buy","price":26000,"quantity":0.01,"client_order_id":"o\#(number)"}"#) }
    gate.acknowledge()
    gate.apply(.flush)
    #expect(gate.state.contains { $0.key.hasPrefix("main/") }, "this many orders do not fit one record")
    #expect(gate.state.allSatisfy { $0.value.count < 900_000 })
    gate.send(#"{"side":"buy","price":26000,"quantity":0.01,"client_order_id":"last"}"#)
    let before = gate.engine.stateHash
    let whole = gate.state.count
    gate.apply(.flush)
    // Only the first page of the second snapshot made it.
    gate.state.removeLast(gate.state.count - whole - 1)
    try gate.restart()
    #expect(gate.engine.stateHash == before)
    #expect(gate.exposure()?.openBuys == Harness.quantity("20.01"))
  }

  @Test func aDecidedRecordIsNotDecidedAgain() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","quantity":0.1}"#)
    gate.send(#"{"side":"buy","quantity":-0.1}"#)
    gate.send(#"{"action":"cancel_all"}"#)
    try gate.restart()
    #expect(Self.decisions(gate.approved).count == 2)
    #expect(Self.decisions(gate.rejected).count == 1)
  }

  @Test func theDailyLossStaysReachedAfterARestart() throws {
    var gate = Harness()
    gate.quote("BTC-USDT", bid: "26795.9", ask: "26796.1")
    gate.hold("1", at: "26796", id: "a")
    gate.quote("BTC-USDT", bid: "16795.9", ask: "16796.1")
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    gate.quote("BTC-USDT", bid: "26795.9", ask: "26796.1")
    try gate.restart()
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
  }

  @Test func aDayThatBeganWhileNobodyRanIsCountedFromTheLastMark() throws {
    var gate = Harness()
    gate.quote("BTC-USDT", bid: "26795.9", ask: "26796.1")
    gate.hold("1", at: "26796", id: "a")
    gate.quote("BTC-USDT", bid: "17795.9", ask: "17796.1")
    gate.apply(.flush)
    gate.wait(Interval.day)
    try gate.restart()
    gate.quote("BTC-USDT", bid: "17695.9", ask: "17696.1")
    let answer = gate.send(#"{"side":"buy","quantity":0.1}"#)
    #expect(answer.approval?.figures.dailyProfit == Harness.money("-100"))
  }
}
