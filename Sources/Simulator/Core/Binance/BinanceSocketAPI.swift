import Domain
import Wire

/// Requests over `/ws-api/v3`: the clock, and the subscription to user data by signature.
extension BinanceFace {
  mutating func answerAPI(_ text: [UInt8], on socket: SocketID, _ world: inout World) {
    let request = try? JSON.parse(text)
    let id = request?["id"] ?? .null
    do throws(BinanceError) {
      guard let method = request?["method"]?.string else {
        throw BinanceError(code: -1135, message: "Invalid JSON: an object with a method is expected.")
      }
      let result = try call(method, BinanceParameters(request?["params"]?.members ?? []), on: socket, &world)
      world.send(
        reply(id, 200) { json in
          json.name("result")
          json.value(result)
        }, to: socket)
    } catch {
      world.send(
        reply(id, error.status) { json in
          json.name("error")
          json.beginObject()
          json.member("code", error.code)
          json.member("msg", error.message)
          json.endObject()
        }, to: socket)
    }
  }

  private func reply(_ id: JSON, _ status: Int, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
    JSONWriter.object { json in
      json.name("id")
      json.value(id)
      json.member("status", status)
      body(&json)
      json.name("rateLimits")
      limits.appendWeight(to: &json)
    }
  }

  private mutating func call(
    _ method: String, _ sent: BinanceParameters, on socket: SocketID, _ world: inout World
  ) throws(BinanceError) -> JSON {
    var parameters = sent
    try limits.spend(method.hasPrefix("userDataStream") ? 2 : 1, at: world.now)
    switch method {
    case "ping": return .object([])
    case "time": return .object([JSONMember(name: "serverTime", value: .number(String(world.clock.milliseconds)))])
    case "userDataStream.subscribe.signature":
      let client = try authenticate(&parameters, world)
      return subscriptionID(sockets.with(socket) { $0.subscribe(client) } ?? 0)
    case "userDataStream.unsubscribe":
      try unsubscribe(try parameters.integer("subscriptionId"), on: socket, &world)
      return .object([])
    case "session.subscriptions":
      let ids = sockets.with(socket) { $0.subscriptions.map(\.id) } ?? []
      return .array(ids.map(subscriptionID))
    case "userDataStream.subscribe", "session.logon":
      throw BinanceError(
        code: -1020, message: "This operation needs an Ed25519 key here; use userDataStream.subscribe.signature.")
    default: throw BinanceError(code: -1020, message: "This operation is not supported.")
    }
  }

  private func authenticate(
    _ parameters: inout BinanceParameters, _ world: World
  ) throws(BinanceError) -> ClientAccount {
    let payload = parameters.sortedPayload
    let client = try BinanceSecurity.client(try parameters.text("apiKey"), world)
    try BinanceSecurity.verify(try parameters.text(BinanceSecurity.signature), over: payload, by: client)
    try BinanceSecurity.checkFreshness(&parameters, at: world.clock)
    return client
  }

  private func subscriptionID(_ id: Int64) -> JSON {
    .object([JSONMember(name: "subscriptionId", value: .number(String(id)))])
  }

  /// Ends one subscription, or all of the connection when none is named, and says so on each.
  private mutating func unsubscribe(_ id: Int64?, on socket: SocketID, _ world: inout World) throws(BinanceError) {
    let ended =
      sockets.with(socket) { socket -> [Int64] in
        let ended = socket.subscriptions.filter { id == nil || $0.id == id }
        socket.subscriptions.removeAll { id == nil || $0.id == id }
        return ended.map(\.id)
      } ?? []
    guard !ended.isEmpty else {
      throw BinanceError(code: -2036, message: "User Data Stream subscription is inactive.")
    }
    for id in ended {
      let now = world.now
      world.send(
        JSONWriter.object { json in
          json.member("subscriptionId", id as Int64)
          json.name("event")
          json.beginObject()
          json.member("e", "eventStreamTerminated")
          json.milliseconds("E", now)
          json.endObject()
        }, to: socket)
    }
  }
}

extension BinanceSocket {
  /// Adds a user-data subscription and gives its number; the client's own when it is subscribed here already.
  fileprivate mutating func subscribe(_ client: ClientAccount) -> Int64 {
    if let present = subscriptions.first(where: { $0.client.index == client.index }) { return present.id }
    defer { nextSubscription += 1 }
    subscriptions.append((nextSubscription, client))
    return nextSubscription
  }
}
