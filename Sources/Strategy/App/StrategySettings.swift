import Domain
import Kafka
import Net
import Runtime
import StrategyCore
import Wire

/// Everything that this program can be told.
struct StrategySettings: Sendable {
  var kafka: KafkaSettings
  var health: HealthSettings
  var instance: String
  var accountPartitions: Int32
  /// Nil: nothing was asked for, and nothing runs.
  var name: StrategyName?
  var account: Account
  var quoter: Quoter.Settings
  var taker: BestPriceTaker.Settings
  /// The venues that orders may go to.
  private var venues: [Venue]

  init(_ configuration: inout Configuration, logger: Logger) {
    kafka = KafkaSettings(clientID: "strategy", configuration: &configuration, logger: logger)
    health = HealthSettings(configuration: &configuration)
    instance = configuration.string(
      "APUS_INSTANCE", default: "strategy-0", help: "name of this replica, the same after a restart")
    accountPartitions = Int32(
      configuration.int(
        "APUS_ACCOUNT_PARTITIONS", default: Int(Topic.defaultAccountPartitions), in: 1...1_000,
        help: "partitions of the order topics"))
    name =
      configuration.value(
        "APUS_STRATEGY", default: "", help: "quoter or taker; empty runs none", expected: "quoter, taker or nothing"
      ) { text -> StrategyName?? in text.isEmpty ? .some(nil) : StrategyName(rawValue: text).map { .some($0) } } ?? nil
    let main = configuration.string("APUS_DEFAULT_ACCOUNT", default: "main", help: "account of orders that name none")
    let accountText = configuration.string("APUS_STRATEGY_ACCOUNT", default: main, help: "account that the strategy trades for")
    account = Self.require(Account(accountText), "APUS_STRATEGY_ACCOUNT", &configuration) ?? Self.placeholder
    quoter = Self.quoter(&configuration)
    venues = Self.venues(&configuration)
    taker = Self.taker(venues, &configuration)
    if name == .taker, venues.count < 2 {
      configuration.reject("APUS_STRATEGY: the taker trades between venues: APUS_VENUES names one")
    }
  }

  /// The books that a strategy follows.
  func feeds(of name: StrategyName) -> [(venue: Venue, symbol: Symbol)] {
    switch name {
    case .quoter: [(venue: quoter.venue, symbol: quoter.symbol)]
    case .taker: venues.map { (venue: $0, symbol: taker.symbol) }
    }
  }

  private static func venues(_ configuration: inout Configuration) -> [Venue] {
    let names = configuration.list("APUS_VENUES", default: "binance", help: "venues to trade at")
    let venues = names.compactMap { Venue($0) }
    if venues.count != names.count || Set(venues).count != venues.count {
      configuration.reject("APUS_VENUES is no list of venues, each once")
    }
    return venues
  }

  private static func taker(_ venues: [Venue], _ configuration: inout Configuration) -> BestPriceTaker.Settings {
    let first = configuration.list("APUS_SYMBOLS", default: "BTC-USDT", help: "symbols of the venues").first ?? "BTC-USDT"
    let symbolText = configuration.string("APUS_TAKER_SYMBOL", default: first, help: "what the taker trades")
    func quantity(_ name: String, _ fallback: String, _ help: String, mayBeZero: Bool = false) -> Quantity {
      configuration.value(name, default: fallback, help: help, expected: "a decimal \(mayBeZero ? "of at least" : "above") 0") {
        text in
        (try? Quantity(text)).flatMap { $0.isPositive || (mayBeZero && $0.isZero) ? $0 : nil }
      } ?? .zero
    }
    var fees: [Venue: FeeRate] = [:]
    for venue in venues {
      fees[venue] = configuration.value(
        "APUS_\(venue.text.uppercased())_TAKER_FEE_BPS", default: "10",
        help: "basis points that \(venue) takes of a trade from who takes",
        expected: "basis points such as 7.5, below zero for a rebate", parse: FeeRate.init(basisPoints:))
    }
    return BestPriceTaker.Settings(
      symbol: require(Symbol(symbolText), "APUS_TAKER_SYMBOL", &configuration) ?? defaultSymbol, fees: fees,
      quantity: quantity("APUS_TAKER_QUANTITY", "0", "base quantity of a buy at most; 0 trades nothing", mayBeZero: true),
      maximumPosition: quantity("APUS_TAKER_MAX_POSITION", "0.1", "base quantity that the taker holds at most"),
      lot: quantity("APUS_TAKER_LOT", "0.00001", "the venues' coarsest quantity step"),
      minimumQuantity: quantity("APUS_TAKER_MIN_QUANTITY", "0.001", "the venues' largest minimum of an order"),
      edgeBasisPoints: Int64(
        configuration.int("APUS_TAKER_EDGE_BPS", default: 0, in: 0...1_000, help: "what must be left after fees")))
  }

  private static func quoter(_ configuration: inout Configuration) -> Quoter.Settings {
    let first = configuration.list("APUS_SYMBOLS", default: "BTC-USDT", help: "symbols of the venue").first ?? "BTC-USDT"
    let symbolText = configuration.string("APUS_QUOTER_SYMBOL", default: first, help: "what the quoter quotes")
    let quantity: Quantity? = configuration.value(
      "APUS_QUOTER_QUANTITY", default: "0", help: "base quantity of each order; 0 quotes nothing",
      expected: "a decimal of at least 0"
    ) { text in (try? Quantity(text)).flatMap { $0.isNegative ? nil : $0 } }
    let tick: Price? = configuration.value(
      "APUS_QUOTER_TICK", default: "0.01", help: "price step", expected: "a decimal above 0"
    ) { text in (try? Price(text)).flatMap { $0.isPositive ? $0 : nil } }
    return Quoter.Settings(
      venue: .binance, symbol: require(Symbol(symbolText), "APUS_QUOTER_SYMBOL", &configuration) ?? defaultSymbol,
      quantity: quantity ?? .zero,
      distanceBasisPoints: Int64(
        configuration.int("APUS_QUOTER_DISTANCE_BPS", default: 10, in: 1...5_000, help: "distance from the middle")),
      toleranceBasisPoints: Int64(
        configuration.int("APUS_QUOTER_TOLERANCE_BPS", default: 5, in: 1...5_000, help: "move from which on orders are replaced")),
      tick: tick ?? Price(units: 1))
  }

  private static func require<Value>(_ value: Value?, _ name: String, _ configuration: inout Configuration) -> Value? {
    if value == nil { configuration.reject("\(name) is not what its name says") }
    return value
  }

  private static var placeholder: Account {
    guard let account = Account("main") else { preconditionFailure("main is a legal account") }
    return account
  }

  private static var defaultSymbol: Symbol {
    guard let symbol = Symbol("BTC-USDT") else { preconditionFailure("BTC-USDT is a legal symbol") }
    return symbol
  }

  /// The topics that this program reads and writes.
  var topics: [KafkaTopicSpecification] {
    let layouts =
      Topic.layouts(accountPartitions: accountPartitions)
      + (name.map { feeds(of: $0) } ?? []).map { Topic.bookLayout(venue: $0.venue, symbol: $0.symbol) }
    return layouts.map { layout in
      KafkaTopicSpecification(
        layout.name, partitionCount: layout.partitions,
        settings: Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last }))
    }
  }
}
