import Net
import Runtime
import Testing

@Suite struct HealthServerTests {
  @Test func tellsTheStateOfEachPartAndTheMetrics() async throws {
    let health = Health()
    let metrics = Metrics()
    metrics.counter("orders_total", help: "Orders.").add(3)
    health.set("kafka", .healthy)
    let server = try HealthServer(health: health, metrics: metrics)
    defer { server.shutDown() }
    try await withClient { client in
      func get(_ path: String, _ method: HTTPMethod = .get) async throws -> HTTPResponse {
        try #require(try await client.outcome(of: HTTPRequest(method, "http://127.0.0.1:\(server.port)\(path)")).response)
      }
      #expect(try await get("/healthz").status == 200)
      health.set("redis", .unhealthy("no \"route\""))
      let failing = try await get("/healthz")
      #expect(failing.status == 503)
      #expect(String(decoding: failing.body, as: UTF8.self).contains(#""redis":"no \"route\"""#))
      #expect(try await get("/metrics").body == metrics.render())
      #expect(try await get("/elsewhere").status == 404)
      #expect(try await get("/healthz", .post).status == 405)
    }
  }
}
