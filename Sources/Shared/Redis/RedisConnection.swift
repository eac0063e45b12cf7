import CHiredis
import Glibc
import Runtime

/// Why a command has no reply.
public enum RedisError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No connection could be made, or it broke, or an answer took too long; the connection is unusable until `reconnect`. Commands
  /// on their way may or may not have been carried out.
  case disconnected(String)
  /// Redis refused the command (or the log-in).
  case refused(String)

  /// In words.
  public var description: String {
    switch self {
    case .disconnected(let reason): "Redis is not reachable: \(reason)"
    case .refused(let reason): "Redis refused: \(reason)"
    }
  }
}

/// A blocking connection to Redis, for one thread. It never reconnects by itself: the caller decides when and how long to wait.
public final class RedisConnection {
  private let url: RedisURL
  private let connectTimeoutMilliseconds: Int
  private let commandTimeoutMilliseconds: Int
  private var context: UnsafeMutablePointer<redisContext>?
  /// Commands appended whose replies were not drained.
  private var pending = 0

  /// Connects, logs in and selects the database. A process that uses Redis must ignore SIGPIPE (`Signals.install` does).
  public init(
    _ url: RedisURL, connectTimeoutMilliseconds: Int = 2_000, commandTimeoutMilliseconds: Int = 2_000
  ) throws(RedisError) {
    self.url = url
    self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
    self.commandTimeoutMilliseconds = commandTimeoutMilliseconds
    try reconnect()
  }

  deinit { redisFree(context) }

  /// False once something went wrong on the wire.
  public var isConnected: Bool { context?.pointee.err == 0 }

  /// Drops the connection, if any, and makes a new one.
  public func reconnect() throws(RedisError) {
    redisFree(context)
    pending = 0
    context = redisConnectWithTimeout(url.host, url.port, time(connectTimeoutMilliseconds))
    guard let context else { throw .disconnected("out of memory") }
    guard context.pointee.err == 0 else { throw broken() }
    redisSetTimeout(context, time(commandTimeoutMilliseconds))
    redisEnableKeepAlive(context)
    if let password = url.password {
      try expectOK(RedisCommand(["AUTH"] + (url.user.map { [$0] } ?? []) + [password.reveal()]))
    }
    if url.database != 0 { try expectOK(RedisCommand("SELECT", String(url.database))) }
  }

  /// Sends one command and waits for its reply. A refusal is thrown.
  @discardableResult
  public func command(_ arguments: String...) throws(RedisError) -> RedisReply {
    try command(RedisCommand(arguments))
  }

  /// Sends one command and waits for its reply. A refusal is thrown.
  @discardableResult
  public func command(_ command: RedisCommand) throws(RedisError) -> RedisReply {
    precondition(pending == 0, "drain the pipeline before a single command")
    try append(command)
    pending = 0
    let reply = try nextReply()
    if case .error(let reason) = reply { throw .refused(reason) }
    return reply
  }

  /// Puts a command into the pipeline; nothing is sent before `drain` or a full buffer.
  public func append(_ command: RedisCommand) throws(RedisError) {
    guard let context, context.pointee.err == 0 else { throw broken() }
    let code = command.encoded.withUnsafeBytes { bytes in
      redisAppendFormattedCommand(context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }
    guard code == REDIS_OK else { throw broken() }
    pending += 1
  }

  /// Sends the pipeline and gives the replies in order. Refusals are among them, since the commands are independent.
  public func drain() throws(RedisError) -> [RedisReply] {
    var replies: [RedisReply] = []
    replies.reserveCapacity(pending)
    while pending > 0 {
      pending -= 1
      replies.append(try nextReply())
    }
    return replies
  }

  private func nextReply() throws(RedisError) -> RedisReply {
    guard let context, context.pointee.err == 0 else { throw broken() }
    var reply: UnsafeMutableRawPointer?
    guard redisGetReply(context, &reply) == REDIS_OK, let reply else { throw broken() }
    defer { freeReplyObject(reply) }
    return RedisReply(reply.assumingMemoryBound(to: redisReply.self).pointee)
  }

  private func expectOK(_ command: RedisCommand) throws(RedisError) {
    _ = try self.command(command)
  }

  private func broken() -> RedisError {
    pending = 0
    guard let context else { return .disconnected("no connection") }
    let text = withUnsafeBytes(of: context.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return .disconnected(text.isEmpty ? "no connection" : text)
  }

  private func time(_ milliseconds: Int) -> timeval {
    timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
  }
}
