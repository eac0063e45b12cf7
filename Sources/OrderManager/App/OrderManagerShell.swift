import Domain
import Kafka
import Net
import OrderManagerCore
import Runtime
import Venues
import Wire

/// The one thread that owns Kafka's clients and the cores: feeds them what comes and carries out what they say.
final class OrderManagerShell {
  /// A commit on its way to the broker: when it began, and what it says is done.
  struct Commit {
    let monotonic: Int64
    let wall: Timestamp
    let places: [TopicPartitionOffset]
  }

  /// A partition in our care. A class: a core is large, and is changed where it lies.
  final class Owned {
    var core: OrderManagerPartition
    let generation: UInt64
    let streams: [PrivateStream]

    init(_ core: OrderManagerPartition, generation: UInt64, streams: [PrivateStream]) {
      self.core = core
      self.generation = generation
      self.streams = streams
    }
  }

  private static let tickEvery = 20 * Interval.millisecond
  private static let measureEvery = 20 * Interval.second
  private static let priceEvery = 30 * Interval.second
  /// More records and calls under way than this, and no more input is read.
  private static let maximumOutstanding = 4_096
  /// Approvals taken before anything else has its turn.
  private static let batch = 64
  /// People look at figures and health this often.
  private static let showEvery = 200 * Interval.millisecond
  /// What is under way at a shutdown is waited for so long.
  static let stopMilliseconds = 1_500

  let configuration: OrderManagerConfiguration
  let inbox: Inbox
  let gateway: VenueGateway
  let redis: RedisOutlet
  let logger: Logger
  let health: Health
  let figures: Figures
  let group: KafkaConsumer
  let manual: KafkaConsumer
  let producer: KafkaProducer
  let reader: KafkaReader
  let streamClient: WebSocketClient
  /// Nil where accounts trade at one venue only.
  let shelf: BookShelf?

  var owned: [Int32: Owned] = [:]
  var nextGeneration: UInt64 = 1
  var controls: [Account: Control] = [:]
  var instruments: [String: Instrument] = [:]
  var clocks: [Venue: VenueClock] = [:]
  /// Prices that convert fees in a third asset.
  var prices: [Symbol: Price] = [:]
  /// Records whose acknowledgement is out: whose they are.
  var sent: [UInt64: (partition: Int32, generation: UInt64, token: UInt64)] = [:]
  var nextSend: UInt64 = 1
  var lease = Lease()
  /// Those whose answer is out.
  var commits: [UInt64: Commit] = [:]
  var nextCommit: UInt64 = 1
  var committedAt: Int64 = 0
  var tickedAt: Int64 = 0
  var measuredAt: Int64 = 0
  var refreshedAt: Int64 = 0
  var pricedAt: Int64 = 0
  private var shownAt: Int64 = 0
  /// Venues that `best` passes over; as the cores were told.
  var cutVenues: Set<Venue> = []
  private var trafficShownAt: Int64 = 0
  var effects: [OrderManagerEffect] = []
  /// Why a record could not be written: ends the program.
  var failure: (any Error)?

  init(
    _ configuration: OrderManagerConfiguration, inbox: Inbox, gateway: VenueGateway, redis: RedisOutlet,
    streamClient: WebSocketClient, health: Health, metrics: Metrics, logger: Logger
  ) throws {
    self.configuration = configuration
    self.inbox = inbox
    self.gateway = gateway
    self.redis = redis
    self.streamClient = streamClient
    self.health = health
    self.logger = logger
    figures = Figures(metrics)
    producer = try KafkaProducer(configuration.kafka)
    group = try KafkaConsumer(configuration.kafka, group: "ordermanager", instanceID: configuration.instance)
    // Mostly its own records come back this way, while the log is to acknowledge the next ones.
    manual = try KafkaConsumer(manual: configuration.kafka, inBulk: true)
    reader = try KafkaReader(configuration.kafka)
    shelf = try BookShelf(
      venues: Set(configuration.accountsWithKeys.keys.map(\.venue)), kafka: configuration.kafka, wakeup: inbox.wakeup,
      logger: logger)
    for source in [group, manual] { source.attach(inbox.wakeup) }
    producer.attach(inbox.wakeup)
  }

  /// Runs until `stop`, then lets what is under way finish.
  func run(until stop: Latch) throws {
    health.set("partitions", .unhealthy("not assigned"))
    try readReference()
    // Connects, so that taking partitions need not wait for that.
    _ = try producer.partitionCount(of: Topic.executions)
    _ = try producer.partitionCount(of: Topic.orderState)
    try group.subscribe([configuration.approvedTopic])
    while !stop.isSet {
      let isBusy = try turn(stop)
      if !isBusy { inbox.wakeup.wait(timeoutMilliseconds: Int(Self.tickEvery / Interval.millisecond)) }
    }
    try finish()
  }

  /// Takes in what has come; true when there may be more at once.
  private func turn(_ stop: Latch) throws -> Bool {
    try takeReports()
    takeInbox()
    let isBusy = try takeRecords(stop)
    keepTime()
    try renewLease()
    if let failure { throw failure }
    return isBusy
  }

  // MARK: Input

  func takeReports() throws {
    for report in try producer.poll(timeoutMilliseconds: 0) { try take(report) }
  }

  func take(_ report: DeliveryReport) throws {
    guard let place = sent.removeValue(forKey: report.token) else { return }
    // Whether it is in the log cannot be known any more: only a fresh start from the log can tell.
    if let error = report.error { throw ShellError("a record for \(report.topicPartition) was not acknowledged: \(error)") }
    boundary("ordermanager.record.acknowledged", if: report.topicPartition.topic == Topic.executions)
    feed(.acknowledged(token: place.token, offset: report.offset), to: place.partition, generation: place.generation)
  }

  func takeInbox() {
    for event in inbox.takeAll() {
      switch event {
      case .answered(let partition, let generation, let token, let answer):
        boundary("ordermanager.reply.taken")
        feed(.answered(token: token, answer), to: partition, generation: generation)
      case .clock(let venue, let measured): take(measured, of: venue)
      case .stream(let route, let number, let event):
        let partition = self.partition(of: route.account)
        guard let stream = owned[partition]?.streams.first(where: { $0.route == route }) else { continue }
        for event in stream.take(event, number: number) {
          boundary("ordermanager.stream.heard", if: event.isOrderReport)
          feed(event, to: partition)
        }
      case .price(let symbol, let price):
        prices[symbol] = price
        feedAll(.price(asset: symbol.base, quote: symbol.quote, price))
      case .redisLost: feedAll(.redisLost)
      }
    }
  }

  private func take(_ measured: VenueClock?, of venue: Venue) {
    guard let measured else { return health.set(venue.text, .unhealthy("its clock cannot be asked for")) }
    health.set(venue.text, .healthy)
    clocks[venue] = measured
    gateway.setClock(measured, of: venue)
    feedAll(.clock(venue, measured))
  }

  private func takeRecords(_ stop: Latch) throws -> Bool {
    var count = 0
    let hasRoom = owned.values.reduce(0) { $0 + $1.core.outstanding } < Self.maximumOutstanding
    while hasRoom, count < Self.batch, let event = group.poll(timeoutMilliseconds: 0) {
      count += 1
      try takeGroup(event, stop)
    }
    while count < 256, let event = manual.poll(timeoutMilliseconds: 0) {
      count += 1
      try takeManual(event)
    }
    for book in try shelf?.poll() ?? [] { feedAll(.book(book)) }
    return count >= Self.batch
  }

  private func takeGroup(_ event: KafkaEvent, _ stop: Latch) throws {
    switch event {
    case .message(let message):
      boundary("ordermanager.approval.polled")
      feed(.approved(InputRecord(message)), to: message.partition)
    case .assigned(let partitions): try take(partitions.map(\.partition), stop)
    case .revoked:
      try handBack()
      try group.unassign()
    case .lost:
      logger.warning("the partitions were lost")
      try drop()
      try group.unassign()
    case .committed(let token, _, let error): try takeCommitted(token, error)
    case .error(let error): try note(error)
    case .endOfPartition: break
    }
  }

  private func takeManual(_ event: KafkaEvent) throws {
    switch event {
    case .message(let message):
      switch message.topic {
      case Topic.executions: feed(.execution(InputRecord(message)), to: message.partition)
      case Topic.control: takeControl(message)
      default: try takeInstrument(message)
      }
    case .error(let error): try note(error)
    default: break
    }
  }

  /// A position that is gone is fatal, too: behind it may lie a halt.
  private func note(_ error: KafkaError) throws {
    if error.isFatal || error.name == "_AUTO_OFFSET_RESET" { throw error }
    logger.warning("Kafka: \(error)")
  }

  // MARK: Reference data

  /// Reads `control` and `instruments` to their ends and goes on reading them.
  private func readReference() throws {
    let controlEnd = try reader.readPartition(Topic.control, 0) { takeControl($0) }
    let instrumentsEnd = try reader.readPartition(Topic.instruments, 0) { try takeInstrument($0) }
    try manual.add([
      TopicPartitionOffset(Topic.control, 0, offset: controlEnd),
      TopicPartitionOffset(Topic.instruments, 0, offset: instrumentsEnd),
    ])
  }

  private func takeControl(_ message: KafkaMessage) {
    guard let value = message.value else { return }
    do throws(RecordError) {
      let control = try Control(value)
      guard control.version >= controls[control.account]?.version ?? 0 else { return }
      controls[control.account] = control
      feed(.control(control), to: partition(of: control.account))
    } catch {
      logger.error("unreadable record on control at \(message.offset): \(error.reason)")
    }
  }

  private func takeInstrument(_ message: KafkaMessage) throws {
    guard let value = message.value else { return }
    let instrument: Instrument
    do throws(RecordError) { instrument = try Instrument(value) } catch {
      return logger.error("unreadable record on instruments at \(message.offset): \(error.reason)")
    }
    instruments[instrument.key] = instrument
    feedAll(.instrument(instrument))
    try shelf?.follow(instrument)
  }

  // MARK: Time

  private func keepTime() {
    let now = monotonicNanoseconds()
    if now - measuredAt >= (clocks.count < configuration.venues.count ? Interval.second : Self.measureEvery) {
      measuredAt = now
      for venue in configuration.venues { gateway.measureClock(of: venue) }
    }
    guard now - tickedAt >= Self.tickEvery else { return }
    tickedAt = now
    watchTraffic(now)
    for book in shelf?.takeChanged() ?? [] { feedAll(.book(book)) }
    for (partition, owned) in owned {
      // A log-on is signed with the venue's time.
      for stream in owned.streams where clocks[stream.route.venue] != nil {
        if let event = stream.keepUp() { feed(event, to: partition) }
      }
    }
    feedAll(.tick)
    if now - refreshedAt >= Int64(RedisOutlet.refreshSeconds) * Interval.second {
      refreshedAt = now
      feedAll(.redisLost)
    }
    if now - pricedAt >= Self.priceEvery {
      pricedAt = now
      for pair in configuration.feePairs {
        let instrument = configuration.venues.lazy.compactMap { [self] venue in instruments["\(venue)+\(pair)"] }.first
        if let instrument { gateway.askPrice(of: instrument) }
      }
    }
    if now - shownAt >= Self.showEvery {
      shownAt = now
      show()
    }
  }

  private func show() {
    figures.set(owned.values.map(\.core))
    let down = owned.values.flatMap(\.streams).filter { !$0.isUp }.map { "\($0.route)" }.sorted()
    health.set("streams", down.isEmpty ? .healthy : .unhealthy("down: \(down.joined(separator: ", "))"))
  }

  /// Lets waiting requests go, probes venues that have been silent, and tells the cores and Redis how the venues are.
  private func watchTraffic(_ now: Int64) {
    let isShown = now - trafficShownAt >= Interval.second
    if isShown { trafficShownAt = now }
    for venue in configuration.venues {
      let gate = gateway.gate(of: venue)
      gate.tick()
      if gate.wantsProbe { gateway.measureClock(of: venue) }
      let isCut = gate.isCut
      let hasChanged = isCut != cutVenues.contains(venue)
      if hasChanged {
        if isCut { cutVenues.insert(venue) } else { cutVenues.remove(venue) }
        logger.warning("\(venue) \(isCut ? "is passed over: it does not answer, or wants silence" : "is used again")")
        feedAll(.cut(venue, isCut))
      }
      if hasChanged || isShown { redis.write(gate.view, of: venue, instance: configuration.instance) }
    }
  }

  /// Commits what is done. An accepted commit is the lease: the broker took it for this member and generation.
  private func renewLease() throws {
    let now = monotonicNanoseconds()
    guard !owned.isEmpty, now - committedAt >= Lease.renewalInterval else { return }
    committedAt = now
    boundary("ordermanager.commit.due")
    let commit = Commit(monotonic: now, wall: gateway.ourClock.now(), places: places)
    commits[nextCommit] = commit
    try group.commitAsync(commit.places, token: nextCommit)
    nextCommit += 1
  }

  /// What is done of each partition's input.
  var places: [TopicPartitionOffset] {
    owned.map { TopicPartitionOffset(configuration.approvedTopic, $0.key, offset: $0.value.core.committable) }
  }

  private func takeCommitted(_ token: UInt64, _ error: KafkaError?) throws {
    guard let commit = commits.removeValue(forKey: token) else { return }
    boundary("ordermanager.commit.answered")
    if let error {
      if error.isFatal { throw error }
      return logger.warning("commit refused: \(error)")
    }
    extendLease(commit)
  }

  /// The broker has accepted a commit.
  func extendLease(_ commit: Commit) {
    guard !owned.isEmpty else { return }
    lease.renew(begun: commit.monotonic)
    for place in commit.places {
      feed(.lease(until: commit.wall + Lease.length, committed: place.offset), to: place.partition)
    }
  }

  // MARK: The end

  private func finish() throws {
    try handBack()
    group.close(timeoutMilliseconds: 1_000)
    manual.close(timeoutMilliseconds: 500)
    shelf?.close()
  }
}
