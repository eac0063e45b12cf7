import CRdKafka
import Runtime

/// A consumer, in one of two ways: a member of a group (`subscribe`), whose owner acknowledges every rebalance by `assign` and `unassign`
/// itself, or a reader of partitions assigned by hand. Offsets are committed only by explicit calls. One thread owns it and
/// polls; it must poll at least every five minutes (`max.poll.interval.ms`) or lose its partitions.
public final class KafkaConsumer: Sendable {
  private let handle: KafkaHandle
  private let events: EventQueue

  /// A member of `group`. With `instanceID` it is a static one: a restart under the same id takes its partitions over at once, and
  /// an older process with that id is fenced (a fatal error). `reportsEnd` gives `endOfPartition` events. `inBulk` as below.
  public convenience init(
    _ settings: KafkaSettings, group: String, instanceID: String? = nil, reportsEnd: Bool = false, inBulk: Bool = false
  ) throws(KafkaError) {
    var properties = [
      ("group.id", group), ("auto.offset.reset", "earliest"), ("session.timeout.ms", "6000"),
      ("heartbeat.interval.ms", "1500"), ("partition.assignment.strategy", "range,roundrobin"),
    ]
    if let instanceID { properties.append(("group.instance.id", instanceID)) }
    try self.init(settings, properties, reportsEnd: reportsEnd, inBulk: inBulk)
  }

  /// A reader without a group: assign partitions by hand; it cannot commit. `inBulk` has the broker gather records for up to a tenth of a
  /// second, unless 64 KiB have come before: for whoever need not know of each at once, which then costs nobody anything.
  public convenience init(
    manual settings: KafkaSettings, reportsEnd: Bool = false, inBulk: Bool = false
  ) throws(KafkaError) {
    // librdkafka wants a group name even where none is joined; nothing is ever committed under it.
    // An offset that is gone (retention) is an error to the owner, never a silent jump.
    let properties = [("group.id", "\(settings.clientID)-manual"), ("auto.offset.reset", "error")]
    try self.init(settings, properties, reportsEnd: reportsEnd, inBulk: inBulk)
  }

  private init(
    _ settings: KafkaSettings, _ properties: [(String, String)], reportsEnd: Bool, inBulk: Bool
  ) throws(KafkaError) {
    let defaults = [
      ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("fetch.wait.max.ms", "100"),
      ("fetch.min.bytes", inBulk ? "65536" : "1"),
      ("enable.partition.eof", reportsEnd ? "true" : "false"), ("queued.min.messages", "10000"),
      ("queued.max.messages.kbytes", "65536"), ("fetch.message.max.bytes", "1048576"), ("fetch.error.backoff.ms", "100"),
    ]
    handle = try KafkaHandle(
      RD_KAFKA_CONSUMER, settings, defaults: defaults + properties,
      events: RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT)
    rd_kafka_poll_set_consumer(handle.pointer)
    events = EventQueue(rd_kafka_queue_get_consumer(handle.pointer), of: handle)
  }

  /// Signals `wakeup` whenever events have come, so that one thread can wait for several sources. Then drain with `poll(0)` until nil.
  public func attach(_ wakeup: Wakeup) {
    events.attach(wakeup)
  }

  /// librdkafka's instance, for the questions about offsets.
  var client: OpaquePointer { handle.pointer }

  func metadata(of topic: String, timeoutMilliseconds: Int) throws(KafkaError) -> [KafkaTopic] {
    try handle.metadata(of: topic, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
  }

  /// Joins the group for these topics.
  public func subscribe(_ topics: [String]) throws(KafkaError) {
    let list = PartitionList(topics.map { TopicPartition($0, RD_KAFKA_PARTITION_UA) })
    try check(rd_kafka_subscribe(handle.pointer, list.pointer), "subscribe to \(topics)")
  }

  /// The next event; waits for it at most so long (0: not at all).
  public func poll(timeoutMilliseconds: Int) -> KafkaEvent? {
    guard let event = events.next(timeoutMilliseconds: timeoutMilliseconds) else { return nil }
    switch event.type {
    case RD_KAFKA_EVENT_FETCH: return fetched(event)
    case RD_KAFKA_EVENT_REBALANCE: return rebalanced(event)
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      let list = UnsafePointer(rd_kafka_event_topic_partition_list(event.pointer))
      let token = UInt64(UInt(bitPattern: rd_kafka_event_opaque(event.pointer)))
      return .committed(token: token, PartitionList.places(of: list), event.error ?? PartitionList.firstError(in: list))
    default: return failed(event)
    }
  }

  /// Starts to fetch exactly these partitions from these offsets (also the answer to `assigned`). Replaces what was assigned.
  public func assign(_ places: [TopicPartitionOffset]) throws(KafkaError) {
    let list = PartitionList(places)
    try check(rd_kafka_assign(handle.pointer, list.pointer), "assign \(places)")
  }

  /// Stops to fetch (also the answer to `revoked` and `lost`).
  public func unassign() throws(KafkaError) {
    try check(rd_kafka_assign(handle.pointer, nil), "unassign")
  }

  /// Adds partitions to those assigned by hand. Not for members of a group.
  public func add(_ places: [TopicPartitionOffset]) throws(KafkaError) {
    let list = PartitionList(places)
    try check(rd_kafka_incremental_assign(handle.pointer, list.pointer))
  }

  /// Removes partitions from those assigned by hand. Not for members of a group.
  public func remove(_ partitions: [TopicPartition]) throws(KafkaError) {
    let list = PartitionList(partitions)
    try check(rd_kafka_incremental_unassign(handle.pointer, list.pointer))
  }

  /// Goes on from other offsets in assigned partitions.
  public func seek(_ places: [TopicPartitionOffset], timeoutMilliseconds: Int = 5_000) throws(KafkaError) {
    let list = PartitionList(places)
    try check(rd_kafka_seek_partitions(handle.pointer, list.pointer, Int32(clamping: timeoutMilliseconds)))
    if let error = PartitionList.firstError(in: list.pointer) { throw error }
  }

  /// Stops to deliver records of these partitions until `resume`; the membership goes on (back-pressure).
  public func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
    let list = PartitionList(partitions)
    try check(rd_kafka_pause_partitions(handle.pointer, list.pointer), "pause")
  }

  /// Delivers records of these partitions again.
  public func resume(_ partitions: [TopicPartition]) throws(KafkaError) {
    let list = PartitionList(partitions)
    try check(rd_kafka_resume_partitions(handle.pointer, list.pointer), "resume")
  }

  /// Commits these offsets (each that of the next record to read) and waits for the broker's answer. Success means that the
  /// broker accepted them for this member and generation: a lease renewed as of the call's start. Committing the same offsets
  /// again is fine. Throws `_TIMED_OUT` when no answer came in time; the commit may still happen.
  public func commit(_ places: [TopicPartitionOffset], timeoutMilliseconds: Int = 5_000) throws(KafkaError) {
    let list = PartitionList(places)
    let answers = EventQueue(rd_kafka_queue_new(handle.pointer), of: handle)
    try check(rd_kafka_commit_queue(handle.pointer, list.pointer, answers.pointer, nil, nil), "commit \(places)")
    guard let answer = answers.next(timeoutMilliseconds: timeoutMilliseconds) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, reason: "commit \(places): no answer")
    }
    let results = UnsafePointer(rd_kafka_event_topic_partition_list(answer.pointer))
    if let error = answer.error ?? PartitionList.firstError(in: results) { throw error }
  }

  /// Commits these offsets; the broker's answer comes from `poll` as `committed` with the token.
  public func commitAsync(_ places: [TopicPartitionOffset], token: UInt64) throws(KafkaError) {
    let list = PartitionList(places)
    let opaque = UnsafeMutableRawPointer(bitPattern: UInt(token))
    try check(rd_kafka_commit_queue(handle.pointer, list.pointer, events.pointer, nil, opaque), "commit \(places)")
  }

  /// The offsets that the group has committed; partitions without one are left out.
  public func committed(
    _ partitions: [TopicPartition], timeoutMilliseconds: Int = 5_000
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    let list = PartitionList(partitions)
    try check(rd_kafka_committed(handle.pointer, list.pointer, Int32(clamping: timeoutMilliseconds)), "committed offsets")
    if let error = PartitionList.firstError(in: list.pointer) { throw error }
    let known = list.places.filter { $0.offset >= 0 }
    return Dictionary(known.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { _, last in last })
  }

  /// The partitions fetched now.
  public var assignment: [TopicPartition] {
    var pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    guard rd_kafka_assignment(handle.pointer, &pointer) == RD_KAFKA_RESP_ERR_NO_ERROR, let pointer else { return [] }
    return PartitionList(taking: pointer).places.map(\.topicPartition)
  }

  /// True when the group took the partitions without asking: they may have another owner now.
  public var isAssignmentLost: Bool { rd_kafka_assignment_lost(handle.pointer) == 1 }

  /// The error that ended this instance for good, if one did (such as `_FENCED`).
  public var fatalError: KafkaError? { handle.fatalError }

  /// Leaves the group (a static member keeps its partitions until its session ends) and stops. The owner must have stopped to poll and
  /// handled its state; rebalance events that come now are acknowledged here. False when the time was over first; then the
  /// instance is left to the end of the process.
  @discardableResult
  public func close(timeoutMilliseconds: Int = 3_000) -> Bool {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    if let error = rd_kafka_consumer_close_queue(handle.pointer, events.pointer) {
      rd_kafka_error_destroy(error)
      return rd_kafka_consumer_closed(handle.pointer) == 1
    }
    while rd_kafka_consumer_closed(handle.pointer) == 0 && !deadline.isPast {
      guard let event = events.next(timeoutMilliseconds: 50) else { continue }
      if event.type == RD_KAFKA_EVENT_REBALANCE { rd_kafka_assign(handle.pointer, nil) }
    }
    guard rd_kafka_consumer_closed(handle.pointer) == 1 else {
      handle.abandon()
      return false
    }
    return true
  }

  private func fetched(_ event: KafkaRawEvent) -> KafkaEvent? {
    rd_kafka_event_message_next(event.pointer).map { .message(KafkaMessage($0, in: event)) }
  }

  /// Errors of a partition, its end among them, and of the whole instance.
  private func failed(_ event: KafkaRawEvent) -> KafkaEvent? {
    let error = event.fatalError(of: handle) ?? event.error ?? KafkaError(RD_KAFKA_RESP_ERR__FAIL)
    guard let partition = rd_kafka_event_topic_partition(event.pointer) else { return .error(error) }
    defer { rd_kafka_topic_partition_destroy(partition) }
    let place = partition.pointee
    guard error.code == RD_KAFKA_RESP_ERR__PARTITION_EOF.rawValue else { return .error(error) }
    return .endOfPartition(TopicPartition(String(cString: place.topic), place.partition), offset: place.offset)
  }

  private func rebalanced(_ event: KafkaRawEvent) -> KafkaEvent? {
    let list = UnsafePointer(rd_kafka_event_topic_partition_list(event.pointer))
    let partitions = PartitionList.places(of: list).map(\.topicPartition).sorted()
    switch rd_kafka_event_error(event.pointer) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS: return .assigned(partitions)
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: return isAssignmentLost ? .lost(partitions) : .revoked(partitions)
    // The rebalance itself failed: give everything back and let the library join again.
    default: return .lost(partitions)
    }
  }
}
