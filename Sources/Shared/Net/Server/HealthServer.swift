import Runtime

/// Answers `/healthz` (200 or 503, with the state of each part) and Prometheus' `/metrics`, on a loopback port unless said otherwise.
public final class HealthServer: Sendable {
  /// The port it listens on, also when a free one was asked for.
  public var port: UInt16 { server.port }

  private let server: HTTPServer

  /// Starts serving; port 0 takes a free one.
  public init(address: String = "127.0.0.1", port: UInt16 = 0, health: Health, metrics: Metrics) throws {
    var configuration = HTTPServerConfiguration(address: address, port: port)
    configuration.maxConnections = 64
    configuration.maxBodyBytes = 1_024
    let handlers = HTTPServerHandlers { request, responder in
      responder.respond(answer(to: request, health: health, metrics: metrics))
    }
    server = try HTTPServer(configuration, handlers: handlers, name: "health")
  }

  /// Stops serving.
  public func shutDown() {
    server.shutDown()
  }
}

private func answer(to request: HTTPServerRequest, health: Health, metrics: Metrics) -> HTTPResponse {
  guard request.method == .get || request.method == .head else {
    return HTTPResponse(status: 405, headers: ["allow": "GET, HEAD"])
  }
  switch request.path {
  case "/healthz":
    return HTTPResponse(
      status: health.isHealthy ? 200 : 503, headers: ["content-type": "application/json"], body: health.render())
  case "/metrics":
    return HTTPResponse(
      status: 200, headers: ["content-type": "text/plain; version=0.0.4; charset=utf-8"], body: metrics.render())
  default:
    return .text("/healthz or /metrics\n", status: 404)
  }
}
