import Domain
import Wire

/// Those who send orders: some of them again, some late, some cancels and replaces.
final class Clients {
  private unowned let world: World
  private var sent: [[String]]

  init(world: World) {
    self.world = world
    sent = world.accounts.map { _ in [] }
  }

  func begin() {
    let world = world
    let count = Int.random(in: 15...45, using: &world.generator)
    let bias = Double.random(in: 0.1...0.9, using: &world.generator)
    for number in 0..<count {
      world.schedule(after: Interval.second + world.upTo(World.busy - Interval.second)) { [self] in submit(number, buys: bias) }
    }
    for account in world.accounts where Int.random(in: 0..<3, using: &world.generator) == 0 { restrict(account) }
    for account in world.accounts.indices where Bool.random(using: &world.generator) {
      world.schedule(after: world.upTo(World.busy)) { [self] in cancelAll(account) }
    }
    // Whatever still rests is cancelled, so that every order comes to an end.
    world.schedule(after: Self.sweep) { [self] in
      for account in world.accounts.indices { cancelAll(account) }
    }
  }

  /// When everything is cancelled at last, counted from the beginning. What was cancelled before has ended by then.
  static let sweep = World.busy + 35 * Interval.second

  private func cancelAll(_ account: Int) { append(account, #""action":"cancel_all""#) }

  /// Now and then an operator stops an account for a while.
  private func restrict(_ account: Account) {
    let begin = world.upTo(World.busy)
    let state: TradingState = Bool.random(using: &world.generator) ? .halted : .reduceOnly
    let end = begin + Interval.second + world.upTo(5 * Interval.second)
    for (version, time, state) in [(1, begin, state), (2, end, .active)] as [(Int64, Int64, TradingState)] {
      world.schedule(after: time) { [self] in
        let control = Control(account: account, version: version, state: state, reason: "simulated", time: world.now)
        _ = world.append(Place(Topic.control, 0), value: control.encoded())
        world.history.controls[account, default: []].append(control)
        world.trace("\(account) is \(state.rawValue) from now on")
      }
    }
  }

  private func submit(_ number: Int, buys: Double) {
    let account = Int.random(in: 0..<world.accounts.count, using: &world.generator)
    let body = body(number, account, buys: buys)
    world.history.submitted += 1
    let isLate = world.chance(world.faults.delayOrder)
    let first = isLate ? world.upTo(15 * Interval.second) : 0
    world.schedule(after: first) { [self] in append(account, body) }
    guard world.chance(world.faults.repeatOrder) else { return }
    for _ in 0..<Int.random(in: 1...3, using: &world.generator) {
      world.schedule(after: first + world.upTo(6 * Interval.second)) { [self] in append(account, body) }
    }
  }

  private func body(_ number: Int, _ account: Int, buys: Double) -> String {
    let side = Double.random(in: 0..<1, using: &world.generator) < buys ? "buy" : "sell"
    // Not every venue takes every quantity.
    let fine = Int.random(in: 0..<4, using: &world.generator) == 0 ? Int64.random(in: 0..<100, using: &world.generator) : 0
    let quantity = Quantity(units: Int64.random(in: 1...150, using: &world.generator) * 1_000_000 + fine * 10_000)
    let target = sent[account].randomElement(using: &world.generator)
    let kind = Int.random(in: 0..<12, using: &world.generator)
    switch (kind, target) {
    case (0, let target?), (1, let target?):
      return #""action":"cancel","target_client_order_id":"\#(target)","client_order_id":"c\#(number)""#
    case (3, _) where number % 4 == 0: return #""action":"cancel_all","client_order_id":"all\#(number)""#
    case (2, let target?):
      sent[account].append("r\(number)")
      return
        #""action":"replace","target_client_order_id":"\#(target)","quantity":\#(quantity),"client_order_id":"r\#(number)""#
    default: break
    }
    sent[account].append("o\(number)")
    let order = #""side":"\#(side)","quantity":\#(quantity),"client_order_id":"o\#(number)"\#(destination())"#
    guard kind > 6 else { return order }
    // Some rest away from the market, some at it, some trade at once.
    let distance = Int64.random(in: -30...30, using: &world.generator)
    let middle = (world.venues[0].top.bid?.price.units ?? 267_960_000_000_000) / 10_000_000_000
    let time = kind == 7 ? "ioc" : "gtc"
    return order + #","type":"limit","price":\#(middle + distance),"time_in_force":"\#(time)""#
  }

  /// Most leave the venue to the router, by saying so or by saying nothing.
  private func destination() -> String {
    switch Int.random(in: 0..<4, using: &world.generator) {
    case 0: #","venue":"\#(World.legal(world.venues.randomElement(using: &world.generator)).name)""#
    case 1: #","venue":"best""#
    default: ""
    }
  }

  private func append(_ account: Int, _ body: String) {
    let name = world.accounts[account]
    let right = World.partition(of: name)
    let isMisplaced = world.chance(world.faults.misplaceOrder)
    let partition = isMisplaced ? (right + 1) % World.partitionCount : right
    let value = Array("{\"account\":\"\(name)\",\(body)}".utf8)
    let offset = world.append(Place(Topic.orders, partition), key: isMisplaced ? nil : Array(name.text.utf8), value: value)
    world.trace("orders[\(partition)]@\(offset) \(name) {\(body)}")
  }
}
