/// What the shell has to do with a connection.
public enum Output: Equatable, Sendable {
  /// Send the frame; the connection's next request may then be handled.
  case reply(ConnectionID, [UInt8])
  /// The request wants no answer; the next one may be handled.
  case silence(ConnectionID)
  /// Close the connection: what it sent makes no sense.
  case close(ConnectionID, reason: String)
}

/// Brings one log to the medium; throws when the system cannot.
public typealias Synchronization = @Sendable () throws -> Void

/// What a broker has done since it was opened, and what it holds.
public struct BrokerStatistics: Equatable, Sendable {
  /// Requests handled.
  public internal(set) var requests: Int64 = 0
  /// Bytes of record batches appended to topics.
  public internal(set) var appendedBytes: Int64 = 0
  /// Bytes of record batches sent to consumers.
  public internal(set) var fetchedBytes: Int64 = 0
  /// Partitions of all topics.
  public internal(set) var partitions = 0
  /// Consumer groups.
  public internal(set) var groups = 0
}

/// The request that a connection waits for an answer to.
struct RequestContext {
  var header: RequestHeader
  var connection: ConnectionID
  var host: String
  var now: Instant

  var version: Int16 { header.version }
}

/// A single-node Kafka broker without its sockets: frames and time in, frames out, the log on disk in between.
///
/// A connection has at most one request here; the shell hands over the next one after the answer (Kafka mutes a
/// connection in the same way, which is what keeps a client's requests in order). Not thread-safe.
public final class Broker {
  let config: BrokerConfig
  let store: TopicStore
  var coordinator: GroupCoordinator
  let offsetLog: OffsetLog
  let identity: NodeIdentity
  private let lock: File

  private var outputs: [Output] = []
  /// Requests that wait: fetches for records, joins and syncs for the other members.
  var parked: [ConnectionID: RequestContext] = [:]
  var parkedFetches: [ConnectionID: ParkedFetch] = [:]
  var nextFetchDeadlineMs = Int64.max
  private var nextMaintenanceMs: Int64
  private var maintenanceQueue: [TopicPartition] = []
  private var isFirstMaintenance = true
  /// Logs written to since `synchronize`.
  var unsynchronized: [PartitionLog] = []

  /// What was repaired after a crash, in words; empty after a clean shutdown.
  public let repairs: [String]

  /// Counts of what was done.
  var counts = BrokerStatistics()

  /// What was done so far, and what is there.
  public var statistics: BrokerStatistics {
    var statistics = counts
    statistics.partitions = store.partitionCount
    statistics.groups = coordinator.groups.count
    return statistics
  }

  /// Opens the data directory, or creates it, and takes it for this process alone.
  /// - Parameter nonce: random; makes member ids differ from those of earlier runs.
  public init(config: BrokerConfig, nonce: UInt64, at now: Instant) throws {
    self.config = config
    try Directory.create(config.dataDirectory)
    lock = try File(path: config.dataDirectory + "/lock", create: true)
    try lock.lock()
    identity = try NodeIdentity(directory: config.dataDirectory, nonce: nonce)
    store = try TopicStore(directory: config.dataDirectory, nowMs: now.wallMs)
    var coordinator = GroupCoordinator(config: config, nonce: nonce)
    offsetLog = try OffsetLog(
      directory: config.dataDirectory + "/groups", restoring: &coordinator, nowMs: now.wallMs)
    self.coordinator = coordinator
    repairs = store.repairs + offsetLog.log.repairs
    nextMaintenanceMs = now.monotonicMs
  }

  // MARK: The shell's side

  /// Handles one request: the frame without its length. The answer comes from `takeOutputs`, now or later.
  public func handle(_ frame: [UInt8], from connection: ConnectionID, host: String, at now: Instant) {
    counts.requests += 1
    do {
      var reader = WireReader(frame)
      let header = try RequestHeader(from: &reader)
      let context = RequestContext(header: header, connection: connection, host: host, now: now)
      guard header.api.served.contains(header.version) else { return try refuseVersion(context) }
      try dispatch(context, &reader)
    } catch {
      outputs.append(.close(connection, reason: "\(error)"))
    }
  }

  /// Forgets what the connection was waiting for.
  public func connectionClosed(_ connection: ConnectionID) {
    parked[connection] = nil
    unparkFetch(connection)
  }

  /// When `tick` has something to do next, in monotonic milliseconds.
  public var nextDeadlineMs: Int64 {
    if !maintenanceQueue.isEmpty { return 0 }
    return min(coordinator.nextDeadlineMs, nextFetchDeadlineMs, nextMaintenanceMs)
  }

  /// Does what is due: fetches that waited long enough, members that died, a step of retention and compaction.
  public func tick(at now: Instant) throws {
    expireFetches(at: now)
    var effects: [GroupEffect] = []
    coordinator.tick(at: now, into: &effects)
    carryOut(effects, at: now)
    try maintain(at: now)
  }

  /// What has to be sent, in order. With `synchronize` called before, everything acknowledged is on the medium.
  public func takeOutputs() -> [Output] {
    defer { outputs = [] }
    return outputs
  }

  /// Brings everything appended so far to the medium, here and now.
  public func synchronize() throws {
    for synchronization in try takeUnsynchronized() { try synchronization() }
  }

  /// Whether anything was appended since.
  public var isSynchronized: Bool { unsynchronized.isEmpty }

  /// What has to be called, on any thread, to bring everything appended so far to the medium.
  public func takeUnsynchronized() throws -> [Synchronization] {
    defer { unsynchronized = [] }
    return try unsynchronized.compactMap { try $0.takeUnsynchronized() }
  }

  /// Seals every log so that the next start is quick. The broker must not be used afterwards.
  public func close() throws {
    try store.close()
    try offsetLog.log.close()
  }

  // MARK: Answers

  /// Answers a request. `place` is where among the outputs, where that matters: at the end if there are not as many.
  func reply(_ context: RequestContext, at place: Int = .max, _ body: (inout WireWriter) throws -> Void) rethrows {
    var writer = context.header.response()
    try body(&writer)
    outputs.insert(.reply(context.connection, writer.framed()), at: min(place, outputs.count))
  }

  /// Outputs that were not taken yet.
  var outputCount: Int { outputs.count }

  func staySilent(_ context: RequestContext) { outputs.append(.silence(context.connection)) }

  func closeConnection(_ context: RequestContext, reason: String) {
    outputs.append(.close(context.connection, reason: reason))
  }

  func noteAppended(_ log: PartitionLog) {
    if !unsynchronized.contains(where: { $0 === log }) { unsynchronized.append(log) }
  }

  /// ApiVersions of a version from the future is answered in version 0; anything else is a client that did not ask.
  private func refuseVersion(_ context: RequestContext) throws {
    guard context.header.api == .apiVersions else {
      throw WireError.malformed("\(context.header.api) version \(context.version) is not served")
    }
    reply(context) { ApiVersionsResponse.write(to: &$0, version: 0, error: .unsupportedVersion) }
  }

  private func dispatch(_ context: RequestContext, _ reader: inout WireReader) throws {
    let version = context.version
    switch context.header.api {
    case .apiVersions: reply(context) { ApiVersionsResponse.write(to: &$0, version: version, error: .none) }
    case .metadata: try metadata(context, try MetadataRequest(from: &reader, version: version))
    case .produce: produce(context, try ProduceRequest(from: &reader), frame: reader.bytes)
    case .fetch: fetch(context, try FetchRequest(from: &reader, version: version))
    case .listOffsets: listOffsets(context, try ListOffsetsRequest(from: &reader, version: version))
    case .initProducerID: initProducerID(context, transactionalID: try reader.nullableString())
    case .findCoordinator: findCoordinator(context, try FindCoordinatorRequest(from: &reader, version: version))
    case .joinGroup: joinGroup(context, try JoinGroupRequest(from: &reader, version: version))
    case .syncGroup: syncGroup(context, try SyncGroupRequest(from: &reader, version: version))
    case .heartbeat: heartbeat(context, try HeartbeatRequest(from: &reader, version: version))
    case .leaveGroup: leaveGroup(context, try LeaveGroupRequest(from: &reader, version: version))
    case .offsetCommit: commitOffsets(context, try OffsetCommitRequest(from: &reader, version: version))
    case .offsetFetch: fetchOffsets(context, try OffsetFetchRequest(from: &reader))
    case .describeGroups: describeGroups(context, try reader.array { try $0.name() })
    case .listGroups: listGroups(context, states: version >= 4 ? try reader.array { try $0.string() } : [])
    case .deleteGroups: deleteGroups(context, try reader.array { try $0.name() })
    case .createTopics: createTopics(context, try CreateTopicsRequest(from: &reader, version: version))
    case .deleteTopics: deleteTopics(context, try reader.array { try $0.string() })
    case .createPartitions: createPartitions(context, try CreatePartitionsRequest(from: &reader))
    case .describeConfigs: describeConfigs(context, try DescribeConfigsRequest(from: &reader))
    case .alterConfigs: alterConfigs(context, try AlterConfigsRequest(from: &reader, incremental: false), replacing: true)
    case .incrementalAlterConfigs:
      alterConfigs(context, try AlterConfigsRequest(from: &reader, incremental: true), replacing: false)
    }
  }

  // MARK: Maintenance

  /// One partition a call, so that nobody waits for all of them.
  private func maintain(at now: Instant) throws {
    if maintenanceQueue.isEmpty, now.monotonicMs >= nextMaintenanceMs {
      nextMaintenanceMs = now.monotonicMs + config.maintenanceIntervalMs
      try expireGroups(at: now)
      try offsetLog.log.compactIfDue(nowMs: now.wallMs, force: isFirstMaintenance)
      for name in store.names {
        for index in 0..<(store.topics[name]?.partitions.count ?? 0) {
          maintenanceQueue.append(TopicPartition(topic: name, partition: Int32(index)))
        }
      }
      if maintenanceQueue.isEmpty { isFirstMaintenance = false }
    }
    guard let next = maintenanceQueue.popLast() else { return }
    if let partition = store.partition(next.topic, next.partition) {
      let log = partition.log
      log.forgetProducers(unseenSinceMs: now.wallMs - config.producerRetentionMs)
      try log.compactIfDue(nowMs: now.wallMs, force: isFirstMaintenance)
      if try log.applyRetention(nowMs: now.wallMs) { wakeAll(partition, at: now) }
      log.closeIdleFiles()
    }
    if maintenanceQueue.isEmpty { isFirstMaintenance = false }
  }

  private func expireGroups(at now: Instant) throws {
    for name in coordinator.expired(at: now) {
      guard let group = coordinator.groups[name] else { continue }
      try offsetLog.forget(group: group, nowMs: now.wallMs)
      noteAppended(offsetLog.log)
      coordinator.remove(group: name)
    }
  }
}
