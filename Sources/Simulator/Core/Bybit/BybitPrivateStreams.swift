import Domain
import Wire

/// What a private subscription names: a topic, for all categories or for spot alone. Positions and greeks never have news here.
struct BybitPrivateTopic {
  enum Kind: String, CaseIterable {
    case order, execution, wallet, position, greeks
  }

  let kind: Kind

  init?(_ topic: String) {
    let parts = topic.split(separator: ".", omittingEmptySubsequences: false)
    guard let kind = Kind(rawValue: String(parts[0])) else { return nil }
    let isCategorised = parts.count == 2 && kind != .wallet && BybitCategory(rawValue: String(parts[1])) != nil
    guard parts.count == 1 || isCategorised else { return nil }
    self.kind = kind
  }
}

extension BybitFace {
  /// Tells each account what happened to its orders: the executions, every order once as it stands now, and the balances.
  func tell(_ updates: [OrderUpdate], _ world: inout World) {
    var accounts: [Int] = []
    for update in updates where !accounts.contains(update.order.request.account) { accounts.append(update.order.request.account) }
    for account in accounts { tell(updates.filter { $0.order.request.account == account }, of: account, &world) }
  }

  private func tell(_ updates: [OrderUpdate], of account: Int, _ world: inout World) {
    guard sockets.open.contains(where: { $0.client?.index == account }) else { return }
    let exchange = world.exchange
    let fills = updates.compactMap { update -> (VenueFill, VenueOrder)? in
      if case .traded(let fill) = update.change { (fill, update.order) } else { nil }
    }
    if !fills.isEmpty {
      send(.execution, of: account, &world) { json in
        for (fill, order) in fills { BybitOrderText.execution(fill, of: order, .stream, exchange, to: &json) }
      }
    }
    var orders: [VenueOrder] = []
    for update in updates {
      orders.removeAll { $0.id == update.order.id }
      orders.append(update.order)
    }
    send(.order, of: account, &world) { json in
      for order in orders { BybitOrderText.order(order, .stream, exchange, to: &json) }
    }
    guard orders.contains(where: { $0.status != .rejected }) else { return }
    var assets: [Int] = []
    for order in orders {
      let market = exchange.markets[order.request.market]
      for asset in [market.baseAsset, market.quoteAsset] where !assets.contains(asset) { assets.append(asset) }
    }
    send(.wallet, of: account, &world) { BybitWallet(account, exchange).append(assets, to: &$0) }
  }

  private func send(
    _ kind: BybitPrivateTopic.Kind, of account: Int, _ world: inout World, _ data: (inout JSONWriter) -> Void
  ) {
    let topics = [kind.rawValue, "\(kind.rawValue).spot"].filter { topic in
      sockets.open.contains { $0.client?.index == account && $0.streams.contains(topic) }
    }
    for topic in topics {
      let message = message(topic, account, &world, data)
      for copy in world.copies(ofEvent: kind.rawValue, message) {
        for socket in sockets.open where socket.client?.index == account && socket.streams.contains(topic) {
          world.sendEvent(copy, to: socket.id)
        }
      }
    }
  }

  private func message(
    _ topic: String, _ account: Int, _ world: inout World, _ data: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    let id = "\(account)_\(world.randomID(length: 24))"
    let clock = world.clock
    return JSONWriter.object(capacity: 2_048) { json in
      json.member("id", id)
      json.member("topic", topic)
      json.milliseconds("creationTime", clock)
      json.name("data")
      json.beginArray()
      data(&json)
      json.endArray()
    }
  }
}
