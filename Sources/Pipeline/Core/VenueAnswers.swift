import Domain
import SimulatorCore
import Venues
import Wire

/// What a simulated venue answers to questions about orders, trades and balances.
extension SimulatedVenue {
  func answer(_ action: AccountRequest, _ account: Account, _ world: World) -> AccountAnswer {
    switch action {
    case .place, .cancel: preconditionFailure("orders and cancels are no questions")
    case .order(let clientID, _): order(clientID, account, action, world)
    case .openOrders:
      .orders(.confirmed(exchange.openOrders(of: index(account)).filter { isVisible($0, world) }.map { report($0) }))
    case .allOrders(_, let first): .orders(.confirmed(orders(from: first, account, world)))
    case .trades(_, let selection): .trades(.confirmed(trades(account, selection, world)))
    case .account: .account(.confirmed(AccountReport(balances: balances(account))))
    }
  }

  private func order(
    _ clientID: String, _ account: Account, _ action: AccountRequest, _ world: World
  ) -> AccountAnswer {
    if let refused = refusedLater[clientID] { return .order(.confirmed(refused)) }
    guard let order = exchange.order(named: clientID, of: index(account), in: 0), isVisible(order, world),
      isRemembered(order, world)
    else { return refusal(.notFound, of: action) }
    return .order(.confirmed(report(order)))
  }

  private func orders(from first: String?, _ account: Account, _ world: World) -> [VenueOrderReport] {
    let from = first.flatMap { Int64($0) } ?? 0
    let orders = exchange.allOrders(of: index(account)).filter { $0.id >= from && isVisible($0, world) }
    return (first == nil ? orders.suffix(orderPage) : orders.prefix(orderPage)).map { report($0) }
  }

  private func balances(_ account: Account) -> [AssetBalance] {
    ["BTC", "USDT"].compactMap { name in
      guard let asset = exchange.ledger.asset(name) else { return nil }
      let balance = exchange.ledger.balance(index(account), asset)
      return AssetBalance(asset: name, free: balance.free, locked: balance.locked)
    }
  }

  private func trades(_ account: Account, _ selection: TradeSelection, _ world: World) -> [VenueTrade] {
    let all = fills(of: account).filter { isVisible($0.orderID, world) }
    let chosen =
      switch selection {
      case .order(let id): all.filter { String($0.orderID) == id }
      case .from(let id): all.filter { $0.tradeID >= Int64(id) ?? 0 }
      case .since(let start): all.filter { $0.time >= start }
      case .newest: all
      }
    return chosen.map { fill in
      VenueTrade(
        venueSymbol: instrument.venueSymbol, venueOrderID: String(fill.orderID), side: fill.side, fill: self.fill(fill))
    }
  }

  func fills(of id: Int64, _ account: Int) -> [Fill] {
    exchange.fills(of: account).filter { $0.orderID == id }.map { fill($0) }
  }

  func fill(_ fill: SimulatorCore.VenueFill) -> Fill {
    Fill(
      tradeID: tradeID(fill.tradeID), price: fill.price, quantity: fill.quantity, fee: fill.fee,
      feeAsset: exchange.ledger.assets[fill.feeAsset], liquidity: fill.isMaker ? .maker : .taker, time: fill.time)
  }
}
