import Domain
import Glibc
import Kafka
import Net
import OrderManagerCore
import Redis
import Runtime
import Wire

// Carries approved orders to the venues and says what became of them.
var configuration = Configuration.ofProcess()
let logger = Logger(service: "OrderManager", configuration: &configuration)
let settings = OrderManagerConfiguration(&configuration, logger: logger)
configuration.finish(program: "OrderManager")
guard let redisURL = settings.redis else {
  preconditionFailure("a configuration without problems is complete")
}

do {
  let service = try Service(logger: logger, isPrompt: true)
  let health = Health()
  let metrics = Metrics()
  let inbox = try Inbox()
  let server = try HealthServer(settings.health, health: health, metrics: metrics)
  service.add("health", start: { logger.info("health on port \(server.port)") }, stop: { server.shutDown() })
  for route in settings.keyless { logger.warning("no keys for \(route): orders there are refused") }

  let redis = RedisWriter(redisURL, logger: logger, metrics: metrics, onRewriteNeeded: { inbox.offer(.redisLost) })
  service.addThread("redis", wake: redis.wake) { redis.run(until: $0) }

  let gateway = try VenueGateway(
    settings.endpoints, settings.accountsWithKeys, traffic: settings.traffic, inbox: inbox,
    clock: SteadyClock(logger: logger, metrics: metrics),
    metrics: metrics)
  service.add("gateway", start: {}, stop: { gateway.shutDown() })
  let streams = try WebSocketClient(name: "private-streams")
  service.add("streams", start: {}, stop: { streams.shutDown() })

  service.addThread("orders", wake: { inbox.wakeup.signal() }) { stop in
    let layouts = Topic.layouts(accountPartitions: settings.accountPartitions)
    let topics = layouts.map { layout in
      KafkaTopicSpecification(
        layout.name, partitionCount: layout.partitions,
        settings: Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }
    guard try KafkaAdmin(settings.kafka).createTopics(topics, until: stop, logger: logger) else { return }
    let shell = try OrderManagerShell(
      settings, inbox: inbox, gateway: gateway, redis: RedisOutlet(writer: redis), streamClient: streams, health: health,
      metrics: metrics, logger: logger)
    try shell.run(until: stop)
  }
  exit(service.run())
} catch {
  logger.critical("cannot start: \(error)")
  exit(70)
}
