import Glibc
import LocalKafkaCore
import Runtime

/// A broker on a socket: one thread that waits for all connections at once.
final class Server {
  /// Where it listens.
  var port: UInt16 { listener.port }

  private let settings: ServerSettings
  private let logger: Logger
  private let metrics: ServerMetrics
  private let flusher: Flusher
  private let poller: Poller
  private let listener: Listener
  private let broker: Broker
  private var connections: [ConnectionID: Connection] = [:]
  private var lastConnection: UInt64 = 0
  private var lastSyncMs: Int64
  private var lastSweepMs: Int64
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
  /// What the poller calls the listener and the wake-up; connections have their own numbers.
  private static let listenerToken = UInt64.max
  private static let wakeupToken = UInt64.max - 1

  /// Opens the data directory and begins to listen; nobody is served before `run`, which looks up whenever `wakeup` is signalled.
  init(_ settings: ServerSettings, logger: Logger, metrics: ServerMetrics, flusher: Flusher, wakeup: Wakeup) throws {
    self.settings = settings
    self.logger = logger
    self.metrics = metrics
    self.flusher = flusher
    poller = try Poller()
    listener = try Listener(host: settings.listen.host, port: settings.listen.port)
    poller.add(listener.descriptor, token: Self.listenerToken, .readable)
    poller.add(wakeup.descriptor, token: Self.wakeupToken, .readable)
    var config = settings.broker
    config.advertisedHost = settings.advertised?.host ?? settings.listen.host
    config.advertisedPort = settings.advertised?.port ?? listener.port
    let now = Self.now()
    broker = try Broker(config: config, nonce: UInt64.random(in: 0...UInt64.max), at: now)
    lastSyncMs = now.monotonicMs
    lastSweepMs = now.monotonicMs
    for repair in broker.repairs { logger.warning(repair) }
  }

  deinit { scratch.deallocate() }

  /// Serves until `stop` is set and the wake-up signalled, then seals the logs.
  func run(until stop: Latch) throws {
    while !stop.isSet {
      try turn()
    }
    try deliver(at: Self.now())
    connections.removeAll()
    try broker.close()
  }

  // MARK: The loop

  private static func now() -> Instant {
    var monotonic = timespec()
    var wall = timespec()
    clock_gettime(CLOCK_MONOTONIC, &monotonic)
    clock_gettime(CLOCK_REALTIME, &wall)
    return Instant(
      monotonicMs: Int64(monotonic.tv_sec) * 1000 + Int64(monotonic.tv_nsec) / 1_000_000,
      wallMs: Int64(wall.tv_sec) * 1000 + Int64(wall.tv_nsec) / 1_000_000)
  }

  /// Waits for something to happen and lets all of it happen.
  private func turn() throws {
    var now = Self.now()
    var isWoken = false
    try poller.wait(timeoutMilliseconds: timeout(at: now)) { token, happened in
      if !isWoken {
        isWoken = true
        now = Self.now()
      }
      switch token {
      case Self.listenerToken: acceptAll(at: now)
      case Self.wakeupToken: break  // Whoever signals it has set the latch of `run`.
      default:
        guard let connection = connections[ConnectionID(token)] else { return }
        handle(connection, happened, at: now)
        // Nobody waits for what others want of this turn, unless all of it is to share one `fdatasync`.
        if settings.sync != .always { try deliver(at: now) }
      }
    }
    if !isWoken { now = Self.now() }
    try broker.tick(at: now)
    try deliver(at: now)
    try synchronizeIfDue(at: now)
    closeIdle(at: now)
    metrics.note(broker.statistics, connections: connections.count)
  }

  private func timeout(at now: Instant) -> Int32 {
    var deadline = broker.nextDeadlineMs
    if case .interval(let pause) = settings.sync, !broker.isSynchronized { deadline = min(deadline, lastSyncMs + pause) }
    return Int32(clamping: min(max(deadline - now.monotonicMs, 0), 60_000))
  }

  private func handle(_ connection: Connection, _ happened: Poller.Interest, at now: Instant) {
    guarded(connection) {
      if happened.contains(.writable) { try connection.flush() }
      if happened.contains(.readable) {
        try connection.receive(through: scratch)
      } else if !happened.isDisjoint(with: .failed) {
        throw Connection.Failure.gone
      }
      try serve(connection, at: now)
    }
  }

  private func acceptAll(at now: Instant) {
    while let (descriptor, host) = listener.accept() {
      guard connections.count < settings.maxConnections else {
        close(descriptor)
        logger.warning("refused a connection: too many are open", ["host": "\(host)", "limit": .init(settings.maxConnections)])
        continue
      }
      lastConnection += 1
      let connection = Connection(
        id: ConnectionID(lastConnection), descriptor: descriptor, host: host, nowMs: now.monotonicMs)
      connections[connection.id] = connection
      poller.add(descriptor, token: lastConnection, connection.watched)
    }
  }

  /// Hands the broker the connection's next request unless one is there still.
  private func serve(_ connection: Connection, at now: Instant) throws {
    if !connection.isBusy, !connection.hasUnsent, let frame = try connection.nextFrame(maxBytes: settings.maxFrameBytes) {
      connection.isBusy = true
      connection.lastActiveMs = now.monotonicMs
      broker.handle(frame, from: connection.id, host: connection.host, at: now)
    }
  }

  /// Sends the broker's answers; an answered connection's next request may bring further ones.
  private func deliver(at now: Instant) throws {
    while true {
      if settings.sync == .always { try broker.synchronize() }
      let outputs = broker.takeOutputs()
      if outputs.isEmpty { return }
      for output in outputs {
        switch output {
        case .reply(let id, let frame):
          guard let connection = connections[id] else { continue }
          guarded(connection) {
            connection.isBusy = false
            try connection.send(frame)
            try serve(connection, at: now)
          }
        case .silence(let id):
          guard let connection = connections[id] else { continue }
          guarded(connection) {
            connection.isBusy = false
            try serve(connection, at: now)
          }
        case .close(let id, let reason):
          guard let connection = connections[id] else { continue }
          drop(connection, reason: reason)
        }
      }
    }
  }

  private func synchronizeIfDue(at now: Instant) throws {
    guard case .interval(let pause) = settings.sync, now.monotonicMs - lastSyncMs >= pause else { return }
    lastSyncMs = now.monotonicMs
    // A flusher that is still busy gets it all the next time.
    if flusher.isIdle { flusher.flush(try broker.takeUnsynchronized()) }
  }

  // MARK: Connections

  /// Runs what may fail because of one client; then that client alone is dropped.
  private func guarded(_ connection: Connection, _ body: () throws -> Void) {
    do {
      try body()
      watch(connection)
    } catch Connection.Failure.gone {
      drop(connection, reason: nil)
    } catch Connection.Failure.refused(let reason) {
      drop(connection, reason: reason)
    } catch {
      drop(connection, reason: "\(error)")
    }
  }

  /// Has the poller watch for what the connection waits for.
  private func watch(_ connection: Connection) {
    guard connection.interest != connection.watched else { return }
    connection.watched = connection.interest
    poller.change(connection.descriptor, token: connection.id.number, connection.watched)
  }

  private func drop(_ connection: Connection, reason: String?) {
    if let reason { logger.warning("closed a connection", ["host": "\(connection.host)", "reason": "\(reason)"]) }
    broker.connectionClosed(connection.id)
    connections[connection.id] = nil
  }

  private func closeIdle(at now: Instant) {
    guard now.monotonicMs - lastSweepMs >= 10_000 else { return }
    lastSweepMs = now.monotonicMs
    for connection in connections.values
    where !connection.isBusy && now.monotonicMs - connection.lastActiveMs > settings.maxIdleMs {
      drop(connection, reason: nil)
    }
  }
}
