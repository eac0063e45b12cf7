import Domain
import Wire

/// The tests' own port: faults to order, and the venue's truth to compare with.
///
/// `POST /faults {"fault":"drop_reply","match":"POST /api/v3/order","count":1}`, `GET /faults`, `DELETE /faults`;
/// `GET /truth/orders|fills|balances`, the first two with `?account=…&from=…&limit=…` to read long histories in parts.
struct ControlPort: Sendable {
  private var sockets: [(id: SocketID, path: String)] = []

  mutating func opened(_ id: SocketID, path: String) { sockets.append((id, path)) }

  mutating func closed(_ id: SocketID) { sockets.removeAll { $0.id == id } }

  mutating func answer(_ request: WebRequest, _ world: inout World) -> WebReply {
    switch request.subject {
    case "POST /faults": return order(request.body, &world)
    case "GET /faults": return list(world.faults)
    case "DELETE /faults":
      world.faults.removeAll()
      return list(world.faults)
    case "GET /truth/orders": return truth(request, world) { world.exchange.allOrders(of: $0.index).map { .order($0) } }
    case "GET /truth/fills": return truth(request, world) { world.exchange.fills(of: $0.index).map { .fill($0) } }
    case "GET /truth/balances": return balances(world)
    default: return problem(404, "no such thing here: POST|GET|DELETE /faults, GET /truth/orders|fills|balances")
    }
  }

  // MARK: Faults

  private mutating func order(_ body: [UInt8], _ world: inout World) -> WebReply {
    let options: JSON
    do throws(JSONError) { options = try JSON.parse(body) } catch { return problem(400, "not JSON: \(error)") }
    guard let kind = options["fault"]?.string.flatMap(FaultKind.init(rawValue:)) else {
      return problem(400, "fault must be one of \(FaultKind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let count = options["count"]?.integer ?? 1
    guard (1...1_000_000).contains(count) else { return problem(400, "count must be 1 to 1000000") }
    guard let fault = world.faults.add(kind, match: options["match"]?.string ?? "*", count: count, options: options) else {
      return problem(429, "\(FaultList.limit) faults are waiting already")
    }
    if kind == .cutWebSocket { cut(&world) }
    return WebReply(
      body: JSONWriter.object { json in
        json.member("id", fault.id)
      })
  }

  /// Open WebSockets are cut now; what the fault has left strikes nobody later.
  private mutating func cut(_ world: inout World) {
    for socket in sockets where world.faults.take(.cutWebSocket, socket.path) != nil {
      world.effects.append(.cut(socket.id))
    }
    world.faults.removeAll(of: .cutWebSocket)
  }

  private func list(_ faults: FaultList) -> WebReply {
    var json = JSONWriter()
    json.beginArray()
    for fault in faults.waiting {
      json.beginObject()
      json.member("id", fault.id)
      json.member("fault", fault.kind)
      json.member("match", fault.match)
      json.member("count", fault.count)
      json.endObject()
    }
    json.endArray()
    return WebReply(body: json.bytes)
  }

  private func problem(_ status: Int, _ text: String) -> WebReply {
    WebReply(status: status, body: JSONWriter.object { $0.member("error", text) })
  }

  // MARK: Truth

  private enum Fact {
    case order(VenueOrder)
    case fill(VenueFill)
  }

  private func truth(_ request: WebRequest, _ world: World, _ facts: (ClientAccount) -> [Fact]) -> WebReply {
    let options = FormParameters(request.query)
    let from = options.first("from").flatMap { Int($0) } ?? 0
    let limit = options.first("limit").flatMap { Int($0) } ?? 20_000
    guard from >= 0, limit >= 0 else { return problem(400, "from and limit must not be negative") }
    var json = JSONWriter(capacity: 1 << 16)
    json.beginArray()
    for client in world.clients where options.first("account").map({ $0 == client.name }) ?? true {
      for fact in facts(client).dropFirst(from).prefix(limit) {
        switch fact {
        case .order(let order): append(order, client.name, world.exchange, &json)
        case .fill(let fill): append(fill, client.name, world.exchange, &json)
        }
      }
    }
    json.endArray()
    return WebReply(body: json.bytes)
  }

  private func append(_ order: VenueOrder, _ account: String, _ exchange: Exchange, _ json: inout JSONWriter) {
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

  private func append(_ fill: VenueFill, _ account: String, _ exchange: Exchange, _ json: inout JSONWriter) {
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

  private func balances(_ world: World) -> WebReply {
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
    return WebReply(body: json.bytes)
  }
}

extension Fault {
  /// What the client is told instead: HTTP `status`, `body` as it is or as JSON, and `retry_after` in seconds.
  var reply: WebReply {
    var writer = JSONWriter()
    if let body = options["body"] { writer.value(body) }
    let retryAfter = options["retry_after"]?.integer.map { [(name: "retry-after", value: String($0))] } ?? []
    return WebReply(
      status: options["status"]?.integer.flatMap { Int(exactly: $0) } ?? 503,
      headers: [(name: "content-type", value: "application/json")] + retryAfter, body: writer.bytes)
  }
}
