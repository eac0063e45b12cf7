import Domain
import Runtime
import Testing
import Venues

@testable import Ingestor

@Suite("An outside harness's words for the Ingestor's settings")
struct HarnessEnvironmentTests {
  private static let harness = [
    "PB_HTTP": "http://127.0.0.1:4001", "PB_WS": "ws://127.0.0.1:4002", "PB_SYMBOL": "BTCUSDT", "PB_KAFKA": "127.0.0.1:4003",
    "PB_TOPIC": "bench.book", "PATH": "/bin",
  ]

  @Test("Addresses, symbol, brokers and topic are what the program then goes by")
  func settings() throws {
    var configuration = Configuration(environment: translatingHarness(Self.harness), arguments: [])
    let logger = Logger(service: "Ingestor", configuration: &configuration)
    let settings = IngestorConfiguration(&configuration, logger: logger)
    try configuration.check()
    #expect(Array(settings.endpoints.keys) == [.binance])
    #expect(settings.endpoints[.binance]?.rest.text == "http://127.0.0.1:4001")
    #expect(settings.endpoints[.binance]?.streams.text == "ws://127.0.0.1:4002")
    #expect(settings.core.feeds.map(\.symbol) == [Symbol("BTC-USDT")])
    #expect(settings.core.presumesInstruments)
    #expect(settings.kafka.bootstrap == "127.0.0.1:4003")
    #expect(settings.bookTopic == "bench.book")
  }

  @Test(
    "A venue's spelling of a symbol becomes ours",
    arguments: [
      ("BTCUSDT", "BTC-USDT"), ("btcusdt", "BTC-USDT"), ("ETHBTC", "ETH-BTC"), ("BTC-USDT", "BTC-USDT"), ("BTC/USDT", "BTC-USDT"),
      ("1000SATSFDUSD", "1000SATS-FDUSD"), ("USDT", "USDT"), ("WHAT", "WHAT"), ("", ""),
    ])
  func symbols(spelling: String, expected: String) {
    var environment = Self.harness
    environment["PB_SYMBOL"] = spelling
    #expect(translatingHarness(environment)["APUS_SYMBOLS"] == expected)
  }

  @Test("What is set in our own words wins, and all else stays")
  func ownWords() {
    var environment = Self.harness
    environment["APUS_SYMBOLS"] = "ETH-USDT"
    environment["KAFKA_BOOTSTRAP"] = "127.0.0.1:9"
    let translated = translatingHarness(environment)
    #expect(translated["APUS_SYMBOLS"] == "ETH-USDT")
    #expect(translated["KAFKA_BOOTSTRAP"] == "127.0.0.1:9")
    #expect(translated["APUS_BOOK_TOPIC"] == "bench.book")
    #expect(translated["PATH"] == "/bin")
  }

  @Test("What the harness leaves out is left to the defaults")
  func omissions() {
    let translated = translatingHarness(["PB_WS": "ws://127.0.0.1:4002"])
    for name in ["APUS_BINANCE_REST_URL", "APUS_SYMBOLS", "APUS_BOOK_TOPIC", "KAFKA_BOOTSTRAP"] {
      #expect(translated[name] == nil)
    }
  }

  @Test("Without a harness's stream nothing changes")
  func absent() {
    var environment = Self.harness
    environment["PB_WS"] = nil
    #expect(translatingHarness(environment) == environment)
  }
}
