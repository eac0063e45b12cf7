import Domain
import IngestorCore
import Kafka
import Runtime
import Synchronization
import Wire

/// Writes records to Kafka from a thread of its own, so that a dead broker never holds up a book. What cannot be delivered is dropped
/// and remembered, so that the core can make up for it with a whole book.
final class RecordOutlet: Sendable {
  struct Record: Sendable {
    let stream: RecordStream
    let topic: String
    let key: String
    let value: [UInt8]
    let headers: RecordHeaders

    init(_ stream: RecordStream, topic: String, key: String, value: [UInt8], headers: RecordHeaders) {
      self.stream = stream
      self.topic = topic
      self.key = key
      self.value = value
      self.headers = headers
    }
  }

  private static let capacity = 8_192

  private let settings: KafkaSettings
  private let topics: [KafkaTopicSpecification]
  private let wakeup: Wakeup
  private let queue: BoundedQueue<Record>
  private let health: Health
  private let logger: Logger
  /// What records were lost of since the core last asked.
  private let holes = Mutex<Set<RecordStream>>([])
  private let delivered: Counter
  private let lost: Counter
  private let latency: Histogram

  init(_ settings: KafkaSettings, feeds: [FeedPlace], health: Health, metrics: Metrics, logger: Logger) throws {
    self.settings = settings
    self.health = health
    self.logger = logger
    let layouts = Topic.layouts().filter { $0.name == Topic.instruments }
    topics = (layouts + feeds.flatMap { FeedTopics($0).layouts }).map { layout in
      let settings = Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
      return KafkaTopicSpecification(layout.name, partitionCount: layout.partitions, settings: settings)
    }
    wakeup = try Wakeup()
    queue = BoundedQueue(capacity: Self.capacity, wakeup: wakeup)
    delivered = metrics.counter("apus_records_delivered_total", help: "Records that Kafka acknowledged")
    lost = metrics.counter("apus_records_lost_total", help: "Records dropped or not acknowledged")
    latency = metrics.histogram("apus_record_delivery_seconds", help: "From hand-over to Kafka's acknowledgement")
    health.set("kafka", .unhealthy("starting"))
  }

  /// Takes a record; drops it when Kafka has been away for too long.
  func put(_ record: Record) {
    guard queue.push(record, timeoutMilliseconds: 0) != .pushed else { return }
    lose(record.stream)
  }

  /// What records were lost of since the last call.
  func takeHoles() -> [RecordStream] {
    let taken = holes.withLock { holes in
      defer { holes.removeAll() }
      return holes
    }
    return taken.sorted { $0.number < $1.number }
  }

  func wake() { wakeup.signal() }

  /// The thread: makes the topics, then writes records until the end, the last ones included.
  func run(until stop: Latch) throws {
    guard try KafkaAdmin(settings).createTopics(topics, until: stop, logger: logger) else { return }
    let producer = try KafkaProducer(settings)
    producer.attach(wakeup)
    health.set("kafka", .healthy)
    while !stop.isSet {
      wakeup.wait(timeoutMilliseconds: 100)
      try write(to: producer)
    }
    try write(to: producer)
    _ = try producer.flush(timeoutMilliseconds: 2_000)
  }

  private func write(to producer: KafkaProducer) throws(KafkaError) {
    while true {
      let batch = queue.popAll(limit: 1_024)
      for record in batch { try send(record, to: producer) }
      conclude(try producer.poll(timeoutMilliseconds: 0))
      if batch.isEmpty { return }
    }
  }

  private func send(_ record: Record, to producer: KafkaProducer) throws(KafkaError) {
    let headers = record.headers.adding("ingestor.out", wallClock()).encoded().map { KafkaHeader($0.name, $0.value) }
    do {
      let result = try producer.send(
        topic: record.topic, partition: 0, key: Array(record.key.utf8), value: record.value, headers: headers,
        token: Token(of: record.stream, at: monotonicNanoseconds()).packed)
      if result == .queueFull { lose(record.stream) }
      boundary("ingestor.record.sent")
    } catch {
      if error.isFatal { throw error }
      logger.error("record refused: \(error)", ["topic": .string(record.topic)])
      lose(record.stream)
    }
  }

  private func conclude(_ reports: [DeliveryReport]) {
    var failure: (error: KafkaError, count: Int)?
    for report in reports {
      let token = Token(packed: report.token)
      if let error = report.error {
        failure = (error, (failure?.count ?? 0) + 1)
        lose(token.stream)
      } else {
        delivered.add()
        latency.observe(nanoseconds: token.age(at: monotonicNanoseconds()))
      }
    }
    if let failure {
      logger.warning("\(failure.count) records not delivered: \(failure.error)")
      health.set("kafka", .unhealthy(failure.error.name))
    } else if !reports.isEmpty {
      health.set("kafka", .healthy)
    }
  }

  private func lose(_ stream: RecordStream) {
    lost.add()
    holes.withLock { _ = $0.insert(stream) }
  }
}

extension RecordStream {
  /// A number of its own, below 65,536: 0 for the instruments.
  fileprivate var number: Int {
    switch self {
    case .instruments: 0
    case .book(let feed): 3 * feed + 1
    case .trades(let feed): 3 * feed + 2
    case .funding(let feed): 3 * feed + 3
    }
  }

  fileprivate init(number: Int) {
    let (feed, kind) = (number - 1).quotientAndRemainder(dividingBy: 3)
    self = number == 0 ? .instruments : [.book(feed: feed), .trades(feed: feed), .funding(feed: feed)][kind]
  }
}

/// What a delivery report must tell, in the 64 bits that librdkafka carries along: what it was of, and the microsecond.
private struct Token {
  let stream: RecordStream
  private let microseconds: UInt64

  init(of stream: RecordStream, at nanoseconds: Int64) {
    self.stream = stream
    microseconds = UInt64(nanoseconds / 1_000) & 0xFFFF_FFFF_FFFF
  }

  init(packed: UInt64) {
    stream = RecordStream(number: Int(packed >> 48))
    microseconds = packed & 0xFFFF_FFFF_FFFF
  }

  var packed: UInt64 { UInt64(stream.number) << 48 | microseconds }

  func age(at nanoseconds: Int64) -> Int64 {
    Int64((UInt64(nanoseconds / 1_000) &- microseconds) & 0xFFFF_FFFF_FFFF) * 1_000
  }
}
