import Kafka
import Runtime
import TestSupport
import Testing

@Suite(.serialized) struct AdminTests {
  private let cluster: Cluster
  private let admin: KafkaAdmin

  init() throws {
    cluster = try Cluster()
    admin = try KafkaAdmin(cluster.settings)
  }

  @Test func topicsAreCreatedOnce() throws {
    let wanted = [
      KafkaTopicSpecification("orders", partitionCount: 6, settings: ["message.timestamp.type": "LogAppendTime"]),
      KafkaTopicSpecification("limits", partitionCount: 1, settings: ["cleanup.policy": "compact"]),
    ]
    try admin.createTopics(wanted)
    try admin.createTopics(wanted)
    let topics = try admin.listTopics().sorted { $0.name < $1.name }
    #expect(topics.map(\.name) == ["limits", "orders"] && topics.map(\.partitionCount) == [1, 6])
    let consumer = try KafkaConsumer(manual: cluster.settings)
    #expect(try consumer.partitionCount(of: "orders") == 6)
    #expect(try consumer.partitionCount(of: "nothing") == nil)
    try cluster.append(["x"], to: "orders")
    try KafkaReader(cluster.settings).readPartition("orders", 0) { #expect($0.timestampType == .logAppendTime) }
  }

  @Test func anotherNumberOfPartitionsIsAnError() throws {
    try admin.createTopics([KafkaTopicSpecification("t", partitionCount: 2)])
    let error = #expect(throws: KafkaError.self) {
      try admin.createTopics([KafkaTopicSpecification("t", partitionCount: 3)])
    }
    #expect(error?.name == "INVALID_PARTITIONS")
  }

  @Test func aProgramMayStartBeforeItsBroker() throws {
    let logger = Logger(service: "Test", level: .critical, format: .text, descriptor: -1)
    let wanted = [KafkaTopicSpecification("t", partitionCount: 2)]
    cluster.server.kill()
    let (settings, stop, done) = (cluster.settings, Latch(), Latch())
    let thread = try NamedThread("admin") {
      if (try? KafkaAdmin(settings).createTopics(wanted, until: stop, logger: logger)) == true { done.set() }
    }
    let second = try LocalKafkaServer(directory: cluster.server.data, port: cluster.server.port)
    #expect(done.wait(timeoutMilliseconds: 30_000))
    #expect(thread.join(timeoutMilliseconds: 10_000))
    let other = [KafkaTopicSpecification("t", partitionCount: 3)]
    #expect(throws: KafkaError.self) { try KafkaAdmin(settings).createTopics(other, until: stop, logger: logger) }
    second.kill()
    stop.set()
    #expect(try KafkaAdmin(settings).createTopics(wanted, until: stop, logger: logger) == false)
  }

  @Test func severalProcessesMayCreateTheSameTopics() throws {
    let outcomes = BoundedQueue<Bool>(capacity: 4)
    let settings = cluster.settings
    let threads = try (0..<4).map { _ in
      try NamedThread("admin") {
        let wanted = (0..<5).map { KafkaTopicSpecification("t\($0)", partitionCount: 2) }
        outcomes.push((try? KafkaAdmin(settings).createTopics(wanted)) != nil)
      }
    }
    for thread in threads { #expect(thread.join(timeoutMilliseconds: 60_000)) }
    #expect(outcomes.popAll() == [true, true, true, true])
  }

  @Test func waitingForATopicThatNobodyMakesEnds() throws {
    let error = #expect(throws: KafkaError.self) { try admin.waitForTopics(["nothing"], timeoutMilliseconds: 300) }
    #expect(error?.name == "_TIMED_OUT" && error?.reason.contains("nothing") == true)
  }

  @Test func aWrongPropertyIsSaidAtOnce() {
    var settings = cluster.settings
    settings.properties = ["no.such.property": "x"]
    let error = #expect(throws: KafkaError.self) { try KafkaProducer(settings) }
    #expect(error?.reason.contains("no.such.property") == true)
  }
}
