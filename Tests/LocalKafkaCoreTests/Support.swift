import Domain
import TestSupport
import Testing

@testable import LocalKafkaCore

/// Seeds of property tests. A failing one is in the test's name; put it here alone to run it again.
let seeds: [UInt64] = Array(1...20)

extension SeededGenerator {
  mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
  mutating func chance(_ percent: Int) -> Bool { int(1...100) <= percent }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// One record of a batch under construction.
struct TestRecord: Equatable {
  var key: [UInt8]?
  var value: [UInt8]?
}

/// What a producer sends: a batch, with whatever a test wants to be special about it.
func producedBatch(
  _ records: [TestRecord], timestamp: Int64 = 1000, producer: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1,
  attributes: Int16 = 0
) -> [UInt8] {
  let bytes = BatchBuilder.batch(of: records.map { .init(key: $0.key, value: $0.value) }, timestampMs: timestamp)
  var header = bytes.withUnsafeBytes { BatchHeader($0) }
  header.producerID = producer
  header.producerEpoch = epoch
  header.baseSequence = sequence
  header.attributes = attributes
  let body = Array(bytes[BatchHeader.size...])
  header.checksum = body.withUnsafeBytes(header.computedChecksum)
  return header.encoded + body
}

func producedBatch(values: [String], timestamp: Int64 = 1000) -> [UInt8] {
  producedBatch(values.map { TestRecord(key: nil, value: Array($0.utf8)) }, timestamp: timestamp)
}

func parsed(_ bytes: [UInt8]) throws -> RecordBatch { try RecordBatch(produced: bytes, extent: 0..<bytes.count) }

/// The batches in what a read returned.
func batches(in bytes: [UInt8]) -> [RecordBatch] {
  var found: [RecordBatch] = []
  var position = 0
  while position + BatchHeader.size <= bytes.count {
    let header = bytes.withUnsafeBytes { BatchHeader($0, at: position) }
    found.append(RecordBatch(header: header, bytes: bytes, extent: position..<position + header.totalSize))
    position += header.totalSize
  }
  return found
}

/// Every record of a log with its offset, by reading it as consumers do.
func contents(of log: PartitionLog) throws -> [(offset: Int64, record: TestRecord)] {
  var all: [(offset: Int64, record: TestRecord)] = []
  var offset = log.startOffset
  while offset < log.nextOffset {
    let read = batches(in: try log.read(from: offset, maxBytes: 1 << 20, atLeastOne: true))
    guard let last = read.last else { break }
    for batch in read {
      #expect(batch.withBody(batch.header.computedChecksum) == batch.header.checksum)
      for record in try batch.records() {
        let content = TestRecord(
          key: record.key.map { Array(batch.bytes[$0]) }, value: record.value.map { Array(batch.bytes[$0]) })
        all.append((batch.header.baseOffset + record.offsetDelta, content))
      }
    }
    offset = last.header.lastOffset + 1
  }
  return all
}

func openLog(_ directory: TemporaryDirectory, _ settings: [String: String] = [:], nowMs: Int64 = 0) throws -> PartitionLog {
  let config = try TopicConfig(settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  return try PartitionLog(directory: directory.path, config: config, nowMs: nowMs)
}

/// A broker with a clock of the test's own, spoken to in frames.
final class TestBroker {
  let directory: TemporaryDirectory
  private(set) var broker: Broker
  private(set) var now = Instant(monotonicMs: 1_000_000, wallMs: 1_700_000_000_000)
  private let config: BrokerConfig
  private var correlation: Int32 = 0
  private var answers: [ConnectionID: [[UInt8]]] = [:]
  /// Connections in the order of their answers.
  private(set) var answered: [UInt64] = []
  private(set) var closed: [ConnectionID: String] = [:]
  private(set) var silenced: Set<ConnectionID> = []

  init(_ configure: (inout BrokerConfig) -> Void = { _ in }) throws {
    directory = try TemporaryDirectory()
    var config = BrokerConfig(dataDirectory: directory.path + "/data")
    config.initialRebalanceDelayMs = 0
    configure(&config)
    self.config = config
    broker = try Broker(config: config, nonce: 1, at: now)
  }

  /// As after SIGKILL: nothing is closed, the directory is opened again.
  func restart(cleanly: Bool = false) throws -> TestBroker {
    if cleanly { try broker.close() }
    return try TestBroker(restarting: self)
  }

  private init(restarting old: TestBroker) throws {
    directory = old.directory
    config = old.config
    now = old.now
    // The lock belongs to the old one's descriptor: it has to go first.
    let placeholder = try TemporaryDirectory()
    old.broker = try Broker(config: BrokerConfig(dataDirectory: placeholder.path + "/data"), nonce: 0, at: old.now)
    broker = try Broker(config: config, nonce: 2, at: now)
  }

  func pass(milliseconds: Int64) throws {
    now.monotonicMs += milliseconds
    now.wallMs += milliseconds
    try broker.tick(at: now)
    collect()
  }

  /// Runs retention and compaction over every partition.
  func maintain() throws {
    try pass(milliseconds: config.maintenanceIntervalMs)
    while broker.nextDeadlineMs == 0 { try pass(milliseconds: 0) }
  }

  func send(_ api: API, version: Int16, from connection: UInt64 = 1, _ body: (inout WireWriter) -> Void) {
    correlation += 1
    var writer = WireWriter()
    writer.int16(api.rawValue)
    writer.int16(version)
    writer.int32(correlation)
    writer.string("test")
    if version >= api.firstFlexible {
      writer.unsignedVarint(0)
      writer.isFlexible = true
    }
    body(&writer)
    send(frame: writer.bytes, from: connection)
  }

  func send(frame: [UInt8], from connection: UInt64 = 1) {
    broker.handle(frame, from: ConnectionID(connection), host: "/test", at: now)
    collect()
  }

  /// The next answer to a connection behind its length and correlation id; nil while the request is parked.
  func answer(to connection: UInt64 = 1) -> WireReader? {
    guard let frame = answers[ConnectionID(connection)]?.first else { return nil }
    answers[ConnectionID(connection)]?.removeFirst()
    return WireReader(frame, range: 8..<frame.count)
  }

  private func collect() {
    for output in broker.takeOutputs() {
      switch output {
      case .reply(let connection, let frame):
        answers[connection, default: []].append(frame)
        answered.append(connection.number)
      case .silence(let connection): silenced.insert(connection)
      case .close(let connection, let reason): closed[connection] = reason
      }
    }
  }

  // MARK: Requests

  func create(_ topic: String, partitions: Int32 = 1, _ settings: [(String, String)] = []) throws {
    send(.createTopics, version: 2) { writer in
      writer.array([topic]) { writer, topic in
        writer.string(topic)
        writer.int32(partitions)
        writer.int16(1)
        writer.array([Int]()) { _, _ in }
        writer.array(settings) {
          $0.string($1.0)
          $0.string($1.1)
        }
      }
      writer.int32(1000)
      writer.bool(false)
    }
    var reader = try #require(answer())
    _ = try reader.int32()
    let codes = try reader.array { reader in
      _ = try reader.string()
      defer { _ = try? reader.nullableString() }
      return try reader.int16()
    }
    #expect(codes == [0])
  }

  func produce(_ topic: String, _ batch: [UInt8], partition: Int32 = 0, acks: Int16 = -1, from connection: UInt64 = 1) {
    send(.produce, version: 7, from: connection) { writer in
      writer.string(nil)
      writer.int16(acks)
      writer.int32(1000)
      writer.array([topic]) { writer, topic in
        writer.string(topic)
        writer.array([partition]) {
          $0.int32($1)
          $0.byteArray(batch)
        }
      }
    }
  }

  struct Produced: Equatable {
    var error: Int16
    var offset: Int64
  }

  /// The answer to a produce.
  func produced(from connection: UInt64 = 1) throws -> Produced {
    var reader = try #require(answer(to: connection))
    let topics = try reader.array { reader in
      try ByTopic(from: &reader) { reader in
        _ = try reader.int32()
        let result = Produced(error: try reader.int16(), offset: try reader.int64())
        _ = try reader.int64()
        _ = try reader.int64()
        return result
      }
    }
    return try #require(topics.first?.partitions.first)
  }

  func fetch(
    _ topic: String, offset: Int64, partition: Int32 = 0, maxWaitMs: Int32 = 500, minBytes: Int32 = 1, maxBytes: Int32 = 1 << 20,
    from connection: UInt64 = 1
  ) {
    send(.fetch, version: 4, from: connection) { writer in
      writer.int32(-1)
      writer.int32(maxWaitMs)
      writer.int32(minBytes)
      writer.int32(maxBytes)
      writer.int8(0)
      writer.array([topic]) { writer, topic in
        writer.string(topic)
        writer.array([partition]) {
          $0.int32($1)
          $0.int64(offset)
          $0.int32(maxBytes)
        }
      }
    }
  }

  /// Error code and batches of a fetch; nil while it waits.
  func fetched(from connection: UInt64 = 1) throws -> (error: Int16, batches: [RecordBatch])? {
    guard var reader = answer(to: connection) else { return nil }
    _ = try reader.int32()
    let topics = try reader.array { reader in
      try ByTopic(from: &reader) { reader in
        _ = try reader.int32()
        let error = try reader.int16()
        _ = try reader.int64()
        _ = try reader.int64()
        _ = try reader.nullableArray { _ in 0 }
        return (error: error, batches: batches(in: try reader.byteArray()))
      }
    }
    return try #require(topics.first?.partitions.first)
  }
}
