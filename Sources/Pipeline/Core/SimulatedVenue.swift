import Domain
import OrderManagerCore
import SimulatorCore
import Venues
import Wire

/// A venue around the real exchange: what reaches it, what it answers and says on the private streams, and how that goes wrong.
final class SimulatedVenue {
  static let receiveWindow = 2 * Interval.second

  /// The market's rules, as the venue's list gives them.
  let instrument: Instrument
  /// A client id that the venue took, every time that it did.
  private(set) var accepted:
    [(clientID: String, account: Account, orderID: Int64, at: Timestamp, lease: Timestamp, sentAt: Timestamp)] = []
  private var exchange: Exchange
  private var participants: Participants
  private let accounts: [Account]
  private let skew: Int64
  /// Until then the order query does not find the order, though it rests or has traded.
  private var forgotten: [String: Timestamp] = [:]
  /// Until then no question finds the order.
  private var hidden: [Int64: Timestamp] = [:]
  private var outage: (until: Timestamp, status: Int) = (.zero, 503)

  init(accounts: [Account], seed: UInt64) {
    self.accounts = accounts
    let listing = Exchange.Listing(symbol: World.symbol, startingPrice: Price(units: 26_796 * 10_000_000_000))
    exchange = Exchange(listings: [listing])
    let rich = Money(units: 1_000_000_000 * 1_000_000_000_000_000_000)
    for _ in accounts { _ = exchange.addClient([("BTC", rich), ("USDT", rich)]) }
    var configuration = Participants.Configuration()
    configuration.levels = 12
    participants = Participants(
      market: 0, startingPrice: listing.startingPrice, configuration: configuration, seed: seed)
    participants.step(&exchange, at: World.start)
    var rules = listing.instrument
    rules.venue = .binance
    instrument = rules
    var generator = SeededGenerator(seed: seed &+ 1)
    skew = Int64.random(in: -300...300, using: &generator) * Interval.millisecond
    _ = exchange.takeEvents()
  }

  var top: TopOfBook { exchange.markets[0].top }

  /// The venue's clock at a true instant.
  func clock(_ time: Timestamp) -> Timestamp { time + skew }

  private func index(_ account: Account) -> Int { (accounts.firstIndex(of: account) ?? 0) + 1 }

  // MARK: Truth

  func orders(of account: Account) -> [SimulatorCore.VenueOrder] { exchange.allOrders(of: index(account)) }
  func fills(of account: Account) -> [SimulatorCore.VenueFill] { exchange.fills(of: index(account)) }

  // MARK: Time

  /// The others trade.
  func move(_ world: World) {
    participants.step(&exchange, at: clock(world.now))
    say(world)
  }

  func beginOutage(_ world: World) {
    outage = (world.now + world.upTo(4 * Interval.second), Bool.random(using: &world.generator) ? 503 : 429)
    world.trace("the venue answers \(outage.status) for a while")
  }

  // MARK: Requests

  /// A request leaves a process: it arrives, late or never.
  func receive(_ call: VenueCall, signedAt: Timestamp, permit: SendPermit, from process: OrderManagerProcess) {
    let world = process.world
    world.trace("\(process) asks \(call.action.summary)")
    if world.chance(world.faults.loseRequest) {
      world.trace("  … which is lost")
      let delay = world.upTo(5 * Interval.second)
      return process.deliver(after: delay) { process.answer(call, .maybeSent(reason: "timed out")) }
    }
    let isSlow = world.chance(world.faults.slowRequest)
    let delay = Interval.millisecond + world.upTo((isSlow ? 4_000 : 15) * Interval.millisecond)
    world.schedule(after: delay) { self.arrive(call, signedAt: signedAt, permit: permit, from: process) }
  }

  private func arrive(_ call: VenueCall, signedAt: Timestamp, permit: SendPermit, from process: OrderManagerProcess) {
    let world = process.world
    let replyDelay = Interval.millisecond + world.upTo((world.chance(world.faults.slowReply) ? 1_000 : 15) * Interval.millisecond)
    if let refusal = refusal(signedAt, world) {
      return process.deliver(after: replyDelay) { process.answer(call, .reply(refusal)) }
    }
    let result = execute(call.action, call.route.account, permit, world)
    say(world)
    if world.chance(world.faults.loseReply) {
      world.trace("  the reply to \(call.action.summary) is lost")
      let delay = world.upTo(5 * Interval.second)
      return process.deliver(after: delay) { process.answer(call, .maybeSent(reason: "timed out")) }
    }
    switch result {
    case .answer(let answer): process.answer(call.token, answer, after: replyDelay)
    case .refused(let reply): process.deliver(after: replyDelay) { process.answer(call, .reply(reply)) }
    }
  }

  /// The answer to a question of somebody whose clock is right.
  func look(_ action: AccountRequest, _ account: Account, _ world: World) -> AccountAnswer {
    if let refusal = outageRefusal(world) { return action.outcome(of: .reply(refusal)) }
    switch execute(action, account, SendPermit(lease: .zero, at: world.now), world) {
    case .answer(let answer): return answer
    case .refused(let reply): return action.outcome(of: .reply(reply))
    }
  }

  private func outageRefusal(_ world: World) -> VenueReply? {
    guard world.now < outage.until, world.isBusy else { return nil }
    return outage.status == 429
      ? VenueReply(status: 429, retryAfter: "1", body: error(-1003, "Too many requests."))
      : VenueReply(status: 503, body: error(-1000, "Service unavailable."))
  }

  private func refusal(_ signedAt: Timestamp, _ world: World) -> VenueReply? {
    if let refusal = outageRefusal(world) { return refusal }
    let time = clock(world.now)
    let isOutside = time - signedAt > Self.receiveWindow || signedAt - time > Interval.second
    guard isOutside, world.mutation != .fencing else { return nil }
    return VenueReply(status: 400, body: error(-1021, "Timestamp for this request is outside of the recvWindow."))
  }

  private func error(_ code: Int, _ message: String) -> [UInt8] { Array("{\"code\":\(code),\"msg\":\"\(message)\"}".utf8) }

  private enum Result {
    case answer(AccountAnswer)
    case refused(VenueReply)
  }

  private func execute(_ action: AccountRequest, _ name: Account, _ permit: SendPermit, _ world: World) -> Result {
    let account = index(name)
    let now = clock(world.now)
    switch action {
    case .place(let order): return place(order, name, permit, world)
    case .cancel(let clientID, _):
      guard let order = exchange.order(named: clientID, of: account, in: 0), order.status.isOpen, isVisible(order, world),
        let ended = exchange.cancel(order.id, at: now)
      else { return .refused(VenueReply(status: 400, body: error(-2011, "Unknown order sent."))) }
      return .answer(.order(.confirmed(report(ended))))
    case .order(let clientID, _):
      guard let order = exchange.order(named: clientID, of: account, in: 0), isVisible(order, world),
        world.now >= forgotten[clientID] ?? .zero || (!order.status.isOpen && order.executed.isZero)
      else { return .refused(VenueReply(status: 400, body: error(-2013, "Order does not exist."))) }
      return .answer(.order(.confirmed(report(order))))
    case .openOrders:
      return .answer(.orders(.confirmed(exchange.openOrders(of: account).filter { isVisible($0, world) }.map { report($0) })))
    case .allOrders(_, let first):
      let from = first.flatMap { Int64($0) } ?? 0
      let orders = exchange.allOrders(of: account).filter { $0.id >= from && isVisible($0, world) }
      return .answer(.orders(.confirmed(orders.suffix(1_000).map { report($0) })))
    case .trades(_, let selection): return .answer(.trades(.confirmed(trades(account, selection, world))))
    case .account:
      let amounts = ["BTC", "USDT"].compactMap { name -> AssetBalance? in
        guard let asset = exchange.ledger.asset(name) else { return nil }
        let balance = exchange.ledger.balance(account, asset)
        return AssetBalance(asset: name, free: balance.free, locked: balance.locked)
      }
      return .answer(.account(.confirmed(AccountReport(balances: amounts))))
    }
  }

  private func place(_ order: Venues.NewOrder, _ account: Account, _ permit: SendPermit, _ world: World) -> Result {
    let price: Price
    var kind = OrderKind.limit
    var timeInForce = TimeInForce.gtc
    switch order.terms {
    case .limit(let limit, let time): (price, timeInForce) = (limit, time)
    case .postOnly(let limit): (price, kind) = (limit, .postOnly)
    case .market: (price, kind, timeInForce) = (.zero, .market, .ioc)
    }
    let request = SimulatorCore.NewOrder(
      account: index(account), market: 0, clientOrderID: order.clientID, side: order.side, kind: kind, price: price,
      size: .base(order.quantity), timeInForce: timeInForce)
    do throws(OrderRejection) {
      let id = try exchange.place(request, at: clock(world.now))
      accepted.append((order.clientID, account, id, world.now, permit.lease, permit.at))
      if world.chance(world.faults.hideOrder) { hidden[id] = world.now + world.upTo(2 * Interval.second) }
      if world.chance(world.faults.forgetOrder) { forgotten[order.clientID] = world.now + world.upTo(40 * Interval.second) }
      guard let taken = exchange.order(id, of: index(account), in: 0) else { preconditionFailure("a taken order is known") }
      world.trace("  the venue takes \(order.clientID) as \(id): \(taken.status) \(taken.executed)")
      return .answer(.order(.confirmed(report(taken, fills: fills(of: id, index(account))))))
    } catch {
      let message = error == .duplicateClientOrderID ? "Duplicate order sent." : "Account has insufficient balance."
      world.trace("  the venue refuses \(order.clientID): \(message)")
      return .refused(VenueReply(status: 400, body: self.error(-2010, message)))
    }
  }

  private func isVisible(_ order: SimulatorCore.VenueOrder, _ world: World) -> Bool { world.now >= hidden[order.id] ?? .zero }

  private func trades(_ account: Int, _ selection: TradeSelection, _ world: World) -> [VenueTrade] {
    let all = exchange.fills(of: account).filter { world.now >= hidden[$0.orderID] ?? .zero }
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

  // MARK: Words

  private func fills(of id: Int64, _ account: Int) -> [Fill] {
    exchange.fills(of: account).filter { $0.orderID == id }.map { fill($0) }
  }

  private func fill(_ fill: SimulatorCore.VenueFill) -> Fill {
    Fill(
      tradeID: String(fill.tradeID), price: fill.price, quantity: fill.quantity, fee: fill.fee,
      feeAsset: exchange.ledger.assets[fill.feeAsset], liquidity: fill.isMaker ? .maker : .taker, time: fill.time)
  }

  private func report(_ order: SimulatorCore.VenueOrder, fills: [Fill] = []) -> VenueOrderReport {
    VenueOrderReport(
      venueSymbol: instrument.venueSymbol, venueOrderID: String(order.id), clientID: order.request.clientOrderID,
      side: order.request.side, price: order.request.price, quantity: order.quantity, state: order.status.state,
      cumulativeQuantity: order.executed, cumulativeQuote: order.cumulativeQuote, fills: fills, time: order.updated)
  }

  /// Tells the private streams what has happened.
  private func say(_ world: World) {
    for event in exchange.takeEvents() {
      guard case .order(let update) = event else { continue }
      var fills: [Fill] = []
      if case .rejected = update.change { continue }
      if case .traded(let fill) = update.change {
        fills = [self.fill(fill)]
        world.trace("  the venue fills \(fill.quantity) of \(fill.clientOrderID): trade \(fill.tradeID)")
      }
      let report = report(update.order, fills: fills)
      let account = accounts[update.order.request.account - 1]
      for process in world.processes {
        guard let process = process as? OrderManagerProcess, process.partition == World.partition(of: account) else { continue }
        if world.chance(world.faults.dropEvent) { continue }
        process.hear(report, of: account)
        if world.chance(world.faults.repeatEvent) { process.hear(repeated(report, world), of: account) }
      }
    }
  }

  private func repeated(_ report: VenueOrderReport, _ world: World) -> VenueOrderReport {
    guard world.mutation == .fillDeduplication else { return report }
    var report = report
    for index in report.fills.indices { report.fills[index].tradeID += "0" }
    return report
  }
}

/// What a process knew when it signed a request: how long its lease held, and when that was by the true clock.
struct SendPermit {
  let lease: Timestamp
  let at: Timestamp
}

extension VenueOrderStatus {
  fileprivate var state: VenueOrderState {
    switch self {
    case .new: .open
    case .partiallyFilled: .partiallyFilled
    case .filled: .filled
    case .cancelled: .cancelled
    case .expired, .prevented: .expired
    case .rejected: .rejected
    }
  }
}

extension AccountRequest {
  /// A few words for a trace.
  var summary: String {
    switch self {
    case .place(let order): "place \(order.side) \(order.quantity) \(order.clientID)"
    case .cancel(let id, _): "cancel \(id)"
    case .order(let id, _): "order \(id)"
    case .openOrders: "open orders"
    case .allOrders: "all orders"
    case .trades: "trades"
    case .account: "balances"
    }
  }
}
