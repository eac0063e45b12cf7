import Domain
import Runtime

/// Writes state to Redis from a thread of its own, so that a slow or dead Redis never holds up the one who has the state. The newest write
/// of a key replaces an older one that still waits. What does not fit is dropped, counted, and asked for again through
/// `onRewriteNeeded`: Redis ends up with the newest state of everything, or with expired keys.
public final class RedisWriter: Sendable {
  /// Keys written at once.
  private static let batchLimit = 512
  /// Between two batches, unless more waits: nobody looks that often, and what changes again meanwhile is written once.
  private static let pauseMilliseconds = 5

  private let url: RedisURL
  private let logger: Logger
  private let queue: LatestValueQueue
  private let onRewriteNeeded: @Sendable () -> Void
  private let written: Counter
  private let refused: Counter
  private let reconnects: Counter
  private let connected: Gauge

  /// Room for `capacity` keys. `onRewriteNeeded` is called on the writer's thread after each connect (Redis may be empty) and after
  /// drops; it must only remind the owner, who then writes all its state again.
  public init(
    _ url: RedisURL, logger: Logger, metrics: Metrics, capacity: Int = 4_096,
    onRewriteNeeded: @escaping @Sendable () -> Void = {}
  ) {
    self.url = url
    self.logger = logger
    self.onRewriteNeeded = onRewriteNeeded
    let queue = LatestValueQueue(
      capacity: capacity,
      coalesced: metrics.counter("apus_redis_coalesced_total", help: "Writes replaced by a newer one of the same key"),
      dropped: metrics.counter("apus_redis_dropped_total", help: "Writes dropped because the queue was full"))
    self.queue = queue
    written = metrics.counter("apus_redis_written_total", help: "Commands that Redis carried out")
    refused = metrics.counter("apus_redis_refused_total", help: "Commands that Redis refused")
    reconnects = metrics.counter("apus_redis_connects_total", help: "Connections made")
    connected = metrics.gauge("apus_redis_connected", help: "1 while connected")
    metrics.gauge("apus_redis_queued", help: "Keys that wait") { Int64(queue.count) }
  }

  /// Queues the commands that bring `key` to its newest state; never waits. `key` only tells which writes replace each other: use
  /// one for each independent fact (such as `orders:open:main/42` for the membership of order 42 in a set).
  public func write(_ key: String, _ commands: RedisCommand...) {
    queue.put(key, commands)
  }

  /// The body of the writer's thread: `service.addThread("redis", wake: writer.wake) { writer.run(until: $0) }`. Returns after `stop`, having
  /// tried once to write what waits.
  public func run(until stop: Latch) {
    var backoff = Backoff(initialMilliseconds: 100, maximumMilliseconds: 5_000)
    var generator = SeededGenerator(seed: UInt64(bitPattern: monotonicNanoseconds()))
    while !stop.isSet {
      do throws(RedisError) {
        let connection = try RedisConnection(url)
        backoff.reset()
        connected.set(1)
        reconnects.add()
        logger.info("connected to Redis")
        onRewriteNeeded()
        try serve(connection, until: stop)
      } catch {
        logger.warning("\(error)")
      }
      connected.set(0)
      stop.wait(timeoutMilliseconds: backoff.nextDelayMilliseconds(using: &generator))
    }
  }

  /// Ends a wait for work; call it after setting the latch given to `run`.
  public func wake() {
    queue.wake()
  }

  private func serve(_ connection: RedisConnection, until stop: Latch) throws(RedisError) {
    while true {
      let isLast = stop.isSet
      let batch = queue.take(limit: Self.batchLimit, timeoutMilliseconds: isLast ? 0 : 1_000)
      if batch.isEmpty {
        if isLast { return }
        // An idle connection that died is noticed here rather than at the next write.
        try connection.command("PING")
        continue
      }
      do throws(RedisError) {
        for write in batch { for command in write.commands { try connection.append(command) } }
        count(try connection.drain())
      } catch {
        // State is written again whole: a command carried out twice does no harm.
        queue.putBack(batch)
        throw error
      }
      if queue.takeDropped() { onRewriteNeeded() }
      if batch.count < Self.batchLimit { stop.wait(timeoutMilliseconds: Self.pauseMilliseconds) }
    }
  }

  private func count(_ replies: [RedisReply]) {
    var firstRefusal: String?
    var refusals: Int64 = 0
    for case .error(let reason) in replies {
      refusals += 1
      firstRefusal = firstRefusal ?? reason
    }
    refused.add(refusals)
    written.add(Int64(replies.count) - refusals)
    if let firstRefusal { logger.error("Redis refused \(refusals) commands: \(firstRefusal)") }
  }
}
