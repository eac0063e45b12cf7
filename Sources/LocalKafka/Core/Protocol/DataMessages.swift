/// A topic and what a request or a response says about each of its partitions.
struct ByTopic<Element> {
  var topic: String
  var partitions: [Element]

  init(topic: String, partitions: [Element]) {
    self.topic = topic
    self.partitions = partitions
  }

  init(from reader: inout WireReader, _ element: (inout WireReader) throws -> Element) throws {
    topic = try reader.string()
    partitions = try reader.array {
      let each = try element(&$0)
      try $0.tags()
      return each
    }
    try reader.tags()
  }

  func map<Other>(_ transform: (Element) throws -> Other) rethrows -> ByTopic<Other> {
    ByTopic<Other>(topic: topic, partitions: try partitions.map(transform))
  }

  func write(to writer: inout WireWriter, _ element: (inout WireWriter, Element) throws -> Void) rethrows {
    writer.string(topic)
    try writer.array(partitions) {
      try element(&$0, $1)
      $0.tags()
    }
    writer.tags()
  }
}

struct ProduceRequest {
  struct Partition {
    var index: Int32
    /// Where the record batch lies in the frame.
    var records: Range<Int>?
  }

  var transactionalID: String?
  var acks: Int16
  var topics: [ByTopic<Partition>]

  init(from reader: inout WireReader) throws {
    transactionalID = try reader.nullableString()
    acks = try reader.int16()
    _ = try reader.int32()  // timeout: there is no replica to wait for
    topics = try reader.array { reader in
      try ByTopic(from: &reader) { Partition(index: try $0.int32(), records: try $0.nullableBytes()) }
    }
  }
}

struct ProduceResponse {
  struct Partition {
    var index: Int32
    var error: ErrorCode
    var baseOffset: Int64 = -1
    /// -1 unless the topic stamps records with the broker's time.
    var appendTimeMs: Int64 = -1
    var startOffset: Int64 = -1
    var message: String?
  }

  var topics: [ByTopic<Partition>]

  func write(to writer: inout WireWriter, version: Int16) {
    writer.array(topics) { writer, topic in
      topic.write(to: &writer) { writer, partition in
        writer.int32(partition.index)
        writer.error(partition.error)
        writer.int64(partition.baseOffset)
        writer.int64(partition.appendTimeMs)
        if version >= 5 { writer.int64(partition.startOffset) }
        if version >= 8 {
          writer.array([Int]()) { _, _ in }  // errors of single records: never known here
          writer.string(partition.message)
        }
      }
    }
    writer.int32(0)  // throttle time
  }
}

struct FetchRequest {
  struct Partition {
    var index: Int32
    var leaderEpoch: Int32
    var offset: Int64
    var maxBytes: Int32
  }

  var maxWaitMs: Int32
  var minBytes: Int32
  var maxBytes: Int32
  var sessionID: Int32
  var topics: [ByTopic<Partition>]

  init(from reader: inout WireReader, version: Int16) throws {
    _ = try reader.int32()  // replica id
    maxWaitMs = try reader.int32()
    minBytes = try reader.int32()
    maxBytes = try reader.int32()
    _ = try reader.int8()  // isolation level: without transactions both are the same
    sessionID = version >= 7 ? try reader.int32() : 0
    if version >= 7 { _ = try reader.int32() }  // session epoch
    topics = try reader.array { reader in
      try ByTopic(from: &reader) { reader in
        let index = try reader.int32()
        let epoch = version >= 9 ? try reader.int32() : -1
        let offset = try reader.int64()
        if version >= 5 { _ = try reader.int64() }  // a follower's log start offset
        return Partition(index: index, leaderEpoch: epoch, offset: offset, maxBytes: try reader.int32())
      }
    }
    // What follows (forgotten topics of a session, rack) matters to sessions and replicas only.
  }
}

struct FetchResponse {
  struct Partition {
    var index: Int32
    var error: ErrorCode
    var highWatermark: Int64 = -1
    var startOffset: Int64 = -1
    var records: [UInt8] = []
  }

  var error: ErrorCode = .none
  var topics: [ByTopic<Partition>] = []

  func write(to writer: inout WireWriter, version: Int16) {
    writer.int32(0)  // throttle time
    if version >= 7 {
      writer.error(error)
      writer.int32(0)  // no session: the client states everything in every fetch
    }
    writer.array(topics) { writer, topic in
      topic.write(to: &writer) { writer, partition in
        writer.int32(partition.index)
        writer.error(partition.error)
        writer.int64(partition.highWatermark)
        writer.int64(partition.highWatermark)  // last stable offset
        if version >= 5 { writer.int64(partition.startOffset) }
        writer.nullArray()  // aborted transactions
        if version >= 11 { writer.int32(-1) }  // preferred read replica
        writer.byteArray(partition.records)
      }
    }
  }
}

struct ListOffsetsRequest {
  struct Partition {
    var index: Int32
    var leaderEpoch: Int32
    var timestamp: Int64
  }

  var topics: [ByTopic<Partition>]

  init(from reader: inout WireReader, version: Int16) throws {
    _ = try reader.int32()  // replica id
    if version >= 2 { _ = try reader.int8() }  // isolation level
    topics = try reader.array { reader in
      try ByTopic(from: &reader) { reader in
        let index = try reader.int32()
        let epoch = version >= 4 ? try reader.int32() : -1
        return Partition(index: index, leaderEpoch: epoch, timestamp: try reader.int64())
      }
    }
  }
}

struct ListOffsetsResponse {
  struct Partition {
    var index: Int32
    var error: ErrorCode
    var timestamp: Int64 = -1
    var offset: Int64 = -1
  }

  var topics: [ByTopic<Partition>]

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 2 { writer.int32(0) }  // throttle time
    writer.array(topics) { writer, topic in
      topic.write(to: &writer) { writer, partition in
        writer.int32(partition.index)
        writer.error(partition.error)
        writer.int64(partition.timestamp)
        writer.int64(partition.offset)
        if version >= 4 { writer.int32(partition.offset < 0 ? -1 : 0) }  // leader epoch
      }
    }
    writer.tags()
  }
}

struct InitProducerIDResponse {
  var error: ErrorCode
  var producerID: Int64 = -1
  var epoch: Int16 = -1

  func write(to writer: inout WireWriter) {
    writer.int32(0)  // throttle time
    writer.error(error)
    writer.int64(producerID)
    writer.int16(epoch)
    writer.tags()
  }
}
