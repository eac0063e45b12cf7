import CRdKafka
import Domain

/// The oldest offset that is still there, and the offset that the next record will get.
public struct Watermarks: Sendable, Equatable {
  /// The offset of the oldest record.
  public let low: Int64
  /// The offset that the next record will get.
  public let high: Int64

  /// The two ends.
  public init(low: Int64, high: Int64) {
    self.low = low
    self.high = high
  }
}

extension KafkaConsumer {
  /// Asks the broker for the ends of a partition.
  public func watermarks(_ topic: String, _ partition: Int32, timeoutMilliseconds: Int = 5_000) throws(KafkaError) -> Watermarks {
    var low: Int64 = 0
    var high: Int64 = 0
    let code = rd_kafka_query_watermark_offsets(client, topic, partition, &low, &high, Int32(clamping: timeoutMilliseconds))
    try check(code, "watermarks of \(topic)[\(partition)]")
    return Watermarks(low: low, high: high)
  }

  /// For each partition the offset of its first record at or after the instant; the end when there is none.
  public func offsets(
    at instant: Timestamp, in partitions: [TopicPartition], timeoutMilliseconds: Int = 5_000
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    // The field for the offset carries the time of the question in milliseconds.
    let list = PartitionList(partitions.map { TopicPartitionOffset($0, offset: instant.milliseconds) })
    try check(rd_kafka_offsets_for_times(client, list.pointer, Int32(clamping: timeoutMilliseconds)), "offsets at \(instant)")
    if let error = PartitionList.firstError(in: list.pointer) { throw error }
    var offsets: [TopicPartition: Int64] = [:]
    for place in list.places {
      offsets[place.topicPartition] =
        place.offset >= 0 ? place.offset : try watermarks(place.topic, place.partition).high
    }
    return offsets
  }

  /// The partitions of a topic; nil when there is no such topic.
  public func partitionCount(of topic: String, timeoutMilliseconds: Int = 5_000) throws(KafkaError) -> Int32? {
    let topics = try metadata(of: topic, timeoutMilliseconds: timeoutMilliseconds)
    return topics.first { $0.name == topic }?.partitionCount
  }
}
