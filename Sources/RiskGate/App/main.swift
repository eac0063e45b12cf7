import Glibc
import Kafka
import Net
import Redis
import Runtime
import Synchronization

// Decides the orders: approved or rejected, each once.
var configuration = Configuration.ofProcess()
let logger = Logger(service: "RiskGate", configuration: &configuration)
let settings = RiskGateConfiguration(&configuration, logger: logger)
configuration.finish(program: "RiskGate")
guard let redisURL = settings.redis, let defaults = settings.defaults else {
  preconditionFailure("a configuration without problems is complete")
}

do {
  let service = try Service(logger: logger, isPrompt: true)
  let health = Health()
  let metrics = Metrics()
  let server = try HealthServer(settings.health, health: health, metrics: metrics)
  service.add("health", start: { logger.info("health on port \(server.port)") }, stop: { server.shutDown() })

  let isRedisForgetful = Flag()
  let redis = RedisWriter(redisURL, logger: logger, metrics: metrics, onRewriteNeeded: { isRedisForgetful.raise() })
  service.addThread("redis", wake: redis.wake) { redis.run(until: $0) }

  let wakeup = try Wakeup()
  let context = GateContext(
    settings: settings, defaults: defaults, wakeup: wakeup, clock: SteadyClock(logger: logger, metrics: metrics),
    live: LiveState(redis), isRedisForgetful: isRedisForgetful, health: health, metrics: GateMetrics(metrics), logger: logger)
  service.addThread("riskgate", wake: wakeup.signal) { try GateLoop.run(context, until: $0) }
  exit(service.run())
} catch {
  logger.critical("cannot start: \(error)")
  exit(70)
}
