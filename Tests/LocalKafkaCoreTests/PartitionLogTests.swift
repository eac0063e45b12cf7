import Domain
import Glibc
import Runtime
import TestSupport
import Testing

@testable import LocalKafkaCore

@Suite struct PartitionLogTests {
  /// Each test has its own.
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @discardableResult
  private func append(_ values: [String], to log: PartitionLog, timestamp: Int64 = 1000, nowMs: Int64 = 0) throws -> Int64 {
    try log.append(try parsed(producedBatch(values: values, timestamp: timestamp)), nowMs: nowMs).baseOffset
  }

  private func values(_ log: PartitionLog) throws -> [String] {
    try contents(of: log).map { String(decoding: $0.record.value ?? [], as: UTF8.self) }
  }

  /// The heart of it: wherever a crash tore the last write off, the log is what was whole, and goes on.
  @Test func tornTailIsCutAtEveryByte() throws {
    var sizes = [0]
    var log = try openLog(directory)
    for index in 0..<4 {
      try append(["a\(index)", "b\(index)"], to: log)
      sizes.append(log.size)
    }
    let path = log.active.path
    let whole = try readFile(path)
    for cut in sizes[1]..<whole.count {
      #expect(truncate(path, off_t(cut)) == 0)
      log = try openLog(directory)
      let left = sizes.lastIndex { $0 <= cut } ?? 0
      #expect(try values(log) == (0..<left).flatMap { ["a\($0)", "b\($0)"] }, "cut at \(cut)")
      #expect(log.repairs.isEmpty == (sizes[left] == cut))
      #expect(try append(["next"], to: log) == Int64(left * 2))
      #expect(try values(log).last == "next")
      try replaceFile(path, with: whole)
    }
  }

  @Test func damagedTailIsCutAtEveryByte() throws {
    var log = try openLog(directory)
    try append(["first"], to: log)
    let sound = log.size
    try append(["second"], to: log)
    let path = log.active.path
    let whole = try readFile(path)
    // The leader epoch is not covered by the checksum, and nothing depends on it.
    for index in sound..<whole.count where !(sound + 12..<sound + 16).contains(index) {
      var damaged = whole
      damaged[index] ^= 0x81
      try replaceFile(path, with: damaged)
      log = try openLog(directory)
      let left = try values(log)
      // A base offset that has grown is indistinguishable from a gap that compaction left.
      #expect(left == ["first"] || (index < sound + 8 && left == ["first", "second"]), "byte \(index)")
    }
  }

  @Test(arguments: seeds) func readsEqualAPlainListOfBatches(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var log = try openLog(directory, ["segment.bytes": "20000"])
    var stored: [RecordBatch] = []
    for _ in 0..<random.int(20...120) {
      let records = (0..<random.int(1...5)).map { _ in TestRecord(key: nil, value: random.bytes(random.int(0...3000))) }
      let batch = try parsed(producedBatch(records, timestamp: Int64(random.int(0...1000))))
      let header = try log.append(batch, nowMs: 0)
      stored.append(RecordBatch(header: header, bytes: batch.bytes, extent: batch.extent))
      if random.chance(3) {
        if random.chance(50) { try log.close() }
        log = try openLog(directory, ["segment.bytes": "20000"])
      }
    }
    #expect(log.nextOffset == stored.reduce(0) { $0 + Int64($1.header.recordCount) })
    for _ in 0..<200 {
      let offset = Int64(random.int(0...Int(log.nextOffset)))
      let limit = random.int(1...8000)
      let isFirst = random.chance(50)
      let read = batches(in: try log.read(from: offset, maxBytes: limit, atLeastOne: isFirst))
      let expected = stored.filter { $0.header.lastOffset >= offset }
      #expect(read.map(\.header) == expected.prefix(read.count).map(\.header))
      let size = read.reduce(0) { $0 + $1.extent.count }
      #expect(size <= limit || (isFirst && read.count == 1))
      if let next = expected.first, isFirst || next.extent.count <= limit { #expect(!read.isEmpty, "offset \(offset)") }
    }
    for _ in 0..<200 {
      let time = Int64(random.int(0...1100))
      let expected = stored.first { $0.header.maxTimestamp >= time }
      #expect(try log.firstRecord(sinceMs: time)?.offset == expected?.header.baseOffset)
    }
  }

  @Test func brokerStampsAreCheckedSums() throws {
    let log = try openLog(directory, ["message.timestamp.type": "LogAppendTime"])
    try append(["x"], to: log, timestamp: 5, nowMs: 777)
    let batch = try #require(batches(in: try log.read(from: 0, maxBytes: 1000, atLeastOne: true)).first)
    #expect(batch.header.maxTimestamp == 777 && batch.header.isAppendTime)
    #expect(batch.withBody(batch.header.computedChecksum) == batch.header.checksum)
    #expect(try log.firstRecord(sinceMs: 700)?.timestampMs == 777)
  }

  @Test(arguments: [false, true]) func producersAreKnownAfterARestart(cleanly: Bool) throws {
    var log = try openLog(directory, ["segment.bytes": "300"])
    var last = try log.append(parsed(producedBatch(values: ["x"])), nowMs: 0)
    for sequence in Int32(0)..<10 {
      let record = TestRecord(key: nil, value: [UInt8](repeating: 0, count: 50))
      last = try log.append(parsed(producedBatch([record], producer: 4, epoch: 0, sequence: sequence)), nowMs: 0)
    }
    if cleanly { try log.close() }
    log = try openLog(directory)
    #expect(log.segments.count > 2)
    #expect(log.producers.verdict(on: last) == .duplicate(baseOffset: 10))
    last.baseSequence = 11
    #expect(log.producers.verdict(on: last) == .refuse(.outOfOrderSequenceNumber))
    last.baseSequence = 10
    #expect(log.producers.verdict(on: last) == .append)
  }

  @Test func retentionDropsWhatIsOldAndKeepsOffsets() throws {
    var log = try openLog(directory, ["retention.ms": "100", "segment.bytes": "200"])
    for index in 0..<10 { try append([String(repeating: "x", count: 100)], to: log, timestamp: Int64(index * 10)) }
    #expect(try !log.applyRetention(nowMs: 100))
    #expect(try log.applyRetention(nowMs: 151))
    #expect(log.startOffset == 6)
    #expect(try log.applyRetention(nowMs: 1000))
    #expect(log.startOffset == 10 && log.nextOffset == 10)
    log = try openLog(directory)
    #expect(log.startOffset == 10 && log.nextOffset == 10)
    #expect(try append(["y"], to: log) == 10)
  }

  @Test func retentionBySizeKeepsAtLeastThatMuch() throws {
    let log = try openLog(directory, ["retention.bytes": "1000", "segment.bytes": "300"])
    for _ in 0..<40 {
      try append([String(repeating: "x", count: 100)], to: log)
      _ = try log.applyRetention(nowMs: 0)
      #expect(log.size >= 1000 || log.startOffset == 0)
      #expect(log.size < 1000 + 2 * 300)
    }
    #expect(log.nextOffset == 40)
  }
}
