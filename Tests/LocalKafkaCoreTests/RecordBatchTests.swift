import Domain
import Runtime
import TestSupport
import Testing

@testable import LocalKafkaCore

/// The core's source files by their path inside it.
func coreSources() throws -> [(name: String, text: String)] {
  let root = Places.packageRoot + "/Sources/LocalKafka/Core"
  return try listDirectory(root).flatMap { folder in
    try listDirectory("\(root)/\(folder)").map { name in
      ("\(folder)/\(name)", String(decoding: try readFile("\(root)/\(folder)/\(name)"), as: UTF8.self))
    }
  }
}

@Suite struct RecordBatchTests {
  private let records = [
    TestRecord(key: [1, 2], value: [3]), TestRecord(key: nil, value: []), TestRecord(key: [], value: nil),
  ]

  @Test func recordsComeBack() throws {
    let bytes = producedBatch(records, producer: 7, epoch: 2, sequence: 9)
    let batch = try parsed(bytes)
    try batch.validate(compact: false)
    let got = try batch.records().map { record in
      TestRecord(key: record.key.map { Array(bytes[$0]) }, value: record.value.map { Array(bytes[$0]) })
    }
    #expect(got == records)
    #expect(batch.header.encoded == Array(bytes[..<BatchHeader.size]))
    #expect(batch.header.lastSequence == 11)
  }

  @Test func everyFlippedBitIsNoticed() {
    let bytes = producedBatch(records)
    // What is not covered: the base offset and the leader epoch, which the broker writes itself.
    let covered = Array(8..<12) + Array(16..<bytes.count)
    for index in covered {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(bit)
        #expect(throws: RecordBatch.Refusal.self, "byte \(index) bit \(bit)") { try parsed(damaged) }
      }
    }
  }

  @Test(arguments: seeds) func damagedRecordsNeverTrap(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let bytes = producedBatch(records + [TestRecord(key: random.bytes(40), value: random.bytes(40))])
    for _ in 0..<500 {
      var damaged = bytes
      for _ in 0...random.int(0...3) { damaged[random.int(BatchHeader.size...bytes.count - 1)] = UInt8(random.int(0...255)) }
      let header = damaged.withUnsafeBytes { BatchHeader($0) }
      let batch = RecordBatch(header: header, bytes: damaged, extent: 0..<damaged.count)
      // Whatever it says, it says it: the checksum is not looked at here.
      _ = try? batch.validate(compact: false)
    }
  }

  @Test func whatMustNotEnterALogIsRefusedByName() throws {
    func code(_ bytes: [UInt8], compact: Bool = false) -> ErrorCode? {
      do {
        try parsed(bytes).validate(compact: compact)
        return nil
      } catch {
        return (error as? RecordBatch.Refusal)?.code
      }
    }
    let keyed = [TestRecord(key: [1], value: [1])]
    #expect(code(producedBatch(keyed), compact: true) == nil)
    #expect(code(producedBatch(records), compact: true) == .invalidRecord)
    #expect(code(producedBatch(keyed, attributes: 1), compact: true) == .unsupportedCompressionType)
    #expect(code(producedBatch(keyed, attributes: 1)) == nil)
    #expect(code(producedBatch(keyed, attributes: 5)) == .unsupportedCompressionType)
    #expect(code(producedBatch(keyed, attributes: 0x10)) == .invalidRecord)
    #expect(code(producedBatch(keyed, attributes: 0x20)) == .invalidRecord)
    #expect(code(producedBatch(keyed, producer: 1, epoch: -1, sequence: 0)) == .invalidRecord)
    #expect(code(producedBatch(keyed) + producedBatch(keyed)) == .invalidRecord)
    #expect(code(Array(producedBatch(keyed).dropLast())) == .corruptMessage)
    #expect(code([UInt8](repeating: 0, count: 100)) == .unsupportedForMessageFormat)
    #expect(code([]) == .corruptMessage)
  }
}
