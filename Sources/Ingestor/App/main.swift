import Glibc
import IngestorCore
import Kafka
import Net
import Redis
import Runtime

// Follows the venues' books and writes them to Kafka and Redis.
var configuration = Configuration(
  environment: translatingHarness(processEnvironment()), arguments: Array(CommandLine.arguments.dropFirst()))
let logger = Logger(service: "Ingestor", configuration: &configuration)
let settings = IngestorConfiguration(&configuration, logger: logger)
configuration.finish(program: "Ingestor")
guard let redisURL = settings.redis else {
  preconditionFailure("a configuration without problems is complete")
}
Signals.ignoreBrokenPipes()

do {
  let service = try Service(logger: logger)
  let health = Health()
  let metrics = Metrics()
  let inbox = Inbox()
  let server = try HealthServer(settings.health, health: health, metrics: metrics)
  service.add("health", start: { logger.info("health on port \(server.port)") }, stop: { server.shutDown() })

  let redis = RedisWriter(
    redisURL, logger: logger, metrics: metrics, onRewriteNeeded: { inbox.offer(.stateForgotten, at: .now()) })
  service.addThread("redis", wake: redis.wake) { redis.run(until: $0) }

  let topics = settings.core.feeds.map { FeedTopics($0, bookTopic: settings.bookTopic) }
  let outlet = try RecordOutlet(settings.kafka, topics: topics, health: health, metrics: metrics, logger: logger)
  service.addThread("kafka", wake: outlet.wake) { try outlet.run(until: $0) }

  let network = try VenueNetwork(settings.endpoints, traffic: settings.traffic, inbox: inbox, metrics: metrics)
  service.add("network", start: {}, stop: { network.shutDown() })

  let shell = IngestorShell(
    settings.core, network: network, outlet: outlet, redis: redis, inbox: inbox, health: health, metrics: metrics, logger: logger)
  service.addThread("ingestor", wake: inbox.wake) { try shell.run(until: $0) }
  exit(service.run())
} catch {
  logger.critical("cannot start: \(error)")
  exit(70)
}
