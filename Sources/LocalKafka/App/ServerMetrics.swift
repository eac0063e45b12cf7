import LocalKafkaCore
import Runtime

/// What Prometheus is told about the broker.
struct ServerMetrics: Sendable {
  private let connections: Gauge
  private let partitions: Gauge
  private let groups: Gauge
  private let requests: Counter
  private let appendedBytes: Counter
  private let fetchedBytes: Counter

  init(_ metrics: Metrics) {
    connections = metrics.gauge("localkafka_connections", help: "Open client connections")
    partitions = metrics.gauge("localkafka_partitions", help: "Partitions of all topics")
    groups = metrics.gauge("localkafka_groups", help: "Consumer groups")
    requests = metrics.counter("localkafka_requests_total", help: "Requests handled")
    appendedBytes = metrics.counter("localkafka_appended_bytes_total", help: "Bytes of record batches appended")
    fetchedBytes = metrics.counter("localkafka_fetched_bytes_total", help: "Bytes of record batches sent")
  }

  /// Takes over the broker's own count.
  func note(_ statistics: BrokerStatistics, connections open: Int) {
    connections.set(Int64(open))
    partitions.set(Int64(statistics.partitions))
    groups.set(Int64(statistics.groups))
    requests.add(statistics.requests - requests.value)
    appendedBytes.add(statistics.appendedBytes - appendedBytes.value)
    fetchedBytes.add(statistics.fetchedBytes - fetchedBytes.value)
  }
}
