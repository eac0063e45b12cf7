import Domain
import Kafka
import Net
import Redis
import RiskGateCore
import Runtime
import Wire

/// RiskGate's settings, from arguments, environment and defaults.
struct RiskGateConfiguration: Sendable {
  let kafka: KafkaSettings
  let redis: RedisURL?
  let health: HealthSettings
  /// The static member's name in the group.
  let instance: String
  let partitionCount: Int32
  let defaults: OrderDefaults?
  let stablecoins: Set<String>
  /// The feeds whose books give references.
  let feeds: [Feed]

  /// One venue's book of one symbol.
  struct Feed: Sendable, Hashable {
    let venue: Venue
    let symbol: Symbol
  }

  init(_ configuration: inout Configuration, logger: Logger) {
    kafka = KafkaSettings(clientID: "riskgate", configuration: &configuration, logger: logger)
    redis = RedisURL(configuration: &configuration)
    health = HealthSettings(configuration: &configuration)
    instance = configuration.string("APUS_INSTANCE", default: "riskgate-0", help: "this replica's name in the consumer group")
    let partitions = configuration.int(
      "APUS_ACCOUNT_PARTITIONS", default: Int(Topic.defaultAccountPartitions), in: 1...1_000,
      help: "partitions of the topics that are keyed by account")
    partitionCount = Int32(partitions)
    let symbols = configuration.value(
      "APUS_SYMBOLS", default: "BTC-USDT", help: "symbols that are fed; the first is an order's default",
      expected: "BTC-USDT,ETH-USDT",
      parse: Self.list(Symbol.init))
    let venues = configuration.value(
      "APUS_VENUES", default: "binance", help: "venues that are fed", expected: "venue names", parse: Self.list(Venue.init))
    let account = configuration.value(
      "APUS_DEFAULT_ACCOUNT", default: "main", help: "the account of orders that name none",
      expected: "1 to 64 of [A-Za-z0-9._-]",
      parse: Account.init)
    stablecoins = Set(
      configuration.list(
        "APUS_STABLECOINS", default: RiskSettings.defaultStablecoins.sorted().joined(separator: ","),
        help: "quote assets that count as a dollar"))
    feeds = (venues ?? []).flatMap { venue in (symbols ?? []).map { Feed(venue: venue, symbol: $0) } }
    defaults = account.flatMap { account in symbols?.first.map { OrderDefaults(account: account, symbol: $0) } }
  }

  /// Reads comma-separated names, at least one, all of them legal.
  private static func list<Name>(_ read: @escaping (String) -> Name?) -> (String) -> [Name]? {
    { text in
      let parts = text.split(separator: ",").map { String($0.filter { $0 != " " }) }
      let names = parts.compactMap(read)
      return names.isEmpty || names.count != parts.count ? nil : names
    }
  }

  /// The core's settings for one partition.
  func core(_ partition: Int32, _ defaults: OrderDefaults) -> RiskSettings {
    RiskSettings(partition: partition, partitionCount: partitionCount, defaults: defaults, stablecoins: stablecoins)
  }

  /// Everything that is read or written.
  var topics: [KafkaTopicSpecification] {
    let layouts =
      Topic.layouts(accountPartitions: partitionCount) + feeds.map { Topic.bookLayout(venue: $0.venue, symbol: $0.symbol) }
    return layouts.map { layout in
      let settings = Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
      return KafkaTopicSpecification(layout.name, partitionCount: layout.partitions, settings: settings)
    }
  }
}
