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
    case "GET /truth/orders":
      return Truth.report(request, world) { client, from, limit in
        world.exchange.allOrders(of: client.index, from: from, limit: limit).map { .order($0) }
      }
    case "GET /truth/fills":
      return Truth.report(request, world) { client, from, limit in
        world.exchange.fills(of: client.index).dropFirst(from).prefix(limit).map { .fill($0) }
      }
    case "GET /truth/balances": return Truth.balances(world)
    default: return Self.problem(404, "no such thing here: POST|GET|DELETE /faults, GET /truth/orders|fills|balances")
    }
  }

  static func reply(_ json: JSONWriter, status: Int = 200) -> WebReply {
    WebReply(status: status, headers: [(name: "content-type", value: "application/json")], body: json.bytes)
  }

  static func problem(_ status: Int, _ text: String) -> WebReply {
    var json = JSONWriter()
    json.beginObject()
    json.member("error", text)
    json.endObject()
    return reply(json, status: status)
  }

  private func order(_ body: [UInt8], _ world: inout World) -> WebReply {
    let options: JSON
    do throws(JSONError) { options = try JSON.parse(body) } catch { return Self.problem(400, "not JSON: \(error)") }
    guard let kind = options["fault"]?.string.flatMap(FaultKind.init(rawValue:)) else {
      return Self.problem(400, "fault must be one of \(FaultKind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let count = options["count"]?.integer ?? 1
    guard (1...1_000_000).contains(count) else { return Self.problem(400, "count must be 1 to 1000000") }
    guard let fault = world.faults.add(kind, match: options["match"]?.string ?? "*", count: count, options: options) else {
      return Self.problem(429, "\(FaultList.limit) faults are waiting already")
    }
    if kind.isImmediate {
      if let problem = strike(fault, &world) { return Self.problem(400, problem) }
      world.faults.remove(fault.id)
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("id", fault.id)
    json.endObject()
    return Self.reply(json)
  }

  /// Faults that happen when they are ordered. Gives what is wrong with the order, if anything is.
  private func strike(_ fault: Fault, _ world: inout World) -> String? {
    let struck = sockets.filter { fault.matches($0.path) }.prefix(Int(fault.count)).map(\.id)
    switch fault.kind {
    case .cutWebSocket: world.effects += struck.map { .cut($0) }
    case .silenceWebSocket: for id in struck { world.silentUntil[id] = world.now + fault.nanoseconds }
    case .stillMarket: world.stillUntil = world.now + fault.nanoseconds
    case .skewClock: world.clockSkewNanoseconds = fault.nanoseconds
    case .changeBalance: return changeBalance(fault, &world)
    case .moveOrder: return moveOrder(fault, &world)
    case .restrictAccount: return restrictAccount(fault, &world)
    case .wipe: world.exchange.wipe(world.openingHoldings)
    default: preconditionFailure("the other kinds wait")
    }
    return nil
  }

  private func moveOrder(_ fault: Fault, _ world: inout World) -> String? {
    guard let price = try? Price(fault.options["price"]?.text ?? ""), price.isPositive else { return "price must be a decimal" }
    for client in world.clients {
      guard let order = world.exchange.openOrders(of: client.index).first(where: { fault.matches($0.request.clientOrderID) })
      else { continue }
      _ = world.exchange.cancel(order.id, at: world.now)
      var other = order.request
      other.clientOrderID = "web_" + world.randomID(length: 18)
      other.price = price
      other.size = .base(order.quantity - order.executed)
      do throws(OrderRejection) { _ = try world.place(other) } catch { return "the venue refuses the moved order: \(error)" }
      return nil
    }
    return "no such open order"
  }

  private func restrictAccount(_ fault: Fault, _ world: inout World) -> String? {
    guard let client = client(fault, world) else { return "no such account" }
    if fault.options["lifted"]?.bool == true {
      world.restricted.remove(client.index)
    } else {
      world.restricted.insert(client.index)
    }
    return nil
  }

  private func client(_ fault: Fault, _ world: World) -> ClientAccount? {
    world.clients.first { $0.name == fault.options["account"]?.string }
  }

  private func changeBalance(_ fault: Fault, _ world: inout World) -> String? {
    guard let client = client(fault, world) else { return "no such account" }
    guard let asset = fault.options["asset"]?.string.flatMap({ world.exchange.ledger.asset($0) }) else { return "no such asset" }
    guard let amount = try? Money(fault.options["amount"]?.text ?? ""), amount.magnitude <= Money.limit else {
      return "amount must be a decimal"
    }
    world.exchange.ledger.adjust(client.index, asset, by: amount)
    return nil
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
    return Self.reply(json)
  }
}

extension Fault {
  /// How long it lasts or takes: `milliseconds`, a minute unless said otherwise.
  var nanoseconds: Int64 { (options["milliseconds"]?.integer ?? 60_000).clamped * Interval.millisecond }

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

extension Int64 {
  /// Within a year either way, as milliseconds: what comes from outside must not overflow a time.
  fileprivate var clamped: Int64 { Swift.max(-31_536_000_000, Swift.min(31_536_000_000, self)) }
}
