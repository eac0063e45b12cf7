import Runtime
import Testing

@Suite struct MetricsTests {
  @Test func rendersPrometheusText() {
    let metrics = Metrics()
    metrics.counter("b_total", help: "Things", labels: ["venue": "x", "side": "a\"b\\c\n"]).add(3)
    metrics.gauge("a", help: "Level").set(-2)
    metrics.gauge("c", help: "Asked") { 7 }
    #expect(
      String(decoding: metrics.render(), as: UTF8.self) == #"""
        # HELP a Level
        # TYPE a gauge
        a -2
        # HELP b_total Things
        # TYPE b_total counter
        b_total{venue="x",side="a\"b\\c\n"} 3
        # HELP c Asked
        # TYPE c gauge
        c 7

        """#)
  }

  @Test func histogramsCountUpToTheirBoundsInSeconds() {
    let metrics = Metrics()
    let histogram = metrics.histogram(
      "h_seconds", help: "H", labels: ["k": "v"], boundsNanoseconds: [1_000, 2_500_000, 1_000_000_000])
    for value: Int64 in [-5, 1_000, 1_001, 2_500_000, 2_500_001, 5_000_000_000] { histogram.observe(nanoseconds: value) }
    #expect(
      String(decoding: metrics.render(), as: UTF8.self) == """
        # HELP h_seconds H
        # TYPE h_seconds histogram
        h_seconds_bucket{k="v",le="0.000001"} 2
        h_seconds_bucket{k="v",le="0.0025"} 4
        h_seconds_bucket{k="v",le="1"} 5
        h_seconds_bucket{k="v",le="+Inf"} 6
        h_seconds_sum{k="v"} 5.005002002
        h_seconds_count{k="v"} 6

        """)
  }

  @Test func theSameNameAndLabelsAreTheSameMetric() {
    let metrics = Metrics()
    metrics.counter("x_total", help: "X", labels: ["a": "1"]).add()
    metrics.counter("x_total", help: "X", labels: ["a": "1"]).add()
    metrics.counter("x_total", help: "X", labels: ["a": "2"]).add()
    #expect(metrics.counter("x_total", help: "X", labels: ["a": "1"]).value == 2)
  }

  @Test func labelsFromOutsideCannotFillMemory() {
    let metrics = Metrics()
    for number in 0..<Metrics.maximumSeries + 5 { metrics.counter("x_total", help: "X", labels: ["n": "\(number)"]).add() }
    let text = String(decoding: metrics.render(), as: UTF8.self)
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("x_total{") }.count == Metrics.maximumSeries)
    #expect(text.contains("apus_metrics_refused_total 5"))
  }

  @Test func concurrentUpdatesAddUp() throws {
    let counter = Metrics().counter("x_total", help: "X")
    let threads = try (0..<4).map { _ in try NamedThread("adder") { for _ in 0..<10_000 { counter.add() } } }
    for thread in threads { #expect(thread.join(timeoutMilliseconds: 30_000)) }
    #expect(counter.value == 40_000)
  }
}

@Suite struct HealthTests {
  @Test func isHealthyWhenEveryPartIs() {
    let health = Health()
    #expect(!health.isHealthy, "nothing has reported")
    health.set("kafka", .healthy)
    #expect(health.isHealthy)
    health.set("books", .unhealthy("no \"route\""))
    #expect(!health.isHealthy)
    #expect(
      String(decoding: health.render(), as: UTF8.self)
        == #"{"status":"unhealthy","parts":{"books":"no \"route\"","kafka":"ok"}}"#)
    health.set("books", .healthy)
    #expect(health.isHealthy)
  }
}
