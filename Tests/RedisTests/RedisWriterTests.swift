import Domain
import Glibc
import Runtime
import TestSupport
import Testing

@testable import Redis

@Suite struct LatestValueQueueTests {
  private func queue(_ capacity: Int) -> (LatestValueQueue, coalesced: Counter, dropped: Counter) {
    let (coalesced, dropped) = (Counter(), Counter())
    return (LatestValueQueue(capacity: capacity, coalesced: coalesced, dropped: dropped), coalesced, dropped)
  }

  private func command(_ number: Int) -> [RedisCommand] { [RedisCommand("N", "\(number)")] }

  @Test func theNewestValueWinsAndKeepsItsPlace() {
    let (queue, coalesced, _) = queue(10)
    queue.put("a", command(1))
    queue.put("b", command(2))
    queue.put("a", command(3))
    #expect(queue.take(limit: 10, timeoutMilliseconds: 0).map(\.key) == ["a", "b"])
    #expect(coalesced.value == 1)
  }

  @Test func whatDoesNotFitIsCountedAndRemembered() {
    let (queue, _, dropped) = queue(1)
    queue.put("a", command(1))
    queue.put("b", command(2))
    #expect(dropped.value == 1 && queue.count == 1)
    #expect(queue.takeDropped() && !queue.takeDropped())
  }

  @Test func aReturnedWriteGoesFirstUnlessANewerOneWaits() {
    let (queue, _, _) = queue(10)
    queue.put("a", command(1))
    queue.put("b", command(1))
    let taken = queue.take(limit: 10, timeoutMilliseconds: 0)
    queue.put("c", command(1))
    queue.put("b", command(2))
    queue.putBack(taken)
    let writes = queue.take(limit: 10, timeoutMilliseconds: 0)
    #expect(writes.map(\.key) == ["a", "c", "b"])
    #expect(writes[2].commands == command(2))
  }

  /// Against a model: a dictionary of the newest values and an array of the keys' order.
  @Test(arguments: [1, 2, 3, 99] as [UInt64]) func behavesLikeTheNaiveModel(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let (queue, _, _) = queue(8)
    var order: [String] = []
    var values: [String: [RedisCommand]] = [:]
    for step in 0..<5_000 {
      if Int.random(in: 0..<4, using: &generator) > 0 {
        let key = "k\(Int.random(in: 0..<12, using: &generator))"
        queue.put(key, command(step))
        if values[key] == nil && values.count < 8 { order.append(key) }
        if values[key] != nil || values.count < 8 { values[key] = command(step) }
      } else {
        let limit = Int.random(in: 1...5, using: &generator)
        let expected = order.prefix(limit).map { LatestValueQueue.Write(key: $0, commands: values[$0] ?? []) }
        #expect(queue.take(limit: limit, timeoutMilliseconds: 0) == expected, "seed \(seed) step \(step)")
        for write in expected { values[write.key] = nil }
        order.removeFirst(expected.count)
      }
      #expect(queue.count == values.count, "seed \(seed) step \(step)")
    }
  }
}

@Suite(.serialized) struct RedisWriterTests {
  private let logger = Logger(service: "Test", level: .critical, format: .text, descriptor: -1)

  private func get(_ server: RedisServer, _ key: String) -> String? {
    guard let url = RedisURL(server.url), let connection = try? RedisConnection(url) else { return nil }
    return try? connection.command("GET", key).text
  }

  @Test func theNewestStateArrivesAlsoAfterAnOutage() throws {
    Signals.ignoreBrokenPipes()
    let server = try RedisServer()
    let rewrites = Counter()
    let metrics = Metrics()
    let writer = RedisWriter(try #require(RedisURL(server.url)), logger: logger, metrics: metrics) { rewrites.add() }
    let stop = Latch()
    let thread = try NamedThread("redis") { writer.run(until: stop) }
    defer {
      stop.set()
      writer.wake()
      #expect(thread.join(timeoutMilliseconds: 20_000))
    }

    writer.write("k", RedisCommand("SET", "k", "1"))
    #expect(waitUntil(timeoutMilliseconds: 30_000) { get(server, "k") == "1" })
    // Once for each connection: a machine that stands still for seconds may cost one more.
    let connects = metrics.counter("apus_redis_connects_total", help: "")
    let before = rewrites.value
    #expect(before >= 1 && before == connects.value)

    server.kill()
    for number in 2...50 { writer.write("k", RedisCommand("SET", "k", "\(number)")) }
    let second = try RedisServer(port: server.port)
    #expect(waitUntil(timeoutMilliseconds: 30_000) { get(second, "k") == "50" })
    let after = rewrites.value
    #expect(after > before && after == connects.value, "after a reconnect the owner is asked for everything")
    second.kill()
  }

  @Test func whatWaitsIsWrittenBeforeTheEnd() throws {
    let server = try RedisServer()
    let writer = RedisWriter(try #require(RedisURL(server.url)), logger: logger, metrics: Metrics())
    let stop = Latch()
    let thread = try NamedThread("redis") { writer.run(until: stop) }
    for number in 0..<2_000 { writer.write("k\(number)", RedisCommand("SET", "k\(number)", "x")) }
    // Connected is enough: what waits must go out although the stop is asked for.
    #expect(waitUntil(timeoutMilliseconds: 30_000) { get(server, "k0") == "x" })
    stop.set()
    writer.wake()
    #expect(thread.join(timeoutMilliseconds: 20_000))
    #expect(waitUntil(timeoutMilliseconds: 30_000) { get(server, "k1999") == "x" })
  }

  @Test func aDeadRedisHoldsUpNobody() throws {
    let metrics = Metrics()
    let writer = RedisWriter(try #require(RedisURL("redis://127.0.0.1:1")), logger: logger, metrics: metrics, capacity: 10)
    for number in 0..<100 { writer.write("k\(number)", RedisCommand("SET", "k", "x")) }
    #expect(metrics.counter("apus_redis_dropped_total", help: "").value == 90)
  }
}
