import Kafka
import Net
import Runtime
import Synchronization
import Wire

/// Puts the parts of this program together.
struct ReconcilerProgram {
  let settings: ReconcilerSettings
  let logger: Logger

  func add(to service: Service) throws {
    let settings = settings
    let logger = logger
    let health = Health()
    let metrics = Metrics()
    let ownership = Ownership()
    let outbox = try Outbox(settings.kafka, logger: logger, metrics: metrics)
    addHealth(to: service, health: health, metrics: metrics)
    service.addThread("outbox") { stop in try outbox.run(until: stop) }
    health.set("kafka", .unhealthy("joining the group"))
    service.addThread("projector") { stop in
      guard try createTopics(until: stop) else { return }
      let projector = try Projector(
        settings: settings, outbox: outbox, ownership: ownership, health: health, metrics: metrics, logger: logger)
      try projector.run(until: stop)
    }
  }

  private func addHealth(to service: Service, health: Health, metrics: Metrics) {
    let settings = settings
    let running = Mutex<HealthServer?>(nil)
    let cell = ServerCell(running)
    service.add(
      "health",
      start: {
        let server = try HealthServer(settings.health, health: health, metrics: metrics)
        cell.server.withLock { $0 = server }
      },
      stop: { cell.server.withLock { $0 }?.shutDown() })
  }

  /// Tries until the broker is there; false when told to stop first.
  private func createTopics(until stop: Latch) throws -> Bool {
    let admin = try KafkaAdmin(settings.kafka)
    let topics = Topic.layouts(accountPartitions: settings.accountPartitions).map { layout in
      KafkaTopicSpecification(
        layout.name, partitionCount: layout.partitions,
        settings: Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last }))
    }
    var backoff = Backoff(initialMilliseconds: 200, maximumMilliseconds: 5_000)
    var generator = SystemRandomNumberGenerator()
    while !stop.isSet {
      do {
        try admin.createTopics(topics, timeoutMilliseconds: 2_000)
        return true
      } catch {
        logger.warning("the topics cannot be created yet", ["error": .init(describing: error)])
        stop.wait(timeoutMilliseconds: backoff.nextDelayMilliseconds(using: &generator))
      }
    }
    return false
  }
}

/// Where the running health server is kept for the one who stops it.
private final class ServerCell: Sendable {
  let server: Mutex<HealthServer?>

  init(_ server: consuming Mutex<HealthServer?>) {
    self.server = server
  }
}
