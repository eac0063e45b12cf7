/// A topic's settings, by Kafka's names. Names of Kafka's that mean nothing to a single node are accepted and kept.
struct TopicConfig: Equatable {
  /// A setting that Kafka knows for topics.
  private struct Setting {
    var name: String
    var standard: String
    var accepts: (String) -> Bool
  }

  /// Why a setting is refused.
  struct Invalid: Error, Equatable {
    var reason: String
  }

  private nonisolated(unsafe) static let settings: [Setting] = [
    Setting(name: "cleanup.policy", standard: "delete") { isSubset($0, of: ["delete", "compact"]) },
    // The broker never compresses again: batches are stored as they come.
    Setting(name: "compression.type", standard: "producer") { $0 == "producer" },
    number("delete.retention.ms", "86400000", 0...Int64.max),
    number("file.delete.delay.ms", "60000", 0...Int64.max),
    number("flush.messages", "9223372036854775807", 1...Int64.max),
    number("flush.ms", "9223372036854775807", 0...Int64.max),
    number("index.interval.bytes", "4096", 0...Int64(Int32.max)),
    number("max.compaction.lag.ms", "9223372036854775807", 1...Int64.max),
    number("max.message.bytes", "1048588", 0...maxMessageLimit),
    Setting(name: "message.timestamp.type", standard: "CreateTime") { ["CreateTime", "LogAppendTime"].contains($0) },
    number("message.timestamp.after.max.ms", "9223372036854775807", 0...Int64.max),
    number("message.timestamp.before.max.ms", "9223372036854775807", 0...Int64.max),
    number("message.timestamp.difference.max.ms", "9223372036854775807", 0...Int64.max),
    Setting(name: "min.cleanable.dirty.ratio", standard: "0.5") { permille($0) != nil },
    number("min.compaction.lag.ms", "0", 0...Int64.max),
    number("min.insync.replicas", "1", 1...1),
    Setting(name: "preallocate", standard: "false") { $0 == "false" },
    number("retention.bytes", "-1", -1...Int64.max),
    number("retention.ms", "604800000", -1...Int64.max),
    number("segment.bytes", "33554432", 14...Int64(Int32.max)),
    number("segment.index.bytes", "10485760", 4...Int64(Int32.max)),
    number("segment.jitter.ms", "0", 0...Int64.max),
    number("segment.ms", "604800000", 1...Int64.max),
    Setting(name: "unclean.leader.election.enable", standard: "false") { $0 == "false" },
  ]

  /// No batch of more bytes than this is taken, whatever a topic says.
  static let maxMessageLimit: Int64 = 8 * 1024 * 1024

  /// What was set, as opposed to what holds by default.
  private(set) var overrides: [String: String] = [:]

  // Read at every append, hence kept beside the texts.
  private(set) var compacts = false
  private(set) var deletes = true
  private(set) var stampsAppendTime = false
  private(set) var maxMessageBytes = 0
  private(set) var segmentBytes = 0
  private(set) var segmentMs: Int64 = 0
  private(set) var retentionMs: Int64 = 0
  private(set) var retentionBytes = 0
  private(set) var deleteRetentionMs: Int64 = 0
  private(set) var minDirtyPermille = 0

  init() { derive() }

  init(_ settings: [(name: String, value: String?)]) throws(Invalid) {
    for (name, value) in settings { try set(name, to: value) }
    derive()
  }

  /// Changes one setting; nil brings its default back.
  mutating func set(_ name: String, to value: String?) throws(Invalid) {
    guard let setting = Self.settings.first(where: { $0.name == name }) else {
      throw Invalid(reason: "Unknown topic config name: \(name)")
    }
    if let value {
      guard value.utf8.count <= 64, setting.accepts(value) else {
        throw Invalid(reason: "Invalid value \(value.prefix(64)) for configuration \(name)")
      }
    }
    overrides[name] = value
    derive()
  }

  /// Every setting with the value that holds, in order of name.
  var all: [(name: String, value: String, isDefault: Bool)] {
    Self.settings.map { ($0.name, self[$0.name], overrides[$0.name] == nil) }
  }

  private subscript(name: String) -> String {
    overrides[name] ?? Self.settings.first { $0.name == name }?.standard ?? ""
  }

  private mutating func derive() {
    let policies = self["cleanup.policy"].split(separator: ",")
    compacts = policies.contains("compact")
    deletes = policies.contains("delete")
    stampsAppendTime = self["message.timestamp.type"] == "LogAppendTime"
    maxMessageBytes = Int(self["max.message.bytes"]) ?? 0
    segmentBytes = Int(self["segment.bytes"]) ?? 0
    segmentMs = Int64(self["segment.ms"]) ?? 0
    retentionMs = Int64(self["retention.ms"]) ?? -1
    retentionBytes = Int(self["retention.bytes"]) ?? -1
    deleteRetentionMs = Int64(self["delete.retention.ms"]) ?? 0
    minDirtyPermille = Self.permille(self["min.cleanable.dirty.ratio"]) ?? 500
  }

  private static func number(_ name: String, _ standard: String, _ range: ClosedRange<Int64>) -> Setting {
    Setting(name: name, standard: standard) { Int64($0).map(range.contains) ?? false }
  }

  private static func isSubset(_ list: String, of known: [Substring]) -> Bool {
    let items = list.split(separator: ",", omittingEmptySubsequences: false)
    return !items.isEmpty && items.allSatisfy(known.contains)
  }

  /// A decimal fraction from 0 to 1 in thousandths, further digits cut off.
  private static func permille(_ text: String) -> Int? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let digits = parts.count == 2 ? parts[1] : ""
    guard let whole = Int(parts[0]), (0...1).contains(whole), digits.allSatisfy(\.isASCIIDigit) else { return nil }
    guard let fraction = Int((digits + "000").prefix(3)) else { return nil }
    let value = whole * 1000 + fraction
    return value <= 1000 ? value : nil
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
