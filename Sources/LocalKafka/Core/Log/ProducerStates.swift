/// What a partition remembers of its idempotent producers, by Kafka's rules: the epoch and the last five batches of each.
struct ProducerStates: Equatable {
  struct Batch: Equatable {
    var firstSequence: Int32
    var lastSequence: Int32
    var baseOffset: Int64
  }

  struct Producer: Equatable {
    var epoch: Int16
    /// Oldest first, at most `remembered`.
    var batches: [Batch]
    var lastSeenMs: Int64
  }

  enum Verdict: Equatable {
    case append
    /// The batch is in the log already, there.
    case duplicate(baseOffset: Int64)
    case refuse(ErrorCode)
  }

  /// Batches a producer may have in flight, and so repeat (Kafka's own constant).
  static let remembered = 5
  /// Producers of one partition; beyond it the one unseen for longest is forgotten.
  static let capacity = 10_000

  private(set) var producers: [Int64: Producer] = [:]

  /// A producer that is unknown (forgotten, or new to the partition) may start with any sequence, as in Kafka.
  func verdict(on header: BatchHeader) -> Verdict {
    guard header.isIdempotent, let producer = producers[header.producerID] else { return .append }
    if header.producerEpoch < producer.epoch { return .refuse(.invalidProducerEpoch) }
    if header.producerEpoch > producer.epoch {
      return header.baseSequence == 0 ? .append : .refuse(.outOfOrderSequenceNumber)
    }
    if let known = producer.batches.first(where: {
      $0.firstSequence == header.baseSequence && $0.lastSequence == header.lastSequence
    }) {
      return .duplicate(baseOffset: known.baseOffset)
    }
    guard let last = producer.batches.last else { return .append }
    let next = last.lastSequence == Int32.max ? 0 : last.lastSequence + 1
    return header.baseSequence == next ? .append : .refuse(.outOfOrderSequenceNumber)
  }

  /// Notes a batch that entered the log; `header.baseOffset` is where.
  mutating func note(_ header: BatchHeader, atMs now: Int64) {
    guard header.isIdempotent else { return }
    var producer = producers[header.producerID] ?? Producer(epoch: header.producerEpoch, batches: [], lastSeenMs: now)
    if producer.epoch != header.producerEpoch {
      producer.epoch = header.producerEpoch
      producer.batches = []
    }
    producer.batches.append(
      Batch(firstSequence: header.baseSequence, lastSequence: header.lastSequence, baseOffset: header.baseOffset))
    if producer.batches.count > Self.remembered { producer.batches.removeFirst() }
    producer.lastSeenMs = max(producer.lastSeenMs, now)
    producers[header.producerID] = producer
    if producers.count > Self.capacity,
      let oldest = producers.min(by: { ($0.value.lastSeenMs, $0.key) < ($1.value.lastSeenMs, $1.key) })
    {
      producers[oldest.key] = nil
    }
  }

  mutating func forget(unseenSinceMs limit: Int64) {
    producers = producers.filter { $0.value.lastSeenMs >= limit }
  }

  /// For a snapshot file: the states, ordered by producer id.
  func encode(into writer: inout WireWriter) {
    writer.array(producers.sorted { $0.key < $1.key }) { writer, entry in
      writer.int64(entry.key)
      writer.int16(entry.value.epoch)
      writer.int64(entry.value.lastSeenMs)
      writer.array(entry.value.batches) { writer, batch in
        writer.int32(batch.firstSequence)
        writer.int32(batch.lastSequence)
        writer.int64(batch.baseOffset)
      }
    }
  }

  init() {}

  init(from reader: inout WireReader) throws {
    for (id, producer) in try reader.array({ reader in
      let id = try reader.int64()
      let epoch = try reader.int16()
      let seen = try reader.int64()
      let batches = try reader.array {
        Batch(firstSequence: try $0.int32(), lastSequence: try $0.int32(), baseOffset: try $0.int64())
      }
      return (id, Producer(epoch: epoch, batches: batches, lastSeenMs: seen))
    }) {
      producers[id] = producer
    }
  }
}
