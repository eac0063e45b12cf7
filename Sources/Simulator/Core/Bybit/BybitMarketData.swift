import Domain
import Wire

/// The public part of the REST interface.
enum BybitMarketData {
  static func answer(
    _ endpoint: BybitEndpoint, _ parameters: BybitParameters, _ rules: BybitRules, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    switch endpoint {
    case .time:
      json.beginObject()
      json.member("timeSecond", String(world.clock.milliseconds / 1_000))
      json.member("timeNano", String(world.clock.nanoseconds))
      json.endObject()
    case .instruments: try BybitInstruments.answer(parameters, rules, world, &json)
    case .orderBook: try orderBook(parameters, world, &json)
    case .tickers: try tickers(parameters, world, &json)
    case .trades: try trades(parameters, world, &json)
    case .klines: try klines(parameters, world, &json)
    default: try fundingHistory(parameters, world, &json)
    }
  }

  /// The market that the mandatory `symbol` names.
  private static func market(
    _ category: BybitCategory, _ parameters: BybitParameters, _ world: World
  ) throws(BybitError) -> Int {
    _ = try parameters.required("symbol")
    guard let market = try parameters.market(category, world) else { throw .parameter("symbol") }
    return market
  }

  /// `u` counts level changes here as `seq` does: compare it with none of the streams'.
  private static func orderBook(
    _ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let category = try parameters.category()
    let market = world.exchange.markets[try market(category, parameters, world)]
    let limit = try parameters.limit(default: category == .spot ? 1 : 25, maximum: 1_000)
    json.beginObject()
    json.member("s", market.instrument.venueSymbol)
    json.name("b")
    json.levels(market.levels(.buy, limit: limit), of: market.instrument)
    json.name("a")
    json.levels(market.levels(.sell, limit: limit), of: market.instrument)
    json.milliseconds("ts", world.clock)
    json.member("u", market.updateID)
    json.member("seq", market.updateID)
    json.milliseconds("cts", world.clock)
    json.endObject()
  }

  private static func tickers(
    _ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let category = try parameters.category()
    let asked = try parameters.market(category, world)
    let markets = world.exchange.markets
    list(category, &json) { json in
      for index in markets.indices where category.lists(markets[index]) && asked ?? index == index {
        json.beginObject()
        for (name, value) in BybitTicker(markets[index], at: world.now).replyFields {
          json.name(dynamic: name)
          json.value(value)
        }
        json.endObject()
      }
    }
  }

  private static func trades(
    _ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let category = try parameters.category()
    let market = world.exchange.markets[try market(category, parameters, world)]
    let limit = try parameters.limit(default: category == .spot ? 60 : 500, maximum: category == .spot ? 60 : 1_000)
    list(category, &json) { json in
      for trade in market.trades.suffix(limit).reversed() {
        json.beginObject()
        json.member("execId", String(trade.id))
        json.member("symbol", market.instrument.venueSymbol)
        json.member("price", trade.price)
        json.member("size", trade.quantity)
        json.member("side", trade.isBuyerMaker ? "Sell" : "Buy")
        json.millisecondsText("time", trade.time)
        json.member("isBlockTrade", false)
        json.member("isRPITrade", false)
        json.member("seq", String(trade.id))
        json.endObject()
      }
    }
  }

  private static let intervals: [String: Int64] = [
    "1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720, "D": 1_440,
  ]

  /// From the statistics by the minute, the newest first: `[start, open, high, low, close, volume, turnover]`.
  private static func klines(
    _ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let category = try parameters.category()
    let market = world.exchange.markets[try market(category, parameters, world)]
    guard let minutes = intervals[try parameters.required("interval")] else { throw .parameter("interval") }
    let limit = try parameters.limit(default: 200, maximum: 1_000)
    let (start, end) = (try parameters.integer("start") ?? 0, try parameters.integer("end") ?? .max)
    let spans = market.statistics.spans(ofMinutes: minutes).filter {
      (start...max(start, end)).contains($0.start.milliseconds)
    }
    json.beginObject()
    json.member("category", category)
    json.member("symbol", market.instrument.venueSymbol)
    json.name("list")
    json.beginArray()
    for (start, summary) in spans.suffix(limit).reversed() {
      json.beginArray()
      json.value(String(start.milliseconds))
      for price in [summary.open, summary.high, summary.low, summary.close] { json.value(price) }
      json.value(summary.volume)
      json.value(summary.quoteVolume)
      json.endArray()
    }
    json.endArray()
    json.endObject()
  }

  private static func fundingHistory(
    _ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let category = try parameters.category()
    let market = world.exchange.markets[try market(category, parameters, world)]
    guard category == .linear else { throw .category }
    let limit = try parameters.limit(default: 200, maximum: 200)
    let (start, end) = (try parameters.integer("startTime"), try parameters.integer("endTime"))
    if start != nil, end == nil { throw .missing("endTime") }
    let last = BybitFunding.settlement(before: min(world.clock, Timestamp(milliseconds: end ?? .max)))
    list(category, &json) { json in
      for index in 0..<Int64(limit) {
        let time = last + -index * BybitFunding.interval
        guard time.milliseconds >= max(1, start ?? 0) else { break }
        json.beginObject()
        json.member("symbol", market.instrument.venueSymbol)
        json.member("fundingRate", BybitFunding.rate)
        json.millisecondsText("fundingRateTimestamp", time)
        json.endObject()
      }
    }
  }

  private static func list(_ category: BybitCategory, _ json: inout JSONWriter, _ entries: (inout JSONWriter) -> Void) {
    json.beginObject()
    json.member("category", category)
    json.name("list")
    json.beginArray()
    entries(&json)
    json.endArray()
    json.endObject()
  }
}

/// Funding of the perpetuals: the same rate every eight hours.
enum BybitFunding {
  static let interval = 8 * Interval.hour
  static let rate = "0.0001"

  /// The last settlement at or before an instant.
  static func settlement(before time: Timestamp) -> Timestamp {
    Timestamp(nanoseconds: time.nanoseconds / interval * interval)
  }
}

extension JSONWriter {
  /// `[["price","quantity"],…]`, prices with as many digits as the tick has.
  mutating func levels(_ levels: [BookLevel], of instrument: Instrument) {
    self.levels(levels, priceDecimals: instrument.priceDecimals)
  }
}
