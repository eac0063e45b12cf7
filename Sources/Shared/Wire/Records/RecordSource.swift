import Domain

/// Where a record lies, or lay before it was moved.
public struct RecordSource: Hashable, Sendable {
  /// The topic.
  public var topic: String
  /// The partition.
  public var partition: Int32
  /// The offset.
  public var offset: Int64
  /// When the broker appended it.
  public var timestamp: Timestamp

  /// A place in the log.
  public init(topic: String, partition: Int32, offset: Int64, timestamp: Timestamp) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
  }

  init(_ reader: RecordReader) throws(RecordError) {
    self.init(
      topic: try reader.require("topic", try reader.string("topic")),
      partition: Int32(clamping: try reader.require("partition", try reader.integer("partition"))),
      offset: try reader.require("offset", try reader.integer("offset")),
      timestamp: try reader.time("timestamp") ?? .zero)
  }

  func write(to writer: inout JSONWriter) {
    writer.name("source")
    writer.beginObject()
    writer.member("topic", topic)
    writer.member("partition", Int64(partition))
    writer.member("offset", offset)
    writer.member("timestamp", timestamp)
    writer.endObject()
  }
}
