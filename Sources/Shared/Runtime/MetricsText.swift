/// Prometheus' text exposition format, version 0.0.4.
struct MetricsText {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ family: Metrics.Family, named name: String) {
    append("# HELP \(name) \(escaped(family.help))\n# TYPE \(name) \(family.type)\n")
    for (labels, kind) in family.series.sorted(by: { $0.key < $1.key }) {
      switch kind {
      case .counter(let counter): append("\(name)\(braced(labels)) \(counter.value)\n")
      case .gauge(let gauge): append("\(name)\(braced(labels)) \(gauge.value)\n")
      case .observed(let observe): append("\(name)\(braced(labels)) \(observe())\n")
      case .histogram(let histogram): append(histogram, name, labels)
      }
    }
  }

  /// `venue="binance",symbol="BTC-USDT"`, values escaped.
  static func labels(_ labels: KeyValuePairs<String, String>) -> String {
    labels.map { "\($0.key)=\"\(MetricsText.escapedLabel($0.value))\"" }.joined(separator: ",")
  }

  private mutating func append(_ histogram: Histogram, _ name: String, _ labels: String) {
    let (counts, sum) = histogram.snapshot
    let prefix = labels.isEmpty ? "" : "\(labels),"
    var cumulative: Int64 = 0
    for (bound, count) in zip(histogram.boundsNanoseconds, counts) {
      cumulative += count
      append("\(name)_bucket{\(prefix)le=\"\(MetricsText.seconds(bound))\"} \(cumulative)\n")
    }
    cumulative += counts.last ?? 0
    append("\(name)_bucket{\(prefix)le=\"+Inf\"} \(cumulative)\n")
    append("\(name)_sum\(braced(labels)) \(MetricsText.seconds(sum))\n")
    append("\(name)_count\(braced(labels)) \(cumulative)\n")
  }

  /// Nanoseconds as exact decimal seconds without trailing zeros: 2500000 is `0.0025`.
  static func seconds(_ nanoseconds: Int64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000)
    let padded = String(repeating: "0", count: 9 - fraction.utf8.count) + fraction
    let kept = padded.reversed().drop { $0 == "0" }.reversed()
    return kept.isEmpty ? "\(nanoseconds / 1_000_000_000)" : "\(nanoseconds / 1_000_000_000).\(String(kept))"
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

  private func escaped(_ help: String) -> String {
    help.reduce(into: "") { $0 += $1 == "\\" ? "\\\\" : $1 == "\n" ? "\\n" : String($1) }
  }

  private static func escapedLabel(_ value: String) -> String {
    value.reduce(into: "") { $0 += $1 == "\\" ? "\\\\" : $1 == "\"" ? "\\\"" : $1 == "\n" ? "\\n" : String($1) }
  }
}
