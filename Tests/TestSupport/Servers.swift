import Glibc
import Runtime
import Synchronization

/// A Redis of one's own on a free port, without persistence.
public final class RedisServer: Sendable {
  /// The port on 127.0.0.1.
  public let port: Int
  private let process: ChildProcess

  /// Starts the server (on a given port, to play a restart) and waits until it listens.
  public init(port: Int? = nil, password: String? = nil) throws {
    self.port = try port ?? freePort()
    var arguments = ["--port", "\(self.port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    if let password { arguments += ["--requirepass", password] }
    process = try ChildProcess("redis-server", arguments)
    try process.waitUntilListening(on: self.port, name: "redis-server")
  }

  /// `redis://127.0.0.1:port`.
  public var url: String { "redis://127.0.0.1:\(port)" }

  /// Ends the server by SIGKILL, as a crash would.
  public func kill() {
    process.stop(signal: SIGKILL)
  }

  /// Stops the server in its tracks, or lets it go on: a peer that hangs.
  public func freeze(_ frozen: Bool) {
    process.freeze(frozen)
  }
}

/// A PostgreSQL cluster of one's own on a free port. Making one takes seconds: share it within a suite.
public final class PostgresServer: Sendable {
  /// The port on 127.0.0.1.
  public let port: Int
  private let process: Mutex<ChildProcess>
  private let directory: TemporaryDirectory
  private let data: String
  private static let binaries = "/usr/lib/postgresql/15/bin"

  /// Makes a cluster, starts the server and waits until it is ready. As root both run as the user `postgres`.
  public init() throws {
    port = try freePort()
    directory = try TemporaryDirectory()
    data = try directory.makeDirectory("data", ownedBy: "postgres")
    let options = ["-D", data, "-U", "apus", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    let maker = try ChildProcess("\(Self.binaries)/initdb", options, user: "postgres")
    guard maker.wait(timeoutMilliseconds: 60_000) == 0 else { throw TestSupportError("initdb failed: \(maker.output)") }
    process = Mutex(try Self.start(data: data, port: port))
  }

  deinit { stop() }

  /// The URL of a database of the cluster.
  public func url(database: String = "postgres") -> String { "postgresql://apus@127.0.0.1:\(port)/\(database)" }

  /// Ends the server in haste, cutting every connection; `start` brings it back with its data.
  public func stop() {
    _ = process.withLock { $0.stop(signal: SIGINT, timeoutMilliseconds: 30_000) }
  }

  /// Starts the server again after `stop`.
  public func start() throws {
    try process.withLock { $0 = try Self.start(data: data, port: port) }
  }

  private static func start(data: String, port: Int) throws -> ChildProcess {
    let settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "port=\(port)"]
    let process = try ChildProcess(
      "\(binaries)/postgres", ["-D", data] + settings.flatMap { ["-c", $0] }, user: "postgres", endSignal: SIGINT)
    try process.waitUntilListening(on: port, name: "postgres")
    // It listens before it is ready.
    let isReady = waitUntil(timeoutMilliseconds: 30_000) { process.output.contains("ready to accept connections") }
    guard isReady else { throw TestSupportError("postgres does not get ready: \(process.output)") }
    return process
  }
}

/// A LocalKafka of one's own on a free port.
public final class LocalKafkaServer: Sendable {
  /// The port on 127.0.0.1.
  public let port: Int
  private let process: ChildProcess
  private let directory: TemporaryDirectory

  /// Starts the broker and waits until it listens. `directory` and `port` of an earlier one play a restart; `sync` is when what it took must
  /// be on the medium.
  public init(directory: TemporaryDirectory? = nil, port: Int? = nil, sync: String = "never") throws {
    self.port = try port ?? freePort()
    self.directory = try directory ?? TemporaryDirectory()
    let arguments = ["--data-dir", self.directory.path, "--listen", "127.0.0.1:\(self.port)", "--fsync", sync]
    process = try ChildProcess(try Places.executable("LocalKafka"), arguments)
    try process.waitUntilListening(on: self.port, name: "LocalKafka")
  }

  /// `127.0.0.1:port`.
  public var bootstrap: String { "127.0.0.1:\(port)" }

  /// The broker's process.
  public var processID: pid_t { process.processID }

  /// Where the broker keeps its log.
  public var data: TemporaryDirectory { directory }

  /// Stops the broker in its tracks, or lets it go on: a peer that hangs.
  public func freeze(_ frozen: Bool) {
    process.freeze(frozen)
  }

  /// Ends the broker by SIGKILL, as a crash would.
  public func kill() {
    process.stop(signal: SIGKILL)
  }
}

extension ChildProcess {
  /// Waits until the program accepts connections; throws with its output when it ends or takes longer than 30 s.
  public func waitUntilListening(on port: Int, name: String) throws {
    let listens = waitUntil(timeoutMilliseconds: 30_000) { isListening(port: port) || !isRunning }
    guard listens && isRunning else { throw TestSupportError("\(name) does not listen on port \(port): \(output)") }
  }
}
