import Domain
import Net
import Runtime
import SimulatorCore

/// What the program was asked to be.
struct Settings {
  /// `address:port`.
  struct Endpoint {
    var address = "127.0.0.1"
    var port: UInt16 = 0

    static func parse(_ text: String) -> Endpoint? {
      guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
      return Endpoint(address: String(text[..<colon]).filter { $0 != "[" && $0 != "]" }, port: port)
    }
  }

  /// Whose protocol is spoken.
  enum SimulatedVenue: String, CaseIterable {
    case binance, bybit
  }

  let venue: SimulatedVenue
  let listen: Endpoint
  let tls: TLSFiles?
  let faultListen: Endpoint?
  let portFile: String?
  let simulation: Simulation.Configuration
  let depthIntervalNanoseconds: Int64
  let face: any VenueFace
  let health: HealthSettings

  /// Reads everything; problems are kept in `configuration` until it is finished.
  init(_ configuration: inout Configuration) {
    venue = configuration.choice("SIM_VENUE", default: SimulatedVenue.binance, help: "whose protocol is spoken") ?? .binance
    listen =
      configuration.value(
        "SIM_LISTEN", default: "127.0.0.1:0", help: "address:port of the venue, REST and WebSocket; port 0 = free",
        expected: "address:port", parse: Endpoint.parse) ?? Endpoint()
    faultListen =
      configuration.value(
        "SIM_FAULT_LISTEN", default: "", help: "address:port for faults and the venue's truth; off when absent",
        expected: "address:port"
      ) { text -> Endpoint?? in text.isEmpty ? .some(nil) : Endpoint.parse(text).map { .some($0) } } ?? nil
    portFile = configuration.optionalString("SIM_PORT_FILE", help: "file that receives the venue's port and the fault port")
    tls = Self.tls(&configuration)
    let (binance, bybit) = (Self.binanceLimits(&configuration), Self.bybitLimits(&configuration))
    depthIntervalNanoseconds =
      Int64(
        configuration.int(
          "SIM_DEPTH_INTERVAL_MS", default: 100, in: 1...10_000, help: "Binance: milliseconds between two diffs of @depth@100ms"))
      * Interval.millisecond
    face =
      venue == .bybit
      ? BybitFace(limits: bybit) : BinanceFace(limits: binance, depthIntervalNanoseconds: depthIntervalNanoseconds)
    simulation = Self.simulation(venue, &configuration)
    health = HealthSettings(configuration: &configuration)
  }

  private static func tls(_ configuration: inout Configuration) -> TLSFiles? {
    let certificate = configuration.optionalString("SIM_TLS_CERT", help: "PEM certificate chain: the venue's port speaks TLS")
    let key = configuration.optionalString("SIM_TLS_KEY", help: "PEM private key of SIM_TLS_CERT")
    if (certificate == nil) != (key == nil) { configuration.reject("SIM_TLS_CERT and SIM_TLS_KEY belong together") }
    guard let certificate, let key else { return nil }
    return TLSFiles(certificateChain: certificate, privateKey: key)
  }

  private static func bybitLimits(_ configuration: inout Configuration) -> BybitFace.Limits {
    var limits = BybitFace.Limits()
    let range = 1...1_000_000_000
    limits.ordersPerSecond = Int64(
      configuration.int(
        "SIM_ORDER_LIMIT_1S", default: 20, in: range, help: "Bybit: orders, amendments, cancels of an account in a second, each"))
    limits.requestsPerFiveSeconds = Int64(
      configuration.int("SIM_REQUEST_LIMIT_5S", default: 600, in: range, help: "Bybit: requests of all clients in five seconds"))
    limits.priceBandBasisPoints = Int64(
      configuration.int(
        "SIM_PRICE_BAND_BPS", default: 1_000, in: 1...9_999,
        help: "Bybit: how far a limit may be on the far side of the last price"))
    limits.matchingDelayNanoseconds =
      configuration.value(
        "SIM_MATCH_DELAY_MS", default: "5-50", help: "Bybit: from accepting to matching, in milliseconds: fixed, or from-to",
        expected: "milliseconds or a range such as 5-50", parse: delay) ?? 0...0
    return limits
  }

  private static func binanceLimits(_ configuration: inout Configuration) -> BinanceFace.Limits {
    var limits = BinanceFace.Limits()
    let range = 1...1_000_000_000
    limits.weightPerMinute = Int64(
      configuration.int("SIM_WEIGHT_LIMIT", default: 6_000, in: range, help: "Binance: request weight in a minute"))
    limits.ordersPerTenSeconds = Int64(
      configuration.int("SIM_ORDER_LIMIT_10S", default: 100, in: range, help: "Binance: orders of an account in ten seconds"))
    limits.ordersPerDay = Int64(
      configuration.int("SIM_ORDER_LIMIT_1D", default: 200_000, in: range, help: "Binance: orders of an account in a day"))
    return limits
  }

  private static func simulation(
    _ venue: SimulatedVenue, _ configuration: inout Configuration
  ) -> Simulation.Configuration {
    let clients = configuration.list(
      "SIM_ACCOUNTS", default: "main=simulator-key:simulator-secret", help: "clients: [name=]key:secret, comma-separated"
    ).compactMap { client($0, &configuration) }
    let price: Price =
      configuration.value(
        "SIM_PRICE", default: "26796", help: "starting price of BTC-USDT", expected: "a price", parse: positivePrice) ?? .zero
    let listings = configuration.list(
      "SIM_SYMBOLS", default: "BTC-USDT", help: "markets: BASE-QUOTE[-PERP][=starting price], comma-separated"
    ).compactMap { listing($0, defaultPrice: price, &configuration) }
    let holdings = configuration.list(
      "SIM_BALANCES", default: "USDT=1000000,BTC=50,ETH=500", help: "what each client starts with: ASSET=amount, comma-separated"
    ).compactMap { holding($0, &configuration) }
    if listings.isEmpty { configuration.reject("SIM_SYMBOLS: a venue needs a market") }
    if venue == .binance, listings.contains(where: \.instrument.symbol.isPerpetual) {
      configuration.reject("SIM_SYMBOLS: only Bybit has perpetuals here, and of those only market data")
    }
    if Set(listings.map(\.instrument.symbol)).count < listings.count {
      configuration.reject("SIM_SYMBOLS: a market is named twice")
    }
    if Set(clients.map(\.apiKey)).count < clients.count || Set(clients.map(\.name)).count < clients.count {
      configuration.reject("SIM_ACCOUNTS: names and keys must differ")
    }
    var simulation = Simulation.Configuration(listings: listings, clients: clients, holdings: holdings)
    simulation.fees.makerBasisPoints = Int64(
      configuration.int("SIM_MAKER_FEE_BPS", default: 10, in: 0...1_000, help: "maker fee in basis points"))
    simulation.fees.takerBasisPoints = Int64(
      configuration.int("SIM_TAKER_FEE_BPS", default: 10, in: 0...1_000, help: "taker fee in basis points"))
    simulation.participants.slippageBasisPoints = Int64(
      configuration.int(
        "SIM_SLIPPAGE_BPS", default: 0, in: 0...1_000, help: "makers withdraw this far before a client's order takes"))
    simulation.participants.isFrozen = configuration.bool(
      "SIM_FROZEN_PRICE", default: false, help: "the price stays where it starts")
    simulation.participants.requotes = configuration.int(
      "SIM_REQUOTES", default: 3, in: 0...1_000, help: "levels of each market that get another size at each step")
    simulation.stepNanoseconds =
      Int64(configuration.int("SIM_STEP_MS", default: 50, in: 1...10_000, help: "milliseconds between two steps of the crowd"))
      * Interval.millisecond
    simulation.acknowledgementDelayNanoseconds =
      configuration.value(
        "SIM_ACK_DELAY_MS", default: "10-100", help: "delay of the answer to an order in milliseconds: fixed, or from-to",
        expected: "milliseconds or a range such as 10-100", parse: delay) ?? 0...0
    simulation.eventDelayNanoseconds =
      configuration.value(
        "SIM_EVENT_DELAY_MS", default: "0", help: "delay of private events in milliseconds: fixed, or from-to",
        expected: "milliseconds or a range such as 0-50", parse: delay) ?? 0...0
    simulation.seed = UInt64(configuration.int("SIM_SEED", default: 1, in: 0...Int.max, help: "seed of all chance"))
    simulation.participants.path = path(simulation.seed, &configuration)
    return simulation
  }

  /// Where the prices go when several venues are to move together.
  private static func path(_ seed: UInt64, _ configuration: inout Configuration) -> PricePath? {
    let marketSeed = configuration.int(
      "SIM_MARKET_SEED", default: 0, in: 0...Int.max,
      help: "venues with the same one move together; 0: the price walks by itself from where it starts")
    let deviation = configuration.int(
      "SIM_DEVIATION_BPS", default: 8, in: 0...1_000, help: "with SIM_MARKET_SEED: how far the venue strays from the others")
    guard marketSeed > 0 else { return nil }
    return PricePath(marketSeed: UInt64(marketSeed), venueSeed: seed, deviationBasisPoints: Int64(deviation))
  }

  private static func client(_ text: String, _ configuration: inout Configuration) -> Simulation.Client? {
    let named = text.split(separator: "=", maxSplits: 1)
    let credentials = (named.last ?? "").split(separator: ":", maxSplits: 1).map(String.init)
    guard credentials.count == 2 else {
      configuration.reject("SIM_ACCOUNTS: a client is [name=]key:secret")
      return nil
    }
    return Simulation.Client(
      name: named.count == 2 ? String(named[0]) : credentials[0], apiKey: credentials[0], secret: credentials[1])
  }

  private static func holding(
    _ text: String, _ configuration: inout Configuration
  ) -> (asset: String, amount: Money)? {
    let parts = text.split(separator: "=")
    guard parts.count == 2, let amount = try? Money(parts[1]), amount <= Money.limit, !amount.isNegative else {
      configuration.reject("SIM_BALANCES: \(text) is not ASSET=amount")
      return nil
    }
    return (String(parts[0]), amount)
  }

  private static func listing(
    _ text: String, defaultPrice: Price, _ configuration: inout Configuration
  ) -> Exchange.Listing? {
    let parts = text.split(separator: "=").map(String.init)
    let known = ["BTC": defaultPrice, "ETH": Price(units: 1_650 * 10_000_000_000)]
    // A base that nobody priced starts at a hundred: better a market than none.
    guard let symbol = parts.first.flatMap({ Symbol($0) }),
      let price = parts.count == 2 ? positivePrice(parts[1]) : known[symbol.base] ?? Price(units: 100 * 10_000_000_000)
    else {
      configuration.reject("SIM_SYMBOLS: \(text) is not BASE-QUOTE=starting price")
      return nil
    }
    return Exchange.Listing(symbol: symbol, startingPrice: price)
  }

  private static func positivePrice(_ text: String) -> Price? {
    guard let price = try? Price(text), price.isPositive, price < Price(units: .max / 4) else { return nil }
    return price
  }

  private static func delay(_ text: String) -> ClosedRange<Int64>? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let ends = parts.compactMap { Int64($0) }.filter { (0...600_000).contains($0) }
    guard (1...2).contains(ends.count), ends.count == parts.count, let first = ends.first, let last = ends.last, first <= last
    else { return nil }
    return first * Interval.millisecond...last * Interval.millisecond
  }
}
