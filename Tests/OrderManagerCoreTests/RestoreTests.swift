import Domain
import OrderManagerCore
import Testing
import Venues
import Wire

/// What Reconciler says, and what a new owner finds.
@Suite struct RestoreTests {
  @Test func reconcilerFindsAFill() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    let order = VenueOrder(
      venueClientID: rig.places[0].clientID, venueOrderID: "1", symbol: World.instrument.symbol, side: .buy, status: .filled,
      quantity: World.known(try? Quantity("1")), price: nil, cumulativeQuantity: World.known(try? Quantity("1")),
      cumulativeQuote: .zero, time: rig.now)
    let fill = VenueFill(venueOrderID: "1", symbol: World.instrument.symbol, side: .buy, fill: rig.fill("1", "1"))
    rig.observe(Observation(account: World.account, venue: .binance, startedAt: rig.now, orders: [order], fills: [fill]))
    #expect(rig.statuses(of: "a") == [.open, .filled])
    #expect(rig.events.last?.provenance == .reconciled)
    rig.observe(Observation(account: World.account, venue: .binance, startedAt: rig.now, orders: [order], fills: [fill]))
    #expect(rig.events.count == 2, "the same again is nothing new")
  }

  @Test func anOldObservationUndoesNothing() {
    var rig = Rig()
    rig.approve("a")
    let before = rig.now
    rig.wait(milliseconds: 100)
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    let order = VenueOrder(
      venueClientID: rig.places[0].clientID, venueOrderID: "1", symbol: World.instrument.symbol, side: .buy, status: .open,
      quantity: World.known(try? Quantity("1")), price: nil, cumulativeQuantity: .zero, cumulativeQuote: .zero, time: before)
    rig.observe(
      Observation(
        account: World.account, venue: .binance, startedAt: before, orders: [order], missing: [rig.places[0].clientID]))
    rig.wait(milliseconds: 500)
    #expect(rig.statuses(of: "a") == [.filled])
    #expect(rig.calls.isEmpty && rig.alerts.isEmpty)
  }

  @Test func missingIsAReasonToAsk() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.wait(milliseconds: 100)
    rig.observe(
      Observation(account: World.account, venue: .binance, startedAt: rig.now, missing: [rig.places[0].clientID]))
    rig.wait(milliseconds: 20)
    #expect(rig.question == "order")
    #expect(rig.statuses(of: "a") == [.open])
  }

  @Test func aNewOwnerLooksUpWhatWasInFlight() {
    var world = World(seed: 4)
    world.approve("resting", timeInForce: .gtc)
    for _ in 0..<100 where world.status(of: "resting") == nil { world.step() }
    world.approve("late")
    for _ in 0..<100 where world.venue.orders.count < 2 { world.step() }
    world.crash()
    world.settle(seconds: 20)
    #expect(world.crashes == 1)
    #expect(world.venue.orders.count == 2 && world.status(of: "late")?.isTerminal == true)
    #expect(world.violations.isEmpty)
  }

  @Test func theSameEventsGiveTheSameEffects() {
    var faults = World.Faults()
    faults.loseReply = 0.3
    faults.repeatStream = 0.3
    faults.crash = 0.01
    let logs = (0..<2).map { _ in
      var world = World(seed: 11, faults: faults)
      for number in 0..<100 {
        if number % 10 == 0 { world.approve("o\(number)", timeInForce: number % 20 == 0 ? .gtc : .ioc) }
        world.step()
      }
      return world.executions.map(\.value)
    }
    #expect(logs[0] == logs[1] && logs[0].count > 20)
  }

  @Test func endedOrdersAreForgotten() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.wait(milliseconds: 3_000)
    rig.now = rig.now + 2 * Interval.hour
    rig.wait(milliseconds: 100)
    #expect(rig.states.last { $0.key == "main+a" }.map { $0.record.value == nil } == true, "a tombstone")
  }
}

extension Rig {
  fileprivate mutating func observe(_ observation: Observation) {
    let source = RecordSource(topic: Topic.executions, partition: 0, offset: 0, timestamp: now)
    feed(.execution(InputRecord(source: source, value: ExecutionRecord.observation(observation).encoded())))
  }
}
