import Domain
import IngestorCore
import Kafka
import Runtime
import Synchronization
import Wire

/// Writes records to Kafka. Whoever has one hands it to librdkafka on the spot and, while its queue is full and Kafka takes records, waits
/// for room: that is the back-pressure. A Kafka that takes nothing holds up no book for long: what cannot be delivered is dropped and
/// remembered, so that the core can make up for it with a whole book.
final class RecordOutlet: Sendable {
  /// Kafka has acknowledged nothing for so long: nobody waits for it any more.
  private static let patience = 2 * Interval.second
  /// The times in the headers of every record of a feed: when it was heard, and when it is handed over.
  private static let hops = (RecordHeaders.name(ofHop: "ingestor.in"), RecordHeaders.name(ofHop: "ingestor.out"))

  /// The lanes of a feed.
  private struct Lanes {
    let book, trades, funding: KafkaLane
  }

  private let settings: KafkaSettings
  private let topics: [KafkaTopicSpecification]
  private let producer: KafkaProducer
  private let lanes: [Lanes]
  private let wakeup: Wakeup
  private let health: Health
  private let logger: Logger
  /// What records were lost of since the core last asked.
  private let holes = Mutex<Set<RecordStream>>([])
  /// When Kafka last acknowledged something, monotonic.
  private let lastAcknowledged = Atomic<Int64>(monotonicNanoseconds())
  private let delivered: Counter
  private let lost: Counter
  private let latency: Histogram

  init(_ settings: KafkaSettings, topics: [FeedTopics], health: Health, metrics: Metrics, logger: Logger) throws {
    self.settings = settings
    self.health = health
    self.logger = logger
    let layouts = Topic.layouts().filter { $0.name == Topic.instruments } + topics.flatMap(\.layouts)
    self.topics = layouts.map { layout in
      let settings = Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
      // Every record names its partition, the first.
      return KafkaTopicSpecification(layout.name, partitionCount: layout.partitions, mayHaveMore: true, settings: settings)
    }
    let producer = try KafkaProducer(settings)
    lanes = try topics.map { topics in
      func lane(_ name: String) throws -> KafkaLane {
        try KafkaLane(producer, topic: name, partition: 0, key: topics.key, headerNames: Self.hops)
      }
      return Lanes(book: try lane(topics.book), trades: try lane(topics.trades), funding: try lane(topics.funding))
    }
    self.producer = producer
    wakeup = try Wakeup()
    delivered = metrics.counter("apus_records_delivered_total", help: "Records that Kafka acknowledged")
    lost = metrics.counter("apus_records_lost_total", help: "Records dropped or not acknowledged")
    latency = metrics.histogram("apus_record_delivery_seconds", help: "From hand-over to Kafka's acknowledgement")
    health.set("kafka", .unhealthy("starting"))
  }

  /// Takes a record of a feed, due to what was heard at that time.
  func put(_ value: [UInt8], _ stream: RecordStream, heard: Timestamp) {
    guard let lane = lane(of: stream) else { preconditionFailure("instruments are no feed's") }
    hand(over: stream) { () throws(KafkaError) in
      let numbers: InlineArray<2, Int64> = [heard.nanoseconds, wallClock().nanoseconds]
      let token = Token(of: stream, at: monotonicNanoseconds()).packed
      return try value.withUnsafeBufferPointer { bytes throws(KafkaError) in
        try lane.send(bytes, numbers: numbers, token: token)
      }
    }
    boundary("ingestor.record.sent")
  }

  /// Takes an instrument.
  func put(_ instrument: Instrument) {
    let (key, value) = (Array(instrument.key.utf8), instrument.encoded())
    let headers = RecordHeaders().adding("ingestor.out", wallClock()).encoded().map { KafkaHeader($0.name, $0.value) }
    hand(over: .instruments) { [producer] () throws(KafkaError) in
      let token = Token(of: .instruments, at: monotonicNanoseconds()).packed
      return try producer.send(topic: Topic.instruments, partition: 0, key: key, value: value, headers: headers, token: token)
    }
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

  /// The thread: makes the topics, then takes Kafka's reports until the end, the last ones included.
  func run(until stop: Latch) throws {
    guard try KafkaAdmin(settings).createTopics(topics, until: stop, logger: logger) else { return }
    producer.attach(wakeup)
    health.set("kafka", .healthy)
    while !stop.isSet {
      wakeup.wait(timeoutMilliseconds: 100)
      while try takeReports(timeoutMilliseconds: 0) > 0 {}
    }
    let deadline = Deadline(afterMilliseconds: 2_000)
    while producer.outstanding > 0, !deadline.isPast { _ = try takeReports(timeoutMilliseconds: 100) }
  }

  private func lane(of stream: RecordStream) -> KafkaLane? {
    switch stream {
    case .book(let feed): lanes[feed].book
    case .trades(let feed): lanes[feed].trades
    case .funding(let feed): lanes[feed].funding
    case .instruments: nil
    }
  }

  /// Hands a record to librdkafka, waiting for room while there is hope.
  @inline(__always)
  private func hand(over stream: RecordStream, _ send: () throws(KafkaError) -> SendResult) {
    do throws(KafkaError) {
      while try send() == .queueFull {
        guard monotonicNanoseconds() - lastAcknowledged.load(ordering: .relaxed) < Self.patience else { return lose(stream) }
        _ = try takeReports(timeoutMilliseconds: 10)
      }
    } catch {
      // A fatal state shows in the thread of the reports, too, which ends the program.
      logger.error("record refused: \(error)", ["of": .string("\(stream)")])
      lose(stream)
    }
  }

  private func takeReports(timeoutMilliseconds: Int) throws(KafkaError) -> Int {
    var failures = 0
    var failure: KafkaError?
    var now: Int64?
    let count = try producer.pollTokens(timeoutMilliseconds: timeoutMilliseconds) { packed, error in
      let token = Token(packed: packed)
      if let error {
        failure = error
        failures += 1
        lose(token.stream)
      } else {
        let time = now ?? monotonicNanoseconds()
        now = time
        delivered.add()
        latency.observe(nanoseconds: token.age(at: time))
      }
    }
    if let now { lastAcknowledged.store(now, ordering: .relaxed) }
    if let failure {
      logger.warning("\(failures) records not delivered: \(failure)")
      health.set("kafka", .unhealthy(failure.name))
    } else if count > 0 {
      health.set("kafka", .healthy)
    }
    return count
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
    self =
      switch (number, kind) {
      case (0, _): .instruments
      case (_, 0): .book(feed: feed)
      case (_, 1): .trades(feed: feed)
      default: .funding(feed: feed)
      }
  }
}

/// What a delivery report must tell, in the 64 bits that librdkafka carries along: what it was of, and the microsecond.
private struct Token {
  let packed: UInt64

  init(of stream: RecordStream, at nanoseconds: Int64) {
    packed = UInt64(stream.number) << 48 | UInt64(nanoseconds / 1_000) & 0xFFFF_FFFF_FFFF
  }

  init(packed: UInt64) { self.packed = packed }

  var stream: RecordStream { RecordStream(number: Int(packed >> 48)) }

  /// Never negative: a record that was handed over behind that moment, on another thread, has no age.
  func age(at nanoseconds: Int64) -> Int64 {
    let microseconds = Int64((UInt64(nanoseconds / 1_000) &- packed) & 0xFFFF_FFFF_FFFF)
    return microseconds < 1 << 47 ? microseconds * 1_000 : 0
  }
}
