import Testing

@testable import LocalKafkaCore

@Suite struct ProducerStatesTests {
  private func header(_ sequence: Int32, count: Int32 = 1, epoch: Int16 = 0, at offset: Int64 = 0) throws -> BatchHeader {
    let records = [TestRecord](repeating: TestRecord(key: nil, value: [0]), count: Int(count))
    var header = try parsed(producedBatch(records, producer: 1, epoch: epoch, sequence: sequence)).header
    header.baseOffset = offset
    return header
  }

  @Test func fiveBatchesAreRemembered() throws {
    var states = ProducerStates()
    for index in Int32(0)..<8 { states.note(try header(index * 2, count: 2, at: Int64(100 + index * 2)), atMs: 0) }
    for index in Int32(3)..<8 {
      #expect(states.verdict(on: try header(index * 2, count: 2)) == .duplicate(baseOffset: Int64(100 + index * 2)))
    }
    #expect(states.verdict(on: try header(4, count: 2)) == .refuse(.outOfOrderSequenceNumber))
    #expect(states.verdict(on: try header(14, count: 1)) == .refuse(.outOfOrderSequenceNumber))
    #expect(states.verdict(on: try header(16)) == .append)
    #expect(states.verdict(on: try header(17)) == .refuse(.outOfOrderSequenceNumber))
  }

  @Test func epochsOnlyGrowAndBeginAtZero() throws {
    var states = ProducerStates()
    states.note(try header(0, epoch: 3), atMs: 0)
    #expect(states.verdict(on: try header(1, epoch: 2)) == .refuse(.invalidProducerEpoch))
    #expect(states.verdict(on: try header(1, epoch: 4)) == .refuse(.outOfOrderSequenceNumber))
    #expect(states.verdict(on: try header(0, epoch: 4)) == .append)
    states.note(try header(0, epoch: 4, at: 50), atMs: 0)
    #expect(states.verdict(on: try header(0, epoch: 4)) == .duplicate(baseOffset: 50))
  }

  @Test func sequencesWrapAround() throws {
    var states = ProducerStates()
    states.note(try header(Int32.max - 1, count: 4), atMs: 0)
    #expect(try header(Int32.max - 1, count: 4).lastSequence == 1)
    #expect(states.verdict(on: try header(2)) == .append)
    states.note(try header(2, count: 1), atMs: 0)
    states.note(try header(Int32.max, count: 1, epoch: 1), atMs: 0)
    #expect(states.verdict(on: try header(0, epoch: 1)) == .append)
  }

  @Test func unknownProducersMayBeginAnywhere() throws {
    var states = ProducerStates()
    #expect(states.verdict(on: try header(42)) == .append)
    states.note(try header(42), atMs: 5)
    states.forget(unseenSinceMs: 5)
    #expect(states.verdict(on: try header(42)) == .duplicate(baseOffset: 0))
    states.forget(unseenSinceMs: 6)
    #expect(states.producers.isEmpty)
  }

  @Test func statesComeBackFromASnapshot() throws {
    var states = ProducerStates()
    for index in Int32(0)..<7 { states.note(try header(index, at: Int64(index)), atMs: 9) }
    var writer = WireWriter()
    states.encode(into: &writer)
    var reader = WireReader(writer.bytes)
    #expect(try ProducerStates(from: &reader) == states)
  }
}
