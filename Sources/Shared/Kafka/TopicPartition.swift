import CRdKafka

/// A partition of a topic.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The topic's name.
  public let topic: String
  /// The partition's number, from 0.
  public let partition: Int32

  /// Names a partition.
  public init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  /// Ordered by topic, then number.
  public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }

  /// `orders[3]`.
  public var description: String { "\(topic)[\(partition)]" }
}

/// A place in a partition: the offset of the next record to read.
public struct TopicPartitionOffset: Hashable, Sendable, CustomStringConvertible {
  /// The partition.
  public let topicPartition: TopicPartition
  /// The offset of the next record, or one of the logical offsets below.
  public let offset: Int64

  /// The logical offset of the oldest record.
  public static let beginning: Int64 = -2
  /// The logical offset after the newest record.
  public static let end: Int64 = -1
  /// The logical offset that the group has committed.
  public static let stored: Int64 = -1000

  /// A place in a partition.
  public init(_ topic: String, _ partition: Int32, offset: Int64) {
    self.init(TopicPartition(topic, partition), offset: offset)
  }

  /// A place in a partition.
  public init(_ topicPartition: TopicPartition, offset: Int64) {
    self.topicPartition = topicPartition
    self.offset = offset
  }

  /// The topic's name.
  public var topic: String { topicPartition.topic }
  /// The partition's number.
  public var partition: Int32 { topicPartition.partition }
  /// `orders[3]@42`.
  public var description: String { "\(topicPartition)@\(offset)" }
}

/// librdkafka's list of partitions, freed at the end of its life.
struct PartitionList: ~Copyable {
  let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(_ places: [TopicPartitionOffset]) {
    pointer = rd_kafka_topic_partition_list_new(Int32(places.count))
    for place in places {
      rd_kafka_topic_partition_list_add(pointer, place.topic, place.partition).pointee.offset = place.offset
    }
  }

  init(_ partitions: [TopicPartition]) {
    self.init(partitions.map { TopicPartitionOffset($0, offset: -1001) })
  }

  init(taking pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    self.pointer = pointer
  }

  deinit { rd_kafka_topic_partition_list_destroy(pointer) }

  var places: [TopicPartitionOffset] { PartitionList.places(of: pointer) }

  static func places(of list: UnsafePointer<rd_kafka_topic_partition_list_t>?) -> [TopicPartitionOffset] {
    guard let list = list?.pointee else { return [] }
    return (0..<Int(list.cnt)).map { index in
      let element = list.elems[index]
      return TopicPartitionOffset(String(cString: element.topic), element.partition, offset: element.offset)
    }
  }

  /// The first error of a single partition.
  static func firstError(in list: UnsafePointer<rd_kafka_topic_partition_list_t>?) -> KafkaError? {
    guard let list = list?.pointee else { return nil }
    for index in 0..<Int(list.cnt) where list.elems[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
      let element = list.elems[index]
      let words = String(cString: rd_kafka_err2str(element.err))
      return KafkaError(element.err, reason: "\(String(cString: element.topic))[\(element.partition)]: \(words)")
    }
    return nil
  }
}
