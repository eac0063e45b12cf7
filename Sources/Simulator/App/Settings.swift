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

  let listen: Endpoint
  let faultListen: Endpoint?
  let portFile: String?
  let simulation: Simulation.Configuration
  let limits: BinanceFace.Limits
  let depthIntervalNanoseconds: Int64
  let health: HealthSettings

  /// Reads everything; problems are kept in `configuration` until it is finished.
  init(_ configuration: inout Configuration) {
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
    limits = Self.limits(&configuration)
    depthIntervalNanoseconds =
      Int64(
        configuration.int(
          "SIM_DEPTH_INTERVAL_MS", default: 100, in: 1...10_000, help: "milliseconds between two diffs of @depth@100ms"))
      * Interval.millisecond
    simulation = Self.simulation(&configuration)
    health = HealthSettings(configuration: &configuration)
  }

  private static func limits(_ configuration: inout Configuration) -> BinanceFace.Limits {
    var limits = BinanceFace.Limits()
    let range = 1...1_000_000_000
    limits.weightPerMinute = Int64(
      configuration.int("SIM_WEIGHT_LIMIT", default: 6_000, in: range, help: "request weight in a minute"))
    limits.ordersPerTenSeconds = Int64(
      configuration.int("SIM_ORDER_LIMIT_10S", default: 100, in: range, help: "orders of an account in ten seconds"))
    limits.ordersPerDay = Int64(
      configuration.int("SIM_ORDER_LIMIT_1D", default: 200_000, in: range, help: "orders of an account in a day"))
    return limits
  }

  private static func simulation(_ configuration: inout Configuration) -> Simulation.Configuration {
    let clients = configuration.list(
      "SIM_ACCOUNTS", default: "main=simulator-key:simulator-secret", help: "clients: [name=]key:secret, comma-separated"
    ).compactMap { client($0, &configuration) }
    let price: Price =
      configuration.value(
        "SIM_PRICE", default: "26796", help: "starting price of BTC-USDT", expected: "a price", parse: positivePrice) ?? .zero
    let listings = configuration.list(
      "SIM_SYMBOLS", default: "BTC-USDT", help: "markets: BASE-QUOTE[=starting price], comma-separated"
    ).compactMap { listing($0, defaultPrice: price, &configuration) }
    let holdings = configuration.list(
      "SIM_BALANCES", default: "USDT=1000000,BTC=50,ETH=500", help: "what each client starts with: ASSET=amount, comma-separated"
    ).compactMap { holding($0, &configuration) }
    if listings.isEmpty { configuration.reject("SIM_SYMBOLS: a venue needs a market") }
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
    return simulation
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
    guard let symbol = parts.first.flatMap({ Symbol($0) }), !symbol.isPerpetual,
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
