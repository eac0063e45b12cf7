import Domain
import Kafka
import Postgres
import ReconcilerCore
import Runtime
import TestSupport
import Testing
import Wire

@testable import Reconciler

/// The projecting thread between a real broker and a real PostgreSQL.
@Suite(.serialized) struct ProjectorTests {
  /// A projector on a thread of its own, as the program runs it.
  private final class Running {
    let health = Health()
    private let stop = Latch()
    private let thread: NamedThread

    init(_ kafka: LocalKafkaServer, _ database: Secret) throws {
      let environment = [
        "KAFKA_BOOTSTRAP": kafka.bootstrap, "DATABASE_URL": database.reveal(),
        "APUS_MIGRATIONS": "\(Places.packageRoot)/deploy/migrations", "APUS_ACCOUNT_PARTITIONS": "2",
      ]
      var configuration = Configuration(environment: environment, arguments: [])
      let logger = Logger(service: "test", level: .critical)
      let settings = ReconcilerSettings(&configuration, logger: logger)
      try configuration.check()
      let metrics = Metrics()
      let outbox = try Outbox(settings.kafka, logger: logger, metrics: metrics)
      let (health, stop) = (self.health, self.stop)
      thread = try NamedThread("projector") {
        do {
          let projector = try Projector(
            settings: settings, outbox: outbox, ownership: Ownership(), health: health, metrics: metrics, logger: logger)
          try projector.run(until: stop)
        } catch {
          Issue.record("the projector ended: \(error)")
        }
      }
    }

    deinit {
      stop.set()
      if !thread.join(timeoutMilliseconds: 30_000) { Issue.record("the projector did not stop in time") }
    }
  }

  private func makeTopics(_ kafka: LocalKafkaServer) throws {
    let admin = try KafkaAdmin(KafkaSettings(bootstrap: kafka.bootstrap, clientID: "test"))
    try admin.createTopics(
      Topic.layouts(accountPartitions: 2).map { KafkaTopicSpecification($0.name, partitionCount: $0.partitions) })
  }

  /// The partition's owners take it, at offset 0.
  private func mark(by producer: KafkaProducer) throws {
    for topic in [Topic.approved, Topic.executions] {
      _ = try producer.send(topic: topic, partition: 1, value: EpochMarker(epoch: -1, owner: "ordermanager/test").encoded())
    }
  }

  private let epoch = [KafkaHeader("epoch", Array("0".utf8))]

  private func send(_ orders: Range<Int>, by producer: KafkaProducer) throws {
    for number in orders {
      let id = "o\(number)"
      let events = [
        Sample.event(id, .submitting), Sample.event(id, .open),
        Sample.event(id, .filled, filled: "0.25", trade: String(number), of: "0.25"),
      ]
      _ = try producer.send(topic: Topic.approved, partition: 1, value: Sample.approval(id).encoded(), headers: epoch)
      for event in events {
        let value = ExecutionRecord.order(event).encoded()
        _ = try producer.send(topic: Topic.executions, partition: 1, value: value, headers: epoch)
      }
    }
    #expect(try producer.flush(timeoutMilliseconds: 30_000))
  }

  private func count(_ database: Secret, _ sql: String) -> Int? {
    guard let connection = try? PostgresConnection(database, applicationName: "test") else { return nil }
    return (try? connection.query(sql))?.rows.first?[0].flatMap { Int($0) }
  }

  private func filledOrders(_ database: Secret) -> Int? {
    count(database, "SELECT count(*) FROM orders WHERE status = 'filled' AND approved_offset IS NOT NULL")
  }

  @Test func nothingIsLostOrDoubledWhileServersAndTheProcessRestart() throws {
    let kafka = try LocalKafkaServer()
    let postgres = try PostgresServer()
    let database = Secret(postgres.url())
    try makeTopics(kafka)
    let producer = try KafkaProducer(KafkaSettings(bootstrap: kafka.bootstrap, clientID: "test"))
    try mark(by: producer)
    try send(0..<200, by: producer)
    do {
      let running = try Running(kafka, database)
      #expect(waitUntil(timeoutMilliseconds: 60_000) { filledOrders(database) == 200 })
      postgres.stop()
      try send(200..<400, by: producer)
      #expect(waitUntil(timeoutMilliseconds: 60_000) { !running.health.isHealthy })
      try postgres.start()
      #expect(waitUntil(timeoutMilliseconds: 60_000) { filledOrders(database) == 400 && running.health.isHealthy })
      try send(400..<500, by: producer)
    }
    let running = try Running(kafka, database)
    #expect(waitUntil(timeoutMilliseconds: 60_000) { filledOrders(database) == 500 && running.health.isHealthy })
    #expect(count(database, "SELECT count(*) FROM fills") == 500)
    #expect(count(database, "SELECT count(*) FROM order_events") == 2_000)
  }

  @Test func whatCannotBeReadOrStoredBecomesADeadLetter() throws {
    let kafka = try LocalKafkaServer()
    let postgres = try PostgresServer()
    let database = Secret(postgres.url())
    try makeTopics(kafka)
    let producer = try KafkaProducer(KafkaSettings(bootstrap: kafka.bootstrap, clientID: "test"))
    try mark(by: producer)
    _ = try producer.send(topic: Topic.executions, partition: 1, value: nil)
    _ = try producer.send(topic: Topic.executions, partition: 1, value: Array("no json".utf8))
    // jsonb cannot hold such a number, though the record is legal.
    let text = String(decoding: ExecutionRecord.order(Sample.event("huge", .open)).encoded(), as: UTF8.self)
    let huge = Array((text.dropLast() + ",\"more\":1e999999}").utf8)
    _ = try producer.send(topic: Topic.executions, partition: 1, value: huge, headers: epoch)
    let strange = ExecutionRecord.order(Sample.event("strange", .open)).encoded()
    _ = try producer.send(topic: Topic.executions, partition: 1, value: strange)
    try send(0..<1, by: producer)
    let running = try Running(kafka, database)
    #expect(waitUntil(timeoutMilliseconds: 60_000) { filledOrders(database) == 1 && running.health.isHealthy })
    // A letter may come twice, never not at all.
    var codes: [Int64: RejectionCode] = [:]
    try KafkaReader(KafkaSettings(bootstrap: kafka.bootstrap, clientID: "test")).readPartition(Topic.deadLetters, 0) {
      let letter = try DeadLetter($0.value ?? [])
      codes[letter.source.offset] = letter.code
    }
    #expect(codes == [1: .malformed, 2: .malformed, 3: .outOfRange, 4: .unfenced])
  }
}
