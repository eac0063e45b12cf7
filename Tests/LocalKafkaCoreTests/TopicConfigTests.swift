import Testing

@testable import LocalKafkaCore

@Suite struct TopicConfigTests {
  @Test func standardsAreKafkas() {
    let config = TopicConfig()
    #expect(config.retentionMs == 604_800_000 && config.retentionBytes == -1 && config.maxMessageBytes == 1_048_588)
    #expect(config.deletes && !config.compacts && !config.stampsAppendTime && config.minDirtyPermille == 500)
    #expect(!config.all.contains { !$0.isDefault })
  }

  @Test func settingsHold() throws {
    var config = try TopicConfig([
      ("cleanup.policy", "compact,delete"), ("retention.ms", "-1"), ("min.cleanable.dirty.ratio", "0.015"),
    ])
    #expect(config.compacts && config.deletes && config.retentionMs == -1 && config.minDirtyPermille == 15)
    try config.set("cleanup.policy", to: "compact")
    #expect(config.compacts && !config.deletes)
    try config.set("cleanup.policy", to: nil)
    #expect(!config.compacts && config.deletes)
  }

  @Test(arguments: [
    ("retention.ms", "-2"), ("retention.ms", "1h"), ("retention.ms", "99999999999999999999"), ("cleanup.policy", ""),
    ("cleanup.policy", "delete,"), ("segment.bytes", "13"), ("max.message.bytes", "8388609"), ("nonsense", "1"),
    ("min.cleanable.dirty.ratio", "1.1"), ("min.cleanable.dirty.ratio", "half"), ("message.timestamp.type", "createtime"),
    ("min.insync.replicas", "2"), ("compression.type", "gzip"), ("flush.ms", String(repeating: "1", count: 100)),
  ]) func nonsenseIsRefused(name: String, value: String) {
    #expect(throws: TopicConfig.Invalid.self) { try TopicConfig([(name, value)]) }
  }

  @Test func namesAreKafkas() {
    for legal in ["a", "l2_order_books.binance.btc_usdt", String(repeating: "x", count: 249), "...", "A-1"] {
      #expect(TopicStore.isLegal(legal), "\(legal)")
    }
    for illegal in ["", ".", "..", "a/b", "a b", "ключ", "a\n", String(repeating: "x", count: 250)] {
      #expect(!TopicStore.isLegal(illegal), "\(illegal)")
    }
  }
}
