import Domain
import Kafka
import Runtime
import StrategyCore
import Wire

/// The strategy's thread: books, own executions and refusals in, orders out. A group of the strategy's name on `executions` sees to it
/// that one replica at most runs it: the one that is given the account's partition.
final class StrategyRunner {
  private static let tickMilliseconds = 200
  /// Executions of the last day say which orders of earlier runs are still live.
  private static let restoredTime = Interval.day

  private let settings: StrategySettings
  private let name: StrategyName
  private let health: Health
  private let logger: Logger
  private let partition: Int32
  /// The books that the strategy follows, and where each is among them by its topic.
  private let feeds: [(venue: Venue, symbol: Symbol)]
  private let feedIndices: [String: Int]
  private let wakeup: Wakeup
  private let group: KafkaConsumer
  private let books: KafkaConsumer
  private let rejections: KafkaConsumer
  private let producer: KafkaProducer
  private let sent: Counter
  private let dropped: Counter

  private var engine: StrategyEngine?
  /// Executions before this offset are history; books are followed from here on.
  private var liveFrom: Int64 = 0
  private var isLive = false
  private var nextTick = Deadline(afterMilliseconds: 0)

  init(_ settings: StrategySettings, name: StrategyName, health: Health, metrics: Metrics, logger: Logger) throws {
    self.settings = settings
    self.name = name
    self.health = health
    self.logger = logger
    partition = Partitioner.partition(forKey: Array(settings.account.text.utf8), count: settings.accountPartitions)
    feeds = settings.feeds(of: name)
    let topics = feeds.enumerated().map { (Topic.book(venue: $1.venue, symbol: $1.symbol), $0) }
    feedIndices = Dictionary(topics, uniquingKeysWith: { first, _ in first })
    wakeup = try Wakeup()
    group = try KafkaConsumer(settings.kafka, group: "strategy-\(name.rawValue)", instanceID: settings.instance)
    books = try KafkaConsumer(manual: settings.kafka)
    rejections = try KafkaConsumer(manual: settings.kafka)
    producer = try KafkaProducer(settings.kafka)
    sent = metrics.counter("apus_strategy_orders_total", help: "Requests sent to the log")
    dropped = metrics.counter("apus_strategy_dropped_total", help: "Requests that the broker did not take")
    for consumer in [group, books, rejections] { consumer.attach(wakeup) }
    producer.attach(wakeup)
  }

  func run(until stop: Latch) throws {
    stop.onSet { [wakeup] in wakeup.signal() }
    try group.subscribe([Topic.executions])
    health.set("strategy", .unhealthy("joining the group"))
    var isBusy = false
    while !stop.isSet {
      if !isBusy { wakeup.wait(timeoutMilliseconds: max(1, Int(nextTick.remainingMilliseconds))) }
      for report in try producer.poll(timeoutMilliseconds: 0) { note(report) }
      isBusy = try drain(group, handle)
      isBusy = try drain(rejections, handleRejection) || isBusy
      isBusy = try drain(books, handleBook) || isBusy
      guard nextTick.isPast else { continue }
      nextTick = Deadline(afterMilliseconds: Self.tickMilliseconds)
      if isLive { try send(engine?.tick(at: wallClock()) ?? []) }
    }
    if try !producer.flush(timeoutMilliseconds: 2_000, onReport: note) { logger.warning("stopped with orders not acknowledged") }
    group.close(timeoutMilliseconds: 2_000)
  }

  /// Takes what is there, up to a limit, so that no source starves the others; true when there may be more.
  private func drain(_ consumer: KafkaConsumer, _ handle: (KafkaEvent) throws -> Void) throws -> Bool {
    for _ in 0..<1_000 {
      guard let event = consumer.poll(timeoutMilliseconds: 0) else { return false }
      try handle(event)
    }
    return true
  }

  private func handle(_ event: KafkaEvent) throws {
    switch event {
    case .message(let message):
      // Others answer for what cannot be read; here it is nobody's order.
      if let value = message.value, case .order(let order)? = try? ExecutionRecord(value) {
        try send(engine?.take(order, at: isLive ? wallClock() : message.timestamp, isRestoring: !isLive) ?? [])
      }
      if !isLive, message.offset + 1 >= liveFrom { try goLive() }
    case .assigned(let partitions):
      if partitions.contains(where: { $0.partition == partition }) {
        try begin()
      } else {
        try stand(by: "another replica runs it")
      }
    case .revoked, .lost:
      engine = nil
      isLive = false
      for consumer in [group, books, rejections] { try consumer.unassign() }
    case .error(let error):
      if error.isFatal { throw error }
      logger.warning("kafka", ["error": .init(describing: error)])
    case .endOfPartition, .committed: break
    }
  }

  /// Another replica owns the account's partition: this one waits, in good health.
  private func stand(by reason: String) throws {
    engine = nil
    try group.assign([])
    isLive = false
    health.set("strategy", .healthy)
    logger.info("standing by", ["reason": .string(reason)])
  }

  private func begin() throws {
    let place = TopicPartition(Topic.executions, partition)
    liveFrom = try group.watermarks(Topic.executions, partition).high
    let start = try group.offsets(at: wallClock() + -Self.restoredTime, in: [place])[place] ?? liveFrom
    let desk = OrderDesk(account: settings.account, strategy: name.rawValue, run: wallClock())
    engine = StrategyEngine(makeStrategy(), desk: desk, feeds: feeds)
    try group.assign([TopicPartitionOffset(place, offset: start)])
    if start >= liveFrom { try goLive() }
  }

  /// All that earlier runs did is known: from here on books are followed and orders sent.
  private func goLive() throws {
    isLive = true
    try rejections.assign([TopicPartitionOffset(Topic.rejected, partition, offset: TopicPartitionOffset.end)])
    try books.assign(feedIndices.keys.sorted().map { TopicPartitionOffset($0, 0, offset: TopicPartitionOffset.end) })
    health.set("strategy", .healthy)
    logger.info("running", ["strategy": .string(name.rawValue), "account": .string(settings.account.text)])
  }

  private func makeStrategy() -> any Strategy {
    switch name {
    case .quoter: Quoter(settings.quoter)
    case .taker: BestPriceTaker(settings.taker)
    }
  }

  private func handleRejection(_ event: KafkaEvent) throws {
    switch event {
    case .message(let message):
      guard let value = message.value, let rejection = try? Rejection(value) else { return }
      try send(engine?.take(rejection, at: wallClock()) ?? [])
    default: try noteTrouble(event)
    }
  }

  private func handleBook(_ event: KafkaEvent) throws {
    switch event {
    case .message(let message):
      guard let feed = feedIndices[message.topic] else { return }
      let record = message.value.flatMap { try? BookRecord($0) }
      try send(engine?.take(book: record, ofFeed: feed, at: wallClock()) ?? [])
    default: try noteTrouble(event)
    }
  }

  private func noteTrouble(_ event: KafkaEvent) throws {
    guard case .error(let error) = event else { return }
    if error.isFatal { throw error }
    logger.warning("kafka", ["error": .init(describing: error)])
  }

  private func send(_ requests: [OrderRequest]) throws {
    for request in requests {
      let headers = RecordHeaders().adding("strategy.out", wallClock()).encoded().map { KafkaHeader($0.name, $0.value) }
      let key = Array(request.account.text.utf8)
      let result = try producer.send(
        topic: Topic.orders, partition: partition, key: key, value: request.encoded(), headers: headers)
      if result == .queued { sent.add() } else { dropped.add() }
    }
  }

  private func note(_ report: DeliveryReport) {
    guard let error = report.error else { return }
    dropped.add()
    logger.error("an order was not acknowledged", ["error": .init(describing: error)])
  }
}
