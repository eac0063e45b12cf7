/// A partition and who waits for its next record.
final class Partition {
  let log: PartitionLog
  /// Connections whose fetch is parked until there is more here.
  var waiters: [ConnectionID] = []

  init(log: PartitionLog) { self.log = log }
}

/// A topic: its settings and its partitions.
final class Topic {
  let name: String
  fileprivate(set) var config: TopicConfig
  fileprivate(set) var partitions: [Partition]

  init(name: String, config: TopicConfig, partitions: [Partition]) {
    self.name = name
    self.config = config
    self.partitions = partitions
  }
}

/// The topics in a data directory: `topics/<name>/topic.properties`, and a directory for each partition beside it.
final class TopicStore {
  private let directory: String
  private(set) var topics: [String: Topic] = [:]
  /// What was repaired at the start, in words.
  private(set) var repairs: [String] = []

  private var topicsPath: String { directory + "/topics" }

  /// Opens every topic. Topics that were being created or deleted when the process died are gone.
  init(directory: String, nowMs: Int64) throws {
    self.directory = directory
    try Directory.create(topicsPath)
    for leftover in [stagingPath("create"), stagingPath("delete")] { try? Directory.removeTree(leftover) }
    for name in try Directory.names(in: topicsPath) where Self.isLegal(name) {
      add(try open(name, nowMs: nowMs))
    }
  }

  /// Kafka's rule for topic names.
  static func isLegal(_ name: String) -> Bool {
    guard (1...Limits.topicNameLength).contains(name.utf8.count), name != ".", name != ".." else { return false }
    return name.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  var names: [String] { topics.keys.sorted() }

  /// Partitions of all topics.
  private(set) var partitionCount = 0

  func partition(_ topic: String, _ index: Int32) -> Partition? {
    guard let partitions = topics[topic]?.partitions, partitions.indices.contains(Int(index)) else { return nil }
    return partitions[Int(index)]
  }

  /// Creates the topic as a whole or not at all.
  func create(_ name: String, partitionCount: Int, config: TopicConfig, nowMs: Int64) throws {
    let staging = stagingPath("create")
    try? Directory.removeTree(staging)
    try Directory.create(staging)
    for index in 0..<partitionCount { try Directory.create("\(staging)/\(index)") }
    try writeProperties(config, partitionCount: partitionCount, in: staging)
    try File.rename(staging, to: path(name))
    try Directory.synchronize(topicsPath)
    add(try open(name, nowMs: nowMs))
  }

  private func add(_ topic: Topic) {
    topics[topic.name] = topic
    partitionCount += topic.partitions.count
  }

  func delete(_ name: String) throws {
    let staging = stagingPath("delete")
    try? Directory.removeTree(staging)
    try File.rename(path(name), to: staging)
    partitionCount -= topics.removeValue(forKey: name)?.partitions.count ?? 0
    try Directory.removeTree(staging)
  }

  func addPartitions(to topic: Topic, upTo count: Int, nowMs: Int64) throws {
    for index in topic.partitions.count..<count { try Directory.create("\(path(topic.name))/\(index)") }
    try writeProperties(topic.config, partitionCount: count, in: path(topic.name))
    for index in topic.partitions.count..<count {
      topic.partitions.append(Partition(log: try openLog(topic.name, index, topic.config, nowMs: nowMs)))
      partitionCount += 1
    }
  }

  func change(_ topic: Topic, to config: TopicConfig) throws {
    try writeProperties(config, partitionCount: topic.partitions.count, in: path(topic.name))
    topic.config = config
    for partition in topic.partitions { partition.log.config = config }
  }

  func close() throws {
    for name in names {
      for partition in topics[name]?.partitions ?? [] { try partition.log.close() }
    }
  }

  // MARK: Files

  private func path(_ name: String) -> String { topicsPath + "/" + name }

  private func stagingPath(_ purpose: String) -> String { directory + "/." + purpose }

  private func open(_ name: String, nowMs: Int64) throws -> Topic {
    let (config, count) = try readProperties(path(name))
    let partitions = try (0..<count).map { Partition(log: try openLog(name, $0, config, nowMs: nowMs)) }
    return Topic(name: name, config: config, partitions: partitions)
  }

  private func openLog(_ name: String, _ index: Int, _ config: TopicConfig, nowMs: Int64) throws -> PartitionLog {
    let log = try PartitionLog(directory: "\(path(name))/\(index)", config: config, nowMs: nowMs)
    repairs += log.repairs
    return log
  }

  private func writeProperties(_ config: TopicConfig, partitionCount: Int, in directory: String) throws {
    let lines = ["partitions=\(partitionCount)"] + config.overrides.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    try File.replace(directory + "/topic.properties", with: Array((lines.joined(separator: "\n") + "\n").utf8))
  }

  private func readProperties(_ directory: String) throws -> (TopicConfig, Int) {
    let path = directory + "/topic.properties"
    let text = String(decoding: try File.contents(of: path) ?? [], as: UTF8.self)
    var count: Int?
    var settings: [(name: String, value: String?)] = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw FileError("read", path, code: 22) }
      if parts[0] == "partitions" { count = Int(parts[1]) } else { settings.append((parts[0], parts[1])) }
    }
    guard let count, count > 0, let config = try? TopicConfig(settings) else { throw FileError("read", path, code: 22) }
    return (config, count)
  }
}
