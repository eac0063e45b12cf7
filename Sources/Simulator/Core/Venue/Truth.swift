import Domain
import Wire

/// The venue's own account of everything, for tests to compare with: orders, fills and balances of every client.
enum Truth {
  /// One line of the report.
  enum Fact {
    case order(VenueOrder)
    case fill(VenueFill)
  }

  /// The facts of all clients, or of `account`; `from` and `limit` cut a part out of each client's history, which `facts` gives.
  static func report(_ request: WebRequest, _ world: World, _ facts: (ClientAccount, Int, Int) -> [Fact]) -> WebReply {
    let options = FormParameters(request.query)
    let from = options.first("from").flatMap { Int($0) } ?? 0
    let limit = options.first("limit").flatMap { Int($0) } ?? 20_000
    guard from >= 0, limit >= 0 else { return ControlPort.problem(400, "from and limit must not be negative") }
    var json = JSONWriter(capacity: 1 << 16)
    json.beginArray()
    for client in world.clients where options.first("account").map({ $0 == client.name }) ?? true {
      for fact in facts(client, from, limit) {
        switch fact {
        case .order(let order): append(order, client.name, world.exchange, &json)
        case .fill(let fill): append(fill, client.name, world.exchange, &json)
        }
      }
    }
    json.endArray()
    return ControlPort.reply(json)
  }

  private static func append(_ order: VenueOrder, _ account: String, _ exchange: Exchange, _ json: inout JSONWriter) {
    json.beginObject()
    json.member("account", account)
    json.member("symbol", exchange.markets[order.request.market].instrument.venueSymbol)
    json.member("order_id", order.id)
    json.member("client_order_id", order.request.clientOrderID)
    json.member("side", order.request.side)
    json.member("kind", String(describing: order.request.kind))
    json.member("time_in_force", order.request.timeInForce)
    json.member("status", String(describing: order.status))
    json.member("price", order.request.price)
    json.member("quantity", order.quantity)
    json.member("executed", order.executed)
    json.member("cumulative_quote", order.cumulativeQuote)
    json.member("reserved", order.reserved)
    json.member("created", order.created)
    json.member("updated", order.updated)
    json.endObject()
  }

  private static func append(_ fill: VenueFill, _ account: String, _ exchange: Exchange, _ json: inout JSONWriter) {
    json.beginObject()
    json.member("account", account)
    json.member("symbol", exchange.markets[fill.market].instrument.venueSymbol)
    json.member("trade_id", fill.tradeID)
    json.member("order_id", fill.orderID)
    json.member("client_order_id", fill.clientOrderID)
    json.member("side", fill.side)
    json.member("price", fill.price)
    json.member("quantity", fill.quantity)
    json.member("fee", fill.fee)
    json.member("fee_asset", exchange.ledger.assets[fill.feeAsset])
    json.member("is_maker", fill.isMaker)
    json.member("time", fill.time)
    json.endObject()
  }

  /// What every client has of every asset.
  static func balances(_ world: World) -> WebReply {
    let ledger = world.exchange.ledger
    var json = JSONWriter()
    json.beginArray()
    for client in world.clients {
      for (index, asset) in ledger.assets.enumerated() {
        json.beginObject()
        json.member("account", client.name)
        json.member("asset", asset)
        json.member("free", ledger.balance(client.index, index).free)
        json.member("locked", ledger.balance(client.index, index).locked)
        json.endObject()
      }
    }
    json.endArray()
    return ControlPort.reply(json)
  }
}
