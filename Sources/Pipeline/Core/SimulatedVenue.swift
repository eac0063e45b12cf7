import Books
import Domain
import OrderManagerCore
import SimulatorCore
import Venues
import Wire

/// A venue around the real exchange: what reaches it, what it does about it and says on the private streams, and how that goes wrong.
final class SimulatedVenue {
  static let receiveWindow = 2 * Interval.second

  let name: Venue
  /// The market's rules, as the venue's list gives them.
  let instrument: Instrument
  /// What the venue takes of a trade.
  let fees: VenueFees
  /// What the venue declares of an account.
  let declaration: any AccountData
  /// Every client id that the venue took, every time that it did.
  private(set) var accepted: [Acceptance] = []
  /// Until then its book is not valid.
  var bookBrokenUntil = Timestamp.zero
  private(set) var exchange: Exchange
  private var participants: Participants
  private let accounts: [Account]
  private let skew: Int64
  /// So many orders it lists at once.
  let orderPage: Int
  /// It answers orders and cancels before it carries them out, one after the other: what becomes of them is told by the stream.
  private let isAsynchronous: Bool
  /// Orders that it has taken in and not yet carried out, and when the last of them will be.
  private var waiting: Set<String> = []
  private var lastDue = Timestamp.zero
  /// Orders that it took in and then refused.
  private(set) var refusedLater: [String: VenueOrderReport] = [:]
  /// Until then the order query does not find the order, though it rests or has traded.
  private var forgotten: [String: Timestamp] = [:]
  /// Until then no question finds the order.
  private var hidden: [Int64: Timestamp] = [:]
  private var outage: (until: Timestamp, refusal: VenueRefusal) = (.zero, .unavailable)

  /// An order that the venue took.
  struct Acceptance {
    let clientID: String
    let account: Account
    let orderID: Int64
    let quantity: Quantity
    /// By the true clock, as all times here.
    let at: Timestamp
    /// How long its sender's lease held.
    let lease: Timestamp
    let sentAt: Timestamp
  }

  /// The first venue, or another one with coarser rules, other fees, little money and replies that say less.
  init(_ name: Venue, accounts: [Account], seed: UInt64) {
    guard let account = VenueAccount(name, apiKey: "key", secret: "secret") else {
      preconditionFailure("the venue is registered")
    }
    self.name = name
    self.accounts = accounts
    declaration = account.declaration
    isAsynchronous = name == .bybit
    var listing = Exchange.Listing(symbol: World.symbol, startingPrice: Price(units: 26_796 * 10_000_000_000))
    listing.instrument.venue = name
    if isAsynchronous {
      listing.instrument.tick = Price(units: 1_000_000_000)
      listing.instrument.lot = Quantity(units: 100_000)
      listing.instrument.minimumQuantity = listing.instrument.lot
      listing.instrument.minimumNotional = Money(units: 1_000 * 1_000_000_000_000_000_000)
    }
    instrument = listing.instrument
    let basisPoints: Int64 = isAsynchronous ? 4 : 10
    fees = VenueFees(
      taker: World.legal(FeeRate(millionths: 100 * basisPoints)), maker: World.legal(FeeRate(millionths: 100 * basisPoints)))
    exchange = Exchange(listings: [listing], fees: .init(makerBasisPoints: basisPoints, takerBasisPoints: basisPoints))
    let one = Int128(1_000_000_000_000_000_000)
    let (coins, dollars): (Int128, Int128) = isAsynchronous ? (2, 60_000) : (1_000_000_000, 1_000_000_000)
    for _ in accounts { _ = exchange.addClient([("BTC", Money(units: coins * one)), ("USDT", Money(units: dollars * one))]) }
    var configuration = Participants.Configuration()
    configuration.levels = 12
    participants = Participants(market: 0, startingPrice: listing.startingPrice, configuration: configuration, seed: seed)
    participants.step(&exchange, at: World.start)
    var generator = SeededGenerator(seed: seed &+ 1)
    skew = Int64.random(in: -300...300, using: &generator) * Interval.millisecond
    orderPage = [2, 1_000].randomElement(using: &generator) ?? 2
    _ = exchange.takeEvents()
  }

  var top: TopOfBook { exchange.markets[0].top }

  /// The book as its feed publishes it: the upper levels, or that nobody may use it.
  func book(at time: Timestamp) -> BookRecord {
    let isValid = time >= bookBrokenUntil
    func levels(_ side: Side) -> [BookLevel] { isValid ? exchange.markets[0].levels(side, limit: 4) : [] }
    return BookRecord(
      kind: .snapshot, venue: name, symbol: World.symbol, updateID: 1, isValid: isValid, ingestTime: time,
      top: isValid ? top : TopOfBook(bid: nil, ask: nil), bids: levels(.buy), asks: levels(.sell))
  }

  /// The venue's clock at a true instant.
  func clock(_ time: Timestamp) -> Timestamp { time + skew }
  /// The true instant at which its clock says so.
  func instant(_ time: Timestamp) -> Timestamp { time + -skew }

  func index(_ account: Account) -> Int { (accounts.firstIndex(of: account) ?? 0) + 1 }

  /// What it calls a trade: a number that grows, or one that says nothing of the order.
  func tradeID(_ number: Int64) -> String { isAsynchronous ? "t\(number * 7_919 % 100_003)" : String(number) }

  // MARK: Truth

  func orders(of account: Account) -> [SimulatorCore.VenueOrder] { exchange.allOrders(of: index(account)) }
  func fills(of account: Account) -> [SimulatorCore.VenueFill] { exchange.fills(of: index(account)) }

  // MARK: Time

  /// The others trade.
  func move(_ world: World) {
    participants.step(&exchange, at: clock(world.now))
    say(world)
  }

  /// For some seconds it answers nothing but errors; who asks it often may notice, and tell those who choose.
  func beginOutage(_ world: World) {
    outage = (world.now + world.upTo(4 * Interval.second), Bool.random(using: &world.generator) ? .unavailable : .tooMany)
    world.trace("\(name) answers \(outage.refusal) for a while")
    guard world.venues.count > 1, Bool.random(using: &world.generator) else { return }
    for process in world.processes.compactMap({ $0 as? OrderManagerProcess }) {
      process.deliver(after: world.upTo(Interval.second)) { process.cut(self.name, true) }
      process.deliver(after: outage.until - world.now + world.upTo(2 * Interval.second)) { process.cut(self.name, false) }
    }
  }

  // MARK: Requests

  /// A request leaves a process: it arrives, late or never.
  func receive(_ call: VenueCall, signedAt: Timestamp, permit: SendPermit, from process: OrderManagerProcess) {
    let world = process.world
    world.trace("\(process) asks \(name) \(call.action.summary)")
    if world.chance(world.faults.loseRequest) {
      world.trace("  … which is lost")
      return process.answer(
        call.token, judge(.maybeSent(reason: "timed out"), of: call.action), after: world.upTo(5 * Interval.second))
    }
    let isSlow = world.chance(world.faults.slowRequest)
    let delay = Interval.millisecond + world.upTo((isSlow ? 4_000 : 15) * Interval.millisecond)
    world.schedule(after: delay) { self.arrive(call, signedAt: signedAt, permit: permit, from: process) }
  }

  private func arrive(_ call: VenueCall, signedAt: Timestamp, permit: SendPermit, from process: OrderManagerProcess) {
    let world = process.world
    let delay = Interval.millisecond + world.upTo((world.chance(world.faults.slowReply) ? 1_000 : 15) * Interval.millisecond)
    if let reason = outageRefusal(world) ?? windowRefusal(signedAt, world) {
      return process.answer(call.token, refusal(reason, of: call.action), after: delay)
    }
    let answer = carryOut(call.action, call.route.account, permit, world)
    say(world)
    if world.chance(world.faults.loseReply) {
      world.trace("  the reply to \(call.action.summary) is lost")
      return process.answer(
        call.token, judge(.maybeSent(reason: "timed out"), of: call.action), after: world.upTo(5 * Interval.second))
    }
    process.answer(call.token, answer, after: delay)
  }

  /// The answer to a question of somebody whose clock is right.
  func look(_ action: AccountRequest, _ account: Account, _ world: World) -> AccountAnswer {
    if let reason = outageRefusal(world) { return refusal(reason, of: action) }
    return answer(action, account, world)
  }

  private func outageRefusal(_ world: World) -> VenueRefusal? {
    world.now < outage.until && world.isBusy ? outage.refusal : nil
  }

  private func windowRefusal(_ signedAt: Timestamp, _ world: World) -> VenueRefusal? {
    let time = clock(world.now)
    let isOutside = time - signedAt > Self.receiveWindow || signedAt - time > Interval.second
    return isOutside && world.mutation != .fencing ? .outsideWindow : nil
  }

  private func carryOut(
    _ action: AccountRequest, _ account: Account, _ permit: SendPermit, _ world: World
  ) -> AccountAnswer {
    switch action {
    case .place(let order): place(order, account, permit, world)
    case .cancel(let clientID, _): cancel(clientID, account, action, world)
    default: answer(action, account, world)
    }
  }

  // MARK: Orders

  private func place(
    _ order: Venues.NewOrder, _ account: Account, _ permit: SendPermit, _ world: World
  ) -> AccountAnswer {
    guard isAsynchronous else { return placeNow(order, nil, account, permit, world) }
    let isOpen = exchange.order(named: order.clientID, of: index(account), in: 0)?.status.isOpen ?? false
    guard !isOpen, !waiting.contains(order.clientID) else { return refusal(.duplicate, of: .place(order)) }
    let id = exchange.nextOrderID()
    note(order, id, account, permit, world)
    waiting.insert(order.clientID)
    carryOutLater(world) {
      self.waiting.remove(order.clientID)
      if !world.chance(world.faults.refuseLater), case .order(.confirmed) = self.placeNow(order, id, account, permit, world) {
        return
      }
      self.refuse(order, id, account, world)
    }
    return .order(.confirmed(acknowledgement(of: id, order.clientID, at: clock(world.now))))
  }

  private func carryOutLater(_ world: World, _ work: @escaping () -> Void) {
    let isSlow = world.chance(world.faults.slowReply)
    lastDue = max(lastDue, world.now + world.upTo((isSlow ? 800 : 30) * Interval.millisecond))
    world.schedule(at: lastDue) {
      work()
      self.say(world)
    }
  }

  /// Matches the order. `id` is the number that it was given before.
  private func placeNow(
    _ order: Venues.NewOrder, _ id: Int64?, _ account: Account, _ permit: SendPermit, _ world: World
  ) -> AccountAnswer {
    let request = SimulatorCore.NewOrder(order, account: index(account))
    do throws(OrderRejection) {
      let number = try exchange.place(request, numbered: id, at: clock(world.now))
      if id == nil { note(order, number, account, permit, world) }
      if world.chance(world.faults.hideOrder) { hidden[number] = world.now + world.upTo(2 * Interval.second) }
      if world.chance(world.faults.forgetOrder) { forgotten[order.clientID] = world.now + world.upTo(40 * Interval.second) }
      guard let taken = exchange.order(number, of: index(account), in: 0) else { preconditionFailure("a taken order is known") }
      world.trace("  \(name) takes \(order.clientID) as \(number): \(taken.status) \(taken.executed)")
      return .order(.confirmed(report(taken, fills: fills(of: number, index(account)))))
    } catch {
      world.trace("  \(name) refuses \(order.clientID): \(error)")
      return refusal(error == .duplicateClientOrderID ? .duplicate : .refused, of: .place(order))
    }
  }

  private func note(_ order: Venues.NewOrder, _ id: Int64, _ account: Account, _ permit: SendPermit, _ world: World) {
    accepted.append(
      Acceptance(
        clientID: order.clientID, account: account, orderID: id, quantity: order.quantity, at: world.now, lease: permit.lease,
        sentAt: permit.at))
  }

  /// Refuses what it had taken in.
  private func refuse(_ order: Venues.NewOrder, _ id: Int64, _ account: Account, _ world: World) {
    world.trace("  \(name) refuses \(order.clientID) after all")
    let report = VenueOrderReport(
      venueSymbol: instrument.venueSymbol, venueOrderID: String(id), clientID: order.clientID, side: order.side,
      quantity: order.quantity, state: .rejected, cumulativeQuantity: .zero, cumulativeQuote: .zero, time: clock(world.now),
      reason: "EC_Others")
    refusedLater[order.clientID] = report
    tell([report], account, world)
  }

  private func cancel(_ clientID: String, _ account: Account, _ action: AccountRequest, _ world: World) -> AccountAnswer {
    let order = exchange.order(named: clientID, of: index(account), in: 0).flatMap { order in
      order.status.isOpen && isVisible(order, world) ? order : nil
    }
    guard isAsynchronous else {
      guard let order, let ended = exchange.cancel(order.id, at: clock(world.now)) else { return refusal(.notOpen, of: action) }
      return .order(.confirmed(report(ended)))
    }
    let taken = accepted.last { $0.clientID == clientID && $0.account == account }
    guard let taken, order != nil || waiting.contains(clientID) else { return refusal(.notOpen, of: action) }
    carryOutLater(world) {
      if self.exchange.order(taken.orderID, of: self.index(account), in: 0) != nil {
        self.exchange.cancel(taken.orderID, at: self.clock(world.now))
      }
    }
    return .order(.confirmed(acknowledgement(of: taken.orderID, clientID, at: clock(world.now))))
  }

  // MARK: What questions find

  func isVisible(_ order: SimulatorCore.VenueOrder, _ world: World) -> Bool { isVisible(order.id, world) }
  func isVisible(_ id: Int64, _ world: World) -> Bool { world.now >= hidden[id] ?? .zero }

  /// An ended order that never traded is there for those who ask by id, whatever the venue forgets.
  func isRemembered(_ order: SimulatorCore.VenueOrder, _ world: World) -> Bool {
    world.now >= forgotten[order.request.clientOrderID] ?? .zero || (!order.status.isOpen && order.executed.isZero)
  }

  // MARK: The private stream

  /// Tells what has happened.
  private func say(_ world: World) {
    for event in exchange.takeEvents() {
      guard case .order(let update) = event else { continue }
      let account = accounts[update.order.request.account - 1]
      switch update.change {
      case .rejected: continue
      case .traded(let traded):
        let fill = fill(traded)
        world.trace("  \(name) fills \(traded.quantity) of \(traded.clientOrderID): trade \(traded.tradeID)")
        // Trades and orders are told in frames of their own there, in any order.
        let apart = [report(trade: fill, of: update.order), report(update.order)]
        let isTradeFirst = isAsynchronous && Bool.random(using: &world.generator)
        tell(isAsynchronous ? (isTradeFirst ? apart : apart.reversed()) : [report(update.order, fills: [fill])], account, world)
      default: tell([report(update.order)], account, world)
      }
    }
  }

  private func tell(_ reports: [VenueOrderReport], _ account: Account, _ world: World) {
    for process in world.processes {
      guard let process = process as? OrderManagerProcess, process.partition == World.partition(of: account) else { continue }
      for report in reports {
        if world.chance(world.faults.dropEvent) { continue }
        process.hear(report, of: account, at: name)
        if world.chance(world.faults.repeatEvent) { process.hear(repeated(report, world), of: account, at: name) }
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

extension SimulatorCore.NewOrder {
  /// The order as the exchange takes it.
  fileprivate init(_ order: Venues.NewOrder, account: Int) {
    let price: Price
    var kind = OrderKind.limit
    var timeInForce = TimeInForce.gtc
    switch order.terms {
    case .limit(let limit, let time): (price, timeInForce) = (limit, time)
    case .postOnly(let limit): (price, kind) = (limit, .postOnly)
    case .market: (price, kind, timeInForce) = (.zero, .market, .ioc)
    }
    self.init(
      account: account, market: 0, clientOrderID: order.clientID, side: order.side, kind: kind, price: price,
      size: .base(order.quantity), timeInForce: timeInForce)
  }
}
