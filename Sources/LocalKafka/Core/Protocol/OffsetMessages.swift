struct OffsetCommitRequest {
  struct Partition {
    var index: Int32
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String
  }

  var group: String
  var identity: MemberIdentity
  var topics: [ByTopic<Partition>]

  init(from reader: inout WireReader, version: Int16) throws {
    group = try reader.name()
    let generation = try reader.int32()
    let memberID = try reader.name()
    let instanceID = version >= 7 ? try reader.nullableName() : nil
    identity = MemberIdentity(memberID: memberID, instanceID: instanceID, generation: generation)
    if (2...4).contains(version) { _ = try reader.int64() }  // retention time: the broker's own holds
    topics = try reader.array { reader in
      try ByTopic(from: &reader) { reader in
        let index = try reader.int32()
        let offset = try reader.int64()
        let epoch = version >= 6 ? try reader.int32() : -1
        if version == 1 { _ = try reader.int64() }  // commit timestamp
        return Partition(index: index, offset: offset, leaderEpoch: epoch, metadata: try reader.nullableString() ?? "")
      }
    }
  }
}

struct OffsetCommitResponse {
  struct Partition {
    var index: Int32
    var error: ErrorCode
  }

  var topics: [ByTopic<Partition>]

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 3 { writer.int32(0) }  // throttle time
    writer.array(topics) { writer, topic in
      topic.write(to: &writer) { writer, partition in
        writer.int32(partition.index)
        writer.error(partition.error)
      }
    }
  }
}

struct OffsetFetchRequest {
  var group: String
  /// Nil: everything that the group has committed.
  var topics: [ByTopic<Int32>]?

  init(from reader: inout WireReader) throws {
    group = try reader.name()
    topics = try reader.nullableArray { reader in
      // A partition here is a bare number: no structure, no tagged fields of its own.
      let topic = try reader.string()
      let partitions = try reader.array { try $0.int32() }
      try reader.tags()
      return ByTopic(topic: topic, partitions: partitions)
    }
  }
}

struct OffsetFetchResponse {
  struct Partition {
    var index: Int32
    /// Nil: nothing committed.
    var committed: CommittedOffset?
  }

  var topics: [ByTopic<Partition>]

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 3 { writer.int32(0) }  // throttle time
    writer.array(topics) { writer, topic in
      topic.write(to: &writer) { writer, partition in
        writer.int32(partition.index)
        writer.int64(partition.committed?.offset ?? -1)
        if version >= 5 { writer.int32(partition.committed?.leaderEpoch ?? -1) }
        writer.string(partition.committed?.metadata ?? "")
        writer.error(.none)
      }
    }
    if version >= 2 { writer.error(.none) }
    writer.tags()
  }
}

/// How far a group has come in a partition.
struct CommittedOffset: Equatable {
  var offset: Int64
  var leaderEpoch: Int32
  var metadata: String
  var committedAtMs: Int64
}
