import Books
import Domain
import Kafka
import Net
import OrderManagerCore
import Redis
import Runtime
import Traffic
import Venues
import Wire

/// The OrderManager's settings, from arguments, environment and defaults.
struct OrderManagerConfiguration: Sendable {
  let kafka: KafkaSettings
  let redis: RedisURL?
  let health: HealthSettings
  /// Where approvals are read from.
  let approvedTopic: String
  /// Where orders may go.
  let venues: [Venue]
  /// Of each of them.
  let endpoints: [Venue: VenueEndpoints]
  /// How much may be asked of them.
  let traffic: TrafficSettings
  /// What they take of a trade.
  let fees: [Venue: VenueFees]
  let deployment: String
  let instance: String
  let accountPartitions: Int32
  /// Accounts that have keys at a venue.
  let accountsWithKeys: [Route: VenueAccount]
  /// Pairs whose prices convert fees that are taken in a third asset.
  let feePairs: [Symbol]
  /// Where accounts have no keys: their orders are refused there.
  let keyless: [Route]

  init(_ configuration: inout Configuration, logger: Logger) {
    kafka = KafkaSettings(clientID: "ordermanager", configuration: &configuration, logger: logger)
    redis = RedisURL(configuration: &configuration)
    health = HealthSettings(configuration: &configuration)
    approvedTopic = configuration.string("APUS_APPROVED_TOPIC", default: Topic.approved, help: "where approvals are read from")
    let access = VenueAccess(to: "trade at", configuration: &configuration)
    venues = access.venues
    endpoints = access.endpoints
    traffic = TrafficSettings(venues, share: 40, configuration: &configuration)
    fees = Self.fees(venues, &configuration)
    deployment =
      configuration.value(
        "APUS_DEPLOYMENT", default: "apus", help: "begins our client ids at the venues", expected: "1 to 12 of [A-Za-z0-9_]"
      ) { OrderManagerSettings.isLegal(deployment: $0) ? $0 : nil } ?? "apus"
    instance = configuration.string(
      "APUS_INSTANCE", default: "ordermanager-0", help: "name of this replica, the same after a restart")
    accountPartitions = Int32(
      configuration.int(
        "APUS_ACCOUNT_PARTITIONS", default: Int(Topic.defaultAccountPartitions), in: 1...1_000,
        help: "partitions of the order topics"))
    let quotes = configuration.list("APUS_SYMBOLS", default: "BTC-USDT", help: "symbols that are traded")
      .compactMap { Symbol($0)?.quote }
    let feeAssets = configuration.list("APUS_FEE_ASSETS", default: "BNB", help: "assets in which venues take fees at a discount")
    feePairs = Set(feeAssets.flatMap { asset in quotes.compactMap { Symbol(base: asset, quote: $0) } }).sorted()
    var accountsWithKeys: [Route: VenueAccount] = [:]
    var keyless: [Route] = []
    for place in access.keys(&configuration) {
      let route = Route(place.account, place.venue)
      accountsWithKeys[route] = place.keys
      if place.keys == nil { keyless.append(route) }
    }
    self.accountsWithKeys = accountsWithKeys
    self.keyless = keyless
  }

  /// The settings of one partition's core: routes of the accounts that belong to it.
  func core(partition: Int32) -> OrderManagerSettings {
    let routes = accountsWithKeys.keys.sorted().filter {
      Partitioner.partition(forKey: $0.account.text.utf8, count: accountPartitions) == partition
    }
    var settings = OrderManagerSettings(
      deployment: deployment, partition: partition, partitionCount: accountPartitions, owner: owner, routes: routes)
    settings.fees = fees
    settings.seed = UInt64(bitPattern: monotonicNanoseconds())
    return settings
  }

  /// Who this is, in epoch markers.
  var owner: String { "ordermanager/\(instance)" }

  /// The fees of the accounts' tier: `best` chooses by the price after them.
  private static func fees(_ venues: [Venue], _ configuration: inout Configuration) -> [Venue: VenueFees] {
    var fees: [Venue: VenueFees] = [:]
    for venue in venues {
      let prefix = "APUS_\(venue.text.uppercased())"
      func rate(_ kind: String, _ whose: String) -> FeeRate? {
        configuration.value(
          "\(prefix)_\(kind)_FEE_BPS", default: "10", help: "basis points that \(venue) takes of a trade from \(whose)",
          expected: "basis points such as 7.5, below zero for a rebate"
        ) { FeeRate(basisPoints: $0) }
      }
      if let taker = rate("TAKER", "whoever takes"), let maker = rate("MAKER", "whoever rests") {
        fees[venue] = VenueFees(taker: taker, maker: maker)
      }
    }
    return fees
  }
}
