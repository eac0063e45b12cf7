import Domain
import Wire

/// Orders, amendments and cancels: checked here, done later.
extension BybitFace {
  mutating func trade(
    _ endpoint: BybitEndpoint, _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World,
    _ json: inout JSONWriter
  ) throws(BybitError) {
    switch try parameters.category() {
    case .spot: break
    // The keys of this venue are for spot alone.
    case .linear, .inverse, .option: throw .permission
    }
    guard !world.restricted.contains(client.index) else { throw .restricted }
    switch endpoint {
    case .create: try create(client, parameters, &world, &json)
    case .amend: try amend(client, parameters, &world, &json)
    case .cancel: try cancel(client, parameters, &world, &json)
    default: try cancelAll(client, parameters, &world, &json)
    }
  }

  private mutating func create(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let order = try BybitTicket.order(client, parameters, world)
    let market = world.exchange.markets[order.market]
    try rules.check(order, market)
    let open = world.exchange.openOrders(of: client.index).count + queue.count(of: client.index)
    guard open < BybitRules.maximumOpenOrders else { throw .tooManyOpen }
    guard order.clientOrderID.isEmpty || isUnused(order, world.exchange) else { throw .duplicate }
    guard world.exchange.canAfford(order) else { throw .balance }
    let id = world.exchange.nextOrderID()
    queue.add(.place(order, id: id), &world)
    json.orderIDs(id, order.clientOrderID)
  }

  /// The venue takes a client id once and never again, whatever became of its order.
  private func isUnused(_ order: NewOrder, _ exchange: Exchange) -> Bool {
    exchange.order(named: order.clientOrderID, of: order.account, in: order.market) == nil
      && queue.order { $1.account == order.account && $1.clientOrderID == order.clientOrderID } == nil
  }

  private mutating func amend(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let (id, request, executed) = try openOrder(client, parameters, &world)
    let price: Price? = try parameters.decimal("price", tooPrecise: .pricePrecision)
    let quantity: Quantity? = try parameters.decimal("qty", tooPrecise: .quantityPrecision)
    guard price != nil || quantity != nil else { throw .missing("qty or price") }
    let market = world.exchange.markets[request.market]
    if let price { try rules.checkPrice(price, request.side, market) }
    if let quantity {
      try rules.checkQuantity(quantity, isMarket: false, market)
      guard quantity > executed else { throw .belowFilled }
      try rules.checkNotional((price ?? request.price) * quantity, market)
    }
    queue.add(.amend(id, price: price, quantity: quantity), &world)
    json.orderIDs(id, request.clientOrderID)
  }

  private mutating func cancel(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let (id, request, _) = try openOrder(client, parameters, &world)
    queue.add(.cancel(id), &world)
    json.orderIDs(id, request.clientOrderID)
  }

  private mutating func cancelAll(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let market = try parameters.market(.spot, world, otherwise: .symbol)
    json.beginObject()
    json.name("list")
    json.beginArray()
    for order in world.exchange.openOrders(of: client.index) where market == nil || order.request.market == market {
      queue.add(.cancel(order.id), &world)
      json.orderIDs(order.id, order.request.clientOrderID)
    }
    json.endArray()
    json.member("success", "1")
    json.endObject()
  }

  /// The open order that `orderId` or else `orderLinkId` names, one that is accepted but not yet placed included.
  private func openOrder(
    _ client: ClientAccount, _ parameters: BybitParameters, _ world: inout World
  ) throws(BybitError) -> (id: Int64, request: NewOrder, executed: Quantity) {
    guard let market = try parameters.market(.spot, world, otherwise: .symbol) else { throw .missing("symbol") }
    let name = try BybitOrderName(parameters)
    if let order = name.find(client.index, market, world.exchange) {
      guard world.canFind(order), order.status.isOpen else { throw .noSuchOrder }
      return (order.id, order.request, order.executed)
    }
    let accepted = queue.order { id, request in
      request.account == client.index && request.market == market && name.names(id, request.clientOrderID)
    }
    guard let accepted else { throw .noSuchOrder }
    return (accepted.id, accepted.request, .zero)
  }
}

/// How a request names an order: by the venue's number, which wins, or by the client's id.
enum BybitOrderName {
  case number(Int64)
  case client(String)

  init(_ parameters: BybitParameters) throws(BybitError) {
    guard let name = try Self(optional: parameters) else { throw .missing("orderId or orderLinkId") }
    self = name
  }

  init?(optional parameters: BybitParameters) throws(BybitError) {
    if let text = parameters.text("orderId") {
      // What is no number of ours names no order of ours.
      self = .number(Int64(text) ?? 0)
    } else if let name = parameters.text("orderLinkId") {
      self = .client(name)
    } else {
      return nil
    }
  }

  func names(_ id: Int64, _ clientOrderID: String) -> Bool {
    switch self {
    case .number(let number): number == id
    case .client(let name): name == clientOrderID
    }
  }

  func find(_ account: Int, _ market: Int, _ exchange: Exchange) -> VenueOrder? {
    switch self {
    case .number(let number): exchange.order(number, of: account, in: market)
    case .client(let name): exchange.order(named: name, of: account, in: market)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func orderIDs(_ id: Int64, _ clientOrderID: String) {
    beginObject()
    member("orderId", String(id))
    member("orderLinkId", clientOrderID)
    endObject()
  }
}
