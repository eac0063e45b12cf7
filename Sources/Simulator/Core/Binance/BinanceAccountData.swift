import Domain
import Wire

/// What a client asks about its own orders, fills and balances.
enum BinanceAccountData {
  static func answer(
    _ endpoint: BinanceEndpoint, _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World,
    _ json: inout JSONWriter
  ) throws(BinanceError) {
    switch endpoint {
    case .queryOrder:
      let market = try BinanceMarketData.market(&parameters, world)
      let order = try order(client, market, &parameters, &world)
      try parameters.finish()
      guard let order else { throw .noSuchOrder }
      BinanceOrderText.queried(order, world, to: &json)
    case .openOrders:
      let market = parameters.peek("symbol") == nil ? nil : try BinanceMarketData.market(&parameters, world)
      try parameters.finish()
      json.beginArray()
      for order in world.exchange.openOrders(of: client.index) where market == nil || order.request.market == market {
        if world.canFind(order) { BinanceOrderText.queried(order, world, to: &json) }
      }
      json.endArray()
    case .allOrders: try allOrders(client, &parameters, &world, &json)
    case .myTrades: try myTrades(client, &parameters, &world, &json)
    case .account: try account(client, &parameters, world, &json)
    default: throw .unknownPath
    }
  }

  /// The order that `orderId` or `origClientOrderId` names, nil when there is none; sent both, both must fit.
  static func order(
    _ client: ClientAccount, _ market: Int, _ parameters: inout BinanceParameters, _ world: inout World
  ) throws(BinanceError) -> VenueOrder? {
    let id = try parameters.integer("orderId")
    let clientID = try parameters.text("origClientOrderId")
    guard id != nil || clientID != nil else { throw .missingEither("origClientOrderId", "orderId") }
    let found =
      id.map { world.exchange.order($0, of: client.index, in: market) }
      ?? world.exchange.order(named: clientID ?? "", of: client.index, in: market)
    guard let order = found, clientID == nil || clientID == order.request.clientOrderID else { return nil }
    return world.canFind(order) ? order : nil
  }

  /// Which part of a history is asked for.
  private struct Page {
    var firstID: Int64?
    var startTime: Int64
    var endTime: Int64
    var limit: Int

    init(firstID name: String, _ parameters: inout BinanceParameters) throws(BinanceError) {
      firstID = try parameters.integer(name)
      let start = try parameters.integer("startTime")
      let end = try parameters.integer("endTime")
      if let start, let end, end - start > Interval.day / Interval.millisecond { throw .moreThanADay }
      startTime = start ?? 0
      endTime = end ?? .max
      limit = Int(try parameters.integer("limit", in: 1...1_000) ?? 500)
    }

    func includes(_ time: Timestamp) -> Bool { time.milliseconds >= startTime && time.milliseconds <= endTime }

    /// The first ones from a starting point, else the latest; oldest first either way.
    func cut<Element>(_ all: [Element]) -> ArraySlice<Element> {
      firstID != nil || startTime > 0 ? all.prefix(limit) : all.suffix(limit)
    }
  }

  private static func allOrders(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let market = try BinanceMarketData.market(&parameters, world)
    let page = try Page(firstID: "orderId", &parameters)
    try parameters.finish()
    let orders = world.exchange.allOrders(of: client.index).filter {
      $0.request.market == market && $0.id >= page.firstID ?? 0 && page.includes($0.created)
    }
    json.beginArray()
    for order in page.cut(orders) where world.canFind(order) { BinanceOrderText.queried(order, world, to: &json) }
    json.endArray()
  }

  private static func myTrades(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let market = try BinanceMarketData.market(&parameters, world)
    let orderID = try parameters.integer("orderId")
    let page = try Page(firstID: "fromId", &parameters)
    try parameters.finish()
    let fills = world.exchange.fills(of: client.index).filter {
      $0.market == market && $0.tradeID >= page.firstID ?? 0 && page.includes($0.time)
        && (orderID == nil || $0.orderID == orderID)
    }
    json.beginArray()
    for fill in page.cut(fills) where world.canFind(fill.orderID, named: fill.clientOrderID) {
      BinanceOrderText.trade(fill, world, to: &json)
    }
    json.endArray()
  }

  private static func account(
    _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: World, _ json: inout JSONWriter
  ) throws(BinanceError) {
    let omitsZero = try parameters.text("omitZeroBalances") == "true"
    try parameters.finish()
    let fees = world.exchange.fees
    json.beginObject()
    json.member("makerCommission", fees.makerBasisPoints)
    json.member("takerCommission", fees.takerBasisPoints)
    json.member("buyerCommission", 0)
    json.member("sellerCommission", 0)
    json.name("commissionRates")
    json.beginObject()
    json.amount("maker", rate(fees.makerBasisPoints))
    json.amount("taker", rate(fees.takerBasisPoints))
    json.amount("buyer", Money.zero)
    json.amount("seller", Money.zero)
    json.endObject()
    for (name, value) in permissions {
      json.name(dynamic: name)
      json.value(name == "canTrade" ? value && !world.restricted.contains(client.index) : value)
    }
    json.milliseconds("updateTime", world.now)
    json.member("accountType", "SPOT")
    json.name("balances")
    balances(client, omitsZero: omitsZero, world, &json)
    json.name("permissions")
    json.strings(["SPOT"])
    json.member("uid", client.index)
    json.endObject()
  }

  private static func balances(_ client: ClientAccount, omitsZero: Bool, _ world: World, _ json: inout JSONWriter) {
    json.beginArray()
    for (index, asset) in world.exchange.ledger.assets.enumerated() {
      let balance = world.exchange.ledger.balance(client.index, index)
      if omitsZero, balance.total.isZero { continue }
      json.beginObject()
      json.member("asset", asset)
      json.amount("free", balance.free)
      json.amount("locked", balance.locked)
      json.endObject()
    }
    json.endArray()
  }

  private static let permissions: [(String, Bool)] = [
    ("canTrade", true), ("canWithdraw", false), ("canDeposit", false), ("brokered", false), ("requireSelfTradePrevention", false),
    ("preventSor", false),
  ]

  private static func rate(_ basisPoints: Int64) -> Money { Money(units: Int128(basisPoints) * 100_000_000_000_000) }
}
