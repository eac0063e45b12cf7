import Domain
import IngestorCore
import Kafka
import Net
import Redis
import Runtime
import Venues

/// The Ingestor's settings, from arguments, environment and defaults.
struct IngestorConfiguration: Sendable {
  let core: IngestorSettings
  let endpoints: BinanceEndpoints?
  let kafka: KafkaSettings
  let redis: RedisURL?
  let health: HealthSettings

  init(_ configuration: inout Configuration, logger: Logger) {
    let symbols = configuration.value(
      "APUS_SYMBOLS", default: "BTC-USDT", help: "symbols to feed", expected: "spot symbols such as BTC-USDT,ETH-USDT, each once",
      parse: Self.symbols)
    var core = IngestorSettings(symbols: symbols ?? [])
    core.bookLimits.silence =
      Int64(
        configuration.int(
          "APUS_FEED_SILENCE_MS", default: 10_000, in: 500...600_000, help: "a stream silent for longer is dead"))
      * Interval.millisecond
    core.shownLevels = configuration.int("APUS_SHOWN_LEVELS", default: 50, in: 1...1_000, help: "levels a side in Redis")
    self.core = core
    endpoints = Self.endpoints(&configuration)
    var kafka = KafkaSettings(clientID: "ingestor", configuration: &configuration, logger: logger)
    // A book record is of no use to anybody after a few seconds; the snapshot that follows is.
    kafka.properties["message.timeout.ms"] = kafka.properties["message.timeout.ms"] ?? "5000"
    self.kafka = kafka
    redis = RedisURL(configuration: &configuration)
    health = HealthSettings(configuration: &configuration)
  }

  private static func symbols(_ text: String) -> [Symbol]? {
    let names = text.split(separator: ",").map { String($0).filter { $0 != " " } }
    let symbols = names.compactMap { Symbol($0) }
    let isUsable =
      symbols.count == names.count && Set(symbols).count == symbols.count && symbols.allSatisfy { !$0.isPerpetual }
      && (1...IngestorSettings.maximumFeeds).contains(symbols.count)
    return isUsable ? symbols : nil
  }

  private static func endpoints(_ configuration: inout Configuration) -> BinanceEndpoints? {
    let rest = configuration.optionalString("APUS_BINANCE_REST_URL", help: "Binance REST [its test network]")
    let streams = configuration.optionalString("APUS_BINANCE_WS_URL", help: "Binance streams [its test network]")
    let consent = configuration.optionalString(
      "APUS_ALLOW_MAINNET", help: "\(VenueAddress.mainnetConsent) lets through other hosts than test networks")
    do throws(VenueAddress.Refusal) {
      return try BinanceEndpoints(rest: rest, streams: streams, consent: consent)
    } catch {
      configuration.reject("APUS_BINANCE_REST_URL, APUS_BINANCE_WS_URL: \(error)")
      return nil
    }
  }
}
