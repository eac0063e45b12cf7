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

  /// The snapshot knows of the replace alone, the log of the cancel that came after it.
  @Test func aCancelOfAReplaceOutlivesItsOwner() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("b", action: .replace, side: nil, quantity: "2", target: "a")
    rig.approve("c", action: .cancel, quantity: nil, price: nil, target: "a")
    #expect(rig.statuses(of: "a").last == .pendingCancel && rig.statuses(of: "b") == [.cancelled])
    var next = rig.successor()
    next.wait(milliseconds: 31_000)
    while let question = next.question, question != "cancel" {
      if question == "openOrders" { next.answer(.orders(.confirmed([next.report(.open)]))) } else { next.calls.removeFirst() }
    }
    #expect(next.question == "cancel")
  }

  /// Anyone can write to the log; only what an owner wrote is taken over, and nothing stops a take-over.
  @Test func strangersRecordsAreNotTakenOver() {
    var rig = Rig()
    rig.approve("a")
    guard case .plan(let plan)? = rig.records.first else {
      Issue.record("no plan")
      return
    }
    let huge = String(decoding: ExecutionRecord.plan(plan).encoded(), as: UTF8.self).replacing(
      #""quantity":"1""#, with: #""quantity":"92233720368""#)
    let child = #"{"child":1,"venue":"binance","venue_client_id":"x","quantity":"92233720368","price":"1"},"#
    let doubled = huge.replacing(#""children":["#, with: #""children":[\#(child)"#)
    #expect(doubled != huge)
    let order = #"{"v":1,"type":"order","account":"main","client_order_id":"b","venue":"binance","side":"buy"}"#
    for epoch in [nil, 7] as [Int64?] {
      var restoration = OrderRestoration(epoch: 9)
      for (offset, bytes) in [nil, [], Array("{".utf8), Array(order.utf8)].enumerated() as EnumeratedSequence<[[UInt8]?]> {
        restoration.readState(Self.record(bytes, offset, epoch), key: "main+b")
      }
      restoration.readExecution(Self.record(Array(doubled.utf8), 0, epoch))
      restoration.readExecution(Self.record(Array("[]".utf8), 1, epoch))
      var core = OrderManagerPartition(World.settings())
      var effects: [OrderManagerEffect] = []
      core.apply(.restored(restoration.finish(nextApproval: 0)), at: rig.now, into: &effects)
      #expect(core.liveOrders == 0)
    }
    var restoration = OrderRestoration(epoch: 9)
    restoration.readExecution(Self.record(ExecutionRecord.plan(plan).encoded(), 0, nil))
    var core = OrderManagerPartition(World.settings())
    var effects: [OrderManagerEffect] = []
    core.apply(.restored(restoration.finish(nextApproval: 0)), at: rig.now, into: &effects)
    #expect(core.liveOrders == 0, "a plan without an epoch is nobody's")
  }

  /// A marker at the end of time hides nothing from a new owner, nor counts as a newer owner's.
  @Test func anImpossibleMarkerEndsNoEpoch() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.wait(milliseconds: 300)
    var restoration = OrderRestoration(epoch: 5)
    let impossible = EpochMarker(epoch: .max, owner: "ordermanager/x").encoded()
    restoration.readState(Self.record(EpochMarker(epoch: 0, owner: "ordermanager/a").encoded(), 0, nil), key: "epoch")
    restoration.readState(Self.record(impossible, 1, nil), key: "epoch")
    for state in rig.states { restoration.readState(state.record, key: state.key) }
    restoration.readExecution(Self.record(impossible, 4, nil))
    restoration.readExecution(Self.record(EpochMarker(epoch: -1, owner: "ordermanager/b").encoded(), 5, nil))
    #expect(restoration.newestEpoch == 5 && restoration.unreadable == 2)
    var core = OrderManagerPartition(World.settings())
    var effects: [OrderManagerEffect] = []
    core.apply(.restored(restoration.finish(nextApproval: 0)), at: rig.now, into: &effects)
    #expect(core.liveOrders == 1)
  }

  private static func record(_ bytes: [UInt8]?, _ offset: Int, _ epoch: Int64?) -> InputRecord {
    let source = RecordSource(topic: Topic.executions, partition: 0, offset: Int64(offset), timestamp: .zero)
    return InputRecord(source: source, value: bytes, headers: RecordHeaders(epoch: epoch))
  }

  /// Ten thousand cancels of nothing do not silence what comes after.
  @Test func alertsGoOn() {
    var rig = Rig()
    for number in 0..<10_050 { rig.approve("c\(number)", action: .cancel, target: "t\(number)") }
    #expect(rig.alerts.count == 10_050)
    rig.approve("again", action: .cancel, target: "t10049")
    #expect(rig.alerts.count == 10_050, "the same is said once")
  }

  /// A venue whose clock is nonsense stops nobody.
  @Test func aClockAtTheEndOfTimeIsSurvived() {
    for offset in [Int64.min, .max] {
      var rig = Rig()
      rig.feed(.clock(.binance, VenueClock(offset: offset, uncertainty: Interval.second)))
      rig.approve("a")
      rig.loseReply()
      rig.denyAll(milliseconds: 3_000)
      #expect(rig.statuses(of: "a").first == .unknown)
    }
  }

  /// RiskGate was taken over while an approval of the owner before waited: after a restart that approval still counts.
  @Test func anApprovalThatWaitsOutlivesItsOwner() {
    var world = World(seed: 5)
    world.faults.loseRequest = 1
    world.approve("old", timeInForce: .gtc, epoch: 0)
    for _ in 0..<1_000 where world.status(of: "old") != .unknown { world.step() }
    world.approve("new", action: .replace, quantity: "2", timeInForce: .gtc, target: "old", epoch: 0)
    world.append(EpochMarker(epoch: -1, owner: "riskgate").encoded())
    for _ in 0..<200 { world.step() }
    #expect(world.committed <= 2, "the replacement waits for the order that it replaces")
    world.crash()
    world.settle()
    #expect(world.status(of: "new")?.isTerminal == true)
    #expect(world.committed == Int64(world.approvals.count))
  }

  /// The log says that a cancel was asked for; then the venue denied the order for a while, and the owner died.
  @Test(arguments: [true, false]) func aCancelThatWasAskedForOutlivesDoubt(hasSnapshot: Bool) {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("c", action: .cancel, target: "a")
    rig.refuse(.noSuchOrder)
    rig.wait(milliseconds: 20)
    rig.refuse(.noSuchOrder)
    #expect(rig.statuses(of: "a") == [.open, .pendingCancel, .unknown] && rig.committed == 2)
    if hasSnapshot { rig.wait(milliseconds: 500) }
    var next = rig.successor()
    next.stream(next.report(.open))
    next.wait(milliseconds: 20)
    #expect(next.calls.contains { Rig.name($0.action) == "cancel" })
  }

  /// A new owner carries out what was not done of it, and takes no order for meant that was approved behind it.
  @Test func cancelAllOutlivesItsOwner() {
    var tries = 0
    for seed in 1...40 as ClosedRange<UInt64> {
      var world = World(seed: seed)
      world.faults.dropStream = 1
      world.faults.hideOrder = 1
      world.faults.loseReply = 1
      world.approve("before", timeInForce: .gtc)
      for _ in 0..<1_000 where world.status(of: "before") != .unknown { world.step(milliseconds: 2) }
      world.approve("all", action: .cancelAll, quantity: nil, price: nil)
      world.faults.loseReply = 0
      world.approve("behind", timeInForce: .gtc)
      for _ in 0..<100 where world.status(of: "behind") != .open { world.step(milliseconds: 2) }
      guard world.status(of: "before") == .unknown, world.status(of: "behind") == .open else { continue }
      tries += 1
      #expect(world.committed <= 2, "seed \(seed): it waits")
      world.crash()
      world.settle(seconds: 20)
      #expect(world.status(of: "before")?.isTerminal == true, "seed \(seed)")
      #expect(!world.events(of: "behind").contains { $0.status == .pendingCancel }, "seed \(seed)")
      #expect(world.committed == 4, "seed \(seed)")
    }
    #expect(tries > 5)
  }

  @Test func aNewerOwnersMarkerEndsTheOlder() {
    var rig = Rig()
    rig.mark(owner: "reconciler", at: 7)
    rig.mark(owner: "ordermanager/test", at: 0)
    rig.mark(owner: "ordermanager/stranger", at: 7, epoch: .max)
    #expect(!rig.isFenced, "another program's marker, its own, and one that cannot be")
    rig.mark(owner: "ordermanager/other", at: 7)
    #expect(rig.isFenced)
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

  /// The queue to Redis holds few orders, and says that Redis is to be written again whenever one did not fit: each has its turn.
  @Test func everyOrderIsShownAgainHoweverMany() {
    var rig = Rig()
    for number in 0..<1_000 { rig.approve("o\(number)", timeInForce: .gtc, validFor: Interval.hour) }
    rig.redis = []
    var shown: Set<ClientOrderID> = []
    for _ in 0..<50 {
      rig.feed(.redisLost)
      rig.feed(.tick)
      var count = 0
      for case .order(_, let id, _, _) in rig.redis {
        shown.insert(id)
        count += 1
      }
      #expect(count <= 512, "all at once do not fit")
      rig.redis = []
    }
    #expect(shown.count == 1_000)
  }

  /// The process may have died between the end in the log and its showing in Redis, where the key of an open order lives on.
  @Test func aNewOwnerShowsWhatEndedLately() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.redis = []
    func isShownAsEnded(_ rig: Rig) -> Bool {
      rig.redis.contains { if case .order(_, let id, _, isOpen: false) = $0 { id.text == "a" } else { false } }
    }
    #expect(isShownAsEnded(rig.successor()))
    rig.wait(milliseconds: 100_000)
    rig.redis = []
    #expect(!isShownAsEnded(rig.successor()), "the key has gone away by itself")
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

  @Test func endedOrdersBeyondTheCapacityAreForgottenOldestFirst() {
    var rig = Rig { $0.terminalCapacity = 3 }
    for index in 0..<5 {
      rig.approve("\(index)")
      rig.confirm(rig.report(.filled, place: index, filled: "1", fills: [rig.fill("\(index)", "1")]))
      rig.wait(milliseconds: 500)
    }
    let forgotten = rig.states.filter { $0.record.value == nil }.map(\.key)
    #expect(forgotten == ["main+0", "main+1"])
  }

  /// What the broker has not accepted is read again by the next owner, who must know that it was carried out.
  @Test func anOrderIsNotForgottenBeforeItsApprovalIsCommitted() {
    var rig = Rig { $0.terminalCapacity = 0 }
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.renewsLease = false
    rig.wait(milliseconds: 1_000)
    #expect(rig.core.committable == rig.nextApproval && !rig.states.contains { $0.record.value == nil })
    rig.feed(.lease(until: rig.now + Interval.second, committed: rig.nextApproval))
    rig.wait(milliseconds: 100)
    #expect(rig.states.last { $0.key == "main+a" }.map { $0.record.value == nil } == true, "a tombstone")
  }

  /// Its plan and its fills lie before what is read, and its snapshot is gone.
  @Test func aForgottenOrderIsNotRebuiltFromItsLastEvents() {
    var rig = Rig { $0.terminalCapacity = 0 }
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    var restoration = OrderRestoration(epoch: 0)
    let tail = [.epoch(EpochMarker(epoch: -1, owner: "ordermanager/test"))] + rig.records.suffix(1)
    for (offset, record) in tail.enumerated() {
      let source = RecordSource(topic: Topic.executions, partition: 0, offset: Int64(offset), timestamp: rig.now)
      restoration.readExecution(InputRecord(source: source, value: record.encoded(), headers: RecordHeaders(epoch: 0)))
    }
    #expect(rig.statuses(of: "a").last == .filled)
    var successor = Rig()
    successor.core = OrderManagerPartition(World.settings())
    successor.nextApproval = 0
    successor.feed(.restored(restoration.finish(nextApproval: 0)))
    successor.approve(bytes: EpochMarker(epoch: -1, owner: "riskgate").encoded(), epoch: nil)
    successor.approve("c", action: .cancel, target: "a")
    #expect(successor.alerts.map(\.code) == ["cancel_unknown_target"], "nobody could say how much of it was filled")
  }
}

extension Rig {
  /// A new owner that knows what the log says.
  fileprivate func successor() -> Rig {
    var next = self
    var restoration = OrderRestoration(epoch: 0)
    for state in states { restoration.readState(state.record, key: state.key) }
    let log = [.epoch(EpochMarker(epoch: -1, owner: "ordermanager/test"))] + records
    for (offset, record) in log.enumerated() where Int64(offset) >= restoration.executionsStart {
      let source = RecordSource(topic: Topic.executions, partition: 0, offset: Int64(offset), timestamp: now)
      restoration.readExecution(InputRecord(source: source, value: record.encoded(), headers: RecordHeaders(epoch: 0)))
    }
    next.core = OrderManagerPartition(World.settings())
    next.feed(.restored(restoration.finish(nextApproval: 0)))
    next.feed(.instrument(World.instrument))
    next.feed(.clock(.binance, VenueClock(offset: 0, uncertainty: Interval.millisecond)))
    next.feed(.lease(until: now + 2 * Interval.second, committed: 0))
    next.feed(.connected(World.route, true))
    next.calls = []
    return next
  }

  fileprivate mutating func mark(owner: String, at offset: Int64, epoch: Int64 = -1) {
    let source = RecordSource(topic: Topic.executions, partition: 0, offset: offset, timestamp: now)
    feed(.execution(InputRecord(source: source, value: EpochMarker(epoch: epoch, owner: owner).encoded())))
  }

  mutating func observe(_ observation: Observation) {
    let source = RecordSource(topic: Topic.executions, partition: 0, offset: 0, timestamp: now)
    feed(.execution(InputRecord(source: source, value: ExecutionRecord.observation(observation).encoded())))
  }
}
