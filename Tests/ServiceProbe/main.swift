// A program that does nothing but live as services do, so that tests can watch it start, misbehave and stop.
import Glibc
import Runtime

private enum Behaviour: String, CaseIterable {
  /// Runs until it is told to stop.
  case good
  /// Does not react to its stop.
  case deaf
  /// Its thread ends by itself.
  case quits
}

var configuration = Configuration.ofProcess()
let logger = Logger(service: "ServiceProbe", configuration: &configuration)
private let behaviour: Behaviour = configuration.choice("APUS_BEHAVIOUR", default: .good) ?? .good
_ = configuration.int("APUS_NUMBER", default: 1, in: 1...9, help: "a number")
configuration.finish(program: "ServiceProbe")

let service = try Service(logger: logger)
service.add("writer", start: { logger.info("writer started") }, stop: { logger.info("writer stopped") })
service.addThread("core") { stop in
  logger.info("core runs")
  switch behaviour {
  case .good:
    stop.wait()
    logger.info("core ended")
  case .deaf: Latch().wait()
  case .quits: break
  }
}
exit(service.run())
