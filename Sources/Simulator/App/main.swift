import Glibc
import Net
import Runtime
import SimulatorCore

/// Writes the venue's port and, when there is one, the fault port below it; whole, so that a reader never sees half a number.
func writePorts(_ ports: [UInt16], to path: String) throws {
  let temporary = path + ".new"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw SystemError("open \(temporary)") }
  defer { close(descriptor) }
  try writeAll(Array(ports.map { "\($0)\n" }.joined().utf8), to: descriptor)
  guard rename(temporary, path) == 0 else { throw SystemError("rename \(temporary)") }
}

var configuration = Configuration.ofProcess()
let logger = Logger(service: "Simulator", configuration: &configuration)
let settings = Settings(&configuration)
configuration.finish(program: "Simulator")

do {
  let service = try Service(logger: logger)
  let health = Health()
  let metrics = Metrics()
  let healthServer = try HealthServer(settings.health, health: health, metrics: metrics)
  service.add("health", start: {}, stop: { healthServer.shutDown() })

  var simulation = settings.simulation
  // A venue that is started again numbers on: ten thousand numbers for each second that passes.
  simulation.firstID = wallClock().milliseconds / 1_000 * 10_000
  let engine = Engine(
    Simulation(simulation, face: settings.face),
    tickNanoseconds: min(simulation.stepNanoseconds, settings.depthIntervalNanoseconds), metrics: metrics)
  service.addThread("engine", wake: { engine.close() }) { engine.run($0) }

  var ports: [UInt16] = []
  let venue = try HTTPServer(
    HTTPServerConfiguration(address: settings.listen.address, port: settings.listen.port, tls: settings.tls),
    handlers: engine.venueHandlers(settings.face), name: "venue")
  service.add("venue", start: {}, stop: { venue.shutDown() })
  ports.append(venue.port)
  if let endpoint = settings.faultListen {
    let control = try HTTPServer(
      HTTPServerConfiguration(address: endpoint.address, port: endpoint.port), handlers: engine.controlHandlers(),
      name: "faults")
    service.add("faults", start: {}, stop: { control.shutDown() })
    ports.append(control.port)
    logger.info("fault port", ["address": "\(endpoint.address):\(control.port)"])
  }
  if let portFile = settings.portFile { try writePorts(ports, to: portFile) }
  let scheme = settings.tls == nil ? "plain" : "TLS"
  logger.info("\(settings.venue)", ["address": "\(settings.listen.address):\(venue.port)", "transport": "\(scheme)"])
  health.set("venue", .healthy)
  exit(service.run())
} catch {
  logger.critical("cannot start: \(error)")
  exit(1)
}
