import Domain
import Kafka
import RiskGateCore
import Runtime
import Wire

/// Everything that is read besides `orders`: trading states, limits, instruments, books and executions; and what of it every engine is
/// told when it begins.
final class ReferenceFeed {
  private let consumer: KafkaConsumer
  private let executions: KafkaConsumer
  private let reader: KafkaReader
  private let context: GateContext
  private var controls: [Account: (control: Control, source: RecordSource)] = [:]
  private var limits: [Account: Limits] = [:]
  private var instruments: [String: Instrument] = [:]
  private var books: [RiskGateConfiguration.Feed: BookRecord] = [:]

  /// Something that the engines are to be told.
  enum News {
    case forAll(RiskEvent)
    case execution(partition: Int32, RiskEvent)
  }

  /// Reads `control`, `limits` and `instruments` to their ends and the newest record of each book, so that no order is refused only for
  /// want of what is there to be read; then follows them all.
  init(_ context: GateContext) throws {
    self.context = context
    reader = try KafkaReader(context.settings.kafka)
    consumer = try KafkaConsumer(manual: context.settings.kafka)
    executions = try KafkaConsumer(manual: Self.gathering(context.settings.kafka))
    var places: [TopicPartitionOffset] = []
    for topic in [Topic.control, Topic.limits, Topic.instruments] {
      let next = try reader.readPartition(topic, 0) { _ = take($0) }
      places.append(TopicPartitionOffset(topic, 0, offset: next))
    }
    for feed in context.settings.feeds {
      let topic = Topic.book(venue: feed.venue, symbol: feed.symbol)
      let ends = try reader.watermarks(topic, 0)
      let next = try reader.readPartition(topic, 0, from: ends.high - 1) { _ = take($0) }
      places.append(TopicPartitionOffset(topic, 0, offset: next))
    }
    try consumer.add(places)
    consumer.attach(context.wakeup)
    executions.attach(context.wakeup)
  }

  /// An order has several records on `executions`, all of which only make room again or confirm what is reserved: the broker gathers them
  /// for some milliseconds, so that not each of them wakes this program while the order is on its way.
  private static func gathering(_ settings: KafkaSettings) -> KafkaSettings {
    var settings = settings
    settings.properties.merge(["fetch.min.bytes": "65536", "fetch.wait.max.ms": "20"]) { chosen, _ in chosen }
    return settings
  }

  /// True once an instrument and a valid book of one of the feeds have been read: before, every order could only be refused.
  var knowsMarket: Bool {
    context.settings.feeds.contains { feed in
      books[feed]?.isValid == true && instruments.values.contains { $0.venue == feed.venue && $0.symbol == feed.symbol }
    }
  }

  /// What an engine must know before its first decision.
  var known: [RiskEvent] {
    instruments.sorted { $0.key < $1.key }.map { .instrument($0.value) }
      + limits.sorted { $0.key < $1.key }.map { .limits($0.value) }
      + controls.sorted { $0.key < $1.key }.map { .control($0.value.control, source: $0.value.source) }
      + context.settings.feeds.compactMap { books[$0].map(RiskEvent.book) }
  }

  /// Follows a partition's executions from `offset`.
  func follow(_ partition: Int32, from offset: Int64) throws(KafkaError) {
    try executions.add([TopicPartitionOffset(Topic.executions, partition, offset: offset)])
  }

  /// Follows a partition's executions no more.
  func leave(_ partition: Int32) throws(KafkaError) {
    try executions.remove([TopicPartition(Topic.executions, partition)])
  }

  /// What has come, executions first, at most so many records of each kind.
  func take(limit: Int) throws -> [News] {
    var news: [News] = []
    try take(from: executions, limit: limit, into: &news)
    try take(from: consumer, limit: limit, into: &news)
    return news
  }

  func close() {
    consumer.close(timeoutMilliseconds: 500)
    executions.close(timeoutMilliseconds: 500)
  }

  private func take(from consumer: KafkaConsumer, limit: Int, into news: inout [News]) throws {
    var count = 0
    while count < limit, let event = consumer.poll(timeoutMilliseconds: 0) {
      count += 1
      switch event {
      case .message(let message): if let item = take(message) { news.append(item) }
      case .error(let error):
        // A position that is gone would be a gap in what is known.
        if error.isFatal || error.name == "_AUTO_OFFSET_RESET" { throw error }
        context.logger.warning("reference feed: \(error)")
      default: continue
      }
    }
  }

  private func take(_ message: KafkaMessage) -> News? {
    if message.topic == Topic.executions {
      return .execution(partition: message.partition, .execution(message))
    }
    do throws(RecordError) {
      // A tombstone takes nothing back: what was known stays known until somebody says otherwise.
      guard let value = message.value else { return nil }
      return .forAll(try read(message, value))
    } catch {
      context.metrics.unreadable.add()
      context.logger.error(
        "a record could not be read: \(error.reason)", ["topic": .string(message.topic), "offset": .int(message.offset)])
      return nil
    }
  }

  private func read(_ message: KafkaMessage, _ value: [UInt8]) throws(RecordError) -> RiskEvent {
    switch message.topic {
    case Topic.control:
      let control = try Control(value)
      let source = RecordSource(message)
      if control.version >= controls[control.account]?.control.version ?? 0 { controls[control.account] = (control, source) }
      return .control(control, source: source)
    case Topic.limits:
      let limits = try Limits(value)
      if limits.version >= self.limits[limits.account]?.version ?? 0 { self.limits[limits.account] = limits }
      return .limits(limits)
    case Topic.instruments:
      let instrument = try Instrument(value)
      instruments[instrument.key] = instrument
      return .instrument(instrument)
    default:
      let book = try BookRecord.topOnly(value)
      books[RiskGateConfiguration.Feed(venue: book.venue, symbol: book.symbol)] = book
      return .book(book)
    }
  }
}

extension RiskEvent {
  /// A record on `executions`.
  static func execution(_ message: KafkaMessage) -> RiskEvent {
    .execution(payload: message.value, source: RecordSource(message), epoch: message.epoch)
  }
}

extension RecordSource {
  /// Where a message lies.
  init(_ message: KafkaMessage) {
    self.init(topic: message.topic, partition: message.partition, offset: message.offset, timestamp: message.timestamp)
  }
}

extension KafkaMessage {
  /// The headers that Apus knows.
  var recordHeaders: RecordHeaders {
    var known = RecordHeaders()
    forEachHeader { known.read($0, $1) }
    return known
  }

  /// The writer's epoch.
  var epoch: Int64? { header("epoch").flatMap { Int64(String(decoding: $0, as: UTF8.self)) } }
}
