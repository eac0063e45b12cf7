import Books
import Domain
import Testing
import Venues
import Wire

@testable import OrderManagerCore

/// A parent and its children across crashes and successors.
@Suite struct FamilyTests {
  private static let other = World.known(Venue("second"))

  /// Two venues that each have half of what an order for one coin takes.
  private func rig() -> Rig {
    var rig = Rig { settings in settings.routes = [.binance, Self.other].map { Route(World.account, $0) } }
    var instrument = World.instrument
    instrument.venue = Self.other
    rig.feed(.instrument(instrument))
    rig.feed(.clock(Self.other, VenueClock(offset: 0, uncertainty: Interval.millisecond)))
    for venue in [.binance, Self.other] {
      let level = BookLevel(price: World.known(try? Price("100")), quantity: World.known(try? Quantity("0.5")))
      rig.feed(.book(VenueBook(venue: venue, symbol: World.instrument.symbol, isValid: true, time: rig.now, asks: [level])))
    }
    return rig
  }

  /// Between the two words a process may end, and its successor knows of one child's cancel alone.
  @Test func aCancelIsDoneWhenTheLogSaysSoOfEveryChild() {
    var rig = rig()
    rig.approve("a", price: "100", timeInForce: .gtc)
    for place in 0..<2 { rig.confirm(rig.report(.open, place: place)) }
    rig.wait(milliseconds: 1_500)
    let before = rig.core.committable
    rig.acknowledges = false
    rig.approve("c", action: .cancel, quantity: nil, price: nil, target: "a")
    rig.acknowledge(1)
    #expect(rig.core.committable == before, "the second child's cancel is not in the log")
    rig.acknowledge()
    #expect(rig.core.committable == before + 1)
  }

  /// A stalled owner's plan may lie before or behind the one that its successor made without knowing of it, and name other venues.
  @Test(arguments: [[0, 1], [1, 0]]) func ofTwoPlansTheNewerOwnersIsCarriedOut(order: [Int]) throws {
    let newer = try plan()
    let plans = [(ExecutionRecord.plan(swapped(newer)), Int64(0)), (.plan(newer), 2)]
    let restored = try #require(found(in: order.map { plans[$0] }))
    #expect(restored.children.map(\.venue) == newer.children.map(\.venue))
  }

  /// Its successor has ended the order without a plan, and whoever comes next sends nothing of it.
  @Test(arguments: [[0, 1], [1, 0]]) func anEndWithoutAPlanOutweighsAStalledOwnersPlan(order: [Int]) throws {
    let stalled = try plan()
    let end = OrderEvent(
      account: World.account, clientOrderID: stalled.approval.clientOrderID, venue: .best, symbol: World.instrument.symbol,
      side: .buy, quantity: stalled.quantity, status: .cancelled, provenance: .engine, time: stalled.time)
    let records = [(ExecutionRecord.plan(stalled), Int64(0)), (.order(end), 2)]
    let restored = try #require(found(in: order.map { records[$0] }))
    #expect(restored.status == .cancelled && restored.children.isEmpty)
  }

  /// A plan for two venues.
  private func plan() throws -> Plan {
    var rig = rig()
    rig.approve("a", price: "100")
    let plans = rig.records.compactMap { if case .plan(let plan) = $0 { plan } else { nil } }
    #expect(plans.first?.children.count == 2)
    return try #require(plans.first)
  }

  /// The same with the other venue for each child.
  private func swapped(_ plan: Plan) -> Plan {
    var other = plan
    for index in plan.children.indices { other.children[index].venue = plan.children[1 - index].venue }
    return other
  }

  /// The order as a third owner finds it: the records lie behind the second one's markers.
  private func found(in records: [(ExecutionRecord, Int64)]) -> ManagedOrder? {
    let markers = [-1, 0, -1, 2].map { (EpochMarker(epoch: $0, owner: "ordermanager/a").encoded(), Int64?.none) }
    var restoration = OrderRestoration(epoch: 9)
    for (offset, (value, epoch)) in (markers + records.map { ($0.encoded(), $1) }).enumerated() {
      let source = RecordSource(topic: Topic.executions, partition: 0, offset: Int64(offset), timestamp: .zero)
      restoration.readExecution(InputRecord(source: source, value: value, headers: RecordHeaders(epoch: epoch)))
    }
    return restoration.finish(nextApproval: 1).orders.first
  }
}
