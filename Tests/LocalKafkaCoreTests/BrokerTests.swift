import Domain
import Testing

@testable import LocalKafkaCore

@Suite struct BrokerTests {
  @Test func waitingFetchIsWokenByTheRecordItWaitsFor() throws {
    let kafka = try TestBroker()
    try kafka.create("t", partitions: 2)
    try kafka.maintain()
    kafka.fetch("t", offset: 0, from: 1)
    kafka.fetch("t", offset: 0, partition: 1, from: 2)
    #expect(try kafka.fetched(from: 1) == nil)
    kafka.produce("t", producedBatch(values: ["x"]), from: 3)
    #expect(try kafka.produced(from: 3) == TestBroker.Produced(error: 0, offset: 0))
    #expect(try kafka.fetched(from: 1)?.batches.count == 1)
    #expect(try kafka.fetched(from: 2) == nil)
    try kafka.pass(milliseconds: 499)
    #expect(try kafka.fetched(from: 2) == nil)
    #expect(kafka.broker.nextDeadlineMs == kafka.now.monotonicMs + 1)
    try kafka.pass(milliseconds: 1)
    #expect(try kafka.fetched(from: 2)?.batches.count == 0)
  }

  @Test func theFirstConsumerIsAnsweredBeforeTheProducerAndTheOthersAfter() throws {
    let kafka = try TestBroker()
    try kafka.create("t")
    for consumer in UInt64(11)...13 { kafka.fetch("t", offset: 0, from: consumer) }
    kafka.produce("t", producedBatch(values: ["x"]), from: 2)
    #expect(kafka.answered.suffix(4) == [11, 2, 12, 13])
    kafka.produce("t", producedBatch(values: ["y"]), from: 2)
    #expect(kafka.answered.last == 2)
    for consumer in UInt64(11)...13 { #expect(try kafka.fetched(from: consumer)?.batches.count == 1) }
  }

  @Test func minimumBytesAreWaitedFor() throws {
    let kafka = try TestBroker()
    try kafka.create("t")
    let batch = producedBatch(values: ["x"])
    kafka.fetch("t", offset: 0, minBytes: Int32(batch.count * 3), from: 1)
    for index in 0..<3 {
      #expect(try kafka.fetched(from: 1) == nil, "after \(index)")
      kafka.produce("t", batch, from: 2)
    }
    #expect(try kafka.fetched(from: 1)?.batches.count == 3)
  }

  @Test func fetchesOfADeletedTopicEnd() throws {
    let kafka = try TestBroker()
    try kafka.create("t")
    kafka.fetch("t", offset: 0, from: 1)
    kafka.send(.deleteTopics, version: 1, from: 2) { writer in
      writer.array(["t"]) { $0.string($1) }
      writer.int32(1000)
    }
    #expect(try kafka.fetched(from: 1)?.error == ErrorCode.unknownTopicOrPartition.rawValue)
    kafka.produce("t", producedBatch(values: ["x"]))
    #expect(try kafka.produced().error == ErrorCode.unknownTopicOrPartition.rawValue)
  }

  @Test func aClosedConnectionWaitsForNothing() throws {
    let kafka = try TestBroker()
    try kafka.create("t")
    kafka.fetch("t", offset: 0, from: 1)
    kafka.broker.connectionClosed(ConnectionID(1))
    kafka.produce("t", producedBatch(values: ["x"]), from: 2)
    try kafka.pass(milliseconds: 10_000)
    #expect(try kafka.fetched(from: 1) == nil)
  }

  @Test func unacknowledgedProduceIsSilentOrFatal() throws {
    let kafka = try TestBroker()
    try kafka.create("t")
    kafka.produce("t", producedBatch(values: ["x"]), acks: 0, from: 1)
    #expect(kafka.answer(to: 1) == nil && kafka.silenced == [ConnectionID(1)])
    kafka.produce("nowhere", producedBatch(values: ["x"]), acks: 0, from: 2)
    #expect(kafka.closed[ConnectionID(2)] != nil)
    kafka.produce("t", producedBatch(values: ["x"]), acks: 3, from: 1)
    #expect(try kafka.produced().error == ErrorCode.invalidRequiredAcks.rawValue)
  }

  /// As after SIGKILL, since nothing is closed.
  @Test(arguments: [false, true]) func everythingAcknowledgedSurvives(cleanly: Bool) throws {
    var kafka = try TestBroker()
    try kafka.create("t", partitions: 3, [("retention.ms", "123456")])
    for index in 0..<10 {
      kafka.produce("t", producedBatch(values: ["\(index)"]), partition: 2)
      #expect(try kafka.produced().offset == Int64(index))
    }
    kafka.send(.initProducerID, version: 0) { writer in
      writer.string(nil)
      writer.int32(1000)
    }
    var reader = try #require(kafka.answer())
    _ = try reader.int32()
    _ = try reader.int16()
    let producer = try reader.int64()
    try commit(kafka, offset: 7)

    kafka = try kafka.restart(cleanly: cleanly)
    #expect(kafka.broker.repairs.isEmpty)
    kafka.fetch("t", offset: 0, partition: 2)
    #expect(try kafka.fetched()?.batches.map(\.header.baseOffset) == Array(0..<10))
    #expect(kafka.broker.store.topics["t"]?.config.retentionMs == 123456)
    #expect(kafka.broker.store.topics["t"]?.partitions.count == 3)
    let committed = kafka.broker.coordinator.groups["g"]?.offsets
    #expect(committed?[TopicPartition(topic: "t", partition: 2)]?.offset == 7)
    #expect(try kafka.broker.identity.newProducerID() > producer)
  }

  private func commit(_ kafka: TestBroker, offset: Int64) throws {
    kafka.send(.offsetCommit, version: 2) { writer in
      writer.string("g")
      writer.int32(-1)
      writer.string("")
      writer.int64(-1)
      writer.array(["t"]) { writer, topic in
        writer.string(topic)
        writer.array([Int32(2)]) {
          $0.int32($1)
          $0.int64(offset)
          $0.string("note")
        }
      }
    }
    var reader = try #require(kafka.answer())
    let codes = try reader.array { try ByTopic(from: &$0) { (try $0.int32(), try $0.int16()) } }
    #expect(codes.first?.partitions.first?.1 == 0)
  }

  @Test func offsetsOutliveCompactionAndEndWithTheirTime() throws {
    var kafka = try TestBroker { $0.offsetsRetentionMs = 60_000 }
    try kafka.create("t", partitions: 3)
    for offset in 0..<100 { try commit(kafka, offset: Int64(offset)) }
    let before = kafka.broker.offsetLog.log.size
    try kafka.broker.offsetLog.log.compactIfDue(nowMs: kafka.now.wallMs, force: true)
    #expect(kafka.broker.offsetLog.log.size < before)
    kafka = try kafka.restart()
    let partition = TopicPartition(topic: "t", partition: 2)
    #expect(kafka.broker.coordinator.groups["g"]?.offsets[partition]?.offset == 99)
    try kafka.pass(milliseconds: 60_001)
    try kafka.maintain()
    #expect(kafka.broker.coordinator.groups["g"] == nil)
    kafka = try kafka.restart()
    #expect(kafka.broker.coordinator.groups["g"] == nil)
  }

  @Test func futureApiVersionsIsAnsweredInVersionZero() throws {
    let kafka = try TestBroker()
    var writer = WireWriter()
    writer.int16(API.apiVersions.rawValue)
    writer.int16(99)
    writer.int32(1)
    writer.string("client")
    kafka.send(frame: writer.bytes)
    var reader = try #require(kafka.answer())
    #expect(try reader.int16() == ErrorCode.unsupportedVersion.rawValue)
    let keys = try reader.array { reader in
      defer { _ = try? reader.int32() }
      return try reader.int16()
    }
    #expect(keys == API.allCases.map(\.rawValue))
  }

  /// Every request cut off at every byte, and with bytes changed: an answer or a closed connection, never a trap.
  @Test(arguments: seeds) func damagedRequestsHarmNobody(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let kafka = try TestBroker {
      $0.maxGroups = 10
      $0.maxPartitions = 50
    }
    try kafka.create("t")
    for api in API.allCases {
      for version in api.advertised {
        var frame = WireWriter()
        frame.int16(api.rawValue)
        frame.int16(version)
        frame.int32(1)
        frame.string("c")
        if version >= api.firstFlexible { frame.unsignedVarint(0) }
        let body = (0..<random.int(0...60)).map { _ in random.chance(70) ? 0 : UInt8(random.int(0...255)) }
        for cut in 0...body.count {
          kafka.send(frame: frame.bytes + body[..<cut], from: UInt64(random.int(10...1_000_000)))
        }
      }
    }
    for _ in 0..<300 { kafka.send(frame: random.bytes(random.int(0...100)), from: UInt64(random.int(10...1_000_000))) }
    try kafka.maintain()
    kafka.produce("t", producedBatch(values: ["x"]))
    #expect(try kafka.produced() == TestBroker.Produced(error: 0, offset: 0))
  }

  @Test func topicsAreCreatedWhenAskedForOnlyIfAllowed() throws {
    func metadata(_ kafka: TestBroker, _ name: String, allowed: Bool = true) throws -> Int16 {
      kafka.send(.metadata, version: 4) { writer in
        writer.array([name]) { $0.string($1) }
        writer.bool(allowed)
      }
      var reader = try #require(kafka.answer())
      _ = try reader.int32()
      _ = try reader.array { reader in
        _ = try reader.int32()
        _ = try reader.string()
        _ = try reader.int32()
        _ = try reader.nullableString()
      }
      _ = try reader.nullableString()
      _ = try reader.int32()
      _ = try reader.int32()
      return try reader.int16()
    }
    let strict = try TestBroker()
    #expect(try metadata(strict, "t") == ErrorCode.unknownTopicOrPartition.rawValue)
    let generous = try TestBroker { $0.autoCreatesTopics = true }
    #expect(try metadata(generous, "t", allowed: false) == ErrorCode.unknownTopicOrPartition.rawValue)
    #expect(try metadata(generous, "t") == 0)
    #expect(try metadata(generous, "../../etc") == ErrorCode.invalidTopic.rawValue)
  }

  @Test func onlyOneBrokerHasTheDirectory() throws {
    let kafka = try TestBroker()
    #expect(throws: FileError.self) {
      try Broker(config: BrokerConfig(dataDirectory: kafka.directory.path + "/data"), nonce: 3, at: kafka.now)
    }
  }
}
