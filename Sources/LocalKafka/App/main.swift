import Glibc
import LocalKafkaCore

/// Writes one line to standard error.
func report(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(2, bytes, bytes.count)
}

do {
  let options = try Options(arguments: CommandLine.arguments.dropFirst(), environment: environment())
  if options.wantsHelp {
    report(Options.usage)
    exit(0)
  }
  raiseDescriptorLimit()
  let server = try Server(options.server)
  if let path = options.portFile { try writePort(server.port, to: path) }
  report("LocalKafka serves \(options.server.broker.dataDirectory) on \(options.server.host):\(server.port)")
  stopOnSignals(server.stop)
  try server.run()
  report("LocalKafka has stopped")
} catch let error as Options.Misuse {
  report("\(error.reason)\n\(Options.usage)")
  exit(2)
} catch {
  report("LocalKafka: \(error)")
  exit(1)
}
