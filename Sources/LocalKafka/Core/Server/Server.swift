import Glibc

/// When what was acknowledged has to be on the medium. Surviving SIGKILL needs none of it: the kernel has the bytes.
public enum SyncPolicy: Equatable, Sendable {
  /// Before every acknowledgement; those of one turn of the loop share one `fdatasync` a log.
  case always
  /// Every so many milliseconds: a power cut loses at most that much.
  case interval(milliseconds: Int64)
  /// When segments are sealed and at shutdown; else whenever the kernel likes (Kafka's own default).
  case never
}

/// What an operator may choose about a server.
public struct ServerConfig: Sendable {
  /// IPv4 address to listen on.
  public var host = "127.0.0.1"
  /// Port to listen on; 0 takes a free one.
  public var port: UInt16 = 0
  /// Where clients are told to connect; nil: where it listens.
  public var advertised: (host: String, port: UInt16)?
  /// When data is brought to the medium.
  public var sync = SyncPolicy.interval(milliseconds: 1000)
  /// Clients at once.
  public var maxConnections = 1000
  /// Bytes of the largest request.
  public var maxFrameBytes = 16 * 1024 * 1024
  /// A connection without a request for this long is closed, in milliseconds (Kafka's `connections.max.idle.ms`).
  public var maxIdleMs: Int64 = 600_000
  /// The broker behind it.
  public var broker: BrokerConfig
  /// Takes one line for each event worth knowing.
  public var log: @Sendable (String) -> Void = { _ in }

  /// Everything by default, on a free port.
  public init(broker: BrokerConfig) { self.broker = broker }
}

/// A broker on a socket: one thread that runs one `poll` loop.
public final class Server {
  /// Where it listens.
  public var port: UInt16 { listener.port }

  private let config: ServerConfig
  private let listener: Listener
  private let broker: Broker
  /// Its reading end becomes readable when the loop has to end.
  private let stopPipe: (read: Int32, write: Int32)
  private var connections: [ConnectionID: Connection] = [:]
  private var lastConnection: UInt64 = 0
  private var isStopping = false
  private var lastSyncMs: Int64
  private var lastSweepMs: Int64
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

  /// Opens the data directory and begins to listen; nobody is served before `run`.
  public init(_ config: ServerConfig) throws {
    self.config = config
    listener = try Listener(host: config.host, port: config.port)
    var brokerConfig = config.broker
    brokerConfig.advertisedHost = config.advertised?.host ?? config.host
    brokerConfig.advertisedPort = config.advertised?.port ?? listener.port
    let now = Self.now()
    broker = try Broker(config: brokerConfig, nonce: UInt64.random(in: 0...UInt64.max), at: now)
    lastSyncMs = now.monotonicMs
    lastSweepMs = now.monotonicMs
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SocketError("pipe") }
    stopPipe = (ends[0], ends[1])
    for repair in broker.repairs { config.log(repair) }
  }

  deinit {
    close(stopPipe.read)
    close(stopPipe.write)
    scratch.deallocate()
  }

  /// A function that ends `run` from any thread or signal handler; it must not be called once the server is gone.
  public var stop: @Sendable () -> Void {
    let descriptor = stopPipe.write
    return {
      var wake: UInt8 = 1
      _ = write(descriptor, &wake, 1)
    }
  }

  /// Serves until `stop`, then seals the logs.
  public func run() throws {
    while !isStopping {
      let watched = connections.values.map { ($0, pollfd(fd: $0.descriptor, events: $0.interest, revents: 0)) }
      var polled = watched.map(\.1)
      polled.append(pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0))
      polled.append(pollfd(fd: stopPipe.read, events: Int16(POLLIN), revents: 0))
      let count = poll(&polled, nfds_t(polled.count), timeout(at: Self.now()))
      guard count >= 0 || errno == EINTR else { throw SocketError("poll") }
      let now = Self.now()
      for (index, (connection, _)) in watched.enumerated() where polled[index].revents != 0 {
        handle(connection, polled[index].revents, at: now)
      }
      if polled[watched.count].revents != 0 { acceptAll(at: now) }
      if polled[watched.count + 1].revents != 0 { isStopping = true }
      try broker.tick(at: now)
      try deliver(at: now)
      try synchronizeIfDue(at: now)
      closeIdle(at: now)
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

  private func timeout(at now: Instant) -> Int32 {
    var deadline = broker.nextDeadlineMs
    if case .interval(let pause) = config.sync, broker.needsSynchronization { deadline = min(deadline, lastSyncMs + pause) }
    return Int32(clamping: min(max(deadline - now.monotonicMs, 0), 60_000))
  }

  private func handle(_ connection: Connection, _ happened: Int16, at now: Instant) {
    guarded(connection) {
      if happened & Int16(POLLOUT) != 0 { try connection.flush() }
      if happened & Int16(POLLIN) != 0 {
        try connection.receive(through: scratch)
      } else if happened & (Int16(POLLERR) | Int16(POLLHUP)) != 0 {
        throw Connection.Failure.gone
      }
      try serve(connection, at: now)
    }
  }

  private func acceptAll(at now: Instant) {
    while let (descriptor, host) = listener.accept() {
      guard connections.count < config.maxConnections else {
        close(descriptor)
        config.log("refused a connection from \(host): \(config.maxConnections) are open")
        continue
      }
      lastConnection += 1
      let connection = Connection(
        id: ConnectionID(lastConnection), descriptor: descriptor, host: host, nowMs: now.monotonicMs)
      connections[connection.id] = connection
    }
  }

  /// Hands the broker the connection's next request unless one is there still.
  private func serve(_ connection: Connection, at now: Instant) throws {
    if !connection.isBusy, !connection.hasUnsent, let frame = try connection.nextFrame(maxBytes: config.maxFrameBytes) {
      connection.isBusy = true
      connection.lastActiveMs = now.monotonicMs
      broker.handle(frame, from: connection.id, host: connection.host, at: now)
    }
  }

  /// Sends the broker's answers; an answered connection's next request may bring further ones.
  private func deliver(at now: Instant) throws {
    while true {
      if config.sync == .always { try broker.synchronize() }
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
    guard case .interval(let pause) = config.sync, now.monotonicMs - lastSyncMs >= pause else { return }
    lastSyncMs = now.monotonicMs
    try broker.synchronize()
  }

  // MARK: Connections

  /// Runs what may fail because of one client; then that client alone is dropped.
  private func guarded(_ connection: Connection, _ body: () throws -> Void) {
    do {
      try body()
    } catch Connection.Failure.gone {
      drop(connection, reason: nil)
    } catch Connection.Failure.refused(let reason) {
      drop(connection, reason: reason)
    } catch {
      drop(connection, reason: "\(error)")
    }
  }

  private func drop(_ connection: Connection, reason: String?) {
    if let reason { config.log("closed the connection from \(connection.host): \(reason)") }
    broker.connectionClosed(connection.id)
    connections[connection.id] = nil
  }

  private func closeIdle(at now: Instant) {
    guard now.monotonicMs - lastSweepMs >= 10_000 else { return }
    lastSweepMs = now.monotonicMs
    for connection in connections.values where !connection.isBusy && now.monotonicMs - connection.lastActiveMs > config.maxIdleMs
    {
      drop(connection, reason: nil)
    }
  }
}
