import Domain
import RiskGateCore
import Testing
import Wire

/// What reaches the log when, and what counts of it.
@Suite struct GatePartitionTests {
  /// The partition's topics, and who writes there.
  private struct Log {
    var records: [String: [(key: [UInt8]?, value: [UInt8], epoch: Int64?)]] = [:]
    /// How many records the last take-over read of each topic.
    var reads: [String: Int] = [:]

    mutating func append(_ topic: String, _ key: [UInt8]?, _ value: [UInt8], _ epoch: Int64?) -> Int64 {
      records[topic, default: []].append((key, value, epoch))
      return Int64(records[topic, default: []].count) - 1
    }

    mutating func append(_ record: GateRecord) -> Int64 {
      append(record.topic, Array(record.key.utf8), record.value, record.headers.epoch)
    }

    /// Appends what a partition wants, and what it wants then, until it has all its acknowledgements.
    mutating func settle(_ gate: inout GatePartition, _ outputs: [GateOutput], at time: Timestamp) {
      var outputs = outputs
      while !outputs.isEmpty {
        let records = outputs.compactMap(\.record)
        outputs = []
        for record in records { gate.acknowledge(record.receipt, at: append(record), time: time, into: &outputs) }
      }
    }

    func count(_ topic: String) -> Int { records[topic]?.count ?? 0 }

    /// Takes the partition, with everything that decisions need.
    mutating func takeOver(_ name: String, committed: Int64 = 0) throws -> GatePartition {
      let settings = RiskSettings(
        partition: 0, partitionCount: 1, defaults: OrderDefaults(account: Harness.main, symbol: Harness.btc))
      var takeOver = TakeOver(settings, owner: name)
      reads = [:]
      while true {
        switch takeOver.step {
        case .append(let topic, let key, let value, let headers):
          takeOver.appended(at: append(topic, key, value, headers.epoch))
        case .read(let stretch):
          let all = records[stretch.topic] ?? []
          let end = stretch.to ?? Int64(all.count)
          reads[stretch.topic] = Int(max(0, end - stretch.from))
          for offset in stretch.from..<max(stretch.from, end) {
            let source = RecordSource(topic: stretch.topic, partition: 0, offset: offset, timestamp: Harness.start)
            let record = all[Int(offset)]
            try takeOver.read(key: record.key, value: record.value, epoch: record.epoch, source: source, at: Harness.start)
          }
          try takeOver.finishReading(next: end)
        case .done:
          var gate = takeOver.partition(committed: committed, at: Harness.start).partition
          var outputs: [GateOutput] = []
          let top = TopOfBook(
            bid: BookLevel(price: Harness.price("26795"), quantity: Harness.quantity("1")),
            ask: BookLevel(price: Harness.price("26796"), quantity: Harness.quantity("1")))
          var limits = Limits(account: Harness.main)
          limits.version = 1
          limits.maximumOrdersPerSecond = 1_000_000
          let book = BookRecord(
            kind: .status, venue: .binance, symbol: Harness.btc, updateID: 1, isValid: true, ingestTime: Harness.start, top: top)
          gate.begin(
            knowing: [.instrument(Harness.instrument("BTC-USDT")), .limits(limits), .book(book)], at: Harness.start,
            into: &outputs)
          settle(&gate, outputs, at: Harness.start)
          return gate
        }
      }
    }
  }

  /// The offsets to commit that come of asking twice.
  private static func commits(_ gate: inout GatePartition) -> [Int64] {
    [gate.takeCommit(), gate.takeCommit()].compactMap { $0 }
  }

  private static func buy(_ offset: Int64, _ gate: inout GatePartition) -> [GateRecord] {
    var outputs: [GateOutput] = []
    let source = RecordSource(topic: Topic.orders, partition: 0, offset: offset, timestamp: Harness.start)
    let order = Array(#"{"side":"buy","quantity":0.1,"client_order_id":"o\#(offset)"}"#.utf8)
    gate.decide(order, source: source, headers: RecordHeaders(), at: Harness.start, into: &outputs)
    return outputs.compactMap(\.record)
  }

  private static func acknowledge(_ record: GateRecord, at offset: Int64, _ gate: inout GatePartition) -> [GateRecord] {
    var outputs: [GateOutput] = []
    gate.acknowledge(record.receipt, at: offset, time: Harness.start, into: &outputs)
    return outputs.compactMap(\.record)
  }

  private static func flush(_ gate: inout GatePartition) -> [GateRecord] {
    var outputs: [GateOutput] = []
    gate.apply(.flush, at: Harness.start, into: &outputs)
    return outputs.compactMap(\.record)
  }

  @Test func anOrderIsCommittedAndInSnapshotsOnceItsDecisionIsInTheLog() throws {
    var log = Log()
    var gate = try log.takeOver("a")
    let decision = Self.buy(0, &gate)
    #expect(decision.map(\.topic) == [Topic.approved])
    let early = (Self.flush(&gate), Self.commits(&gate))
    #expect(early.0.isEmpty && early.1.isEmpty && !gate.isSettled)
    let snapshots = Self.acknowledge(decision[0], at: log.append(decision[0]), &gate)
    #expect(!snapshots.isEmpty && snapshots.allSatisfy { $0.topic == Topic.riskState && $0.headers.epoch == gate.epoch })
    let commits = Self.commits(&gate)
    #expect(commits == [1])
    for snapshot in snapshots { _ = Self.acknowledge(snapshot, at: log.append(snapshot), &gate) }
    #expect(gate.isSettled)
  }

  @Test func aRecordThatComesTwiceIsDecidedOnce() throws {
    var log = Log()
    var gate = try log.takeOver("a")
    let decisions = [Self.buy(0, &gate), Self.buy(0, &gate)]
    #expect(decisions.map(\.count) == [1, 0])
  }

  /// What a former owner decided behind the new marker must not come into anybody's state by way of his snapshot.
  @Test func aFencedOwnerWritesNoSnapshot() throws {
    var log = Log()
    var former = try log.takeOver("former")
    let marker = EpochMarker(epoch: -1, owner: "newer").encoded()
    _ = log.append(Topic.approved, nil, marker, nil)
    let decision = Self.buy(0, &former)
    let early = Self.flush(&former)
    #expect(early.isEmpty)
    let offset = log.append(decision[0])
    let stretch = try #require(former.intrusion(before: decision[0].receipt, at: offset))
    #expect(stretch == LogStretch(Topic.approved, from: 1, to: 2))
    former.readIntruder(marker, of: Topic.approved, at: 1, newest: 2)
    #expect(former.isFenced)
    let late = (Self.acknowledge(decision[0], at: offset, &former), Self.commits(&former))
    #expect(late.0.isEmpty && late.1.isEmpty)
  }

  @Test func aStrangersRecordFencesNobody() throws {
    var log = Log()
    var gate = try log.takeOver("a")
    _ = log.append(Topic.approved, nil, Array("{}".utf8), nil)
    _ = log.append(Topic.approved, nil, EpochMarker(epoch: 0, owner: "late").encoded(), nil)
    let decision = Self.buy(0, &gate)
    let offset = log.append(decision[0])
    #expect(gate.intrusion(before: decision[0].receipt, at: offset)?.from == 1)
    gate.readIntruder(Array("{}".utf8), of: Topic.approved, at: 1, newest: 3)
    gate.readIntruder(EpochMarker(epoch: 0, owner: "late").encoded(), of: Topic.approved, at: 2, newest: 3)
    _ = Self.acknowledge(decision[0], at: offset, &gate)
    let commits = Self.commits(&gate)
    #expect(!gate.isFenced && commits == [1])
    let next = Self.buy(1, &gate)
    let after = log.append(next[0])
    #expect(gate.intrusion(before: next[0].receipt, at: after) == nil)
  }

  @Test func receiptsOfAnEarlierLifeCountForNothing() throws {
    var log = Log()
    var former = try log.takeOver("a")
    let old = Self.buy(0, &former)
    var gate = try log.takeOver("a")
    let new = Self.buy(0, &gate)
    #expect(gate.intrusion(before: old[0].receipt, at: 99) == nil)
    _ = Self.acknowledge(old[0], at: 99, &gate)
    let early = Self.commits(&gate)
    _ = Self.acknowledge(new[0], at: log.append(new[0]), &gate)
    let late = Self.commits(&gate)
    #expect(early.isEmpty && late == [1])
  }

  @Test func theNextOwnerGoesOnBehindWhatIsInTheLog() throws {
    var log = Log()
    var former = try log.takeOver("former")
    let decisions = Self.buy(0, &former) + Self.buy(1, &former)
    // The second never arrives.
    _ = log.append(decisions[0])
    var gate = try log.takeOver("next")
    let again = [Self.buy(0, &gate), Self.buy(1, &gate)]
    #expect(again.map(\.count) == [0, 1])
    #expect(gate.epoch > former.epoch)
  }

  /// However long the log is, a take-over reads what came since the last snapshot, and the snapshots.
  @Test func aTakeOverDoesNotReadALongLog() throws {
    var log = Log()
    var gate = try log.takeOver("former")
    var outputs: [GateOutput] = []
    let count = 4_000
    // OrderManager's first marker: its epoch is 0.
    let marker = EpochMarker(epoch: -1, owner: "ordermanager/a").encoded()
    _ = log.append(Topic.executions, nil, marker, nil)
    let first = RecordSource(topic: Topic.executions, partition: 0, offset: 0, timestamp: Harness.start)
    gate.apply(.execution(payload: marker, source: first, epoch: nil), at: Harness.start, into: &outputs)
    for number in 0..<count {
      let now = Harness.start + Int64(number) * 10 * Interval.millisecond
      let source = RecordSource(topic: Topic.orders, partition: 0, offset: Int64(number), timestamp: now)
      let id = "o\(number)"
      let side: Side = number % 2 == 0 ? .buy : .sell
      let order = Array(#"{"side":"\#(side)","price":26795,"quantity":0.1,"client_order_id":"\#(id)"}"#.utf8)
      let top = TopOfBook(
        bid: BookLevel(price: Harness.price("26795"), quantity: Harness.quantity("1")),
        ask: BookLevel(price: Harness.price("26796"), quantity: Harness.quantity("1")))
      let book = BookRecord(
        kind: .status, venue: .binance, symbol: Harness.btc, updateID: 1, isValid: true, ingestTime: now, top: top)
      gate.apply(.book(book), at: now, into: &outputs)
      gate.decide(order, source: source, headers: RecordHeaders(), at: now, into: &outputs)
      let event = OrderEvent(
        account: Harness.main, clientOrderID: Harness.id(id), venue: .binance, symbol: Harness.btc, side: side,
        quantity: Harness.quantity("0.1"), venueOrderID: id, status: .filled,
        fill: Harness.fill("t", price: "26795", quantity: "0.1"), cumulativeQuantity: Harness.quantity("0.1"),
        provenance: .venue, time: now)
      let value = ExecutionRecord.order(event).encoded()
      let offset = log.append(Topic.executions, nil, value, 0)
      let place = RecordSource(topic: Topic.executions, partition: 0, offset: offset, timestamp: now)
      gate.apply(.execution(payload: value, source: place, epoch: 0), at: now, into: &outputs)
      gate.apply(.tick, at: now, into: &outputs)
      log.settle(&gate, outputs, at: now)
      outputs = []
    }
    let keys = Set((log.records[Topic.riskState] ?? []).compactMap(\.key)).count
    _ = try log.takeOver("next", committed: Int64(count))
    #expect(log.count(Topic.approved) > count && log.count(Topic.executions) == count + 1)
    // Snapshots come every five seconds.
    #expect(log.reads[Topic.approved] ?? 0 <= 510 && log.reads[Topic.executions] ?? 0 <= 510, "\(log.reads)")
    #expect(keys <= 16, "compaction leaves one record of each key: \(keys)")
  }
}
