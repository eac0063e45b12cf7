import Glibc
import Kafka
import Net
import Runtime
import Wire

var configuration = Configuration.ofProcess()
let logger = Logger(service: "reconciler", configuration: &configuration)
let settings = ReconcilerSettings(&configuration, logger: logger)
configuration.finish(program: "Reconciler")

do {
  let service = try Service(logger: logger)
  try ReconcilerProgram(settings: settings, logger: logger).add(to: service)
  exit(service.run())
} catch {
  logger.critical("Reconciler cannot start: \(error)")
  exit(70)
}
