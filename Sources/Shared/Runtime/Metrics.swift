import Synchronization

/// A number that only grows. Updates are one atomic addition.
public final class Counter: Sendable {
  private let total = Atomic<Int64>(0)

  /// A counter of its own; normally `Metrics.counter` makes it.
  public init() {}

  /// Adds `amount`, which must not be negative.
  public func add(_ amount: Int64 = 1) {
    total.add(amount, ordering: .relaxed)
  }

  /// The total so far.
  public var value: Int64 { total.load(ordering: .relaxed) }
}

/// A number that goes up and down. Updates are one atomic store.
public final class Gauge: Sendable {
  private let current = Atomic<Int64>(0)

  /// A gauge of its own; normally `Metrics.gauge` makes it.
  public init() {}

  /// Replaces the value.
  public func set(_ value: Int64) {
    current.store(value, ordering: .relaxed)
  }

  /// Adds `amount`, which may be negative.
  public func add(_ amount: Int64) {
    current.add(amount, ordering: .relaxed)
  }

  /// The value now.
  public var value: Int64 { current.load(ordering: .relaxed) }
}

/// Durations in fixed buckets: nanoseconds in, seconds out. An observation is a short search and three atomic additions.
public final class Histogram: Sendable {
  /// 50 µs to 10 s: fits everything from a hop through the broker to a venue's slow answer.
  public static let defaultBoundsNanoseconds: [Int64] = [
    50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
    250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
  ]

  /// Upper bounds of the buckets, ascending, inclusive.
  public let boundsNanoseconds: [Int64]
  private let buckets: [Counter]
  private let sum = Counter()

  /// A histogram of its own; normally `Metrics.histogram` makes it.
  public init(boundsNanoseconds: [Int64] = Histogram.defaultBoundsNanoseconds) {
    precondition(zip(boundsNanoseconds, boundsNanoseconds.dropFirst()).allSatisfy(<), "bucket bounds must ascend")
    self.boundsNanoseconds = boundsNanoseconds
    buckets = (0...boundsNanoseconds.count).map { _ in Counter() }
  }

  /// Counts one duration; a negative one (a clock that stepped) counts as zero.
  public func observe(nanoseconds: Int64) {
    let value = max(0, nanoseconds)
    let bucket = boundsNanoseconds.firstIndex { value <= $0 } ?? boundsNanoseconds.count
    buckets[bucket].add(1)
    sum.add(value)
  }

  /// Observations in each bucket (not cumulative), the last one for everything above the bounds, and their sum.
  public var snapshot: (counts: [Int64], sumNanoseconds: Int64) { (buckets.map(\.value), sum.value) }
}

/// The metrics of a process, rendered for Prometheus. Asking twice for the same name and labels gives the same metric; ask once,
/// keep it, and update it for free.
public final class Metrics: Sendable {
  /// Series beyond this are not rendered, and counted in `apus_metrics_refused_total`: labels from outside cannot fill memory.
  public static let maximumSeries = 10_000

  enum Kind: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case observed(@Sendable () -> Int64)
    case histogram(Histogram)

    var prometheusType: String {
      switch self {
      case .counter: "counter"
      case .gauge, .observed: "gauge"
      case .histogram: "histogram"
      }
    }
  }

  struct Family: Sendable {
    let help: String
    let type: String
    /// By rendered labels, such as `venue="binance"`.
    var series: [String: Kind] = [:]
  }

  private struct State: Sendable {
    var families: [String: Family] = [:]
    var seriesCount = 0
    var refused: Int64 = 0
  }

  private let state = Mutex(State())

  /// An empty registry.
  public init() {}

  /// A counter; by custom the name ends in `_total`.
  public func counter(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Counter {
    let kind = register(name, help, labels) { .counter(Counter()) }
    guard case .counter(let counter) = kind else { preconditionFailure("\(name) is registered as another type of metric") }
    return counter
  }

  /// A gauge that the caller sets.
  public func gauge(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Gauge {
    let kind = register(name, help, labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = kind else { preconditionFailure("\(name) is registered as another type of metric") }
    return gauge
  }

  /// A gauge that is asked when it is rendered, such as the length of a queue. `observe` runs on the rendering thread.
  public func gauge(
    _ name: String, help: String, labels: KeyValuePairs<String, String> = [:], observe: @escaping @Sendable () -> Int64
  ) {
    _ = register(name, help, labels) { .observed(observe) }
  }

  /// A histogram of durations; by custom the name ends in `_seconds`.
  public func histogram(
    _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
    boundsNanoseconds: [Int64] = Histogram.defaultBoundsNanoseconds
  ) -> Histogram {
    let kind = register(name, help, labels) { .histogram(Histogram(boundsNanoseconds: boundsNanoseconds)) }
    guard case .histogram(let histogram) = kind else { preconditionFailure("\(name) is registered as another type of metric") }
    return histogram
  }

  /// Everything in Prometheus' text format 0.0.4, families and series in lexical order.
  public func render() -> [UInt8] {
    let (families, refused) = state.withLock { ($0.families, $0.refused) }
    var text = MetricsText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) { text.append(family, named: name) }
    if refused > 0 {
      text.append(
        Family(help: "Series refused at the limit", type: "gauge", series: ["": .observed { refused }]),
        named: "apus_metrics_refused_total")
    }
    return text.bytes
  }

  private func register(
    _ name: String, _ help: String, _ labels: KeyValuePairs<String, String>, _ make: () -> Kind
  ) -> Kind {
    let rendered = MetricsText.labels(labels)
    return state.withLock { state in
      if let existing = state.families[name]?.series[rendered] { return existing }
      let made = make()
      guard state.seriesCount < Metrics.maximumSeries else {
        state.refused += 1
        return made
      }
      state.seriesCount += 1
      state.families[name, default: Family(help: help, type: made.prometheusType)].series[rendered] = made
      return made
    }
  }
}
