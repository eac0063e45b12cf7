import Redis
import Runtime
import TestSupport
import Testing

@Suite struct RedisURLTests {
  @Test func readsEveryPart() throws {
    let url = try #require(RedisURL("redis://me:p%40ss%3Aword@example.org:6380/3"))
    #expect(url.host == "example.org" && url.port == 6380 && url.database == 3)
    #expect(url.user == "me" && url.password?.reveal() == "p@ss:word")
    let short = try #require(RedisURL("redis://:secret@127.0.0.1"))
    #expect(short.port == 6379 && short.database == 0 && short.user == nil && short.password?.reveal() == "secret")
    #expect(RedisURL("redis://host/")?.host == "host")
  }

  @Test(arguments: [
    "", "redis://", "rediss://host", "host:6379", "redis://host:0", "redis://host:65536", "redis://host:x", "redis://host/-1",
    "redis://host/x", "redis://word@host", "redis://:%zz@host", "redis://:%4@host",
  ]) func refusesWhatIsMalformed(text: String) {
    #expect(RedisURL(text) == nil)
  }

  @Test func aWrongURLIsReportedWithoutItsPassword() {
    var configuration = Configuration(environment: ["REDIS_URL": "redis://:hidden@host:x"], arguments: [])
    #expect(RedisURL(configuration: &configuration) == nil)
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    #expect(error?.description.contains("REDIS_URL") == true && error?.description.contains("hidden") == false)
    var silent = Configuration(environment: [:], arguments: [])
    #expect(RedisURL(configuration: &silent)?.port == 6379)
  }
}

@Suite(.serialized) struct RedisConnectionTests {
  private let server: RedisServer
  private let connection: RedisConnection

  init() throws {
    Signals.ignoreBrokenPipes()
    server = try RedisServer()
    // Patient: what is asked here is what the answers are, not how soon they come.
    connection = try RedisConnection(
      try #require(RedisURL(server.url)), connectTimeoutMilliseconds: 30_000, commandTimeoutMilliseconds: 30_000)
  }

  @Test func givesEveryKindOfReply() throws {
    #expect(try connection.command("SET", "k", "v") == .status("OK"))
    #expect(try connection.command("GET", "k") == .bytes(Array("v".utf8)))
    #expect(try connection.command("GET", "absent") == .null)
    #expect(try connection.command("INCR", "n") == .integer(1))
    try connection.command("HSET", "h", "a", "1", "b", "2")
    #expect(try connection.command("HGETALL", "h").pairs == ["a": "1", "b": "2"])
    #expect(try connection.command("MGET", "k", "absent") == .array([.bytes(Array("v".utf8)), .null]))
  }

  @Test func bytesArriveAsTheyAre() throws {
    let bytes = (0...255).map { UInt8($0) }
    try connection.command(.set("binary", bytes, expiresInSeconds: 60))
    #expect(try connection.command("GET", "binary") == .bytes(bytes))
    // Redis rounds what is left, and some of it may be over.
    guard case .integer(let left) = try connection.command("TTL", "binary") else { return #expect(Bool(false), "no number") }
    #expect((30...60).contains(left))
  }

  @Test func aRefusalIsThrownAndTheConnectionLivesOn() throws {
    try connection.command("SET", "k", "v")
    #expect(throws: RedisError.self) { try connection.command("LPUSH", "k", "x") }
    #expect(connection.isConnected)
    #expect(try connection.command("GET", "k").text == "v")
  }

  @Test func aPipelineAnswersInOrderRefusalsIncluded() throws {
    for number in 0..<1_000 { try connection.append(RedisCommand("SET", "k\(number)", "\(number)")) }
    try connection.append(RedisCommand("NOSUCHCOMMAND"))
    try connection.append(RedisCommand("GET", "k999"))
    let replies = try connection.drain()
    #expect(replies.count == 1_002)
    #expect(replies[..<1_000].allSatisfy { $0 == .status("OK") })
    guard case .error = replies[1_000] else { return #expect(Bool(false), "the refusal is missing") }
    #expect(replies[1_001].text == "999")
  }

  @Test func aFrozenServerIsATimeOutNotAWaitForEver() throws {
    let hasty = try RedisConnection(
      try #require(RedisURL(server.url)), connectTimeoutMilliseconds: 30_000, commandTimeoutMilliseconds: 500)
    server.freeze(true)
    defer { server.freeze(false) }
    #expect(throws: RedisError.self) { try hasty.command("PING") }
    #expect(!hasty.isConnected)
  }

  @Test func reconnectsWhenToldTo() throws {
    server.kill()
    #expect(throws: RedisError.self) { try connection.command("PING") }
    #expect(throws: RedisError.self) { try connection.command("PING") }
    #expect(throws: RedisError.self) { try connection.reconnect() }
    let second = try RedisServer(port: server.port)
    try connection.reconnect()
    #expect(try connection.command("PING") == .status("PONG"))
    second.kill()
  }

  @Test func logsInAndSelectsTheDatabase() throws {
    let guarded = try RedisServer(password: "open:sesame@")
    let good = try #require(RedisURL("redis://:open%3Asesame%40@127.0.0.1:\(guarded.port)/2"))
    let connection = try RedisConnection(good, connectTimeoutMilliseconds: 30_000, commandTimeoutMilliseconds: 30_000)
    try connection.command("SET", "k", "v")
    let other = try #require(RedisURL("redis://:open%3Asesame%40@127.0.0.1:\(guarded.port)/0"))
    let beside = try RedisConnection(other, connectTimeoutMilliseconds: 30_000, commandTimeoutMilliseconds: 30_000)
    #expect(try beside.command("GET", "k") == .null)
    let wrong = try #require(RedisURL("redis://:wrong@127.0.0.1:\(guarded.port)"))
    #expect(throws: RedisError.self) { try RedisConnection(wrong) }
  }
}
