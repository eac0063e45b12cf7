import Domain
import ReconcilerCore
import Testing
import Wire

@Suite struct InputStateTests {
  @Test func aRecordIsReadOnce() {
    var input = InputState(topic: Topic.executions, partition: 0)
    #expect(input.apply(Sample.marker(Topic.executions)) == .nothing)
    let record = Sample.execution(1, Sample.event("a", .open))
    #expect(input.apply(record) == .change(.progressed(Sample.event("a", .open))))
    #expect(input.apply(record) == .repeated)
    #expect(input.nextOffset == 2)
  }

  @Test func aFormerOwnersRecordsDoNotCountAfterANewerMarker() {
    var input = InputState(topic: Topic.executions, partition: 0)
    let event = Sample.event("a", .open)
    #expect(input.apply(Sample.marker(Topic.executions, 0, epoch: -1)) == .nothing)
    #expect(input.apply(Sample.execution(1, event, epoch: 0)) == .change(.progressed(event)))
    #expect(input.apply(Sample.marker(Topic.executions, 2, epoch: -1)) == .nothing)
    #expect(input.apply(Sample.execution(3, event, epoch: 0)) == .fenced)
    #expect(input.apply(Sample.execution(4, event, epoch: 2)) == .change(.progressed(event)))
    #expect(input.fence.epoch == 2)
  }

  @Test func theFenceOutlivesARestart() {
    var input = InputState(topic: Topic.approved, partition: 0, nextOffset: 10, epoch: 7)
    #expect(input.apply(Sample.record(Topic.approved, 10, Sample.approval("a").encoded(), epoch: 6)) == .fenced)
    let second = Sample.record(Topic.approved, 11, Sample.approval("a").encoded(), epoch: 7)
    #expect(input.apply(second) == .change(.approved(Sample.approval("a"))))
  }

  /// Only what carries the epoch of the partition's owner changes rows, and an epoch that has not begun ends none.
  @Test(arguments: [Topic.approved, Topic.rejected, Topic.executions])
  func strangersChangeNothing(topic: String) {
    var input = InputState(topic: topic, partition: 0)
    let values = [
      Topic.approved: Sample.approval("a").encoded(), Topic.rejected: Sample.rejection("a").encoded(),
      Topic.executions: ExecutionRecord.order(Sample.event("a", .open)).encoded(),
    ]
    let value = values[topic] ?? []
    #expect(input.apply(Sample.record(topic, 0, value, epoch: 0)) == .unreadable(.stranger), "nobody owns it yet")
    #expect(input.apply(Sample.marker(topic, 1, epoch: 1)) == .nothing)
    for (offset, epoch) in [(2, nil), (3, 2), (4, .max), (5, -1)] as [(Int64, Int64?)] {
      #expect(input.apply(Sample.record(topic, offset, value, epoch: epoch)) == .unreadable(.stranger))
    }
    #expect(input.apply(Sample.marker(topic, 6, epoch: 1_001)) == .unreadable(.impossibleMarker))
    #expect(input.apply(Sample.marker(topic, 7, epoch: .max)) == .unreadable(.impossibleMarker))
    guard case .change = input.apply(Sample.record(topic, 8, value, epoch: 1)) else {
      Issue.record("the owner's record does not count")
      return
    }
  }

  /// Where the log's beginning has expired the owner's marker may be gone with it: his records count all the same.
  @Test func anOwnerWhoseMarkerHasExpiredCounts() {
    var input = InputState(topic: Topic.approved, partition: 0)
    let change = Projected.change(.approved(Sample.approval("a")))
    #expect(input.apply(Sample.record(Topic.approved, 50, Sample.approval("a").encoded(), epoch: 7)) == change)
    #expect(input.apply(Sample.record(Topic.approved, 51, Sample.approval("a").encoded(), epoch: nil)) == .unreadable(.stranger))
    #expect(input.apply(Sample.marker(Topic.approved, 52)) == .nothing)
    #expect(input.apply(Sample.record(Topic.approved, 53, Sample.approval("a").encoded(), epoch: 7)) == .fenced)
    #expect(input.apply(Sample.record(Topic.approved, 54, Sample.approval("a").encoded(), epoch: 52)) == change)
  }

  @Test(arguments: [Topic.approved, Topic.rejected, Topic.executions])
  func noRecordStopsAnInput(topic: String) {
    var input = InputState(topic: topic, partition: 0)
    let junk: [[UInt8]?] = [
      nil, [], [0xFF, 0xFE], Array("{}".utf8), Array("[1,2]".utf8), Array(#"{"type":"new kind"}"#.utf8),
      Array(#"{"type":"order","account":"main","status":"resting"}"#.utf8), [UInt8](repeating: UInt8(ascii: "["), count: 5_000),
    ]
    for (offset, value) in junk.enumerated() {
      guard case .unreadable = input.apply(Sample.record(topic, Int64(offset), value)) else {
        Issue.record("record \(offset) was taken")
        continue
      }
    }
    #expect(input.nextOffset == Int64(junk.count))
  }

  @Test func observationsChangeNoRows() {
    var input = InputState(topic: Topic.executions, partition: 0)
    let observation = Observation(account: Sample.account, venue: .binance, startedAt: Sample.start, missing: ["apus-1"])
    let bytes = ExecutionRecord.observation(observation).encoded()
    #expect(input.apply(Sample.record(Topic.executions, 0, bytes, epoch: nil)) == .nothing, "it needs no epoch")
  }

  /// However often and from wherever the log is read again, each record counts once, in order.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func rereadingChangesNothing(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let log = RandomLog(seed: seed, count: 60).records[Topic.executions] ?? []
    var once = InputState(topic: Topic.executions, partition: 0)
    let expected = log.map { once.apply($0) }.filter { $0 != .repeated }
    var input = InputState(topic: Topic.executions, partition: 0)
    var seen: [Projected] = []
    while input.nextOffset < log.count {
      let from = Int.random(in: 0...Int(input.nextOffset), using: &generator)
      let to = Int.random(in: from...log.count, using: &generator)
      for record in log[from..<to] {
        let projected = input.apply(record)
        if projected != .repeated { seen.append(projected) }
      }
    }
    #expect(seen == expected, "seed \(seed)")
    #expect(input == once, "seed \(seed)")
  }
}
