import Domain
import Kafka
import OrderManagerCore
import Runtime
import Venues
import Wire

/// Partitions that come and go, and what their cores ask for.
extension OrderManagerShell {
  func partition(of account: Account) -> Int32 {
    Partitioner.partition(forKey: account.text.utf8, count: configuration.accountPartitions)
  }

  /// Restores the partitions that the group gives, then lets their records come.
  func take(_ partitions: [Int32], _ stop: Latch) throws {
    logger.debug("taking partitions \(partitions.sorted())")
    guard !partitions.isEmpty else {
      // More replicas than partitions: this one stands by.
      health.set("partitions", .healthy)
      return try group.assign([])
    }
    let approved = partitions.map { TopicPartition(configuration.approvedTopic, $0) }
    let committed = try group.committed(approved)
    var next: [Int32: Int64] = [:]
    for place in approved {
      next[place.partition] = try committed[place] ?? group.watermarks(place.topic, place.partition).low
    }
    let driver = TakeOverDriver(configuration: configuration, producer: producer, reader: reader) { try self.take($0) }
    let taken = try driver.run(partitions, stop: stop)
    guard !stop.isSet else { return }
    try group.assign(approved.map { TopicPartitionOffset($0, offset: next[$0.partition] ?? 0) })
    for (partition, takeOver) in taken.sorted(by: { $0.key < $1.key }) {
      start(partition, takeOver.restored(committed: next[partition] ?? 0))
      try manual.add([TopicPartitionOffset(Topic.executions, partition, offset: takeOver.nextExecution)])
    }
    boundary("ordermanager.takeover.assigned")
    try beginLease()
    health.set("partitions", .healthy)
    logger.info("took partitions \(partitions.sorted())")
  }

  /// The first commit of this generation. One that the broker refuses, as it does while the group changes again, is no disaster: the
  /// lease begins with a later one, and nothing is sent before.
  private func beginLease() throws {
    let commit = Commit(monotonic: monotonicNanoseconds(), wall: gateway.ourClock.now(), places: places)
    do throws(KafkaError) {
      try group.commit(commit.places)
      extendLease(commit)
    } catch {
      if error.isFatal { throw error }
      logger.warning("the first commit was refused: \(error)")
    }
  }

  private func start(_ partition: Int32, _ restored: RestoredOrders) {
    let settings = configuration.core(partition: partition)
    let streams = settings.routes.compactMap { route in
      configuration.accountsWithKeys[route].map {
        PrivateStream(route, $0, client: streamClient, gateway: gateway, inbox: inbox, logger: logger)
      }
    }
    owned[partition] = Owned(OrderManagerPartition(settings), generation: nextGeneration, streams: streams)
    nextGeneration += 1
    feed(.restored(restored), to: partition)
    for instrument in instruments.sorted(by: { $0.key < $1.key }) { feed(.instrument(instrument.value), to: partition) }
    for control in controls.sorted(by: { $0.key < $1.key }) { feed(.control(control.value), to: partition) }
    for (symbol, price) in prices.sorted(by: { $0.key < $1.key }) {
      feed(.price(asset: symbol.base, quote: symbol.quote, price), to: partition)
    }
    for (venue, clock) in clocks.sorted(by: { $0.key < $1.key }) { feed(.clock(venue, clock), to: partition) }
    for book in shelf?.takeAll() ?? [] { feed(.book(book), to: partition) }
    for venue in cutVenues.sorted() { feed(.cut(venue, true), to: partition) }
  }

  /// Gives everything back in good order: nothing new is begun, what is under way is awaited for a while and committed. What has no answer
  /// by then is simply not committed: the next owner finds out.
  func handBack() throws {
    feedAll(.stop)
    let deadline = Deadline(afterMilliseconds: Self.stopMilliseconds)
    while owned.values.contains(where: { $0.core.outstanding > 0 }), !deadline.isPast {
      try takeReports()
      takeInbox()
      inbox.wakeup.wait(timeoutMilliseconds: 10)
    }
    if !owned.isEmpty {
      do throws(KafkaError) { try group.commit(places, timeoutMilliseconds: 500) } catch {
        logger.warning("the last commit was refused: \(error)")
      }
    }
    try drop()
  }

  /// Lets go of everything at once: from here on nothing is sent for these partitions.
  func drop() throws {
    lease.drop()
    gateway.letGo()
    for owned in owned.values { for stream in owned.streams { stream.close() } }
    let partitions = owned.keys.sorted()
    owned = [:]
    sent = [:]
    if !partitions.isEmpty { try manual.remove(partitions.map { TopicPartition(Topic.executions, $0) }) }
    health.set("partitions", .unhealthy("not assigned"))
  }

  // MARK: Cores

  func feedAll(_ event: OrderManagerEvent) {
    for partition in owned.keys.sorted() { feed(event, to: partition) }
  }

  /// Hands an event to a partition's core, unless it is meant for an earlier one, and carries out what follows.
  func feed(_ event: OrderManagerEvent, to partition: Int32, generation: UInt64? = nil) {
    guard let owned = owned[partition], generation == nil || generation == owned.generation else { return }
    effects.removeAll(keepingCapacity: true)
    owned.core.apply(event, at: gateway.ourClock.now(), into: &effects)
    for effect in effects { carryOut(effect, partition, owned.generation) }
  }

  private func carryOut(_ effect: OrderManagerEffect, _ partition: Int32, _ generation: UInt64) {
    switch effect {
    case .publish(let publication): send(publication, partition, generation)
    case .call(let call): gateway.send(call, under: lease, partition: partition, generation: generation)
    case .redis(let update): redis.write(update)
    case .measureClock: measuredAt = min(measuredAt, monotonicNanoseconds() - 19 * Interval.second)
    case .log(let line): logger.info(line)
    case .fenced: failure = ShellError("another owner has marked partition \(partition)")
    }
  }

  private func send(_ publication: Publication, _ partition: Int32, _ generation: UInt64) {
    let token = nextSend
    nextSend += 1
    sent[token] = (partition, generation, publication.token)
    let headers = publication.headers.encoded().map { KafkaHeader($0.name, $0.value) }
    let key = Array(publication.key.utf8)
    do throws(KafkaError) {
      let result = try producer.send(
        topic: publication.topic, partition: publication.partition, key: key, value: publication.value, headers: headers,
        token: token)
      // The queue holds far more than the cores have under way.
      if result == .queueFull { failure = ShellError("the producer's queue is full") }
      boundary("ordermanager.plan.sent", if: publication.isPlan)
      boundary("ordermanager.event.sent", if: publication.topic == Topic.executions && !publication.isPlan)
      boundary("ordermanager.snapshot.sent", if: publication.topic == Topic.orderState)
    } catch {
      failure = error
    }
  }
}

// What boundaries tell apart.
extension Publication {
  fileprivate var isPlan: Bool { value?.starts(with: #"{"v":1,"type":"plan""#.utf8) ?? false }
}

extension OrderManagerEvent {
  var isOrderReport: Bool { if case .stream(_, .order) = self { true } else { false } }
}
