import Domain
import Wire

/// What a client asks about its own orders, executions, balances and key.
enum BybitAccountData {
  static func answer(
    _ endpoint: BybitEndpoint, _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World,
    _ json: inout JSONWriter
  ) throws(BybitError) {
    switch endpoint {
    case .openOrders: try openOrders(client, parameters, &world, &json)
    case .orderHistory: try orderHistory(client, parameters, &world, &json)
    case .executions: try executions(client, parameters, &world, &json)
    case .positions: page("", try parameters.category(), &json) { _ in }
    case .wallet: try wallet(client, parameters, world, &json)
    case .accountInfo: accountInfo(world, &json)
    case .feeRate: try feeRate(parameters, world, &json)
    case .coins: try coins(parameters, world, &json)
    default: keyInfo(client, &json)
    }
  }

  // MARK: Orders

  /// Open orders, or one order by either id, closed ones of the recent past included. A category that is not traded is empty.
  private static func openOrders(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let listing = try Listing(parameters, world, usual: 20, maximum: 50)
    let asksClosed = try parameters.integer("openOnly", in: 0...2) ?? 0 > 0
    let isNamed = listing.name != nil
    var orders = isNamed || asksClosed ? world.exchange.allOrders(of: client.index) : world.exchange.openOrders(of: client.index)
    if isNamed || asksClosed { orders = Array(orders.suffix(Self.recentlyClosed)) }
    try append(orders.filter { isNamed || !asksClosed || !$0.status.isOpen }, listing, &world, &json)
  }

  /// Closed orders that `realtime` still knows.
  private static let recentlyClosed = 500

  private static func orderHistory(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let listing = try Listing(parameters, world, usual: 20, maximum: 50)
    let status = parameters.text("orderStatus")
    let orders = world.exchange.allOrders(of: client.index).filter {
      listing.includes($0.created) && (status == nil || status == $0.bybitStatus)
        && (listing.name != nil || status != nil || !$0.status.isOpen)
    }
    try append(orders, listing, &world, &json)
  }

  /// The newest first, from where the cursor points.
  private static func append(
    _ orders: [VenueOrder], _ listing: Listing, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    var found: [VenueOrder] = []
    for order in orders.reversed() where listing.covers(order) && found.count <= listing.limit {
      if world.canFind(order) { found.append(order) }
    }
    let shown = found.prefix(listing.limit)
    let cursor = found.count > shown.count ? shown.last.map { "\($0.id)%3A\($0.created.milliseconds)" } : nil
    page(cursor ?? "", listing.category, &json) { json in
      for order in shown { BybitOrderText.order(order, .reply, world.exchange, to: &json) }
    }
  }

  private static func executions(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let listing = try Listing(parameters, world, usual: 50, maximum: 100)
    var found: [VenueFill] = []
    for fill in world.exchange.fills(of: client.index).reversed() where listing.covers(fill) && found.count <= listing.limit {
      if listing.includes(fill.time), world.canFind(fill.orderID, named: fill.clientOrderID) { found.append(fill) }
    }
    let shown = found.prefix(listing.limit)
    let cursor = found.count > shown.count ? shown.last.map { "\($0.tradeID)%3A\($0.time.milliseconds)" } : nil
    page(cursor ?? "", listing.category, &json) { json in
      for fill in shown {
        let order = world.exchange.order(fill.orderID, of: client.index, in: fill.market)
        BybitOrderText.execution(fill, of: order, .reply, world.exchange, to: &json)
      }
    }
  }

  private static func page(
    _ cursor: String, _ category: BybitCategory, _ json: inout JSONWriter, _ entries: (inout JSONWriter) -> Void
  ) {
    json.beginObject()
    json.member("nextPageCursor", cursor)
    json.member("category", category)
    json.name("list")
    json.beginArray()
    entries(&json)
    json.endArray()
    json.endObject()
  }

  /// Which part of a history is asked for.
  private struct Listing {
    let category: BybitCategory
    let market: Int?
    let name: BybitOrderName?
    let limit: Int
    private let before: Int64
    private let startTime: Int64
    private let endTime: Int64

    init(_ parameters: BybitParameters, _ world: World, usual: Int, maximum: Int) throws(BybitError) {
      category = try parameters.category()
      market = try parameters.market(category, world)
      name = try BybitOrderName(optional: parameters)
      limit = try parameters.limit(default: usual, maximum: maximum)
      before = try Self.position(parameters.text("cursor"))
      startTime = try parameters.integer("startTime") ?? 0
      endTime = try parameters.integer("endTime") ?? .max
    }

    /// The number that the last page ended with. The rest of a cursor may come encoded once more: it makes no difference.
    private static func position(_ cursor: String?) throws(BybitError) -> Int64 {
      guard let cursor else { return .max }
      guard let number = Int64(cursor.prefix { $0.isNumber }) else { throw .parameter("cursor") }
      return number
    }

    func includes(_ time: Timestamp) -> Bool { (startTime...max(startTime, endTime)).contains(time.milliseconds) }

    func covers(_ order: VenueOrder) -> Bool {
      covers(order.request.market, order.id, order.request.clientOrderID) && order.id < before
    }

    func covers(_ fill: VenueFill) -> Bool {
      covers(fill.market, fill.orderID, fill.clientOrderID) && fill.tradeID < before
    }

    /// Only spot is traded, so that every other category has no orders.
    private func covers(_ market: Int, _ id: Int64, _ clientOrderID: String) -> Bool {
      category == .spot && (self.market == nil || self.market == market) && (name?.names(id, clientOrderID) ?? true)
    }
  }

  // MARK: The account

  private static func wallet(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    guard try parameters.required("accountType") == "UNIFIED" else { throw .parameter("accountType") }
    let asked = parameters.text("coin")?.split(separator: ",").map(String.init)
    let assets = world.exchange.ledger.assets.indices.filter { index in
      asked?.contains(world.exchange.ledger.assets[index]) ?? !world.exchange.ledger.balance(client.index, index).total.isZero
    }
    json.beginObject()
    json.name("list")
    json.beginArray()
    BybitWallet(client.index, world.exchange).append(assets, to: &json)
    json.endArray()
    json.endObject()
  }

  private static func accountInfo(_ world: World, _ json: inout JSONWriter) {
    json.beginObject()
    json.member("marginMode", "REGULAR_MARGIN")
    json.millisecondsText("updatedTime", world.now)
    json.member("unifiedMarginStatus", 6)
    json.member("dcpStatus", "OFF")
    json.member("timeWindow", 10)
    json.member("smpGroup", 0)
    json.member("isMasterTrader", false)
    json.member("spotHedgingStatus", "OFF")
    json.endObject()
  }

  private static func feeRate(_ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter) throws(BybitError) {
    let category = try parameters.category()
    let market = try parameters.market(category, world)
    let markets = world.exchange.markets
    json.beginObject()
    json.member("category", category)
    json.name("list")
    json.beginArray()
    for index in markets.indices where category.lists(markets[index]) && market ?? index == index {
      json.beginObject()
      json.member("symbol", world.symbol(index))
      json.member("baseCoin", "")
      json.member("takerFeeRate", BybitOrderText.rate(world.exchange.fees.takerBasisPoints))
      json.member("makerFeeRate", BybitOrderText.rate(world.exchange.fees.makerBasisPoints))
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  private static func coins(_ parameters: BybitParameters, _ world: World, _ json: inout JSONWriter) throws(BybitError) {
    let coin = parameters.text("coin")
    json.beginObject()
    json.name("rows")
    json.beginArray()
    for asset in world.exchange.ledger.assets where coin ?? asset == asset {
      json.beginObject()
      json.member("name", asset)
      json.member("coin", asset)
      json.member("remainAmount", "1000000")
      json.name("chains")
      json.beginArray()
      chain(asset, &json)
      json.endArray()
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  private static func chain(_ asset: String, _ json: inout JSONWriter) {
    let fields: [(StaticString, String)] = [
      ("chain", asset), ("chainType", asset), ("confirmation", "1"), ("safeConfirmNumber", "1"), ("withdrawFee", "0"),
      ("withdrawPercentageFee", "0"), ("withdrawMin", "0"), ("depositMin", "0"), ("chainDeposit", "0"), ("chainWithdraw", "0"),
      ("minAccuracy", "8"), ("contractAddress", ""),
    ]
    json.beginObject()
    for (name, value) in fields { json.member(name, value) }
    json.endObject()
  }

  private static func keyInfo(_ client: ClientAccount, _ json: inout JSONWriter) {
    json.beginObject()
    json.member("id", String(client.index))
    json.member("note", client.name)
    json.member("apiKey", client.apiKey)
    json.member("secret", "")
    json.name("permissions")
    json.beginObject()
    for (name, granted) in permissions {
      json.name(dynamic: name)
      json.strings(granted)
    }
    json.endObject()
    json.name("ips")
    json.strings(["*"])
    let numbers: [(StaticString, Int)] = [
      ("readOnly", 0), ("type", 1), ("deadlineDay", -2), ("unified", 0), ("uta", 1), ("userID", client.index), ("inviterID", 0),
      ("affiliateID", 0),
    ]
    for (name, number) in numbers { json.member(name, number) }
    let texts: [(StaticString, String)] = [
      ("expiredAt", "1970-01-01T00:00:00Z"), ("createdAt", "2025-01-01T00:00:00Z"), ("vipLevel", "No VIP"),
      ("mktMakerLevel", "0"), ("rsaPublicKey", ""), ("parentUid", "0"), ("kycLevel", "LEVEL_DEFAULT"), ("kycRegion", ""),
      ("userIDInt64", String(client.index)), ("inviterIDInt64", "0"), ("affiliateIDInt64", "0"),
    ]
    for (name, text) in texts { json.member(name, text) }
    json.member("isMaster", true)
    json.endObject()
  }

  private static let permissions: [(String, [String])] = [
    ("ContractTrade", []), ("Spot", ["SpotTrade"]), ("Wallet", []), ("Options", []), ("Derivatives", []), ("CopyTrading", []),
    ("BlockTrade", []), ("Exchange", []), ("NFT", []), ("Affiliate", []), ("Earn", []),
  ]
}
