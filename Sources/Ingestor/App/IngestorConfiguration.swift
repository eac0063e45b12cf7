import Domain
import IngestorCore
import Kafka
import Net
import Redis
import Runtime
import Traffic
import Venues

/// The Ingestor's settings, from arguments, environment and defaults.
struct IngestorConfiguration: Sendable {
  let core: IngestorSettings
  /// Of every venue that is fed.
  let endpoints: [Venue: VenueEndpoints]
  /// How much may be asked of them.
  let traffic: TrafficSettings
  let kafka: KafkaSettings
  /// The topic of the one book that is fed; nil for the usual names.
  let bookTopic: String?
  let redis: RedisURL?
  let health: HealthSettings

  init(_ configuration: inout Configuration, logger: Logger) {
    let access = VenueAccess(to: "feed from", configuration: &configuration)
    let symbols =
      configuration.value(
        "APUS_SYMBOLS", default: "BTC-USDT", help: "symbols to feed",
        expected: "symbols such as BTC-USDT,BTC-USDT-PERP, each once",
        parse: Self.symbols) ?? []
    var core = IngestorSettings(markets: Self.markets(access.venues, symbols, &configuration, logger), symbols: symbols)
    core.bookLimits.silence =
      Int64(
        configuration.int(
          "APUS_FEED_SILENCE_MS", default: 10_000, in: 500...600_000, help: "a stream silent for longer is dead"))
      * Interval.millisecond
    core.shownLevels = configuration.int("APUS_SHOWN_LEVELS", default: 50, in: 1...1_000, help: "levels a side in Redis")
    core.presumesInstruments = configuration.bool(
      "APUS_PRESUME_INSTRUMENTS", default: false, help: "follow spot symbols as BASEQUOTE before the venue's list has come")
    self.core = core
    bookTopic = configuration.optionalString("APUS_BOOK_TOPIC", help: "topic of the book, where only one is fed [by its name]")
    if bookTopic != nil, core.feeds.count != 1 { configuration.reject("APUS_BOOK_TOPIC: \(core.feeds.count) books are fed") }
    endpoints = access.endpoints
    traffic = TrafficSettings(access.venues, share: 40, asksOnly: true, configuration: &configuration)
    var kafka = KafkaSettings(clientID: "ingestor", configuration: &configuration, logger: logger)
    // A book record is of no use to anybody after a few seconds; the snapshot that follows is.
    kafka.properties["message.timeout.ms"] = kafka.properties["message.timeout.ms"] ?? "5000"
    // Five seconds of a busy day; what floods us faster than Kafka takes it waits in the network, not in our memory.
    let capacity = "queue.buffering.max.messages"
    kafka.properties[capacity] = kafka.properties[capacity] ?? "20000"
    self.kafka = kafka
    redis = RedisURL(configuration: &configuration)
    health = HealthSettings(configuration: &configuration)
  }

  private static func symbols(_ text: String) -> [Symbol]? {
    let names = text.split(separator: ",").map { String($0).filter { $0 != " " } }
    let symbols = names.compactMap { Symbol($0) }
    return symbols.count == names.count && Set(symbols).count == symbols.count && !symbols.isEmpty ? symbols : nil
  }

  /// The markets in which the symbols are. A kind that Apus does not follow at a venue is said; at none of them it is a mistake.
  private static func markets(
    _ venues: [Venue], _ symbols: [Symbol], _ configuration: inout Configuration, _ logger: Logger
  ) -> [VenueMarket] {
    var markets: [VenueMarket] = []
    var feeds = 0
    for isPerpetual in [false, true] where symbols.contains(where: { $0.isPerpetual == isPerpetual }) {
      let kind = isPerpetual ? "perpetuals" : "spot"
      let found = venues.compactMap { VenueMarket($0, isPerpetual: isPerpetual) }
      for venue in venues where !found.contains(where: { $0.venue == venue }) {
        logger.warning("\(kind) not followed at this venue", ["venue": .string(venue.text)])
      }
      if found.isEmpty { configuration.reject("APUS_SYMBOLS: \(kind) of none of these venues are followed") }
      markets += found
      feeds += found.count * symbols.count { $0.isPerpetual == isPerpetual }
    }
    guard feeds <= IngestorSettings.maximumFeeds else {
      configuration.reject("APUS_SYMBOLS: \(feeds) books are more than \(IngestorSettings.maximumFeeds)")
      return []
    }
    return markets
  }
}
