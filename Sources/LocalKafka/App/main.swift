import Glibc
import LocalKafkaCore
import Net
import Runtime

/// Every connection and every segment takes a descriptor: as many as the system gives.
func raiseDescriptorLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Wires the process: health, the flusher, and the thread that is the broker.
func launch() throws -> Int32 {
  var configuration = Configuration.ofProcess()
  let logger = Logger(service: "LocalKafka", configuration: &configuration)
  let healthSettings = HealthSettings(configuration: &configuration)
  let settings = ServerSettings(configuration: &configuration)
  configuration.finish(program: "LocalKafka")
  raiseDescriptorLimit()

  let service = try Service(logger: logger, isPrompt: true)
  let health = Health()
  let metrics = Metrics()
  health.set("broker", .unhealthy("opening its logs"))
  let healthServer = try HealthServer(healthSettings, health: health, metrics: metrics)
  let flusher = Flusher()
  let wakeup = try Wakeup()
  let serverMetrics = ServerMetrics(metrics)

  service.add("health", start: {}, stop: { healthServer.shutDown() })
  service.addThread("flusher", wake: { flusher.close() }) { _ in try flusher.run() }
  service.addThread("broker", wake: { wakeup.signal() }) { stop in
    let server = try Server(settings, logger: logger, metrics: serverMetrics, flusher: flusher, wakeup: wakeup)
    if let path = settings.portFile { try replaceFile(path, with: Array("\(server.port)\n".utf8)) }
    health.set("broker", .healthy)
    logger.info("serving", ["host": "\(settings.listen.host)", "port": .init(server.port)])
    try server.run(until: stop)
  }
  return service.run()
}

do {
  exit(try launch())
} catch {
  _ = try? writeAll(Array("LocalKafka: \(error)\n".utf8), to: STDERR_FILENO)
  exit(70)
}
