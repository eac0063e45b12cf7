import Domain
import Wire

/// The ticker streams. Spot tells the whole ticker each time, linear only what changed.
struct BybitTickerStreams: Sendable {
  private static let interval = 100 * Interval.millisecond

  /// What was told last, by market.
  private var told: [Int: [(name: String, value: String)]] = [:]
  private var due = Timestamp.zero

  static func stream(_ market: Market) -> String {
    "\(BybitCategory(of: market).rawValue)/tickers.\(market.instrument.venueSymbol)"
  }

  /// The ticker as it was told last, or as it is when nobody has heard it.
  mutating func snapshot(_ index: Int, _ world: World) -> [UInt8] {
    let market = world.exchange.markets[index]
    let fields = told[index] ?? BybitTicker(market, at: world.now).streamFields
    told[index] = fields
    return message("snapshot", fields, market, world.clock)
  }

  /// Sends what is due.
  mutating func flush(_ sockets: VenueSockets<BybitSocket>, _ world: inout World) {
    guard world.now >= due else { return }
    due = world.now + Self.interval
    for index in world.exchange.markets.indices {
      guard let last = told[index] else { continue }
      let market = world.exchange.markets[index]
      guard sockets.hasListener(of: Self.stream(market)) else {
        told[index] = nil
        continue
      }
      let fields = BybitTicker(market, at: world.now).streamFields
      let changed = zip(last, fields).filter { $0.value != $1.value }.map(\.1)
      guard !changed.isEmpty else { continue }
      told[index] = fields
      let isWhole = BybitCategory(of: market) == .spot
      let (type, shown) = isWhole ? ("snapshot", fields) : ("delta", fields.prefix(1) + changed)
      let message = message(type, shown, market, world.clock)
      sockets.broadcast(Self.stream(market), &world) { message }
    }
  }

  private func message(
    _ type: String, _ fields: [(name: String, value: String)], _ market: Market, _ clock: Timestamp
  ) -> [UInt8] {
    JSONWriter.object(capacity: 1_024) { json in
      json.member("topic", "tickers.\(market.instrument.venueSymbol)")
      json.milliseconds("ts", clock)
      json.member("type", type)
      json.member("cs", market.updateID)
      json.name("data")
      json.beginObject()
      for (name, value) in fields {
        json.name(dynamic: name)
        json.value(value)
      }
      json.endObject()
    }
  }
}

extension BybitFace {
  /// Trades are told at once, those of one operation in one message; so are orders, executions and balances.
  public mutating func publish(_ events: [ExchangeEvent], _ world: inout World) {
    var trades: [PublicTrade] = []
    var updates: [OrderUpdate] = []
    for event in events {
      switch event {
      case .trade(let trade): trades.append(trade)
      case .order(let update): updates.append(update)
      case .level, .top: break
      }
    }
    for market in world.exchange.markets.indices { publish(trades.filter { $0.market == market }, market, &world) }
    tell(updates, &world)
  }

  private func publish(_ trades: [PublicTrade], _ index: Int, _ world: inout World) {
    guard let last = trades.last else { return }
    let market = world.exchange.markets[index]
    let symbol = market.instrument.venueSymbol
    let clock = world.clock
    sockets.broadcast("\(BybitCategory(of: market).rawValue)/publicTrade.\(symbol)", &world) {
      JSONWriter.object(capacity: 256 * trades.count) { json in
        json.member("topic", "publicTrade.\(symbol)")
        json.member("type", "snapshot")
        json.milliseconds("ts", max(clock, last.time))
        json.name("data")
        json.beginArray()
        for trade in trades { Self.append(trade, in: market, to: &json) }
        json.endArray()
      }
    }
  }

  private static func append(_ trade: PublicTrade, in market: Market, to json: inout JSONWriter) {
    json.beginObject()
    json.milliseconds("T", trade.time)
    json.member("s", market.instrument.venueSymbol)
    json.member("S", trade.isBuyerMaker ? "Sell" : "Buy")
    json.member("v", trade.quantity)
    json.member("p", trade.price)
    json.member("L", direction(of: trade, in: market))
    json.member("i", String(trade.id))
    json.member("BT", false)
    json.member("RPI", false)
    json.member("seq", trade.id)
    json.endObject()
  }

  /// Against the trade before it; the direction of an unchanged price is that of the last change, which is not looked up here.
  private static func direction(of trade: PublicTrade, in market: Market) -> String {
    guard let before = market.trades.last(where: { $0.id < trade.id }), before.price != trade.price else { return "ZeroPlusTick" }
    return trade.price > before.price ? "PlusTick" : "MinusTick"
  }
}
