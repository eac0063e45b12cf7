import Domain
import Glibc
import Runtime
import TestSupport
import Testing

@testable import LocalKafkaCore

@Suite struct CompactionTests {
  /// Each test has its own.
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let settings = ["cleanup.policy": "compact", "segment.bytes": "2000", "delete.retention.ms": "1000"]

  /// What a reader of the whole log ends with: the last value of each key, deletions left out.
  private func state(_ entries: [(offset: Int64, record: TestRecord)]) -> [[UInt8]: [UInt8]] {
    var state: [[UInt8]: [UInt8]] = [:]
    for entry in entries { state[entry.record.key ?? []] = entry.record.value }
    return state
  }

  private func randomBatch(_ random: inout SeededGenerator) throws -> RecordBatch {
    let records = (0..<random.int(1...6)).map { _ in
      TestRecord(key: [UInt8(random.int(0...9))], value: random.chance(25) ? nil : random.bytes(random.int(0...60)))
    }
    return try parsed(producedBatch(records))
  }

  @Test(arguments: seeds) func compactionKeepsTheStateAndTheOffsets(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var log = try openLog(directory, Self.settings)
    var model: [(offset: Int64, record: TestRecord)] = []
    var now: Int64 = 0
    for _ in 0..<random.int(10...150) {
      let batch = try randomBatch(&random)
      let base = try log.append(batch, nowMs: now).baseOffset
      for (index, record) in try batch.records().enumerated() {
        model.append(
          (
            base + Int64(index),
            TestRecord(key: record.key.map { Array(batch.bytes[$0]) }, value: record.value.map { Array(batch.bytes[$0]) })
          ))
      }
      now += Int64(random.int(0...200))
      if random.chance(10) { try log.compactIfDue(nowMs: now, force: random.chance(50)) }
      if random.chance(5) { log = try openLog(directory, Self.settings) }
    }
    let before = try contents(of: log)
    #expect(state(before) == state(model))

    try log.compactIfDue(nowMs: now, force: true)
    let after = try contents(of: log)
    #expect(state(after) == state(model))
    #expect(Set(after.map(\.record.key)).count == after.count, "a key twice")
    // Each that is left is the model's record at that offset, and its key's last one.
    let byOffset = Dictionary(uniqueKeysWithValues: model.map { ($0.offset, $0.record) })
    let lastOffset = Dictionary(model.map { ($0.record.key, $0.offset) }, uniquingKeysWith: max)
    for entry in after {
      #expect(byOffset[entry.offset] == entry.record)
      #expect(lastOffset[entry.record.key] == entry.offset)
    }
    #expect(log.nextOffset == model.count)
    log = try openLog(directory, Self.settings)
    #expect(try contents(of: log).map(\.offset) == after.map(\.offset))
    #expect(log.nextOffset == model.count)
  }

  @Test func deletionsStayForTheirTime() throws {
    let log = try openLog(directory, Self.settings)
    func put(_ key: UInt8, _ value: [UInt8]?) throws {
      _ = try log.append(parsed(producedBatch([TestRecord(key: [key], value: value)])), nowMs: 0)
    }
    try put(1, [1])
    try put(1, nil)
    try log.compactIfDue(nowMs: 5000, force: true)
    #expect(try contents(of: log).map(\.offset) == [1])
    try put(2, [2])
    try log.compactIfDue(nowMs: 5999, force: true)
    #expect(try contents(of: log).map(\.offset) == [1, 2])
    try put(3, [3])
    try log.compactIfDue(nowMs: 6000, force: true)
    #expect(try contents(of: log).map(\.offset) == [2, 3])
  }

  /// A crash after the new segment has taken its name, before those it replaces are gone.
  @Test(arguments: seeds) func interruptedCompactionLosesNothing(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var log = try openLog(directory, Self.settings)
    for _ in 0..<60 { _ = try log.append(try randomBatch(&random), nowMs: 0) }
    let expected = state(try contents(of: log))
    let old = try listDirectory(directory.path).map { ($0, try readFile("\(directory.path)/\($0)")) }
    log.config = try TopicConfig([("cleanup.policy", "compact"), ("segment.bytes", "100000")])
    try log.compactIfDue(nowMs: 0, force: true)
    // Bring back some of what was deleted, as if it had not been deleted yet: deletion goes in order.
    let deleted = old.filter { name, _ in access("\(directory.path)/\(name)", F_OK) != 0 }
    for (name, bytes) in deleted.suffix(random.int(0...deleted.count)) {
      try replaceFile("\(directory.path)/\(name)", with: bytes)
    }
    log = try openLog(directory, Self.settings)
    #expect(state(try contents(of: log)) == expected)
    let offsets = try contents(of: log).map(\.offset)
    #expect(offsets == Set(offsets).sorted())
  }

  @Test func compressedBatchesStayAsTheyAre() throws {
    let log = try openLog(directory, ["cleanup.policy": "compact"])
    _ = try log.append(parsed(producedBatch([TestRecord(key: [1], value: [1])], attributes: 2)), nowMs: 0)
    try log.compactIfDue(nowMs: 0, force: true)
    #expect(try log.read(from: 0, maxBytes: 1000, atLeastOne: true).count > 0)
  }
}
