import Domain
import Kafka
import Net
import OrderManagerCore
import Redis
import Runtime
import Venues
import Wire

/// The OrderManager's settings, from arguments, environment and defaults.
struct OrderManagerConfiguration: Sendable {
  let kafka: KafkaSettings
  let redis: RedisURL?
  let health: HealthSettings
  let endpoints: BinanceEndpoints?
  let deployment: String
  let instance: String
  let accountPartitions: Int32
  /// Keys of each account at Binance.
  let accountsWithKeys: [Route: VenueAccount]
  /// Pairs whose prices convert fees that are taken in a third asset.
  let feePairs: [Symbol]
  /// Accounts that have no keys: their orders are refused.
  let keyless: [Account]

  init(_ configuration: inout Configuration, logger: Logger) {
    kafka = KafkaSettings(clientID: "ordermanager", configuration: &configuration, logger: logger)
    redis = RedisURL(configuration: &configuration)
    health = HealthSettings(configuration: &configuration)
    endpoints = Self.endpoints(&configuration)
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
    let fallback = configuration.string("APUS_DEFAULT_ACCOUNT", default: "main", help: "the account of the keys without a suffix")
    let names = configuration.list("APUS_ACCOUNTS", default: "main")
    var accountsWithKeys: [Route: VenueAccount] = [:]
    var keyless: [Account] = []
    for name in names {
      guard let account = Account(name) else {
        configuration.reject("APUS_ACCOUNTS: \(name) is not 1 to 64 of [A-Za-z0-9._-]")
        continue
      }
      let suffix = name == fallback ? "" : "_" + Self.upperCase(name)
      let key = configuration.secret("BINANCE_TESTNET_API_KEY\(suffix)", help: "API key of the account \(name)")
      let secret = configuration.secret("BINANCE_TESTNET_SECRET_KEY\(suffix)", help: "its secret")
      if let key, let secret {
        accountsWithKeys[Route(account, .binance)] = VenueAccount(.binance, apiKey: key.reveal(), secret: secret.reveal())
      } else {
        keyless.append(account)
      }
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
    settings.seed = UInt64(bitPattern: monotonicNanoseconds())
    return settings
  }

  /// Who this is, in epoch markers.
  var owner: String { "ordermanager/\(instance)" }

  /// Letters in upper case, `-` and `.` as `_`: the way in which account names become names of settings.
  private static func upperCase(_ name: String) -> String {
    String(name.uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
  }

  private static func endpoints(_ configuration: inout Configuration) -> BinanceEndpoints? {
    let rest = configuration.optionalString("APUS_BINANCE_REST_URL", help: "Binance REST [its test network]")
    let streams = configuration.optionalString("APUS_BINANCE_WS_URL", help: "Binance streams [its test network]")
    let api = configuration.optionalString(
      "APUS_BINANCE_WS_API_URL", help: "Binance WebSocket API [that of the streams if given, else the test network's]")
    let consent = configuration.optionalString(
      "APUS_ALLOW_MAINNET", help: "\(VenueAddress.mainnetConsent) lets through other hosts than test networks")
    do throws(VenueAddress.Refusal) {
      return try BinanceEndpoints(rest: rest, streams: streams, webSocketAPI: api, consent: consent)
    } catch {
      configuration.reject("APUS_BINANCE_REST_URL, APUS_BINANCE_WS_URL, APUS_BINANCE_WS_API_URL: \(error)")
      return nil
    }
  }
}
