import Runtime

/// Where a service answers `/healthz` and `/metrics`: the same three settings for every program.
public struct HealthSettings: Sendable {
  /// The address; loopback unless said otherwise.
  public let address: String
  /// The port; 0 takes a free one.
  public let port: UInt16
  /// The file that receives the port as text, for whoever started the program.
  public let portFile: String?

  /// `APUS_HEALTH_ADDRESS`, `APUS_HEALTH_PORT` and `APUS_HEALTH_PORT_FILE`.
  public init(configuration: inout Configuration) {
    address = configuration.string("APUS_HEALTH_ADDRESS", default: "127.0.0.1", help: "address of /healthz and /metrics")
    port = UInt16(
      configuration.int("APUS_HEALTH_PORT", default: 0, in: 0...65_535, help: "port of /healthz and /metrics, 0 = free"))
    portFile = configuration.optionalString("APUS_HEALTH_PORT_FILE", help: "file that receives that port")
  }
}

extension HealthServer {
  /// Starts serving as configured and writes the port file whole, so that a reader never sees half a number.
  public convenience init(_ settings: HealthSettings, health: Health, metrics: Metrics) throws {
    try self.init(address: settings.address, port: settings.port, health: health, metrics: metrics)
    if let portFile = settings.portFile { try replaceFile(portFile, with: Array("\(port)\n".utf8)) }
  }
}
