import Kafka
import Net
import Runtime
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
    service.add("health") {
      let server = try HealthServer(settings.health, health: health, metrics: metrics)
      return { server.shutDown() }
    }
    service.addThread("outbox") { stop in try outbox.run(until: stop) }
    health.set("kafka", .unhealthy("joining the group"))
    service.addThread("projector") { stop in
      guard try KafkaAdmin(settings.kafka).createTopics(settings.topics, until: stop, logger: logger) else { return }
      let projector = try Projector(
        settings: settings, outbox: outbox, ownership: ownership, health: health, metrics: metrics, logger: logger)
      try projector.run(until: stop)
    }
    guard !settings.venue.accounts.isEmpty else {
      return logger.warning("no account has keys: the log is projected, nothing is compared with a venue")
    }
    service.addThread("reconciler") { stop in
      let runner = try RoundRunner(
        settings: settings, outbox: outbox, ownership: ownership, metrics: metrics, logger: logger, stop: stop)
      try runner.run()
    }
  }
}
