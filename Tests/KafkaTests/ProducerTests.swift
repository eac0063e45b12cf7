import Domain
import Kafka
import Runtime
import TestSupport
import Testing

@Suite(.serialized) struct ProducerTests {
  private let cluster: Cluster

  init() throws { cluster = try Cluster() }

  @Test func everyRecordIsReportedInOrderWithItsOffset() throws {
    try cluster.create("t")
    let reports = try cluster.append((0..<5_000).map { "\($0)" }, to: "t")
    #expect(reports.map(\.token) == (0..<5_000).map { UInt64($0) })
    #expect(reports.map(\.offset) == (0..<5_000).map { Int64($0) })
    #expect(reports.allSatisfy { $0.error == nil && $0.topicPartition == TopicPartition("t", 0) })
  }

  @Test func keysGoWhereTheDomainSays() throws {
    try cluster.create("t", partitions: 6)
    let producer = try KafkaProducer(cluster.settings)
    let keys = (0..<300).map { "account-\($0)" }
    for (index, key) in keys.enumerated() {
      #expect(try producer.send(topic: "t", key: Array(key.utf8), value: [], token: UInt64(index)) == .queued)
    }
    var partitions: [UInt64: Int32] = [:]
    #expect(try producer.flush(timeoutMilliseconds: 20_000) { partitions[$0.token] = $0.topicPartition.partition })
    for (index, key) in keys.enumerated() {
      #expect(partitions[UInt64(index)] == Partitioner.partition(forKey: Array(key.utf8), count: 6), "\(key)")
    }
  }

  @Test func nullEmptyAndHeadersArriveAsTheyWere() throws {
    try cluster.create("t")
    let producer = try KafkaProducer(cluster.settings)
    let headers = [KafkaHeader("a", text: "1"), KafkaHeader("a", text: "2"), KafkaHeader("empty", []), KafkaHeader("null", nil)]
    let bytes = (0...255).map { UInt8($0) }
    #expect(try producer.send(topic: "t", partition: 0, key: bytes, value: bytes, headers: headers) == .queued)
    #expect(try producer.send(topic: "t", partition: 0, key: [], value: []) == .queued)
    #expect(try producer.send(topic: "t", partition: 0, key: nil, value: nil) == .queued)
    #expect(try producer.flush(timeoutMilliseconds: 20_000))
    var messages: [KafkaMessage] = []
    try KafkaReader(cluster.settings).readPartition("t", 0) { messages.append($0) }
    try #require(messages.count == 3)
    #expect(messages[0].key == bytes && messages[0].value == bytes && messages[0].headers == headers)
    #expect(messages[0].header("a") == [UInt8(ascii: "2")] && messages[0].header("null") == nil)
    #expect(messages[1].key == [] && messages[1].value == [] && messages[1].headers == [])
    #expect(messages[2].key == nil && messages[2].value == nil)
    #expect(messages[0].timestamp > .zero)
  }

  @Test func recordsOfALaneArriveInOrderWithItsKeyAndNumbers() throws {
    try cluster.create("t")
    let producer = try KafkaProducer(cluster.settings)
    let lane = try KafkaLane(producer, topic: "t", partition: 0, key: Array("k".utf8), headerNames: ("t.in", "t.out"))
    for number in Int64(0)..<2_000 {
      let result = try Array("\(number)".utf8).withUnsafeBufferPointer {
        try lane.send($0, numbers: [number == 0 ? .min : number, -number], token: UInt64(number))
      }
      #expect(result == .queued)
    }
    var tokens: [UInt64] = []
    let deadline = Deadline(afterMilliseconds: 20_000)
    while producer.outstanding > 0, !deadline.isPast {
      _ = try producer.pollTokens(timeoutMilliseconds: 100) { token, error in if error == nil { tokens.append(token) } }
    }
    #expect(tokens == (0..<2_000).map { UInt64($0) })
    var number = Int64(0)
    try KafkaReader(cluster.settings).readPartition("t", 0) { message in
      let first = KafkaHeader("t.in", text: "\(number == 0 ? .min : number)")
      #expect(message.headers == [first, KafkaHeader("t.out", text: "\(-number)")])
      #expect(message.key == Array("k".utf8) && message.value == Array("\(number)".utf8))
      number += 1
    }
    #expect(number == 2_000)
  }

  @Test func aLaneMayBeThereBeforeItsTopic() throws {
    let producer = try KafkaProducer(cluster.settings)
    let lane = try KafkaLane(producer, topic: "later", partition: 0, key: [], headerNames: ("a", "b"))
    #expect(try lane.send(UnsafeBufferPointer(start: nil, count: 0), numbers: [0, 0], token: 3) == .queued)
    _ = try producer.poll(timeoutMilliseconds: 300)
    try cluster.create("later")
    var reports: [DeliveryReport] = []
    #expect(try producer.flush(timeoutMilliseconds: 20_000) { reports.append($0) })
    #expect(reports.map(\.token) == [3] && reports.first?.error == nil)
  }

  @Test func aFullLocalQueueIsBackPressure() throws {
    try cluster.create("t")
    var settings = cluster.settings
    settings.properties = ["queue.buffering.max.messages": "10", "queue.buffering.max.ms": "10000"]
    let producer = try KafkaProducer(settings)
    var results: [SendResult] = []
    for number in 0..<11 { results.append(try producer.send(topic: "t", partition: 0, value: [UInt8(number)])) }
    #expect(results == Array(repeating: .queued, count: 10) + [.queueFull])
  }

  @Test func whatCannotBeDeliveredIsReported() throws {
    var settings = cluster.settings
    settings.bootstrap = "127.0.0.1:\(try freePort())"
    settings.properties = ["message.timeout.ms": "200"]
    let producer = try KafkaProducer(settings)
    #expect(try producer.send(topic: "t", partition: 0, value: [1], token: 7) == .queued)
    var reports: [DeliveryReport] = []
    #expect(try producer.flush(timeoutMilliseconds: 20_000) { reports.append($0) })
    #expect(reports.map(\.token) == [7])
    #expect(reports.first?.error?.name == "_MSG_TIMED_OUT")
  }

  @Test func aRecordThatIsTooLargeIsRefusedAtOnce() throws {
    let producer = try KafkaProducer(cluster.settings)
    let error = #expect(throws: KafkaError.self) {
      try producer.send(topic: "t", partition: 0, value: Array(repeating: 0, count: 2_000_000))
    }
    #expect(error?.name == "MSG_SIZE_TOO_LARGE")
  }

  @Test func aWakeupTellsOfReports() throws {
    try cluster.create("t")
    let producer = try KafkaProducer(cluster.settings)
    let wakeup = try Wakeup()
    producer.attach(wakeup)
    #expect(wakeup.wait(timeoutMilliseconds: 0), "attaching signals once, for what was there before")
    _ = try producer.poll(timeoutMilliseconds: 0)
    _ = try producer.send(topic: "t", partition: 0, value: [1], token: 1)
    var reports: [DeliveryReport] = []
    while reports.isEmpty && wakeup.wait(timeoutMilliseconds: 20_000) { reports += try producer.poll(timeoutMilliseconds: 0) }
    #expect(reports.map(\.token) == [1])
  }

  @Test func aBrokerThatDiesAndReturnsGetsEveryRecordOnce() throws {
    try cluster.create("t")
    let producer = try KafkaProducer(cluster.settings)
    for number in 0..<200 { _ = try producer.send(topic: "t", partition: 0, value: Array("\(number)".utf8)) }
    cluster.server.kill()
    for number in 200..<400 { _ = try producer.send(topic: "t", partition: 0, value: Array("\(number)".utf8)) }
    let second = try LocalKafkaServer(directory: cluster.server.data, port: cluster.server.port)
    var errors: [KafkaError] = []
    #expect(try producer.flush(timeoutMilliseconds: 30_000) { if let error = $0.error { errors.append(error) } })
    #expect(errors == [])
    var values: [String] = []
    try KafkaReader(cluster.settings).readPartition("t", 0) { values.append(String(decoding: $0.value ?? [], as: UTF8.self)) }
    #expect(values == (0..<400).map { "\($0)" })
    second.kill()
  }
}
