/// Makes commits and generations durable: a compact log of the broker's own, not a topic.
struct OffsetLog {
  private enum Kind: Int8 {
    case offset = 0
    case generation = 1
  }

  let log: PartitionLog

  /// Opens the log and puts into `coordinator` what it says.
  init(directory: String, restoring coordinator: inout GroupCoordinator, nowMs: Int64) throws {
    try Directory.create(directory)
    let config = try TopicConfig([("cleanup.policy", "compact"), ("delete.retention.ms", "0"), ("segment.bytes", "8388608")])
    log = try PartitionLog(directory: directory, config: config, nowMs: nowMs)
    for segment in log.segments {
      var cursor = try segment.cursor()
      while let batch = try cursor.next() {
        for record in try batch.records() { try Self.restore(record, of: batch, into: &coordinator) }
      }
    }
  }

  func commit(_ offsets: [(partition: TopicPartition, offset: CommittedOffset)], group: String, nowMs: Int64) throws {
    try append(offsets.map { Self.entry(group: group, $0.partition, $0.offset) }, nowMs: nowMs)
  }

  func note(generation: Int32, of group: String, nowMs: Int64) throws {
    var value = WireWriter()
    value.int32(generation)
    try append([.init(key: Self.key(group: group), value: value.bytes)], nowMs: nowMs)
  }

  func forget(_ partitions: [TopicPartition], group: String, nowMs: Int64) throws {
    try append(partitions.map { .init(key: Self.key(group: group, $0), value: nil) }, nowMs: nowMs)
  }

  func forget(group: Group, nowMs: Int64) throws {
    try forget(group.offsets.keys.sorted(), group: group.name, nowMs: nowMs)
    try append([.init(key: Self.key(group: group.name), value: nil)], nowMs: nowMs)
  }

  private func append(_ entries: [BatchBuilder.Entry], nowMs: Int64) throws {
    guard !entries.isEmpty else { return }
    let bytes = BatchBuilder.batch(of: entries, timestampMs: nowMs)
    let header = bytes.withUnsafeBytes { BatchHeader($0) }
    _ = try log.append(RecordBatch(header: header, bytes: bytes, extent: 0..<bytes.count), nowMs: nowMs)
  }

  // MARK: Records

  private static func key(group: String) -> [UInt8] {
    var writer = WireWriter()
    writer.int8(Kind.generation.rawValue)
    writer.string(group)
    return writer.bytes
  }

  private static func key(group: String, _ partition: TopicPartition) -> [UInt8] {
    var writer = WireWriter()
    writer.int8(Kind.offset.rawValue)
    writer.string(group)
    writer.string(partition.topic)
    writer.int32(partition.partition)
    return writer.bytes
  }

  private static func entry(group: String, _ partition: TopicPartition, _ offset: CommittedOffset) -> BatchBuilder.Entry {
    var value = WireWriter()
    value.int64(offset.offset)
    value.int32(offset.leaderEpoch)
    value.string(offset.metadata)
    value.int64(offset.committedAtMs)
    return .init(key: key(group: group, partition), value: value.bytes)
  }

  private static func restore(_ record: Record, of batch: RecordBatch, into coordinator: inout GroupCoordinator) throws {
    guard let keyRange = record.key else { return }
    var key = WireReader(batch.bytes, range: keyRange)
    var value = record.value.map { WireReader(batch.bytes, range: $0) }
    let kind = Kind(rawValue: try key.int8())
    let group = try key.string()
    switch kind {
    case .offset:
      let partition = TopicPartition(topic: try key.string(), partition: try key.int32())
      if value == nil { return coordinator.forget(partition, group: group) }
      guard let offset = try value?.committedOffset() else { return }
      coordinator.commit(offset, to: partition, group: group)
    case .generation:
      guard let generation = try value?.int32() else { return coordinator.remove(group: group) }
      coordinator.restore(group: group, generation: generation, idleSinceMs: batch.header.maxTimestamp)
    case nil: throw WireError.malformed("unknown record in the log of offsets")
    }
  }
}

extension WireReader {
  fileprivate mutating func committedOffset() throws -> CommittedOffset {
    CommittedOffset(
      offset: try int64(), leaderEpoch: try int32(), metadata: try string(), committedAtMs: try int64())
  }
}
