import Domain
import Wire

/// The public part of the REST interface.
enum BinanceMarketData {
  static func answer(
    _ endpoint: BinanceEndpoint, _ parameters: inout BinanceParameters, _ world: World,
    _ limits: BinanceRateLimits.Configuration, _ json: inout JSONWriter
  ) throws(BinanceError) {
    switch endpoint {
    case .ping:
      try parameters.finish()
      json.beginObject()
      json.endObject()
    case .time:
      try parameters.finish()
      json.beginObject()
      json.milliseconds("serverTime", world.clock)
      json.endObject()
    case .exchangeInfo: try exchangeInfo(&parameters, world, limits, &json)
    case .depth: try depth(&parameters, world, &json)
    case .trades, .aggregateTrades: try trades(endpoint, &parameters, world, &json)
    case .averagePrice:
      let market = try market(&parameters, world)
      try parameters.finish()
      json.beginObject()
      json.member("mins", 0)
      json.amount("price", world.exchange.markets[market].lastPrice)
      json.milliseconds("closeTime", world.now)
      json.endObject()
    case .dayTicker: try tickers(&parameters, world, &json, dayTicker)
    case .priceTicker:
      try tickers(&parameters, world, &json) { market, _, json in json.amount("price", market.lastPrice) }
    case .bookTicker:
      try tickers(&parameters, world, &json) { market, _, json in
        json.top(market.top)
      }
    case .marginPairs, .isolatedPairs, .coins: json.strings([])
    case .linearContracts, .inverseContracts:
      json.beginObject()
      json.name("symbols")
      json.strings([])
      json.endObject()
    default: throw .unknownPath
    }
  }

  /// The market that the mandatory `symbol` names.
  static func market(_ parameters: inout BinanceParameters, _ world: World) throws(BinanceError) -> Int {
    try market(named: try parameters.required("symbol"), world)
  }

  private static func market(named symbol: String, _ world: World) throws(BinanceError) -> Int {
    let isLegal = (1...20).contains(symbol.utf8.count) && symbol.utf8.allSatisfy(isSymbolByte)
    guard isLegal else { throw .illegalCharacters("symbol", legal: "^[A-Z0-9-_.]{1,20}$") }
    guard let market = world.exchange.market(spelled: symbol) else { throw .symbol }
    return market
  }

  /// The markets that `symbol` or `symbols` names; nil when neither was sent.
  private static func markets(
    _ parameters: inout BinanceParameters, _ world: World
  ) throws(BinanceError) -> (indices: [Int], isList: Bool)? {
    let symbol = try parameters.text("symbol")
    let symbols = try parameters.text("symbols")
    if symbol != nil, symbols != nil { throw .symbolsAndSymbol }
    if let symbol { return ([try market(named: symbol, world)], false) }
    guard let symbols else { return nil }
    guard let names = (try? JSON.parse(Array(symbols.utf8)))?.array, !names.isEmpty, names.count <= 100 else {
      throw .illegalCharacters("symbols", legal: "^\\[(\"[A-Z0-9-_.]{1,20}\"(,\"[A-Z0-9-_.]{1,20}\"){0,})?\\]$")
    }
    var indices: [Int] = []
    for name in names {
      guard let name = name.string else { throw .symbol }
      indices.append(try market(named: name, world))
    }
    return (indices, true)
  }

  private static func depth(
    _ parameters: inout BinanceParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let market = world.exchange.markets[try market(&parameters, world)]
    let limit = Int(try parameters.integer("limit", in: 1...Int64.max) ?? 100)
    try parameters.finish()
    json.beginObject()
    json.member("lastUpdateId", market.updateID)
    json.name("bids")
    json.sideOfBook(market.levels(.buy, limit: min(limit, 5_000)))
    json.name("asks")
    json.sideOfBook(market.levels(.sell, limit: min(limit, 5_000)))
    json.endObject()
  }

  private static func trades(
    _ endpoint: BinanceEndpoint, _ parameters: inout BinanceParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let market = world.exchange.markets[try market(&parameters, world)]
    let limit = Int(try parameters.integer("limit", in: 1...1_000) ?? 500)
    let start = try parameters.integer("startTime") ?? 0
    let end = try parameters.integer("endTime") ?? .max
    let from = try parameters.integer("fromId")
    try parameters.finish()
    var trades = market.trades.filter { (start...max(start, end)).contains($0.time.milliseconds) }
    if let from { trades.removeAll { $0.id < from } }
    json.beginArray()
    for trade in from == nil && start == 0 ? trades.suffix(limit) : trades.prefix(limit) {
      endpoint == .trades ? json.trade(trade) : json.aggregateTrade(trade)
    }
    json.endArray()
  }

  // MARK: Tickers

  private static func tickers(
    _ parameters: inout BinanceParameters, _ world: World, _ json: inout JSONWriter,
    _ body: (Market, World, inout JSONWriter) -> Void
  ) throws(BinanceError) {
    let asked = try markets(&parameters, world)
    // FULL and MINI differ by fields that a reader may ignore.
    parameters.ignore("type")
    try parameters.finish()
    let isList = asked?.isList ?? true
    if isList { json.beginArray() }
    for index in asked?.indices ?? Array(world.exchange.markets.indices) {
      json.beginObject()
      json.member("symbol", world.symbol(index))
      body(world.exchange.markets[index], world, &json)
      json.endObject()
    }
    if isList { json.endArray() }
  }

  private static func dayTicker(_ market: Market, _ world: World, _ json: inout JSONWriter) {
    let day = market.statistics.summary(at: world.now)
    let last = market.lastPrice
    let open = day?.open ?? last
    json.amount("priceChange", last - open)
    json.name("priceChangePercent")
    json.value(percent(last - open, of: open))
    let average = day.flatMap { day in Quantity(day.volume, .down).flatMap { day.quoteVolume.price(of: $0, .down) } } ?? last
    json.amount("weightedAvgPrice", average.rounded(toMultipleOf: Price(units: 100), .down))
    json.amount("prevClosePrice", open)
    json.amount("lastPrice", last)
    json.amount("lastQty", day?.lastQuantity ?? .zero)
    json.top(market.top)
    json.amount("openPrice", open)
    json.amount("highPrice", day?.high ?? last)
    json.amount("lowPrice", day?.low ?? last)
    json.amount("volume", day?.volume ?? .zero)
    json.amount("quoteVolume", day?.quoteVolume ?? .zero)
    json.milliseconds("openTime", world.now + -Interval.day)
    json.milliseconds("closeTime", world.now)
    json.member("firstId", day?.firstTradeID ?? -1)
    json.member("lastId", day?.lastTradeID ?? -1)
    json.member("count", day?.count ?? 0)
  }

  /// A change in percent with three decimals, rounded toward zero.
  private static func percent(_ change: Price, of whole: Price) -> String {
    var bytes: [UInt8] = []
    let thousandths = whole.isZero ? 0 : Int128(change.units) * 100_000 / Int128(whole.units)
    DecimalText.append(thousandths, scale: 3, minimumDecimals: 3, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Rules

  private static func exchangeInfo(
    _ parameters: inout BinanceParameters, _ world: World, _ limits: BinanceRateLimits.Configuration, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let asked = try markets(&parameters, world)
    parameters.ignore("permissions", "showPermissionSets", "symbolStatus")
    try parameters.finish()
    json.beginObject()
    json.member("timezone", "UTC")
    json.milliseconds("serverTime", world.clock)
    json.name("rateLimits")
    BinanceRateLimits.append(limits, to: &json)
    json.name("exchangeFilters")
    json.strings([])
    json.name("symbols")
    json.beginArray()
    for index in asked?.indices ?? Array(world.exchange.markets.indices) {
      symbol(world.exchange.markets[index].instrument, &json)
    }
    json.endArray()
    json.endObject()
  }

  private static func symbol(_ rules: Instrument, _ json: inout JSONWriter) {
    json.beginObject()
    json.member("symbol", rules.venueSymbol)
    json.member("status", rules.isTrading ? "TRADING" : "BREAK")
    json.member("baseAsset", rules.symbol.base)
    json.member("baseAssetPrecision", 8)
    json.member("quoteAsset", rules.symbol.quote)
    json.member("quotePrecision", 8)
    json.member("quoteAssetPrecision", 8)
    json.member("baseCommissionPrecision", 8)
    json.member("quoteCommissionPrecision", 8)
    json.name("orderTypes")
    json.strings(["LIMIT", "LIMIT_MAKER", "MARKET"])
    for (name, value) in permissions {
      json.name(dynamic: name)
      json.value(value)
    }
    json.name("filters")
    BinanceFilters.append(rules, to: &json)
    json.name("permissions")
    json.strings([])
    json.name("permissionSets")
    json.beginArray()
    json.strings(["SPOT"])
    json.endArray()
    json.member("defaultSelfTradePreventionMode", "EXPIRE_MAKER")
    json.name("allowedSelfTradePreventionModes")
    json.strings(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"])
    json.endObject()
  }

  private static let permissions: [(String, Bool)] = [
    ("icebergAllowed", false), ("ocoAllowed", false), ("otoAllowed", false), ("opoAllowed", false),
    ("quoteOrderQtyMarketAllowed", true), ("allowTrailingStop", false), ("cancelReplaceAllowed", false), ("amendAllowed", false),
    ("pegInstructionsAllowed", false), ("isSpotTradingAllowed", true), ("isMarginTradingAllowed", false),
  ]

  private static func isSymbolByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-_.".utf8.contains(byte)
    }
  }
}

extension JSONWriter {
  /// A side of a book as Binance writes it: eight digits behind each point.
  mutating func sideOfBook(_ levels: [BookLevel]) { self.levels(levels, priceDecimals: 8, quantityDecimals: 8) }

  /// An array of strings.
  mutating func strings(_ texts: [String]) {
    beginArray()
    for text in texts { value(text) }
    endArray()
  }

  fileprivate mutating func top(_ top: TopOfBook) {
    amount("bidPrice", top.bid?.price ?? .zero)
    amount("bidQty", top.bid?.quantity ?? .zero)
    amount("askPrice", top.ask?.price ?? .zero)
    amount("askQty", top.ask?.quantity ?? .zero)
  }

  fileprivate mutating func trade(_ trade: PublicTrade) {
    beginObject()
    member("id", trade.id)
    amount("price", trade.price)
    amount("qty", trade.quantity)
    amount("quoteQty", trade.price * trade.quantity)
    milliseconds("time", trade.time)
    member("isBuyerMaker", trade.isBuyerMaker)
    member("isBestMatch", true)
    endObject()
  }

  /// Every trade is an aggregate of itself.
  fileprivate mutating func aggregateTrade(_ trade: PublicTrade) {
    beginObject()
    member("a", trade.id)
    amount("p", trade.price)
    amount("q", trade.quantity)
    member("f", trade.id)
    member("l", trade.id)
    milliseconds("T", trade.time)
    member("m", trade.isBuyerMaker)
    member("M", true)
    endObject()
  }
}
