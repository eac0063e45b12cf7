import Glibc
import Kafka
import Net
import Runtime
import StrategyCore

// Runs one strategy, or none when none is asked for.
var configuration = Configuration.ofProcess()
let logger = Logger(service: "strategy", configuration: &configuration)
let settings = StrategySettings(&configuration, logger: logger)
configuration.finish(program: "Strategy")

do {
  let service = try Service(logger: logger)
  let health = Health()
  let metrics = Metrics()
  service.add("health") {
    let server = try HealthServer(settings.health, health: health, metrics: metrics)
    return { server.shutDown() }
  }
  if let name = settings.name {
    health.set("strategy", .unhealthy("waiting for the topics"))
    service.addThread("strategy") { stop in
      guard try KafkaAdmin(settings.kafka).createTopics(settings.topics, until: stop, logger: logger) else { return }
      try StrategyRunner(settings, name: name, health: health, metrics: metrics, logger: logger).run(until: stop)
    }
  } else {
    health.set("strategy", .healthy)
    logger.info("no strategy is asked for: idle")
  }
  exit(service.run())
} catch {
  logger.critical("Strategy cannot start: \(error)")
  exit(70)
}
