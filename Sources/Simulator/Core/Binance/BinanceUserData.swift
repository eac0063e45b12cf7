import Domain
import Wire

/// The private events (user-data-stream.md of the venue's documentation).
extension BinanceFace {
  mutating func publish(_ update: OrderUpdate, _ world: inout World) {
    let account = update.order.request.account
    let listeners = sockets.open.flatMap { socket in
      socket.subscriptions.filter { $0.client.index == account }.map { (socket: socket.id, subscription: $0.id) }
    }
    guard !listeners.isEmpty else { return }
    if let report = executionReport(update, world) { tell(listeners, "executionReport", report, &world) }
    if case .rejected = update.change { return }
    tell(listeners, "outboundAccountPosition", accountPosition(update, world), &world)
  }

  private func tell(
    _ listeners: [(socket: SocketID, subscription: Int64)], _ name: String, _ event: [UInt8], _ world: inout World
  ) {
    for event in world.copies(ofEvent: name, event) {
      for listener in listeners {
        let head = Array("{\"subscriptionId\":\(listener.subscription),\"event\":".utf8)
        world.sendEvent(head + event + [UInt8(ascii: "}")], to: listener.socket)
      }
    }
  }

  /// Nil for refusals that the venue does not report here.
  private func executionReport(_ update: OrderUpdate, _ world: World) -> [UInt8]? {
    guard let kind = Kind(update) else { return nil }
    let order = update.order
    return JSONWriter.object(capacity: 768) { json in
      json.member("e", "executionReport")
      json.milliseconds("E", update.time)
      json.member("s", world.symbol(order.request.market))
      json.member("c", kind.requestID ?? order.request.clientOrderID)
      json.member("S", order.request.side.binance)
      json.member("o", order.request.binanceType)
      json.member("f", order.request.binanceTimeInForce)
      json.amount("q", order.quantity)
      json.amount("p", order.request.price)
      json.amount("P", Price.zero)
      json.amount("F", Quantity.zero)
      json.member("g", -1)
      json.member("C", kind.requestID == nil ? "" : order.request.clientOrderID)
      json.member("x", kind.type)
      json.member("X", order.status.binance)
      json.member("r", kind.rejectReason)
      json.member("i", order.id)
      lastFill(kind.fill, order, world, &json)
      json.milliseconds("T", update.time)
      json.member("t", kind.fill?.tradeID ?? -1)
      json.member("I", update.executionID)
      json.member("w", order.hasRested && order.status.isOpen)
      json.member("m", kind.fill?.isMaker ?? false)
      json.member("M", kind.fill != nil)
      json.milliseconds("O", order.created)
      json.amount("Z", order.cumulativeQuote)
      json.amount("Y", kind.fill.map { $0.price * $0.quantity } ?? .zero)
      json.amount("Q", order.request.quoteQuantity)
      json.milliseconds("W", order.created)
      json.member("V", order.request.binanceSelfTradePrevention)
    }
  }

  private func lastFill(_ fill: VenueFill?, _ order: VenueOrder, _ world: World, _ json: inout JSONWriter) {
    json.amount("l", fill?.quantity ?? .zero)
    json.amount("z", order.executed)
    json.amount("L", fill?.price ?? .zero)
    json.name("n")
    if let fill {
      json.value(fill.fee, minimumDecimals: 8)
      json.member("N", world.exchange.ledger.assets[fill.feeAsset])
    } else {
      json.value("0")
      json.name("N")
      json.null()
    }
  }

  private func accountPosition(_ update: OrderUpdate, _ world: World) -> [UInt8] {
    let market = world.exchange.markets[update.order.request.market]
    return JSONWriter.object { json in
      json.member("e", "outboundAccountPosition")
      json.milliseconds("E", update.time)
      json.milliseconds("u", update.time)
      json.name("B")
      json.beginArray()
      for (asset, balance) in [(market.baseAsset, update.base), (market.quoteAsset, update.quote)] {
        json.beginObject()
        json.member("a", world.exchange.ledger.assets[asset])
        json.amount("f", balance.free)
        json.amount("l", balance.locked)
        json.endObject()
      }
      json.endArray()
    }
  }

  /// What an update is in the venue's terms.
  private struct Kind {
    var type: String
    var fill: VenueFill?
    /// The cancel's own client id.
    var requestID: String?
    var rejectReason = "NONE"

    init?(_ update: OrderUpdate) {
      switch update.change {
      case .accepted: type = "NEW"
      case .amended: type = "REPLACED"
      case .traded(let fill): (type, self.fill) = ("TRADE", fill)
      case .cancelled(let id): (type, requestID) = ("CANCELED", id)
      case .expired: type = "EXPIRED"
      case .prevented: type = "TRADE_PREVENTION"
      case .rejected(.insufficientBalance): (type, rejectReason) = ("REJECTED", "INSUFFICIENT_BALANCES")
      case .rejected(.wouldTake): (type, rejectReason) = ("REJECTED", "WOULD_MATCH_IMMEDIATELY")
      case .rejected(.duplicateClientOrderID), .rejected(.nothingToMatch): return nil
      }
    }
  }
}
