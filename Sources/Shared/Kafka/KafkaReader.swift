import CRdKafka
import Runtime

/// Reads stretches of partitions, bounded, outside any group: how a program restores its state.
public final class KafkaReader: Sendable {
  private let consumer: KafkaConsumer

  /// Connects in the background.
  public init(_ settings: KafkaSettings) throws(KafkaError) {
    var settings = settings
    // One fetch is under way at a time: one that waits at the end of a stretch would hold up the next stretch. A reader never idles.
    settings.properties["fetch.wait.max.ms"] = settings.properties["fetch.wait.max.ms"] ?? "5"
    // librdkafka stops fetching for a whole second once so many records wait. Here only their size bounds what waits.
    settings.properties["queued.min.messages"] = settings.properties["queued.min.messages"] ?? "10000000"
    consumer = try KafkaConsumer(manual: settings, reportsEnd: true)
  }

  /// Calls `body` with every record from offset `start` (nil: the oldest) up to but not including `end` (nil: the end at the time of the
  /// call), in order, and returns the offset to go on from. Compacted or expired records are skipped over. Throws
  /// `_TIMED_OUT` when nothing comes for `silenceMilliseconds`, and whatever `body` throws.
  @discardableResult
  public func readPartition(
    _ topic: String, _ partition: Int32, from start: Int64? = nil, to end: Int64? = nil, silenceMilliseconds: Int = 10_000,
    _ body: (KafkaMessage) throws -> Void
  ) throws -> Int64 {
    let watermarks = try consumer.watermarks(topic, partition, timeoutMilliseconds: silenceMilliseconds)
    let first = max(start ?? watermarks.low, watermarks.low)
    let last = min(end ?? watermarks.high, watermarks.high)
    guard first < last else { return max(first, last) }
    try consumer.assign([TopicPartitionOffset(topic, partition, offset: first)])
    defer { stop() }
    var deadline = Deadline(afterMilliseconds: silenceMilliseconds)
    while true {
      guard let event = consumer.poll(timeoutMilliseconds: 100) else {
        if deadline.isPast { throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, reason: "\(topic)[\(partition)] went silent") }
        continue
      }
      switch event {
      case .message(let message):
        guard message.offset < last else { return last }
        try body(message)
        guard message.offset + 1 < last else { return last }
        deadline = Deadline(afterMilliseconds: silenceMilliseconds)
      // Behind the last record there may be only offsets that compaction emptied.
      case .endOfPartition(_, let offset) where offset >= last: return last
      case .error(let error) where !error.isTemporary: throw error
      default: continue
      }
    }
  }

  /// The ends of a partition.
  public func watermarks(_ topic: String, _ partition: Int32, timeoutMilliseconds: Int = 5_000) throws(KafkaError) -> Watermarks {
    try consumer.watermarks(topic, partition, timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Drops what was fetched beyond the end, so that the next read starts clean.
  private func stop() {
    // Unassigning what is assigned by hand cannot fail short of a fatal state, which the next read reports.
    try? consumer.unassign()
    while consumer.poll(timeoutMilliseconds: 0) != nil {}
  }
}
