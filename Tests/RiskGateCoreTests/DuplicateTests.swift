import Domain
import RiskGateCore
import Testing
import Wire

@Suite struct DuplicateTests {
  @Test func theSameRequestIsAnsweredOnceMoreAndNeverApprovedAgain() throws {
    var gate = Harness()
    let text = #"{"side":"buy","quantity":1,"client_order_id":"a","tags":["x"]}"#
    #expect(gate.send(text).approval?.isDuplicate == false)
    // The order of members and the spelling of numbers are not content.
    let again = gate.send(#"{"client_order_id":"a","tags":["x"],"quantity":"1.000","side":"buy","account":"main"}"#)
    let answer = try #require(again.approval)
    #expect(answer.isDuplicate)
    #expect(answer.quantity == Harness.quantity("1"))
    #expect(answer.validUntil <= gate.now)
    #expect(gate.exposure()?.openBuys == Harness.quantity("1"))
  }

  @Test func anotherRequestUnderTheIDIsRefused() {
    var gate = Harness()
    gate.send(#"{"side":"buy","quantity":1,"client_order_id":"a"}"#)
    for other in [
      #"{"side":"buy","quantity":1.1,"client_order_id":"a"}"#, #"{"side":"sell","quantity":1,"client_order_id":"a"}"#,
      #"{"side":"buy","quantity":1,"client_order_id":"a","strategy":"s"}"#,
      #"{"side":"buy","quantity":1,"client_order_id":"a","venue":"binance"}"#,
    ] {
      #expect(gate.send(other).code == .duplicateIdentifier)
    }
    // Still the first.
    #expect(gate.send(#"{"side":"buy","quantity":1,"client_order_id":"a"}"#).approval?.isDuplicate == true)
    // Another account's id is another id.
    #expect(gate.send(#"{"side":"buy","quantity":1.1,"client_order_id":"a","account":"other"}"#).passed)
  }

  @Test func aRefusedRequestIsRefusedAgainUnderItsCode() {
    var gate = Harness()
    #expect(gate.send(#"{"side":"buy","quantity":2,"client_order_id":"a"}"#).code == .orderSize)
    gate.limit { $0.maximumOrderNotional = Harness.money("1000000") }
    let again = gate.send(#"{"side":"buy","quantity":2,"client_order_id":"a"}"#)
    #expect(again.code == .orderSize)
    #expect(again.rejections.first?.isDuplicate == true)
  }

  @Test func theHorizonIsADay() {
    var gate = Harness()
    gate.send(#"{"side":"buy","quantity":0.1,"client_order_id":"a"}"#)
    gate.event("a", .expired, quantity: "0.1")
    gate.send(#"{"side":"buy","quantity":2,"client_order_id":"b"}"#)
    gate.waitWithBook(Interval.day - 1)
    #expect(gate.send(#"{"side":"buy","quantity":2,"client_order_id":"b"}"#).rejections.first?.isDuplicate == true)
    gate.waitWithBook(1)
    #expect(gate.send(#"{"side":"buy","quantity":2,"client_order_id":"b"}"#).rejections.first?.isDuplicate == false)
    // An order that is still remembered keeps its id for longer.
    #expect(gate.send(#"{"side":"buy","quantity":0.1,"client_order_id":"a"}"#).code == .duplicateIdentifier)
  }

  @Test func tenThousandIDsAreRemembered() {
    var gate = Harness()
    gate.send(#"{"side":"buy","quantity":2,"client_order_id":"first"}"#)
    for number in 0..<9_999 { gate.send(#"{"side":"buy","quantity":2,"client_order_id":"n\#(number)"}"#) }
    #expect(gate.send(#"{"side":"buy","quantity":2,"client_order_id":"first"}"#).rejections.first?.isDuplicate == true)
    gate.send(#"{"side":"buy","quantity":2,"client_order_id":"last"}"#)
    #expect(gate.send(#"{"side":"buy","quantity":2,"client_order_id":"first"}"#).rejections.first?.isDuplicate == false)
  }

  /// OrderManager may remember an id for longer than RiskGate: what is approved again then must not stay reserved for ever.
  @Test func anApprovalThatIsIgnoredReservesNothing() throws {
    var gate = Harness()
    gate.limit { $0.maximumOrdersPerSecond = 1_000_000 }
    for id in ["again"] + (0..<1_001).map({ "o\($0)" }) {
      gate.send(#"{"side":"buy","price":26000,"quantity":0.1,"client_order_id":"\#(id)"}"#)
      gate.event(id, .cancelled, quantity: "0.1")
    }
    for number in 0..<9_000 { gate.send(#"{"side":"buy","quantity":2,"client_order_id":"n\#(number)"}"#) }
    let second = #"{"side":"buy","price":26000,"quantity":0.2,"client_order_id":"again"}"#
    #expect(gate.send(second).approval?.isDuplicate == false, "it is forgotten")
    #expect(gate.exposure()?.openBuys == Harness.quantity("0.2"))
    let ignored = IgnoredApproval(
      account: Harness.main, clientOrderID: Harness.id("again"), approvalOffset: Int64(gate.approved.count - 1), time: gate.now)
    gate.execute(.ignored(ignored))
    #expect(gate.exposure()?.openBuys == .zero)
    #expect(gate.lastRisk?.openOrders == 0)
    // The first order's end, told once more, is not the second's.
    gate.event("again", .cancelled, quantity: "0.1", cumulative: "0.1")
    #expect(gate.exposure()?.openBuys == .zero)
    #expect(gate.send(second).approval?.isDuplicate == true)
    try gate.restart()
    #expect(gate.exposure()?.openBuys == .zero)
    #expect(gate.lastRisk?.openOrders == 0)
  }

  @Test func anOrderWithoutAnIDGetsOneFromWhereItLies() throws {
    var gate = Harness()
    let first = try #require(gate.send(#"{"side":"buy","quantity":0.1}"#).approval).clientOrderID
    let second = try #require(gate.send(#"{"side":"buy","quantity":0.1}"#).approval).clientOrderID
    #expect(first != second)
    #expect((26...32).contains(first.text.count))
    var other = Harness()
    #expect(other.send(#"{"side":"buy","quantity":0.1}"#).approval?.clientOrderID == first)
  }
}

/// Records that lay on a wrong partition first.
@Suite struct MovedRecordTests {
  private static func gate() -> (gate: Harness, name: String) {
    let gate = Harness(partition: 0, partitionCount: 2)
    let name = (0..<100).map { "a\($0)" }.first { Partitioner.partition(forKey: $0.utf8, count: 2) == 0 } ?? ""
    return (gate, name)
  }
  private static let origin = RecordSource(topic: Topic.orders, partition: 1, offset: 7, timestamp: Harness.start)

  @Test(arguments: [
    #""side":"buy","price":26000,"quantity":1"#, #""side":"buy","price":26000,"quantity":1,"client_order_id":"x""#,
    #""action":"cancel_all""#, #""action":"cancel","target_client_order_id":"x""#,
  ])
  func aRecordThatWasMovedTwiceIsDecidedOnce(body: String) throws {
    var (gate, name) = Self.gate()
    let bytes = Array(#"{"account":"\#(name)",\#(body)}"#.utf8)
    let first = gate.send(bytes: bytes, origin: Self.origin)
    let second = gate.send(bytes: bytes, origin: Self.origin)
    #expect(first.approval?.isDuplicate == false && first.approval?.source == Self.origin)
    #expect(second.approvals.map(\.isDuplicate) == [true])
    // A successor knows as much.
    try gate.restart()
    let third = gate.send(bytes: bytes, origin: Self.origin)
    #expect(third.approvals.map(\.isDuplicate) == [true])
  }

  /// Its decision names a place on another partition; the place that was read counts.
  @Test func aMovedRecordIsFoundAgainAfterTwoRestartsInARow() throws {
    var (gate, name) = Self.gate()
    let body = Array(#"{"account":"\#(name)","side":"buy","price":26000,"quantity":1,"client_order_id":"x"}"#.utf8)
    _ = gate.send(bytes: body, origin: Self.origin)
    try gate.restart(readsOrders: false)
    gate.acknowledge()
    gate.apply(.flush)
    try gate.restart()
    #expect(gate.approved.compactMap { try? Approval($0.value) }.count == 1)
  }

  @Test func aMovedRecordThatCameTooEarlyIsNotDecidedAgain() {
    var (gate, name) = Self.gate()
    gate.engine = RiskEngine(gate.settings)
    let bytes = Array(#"{"account":"\#(name)","side":"buy","price":26000,"quantity":1,"client_order_id":"x"}"#.utf8)
    #expect(gate.send(bytes: bytes, origin: Self.origin).code == .notReady)
    gate.apply(.ready)
    let again = gate.send(bytes: bytes, origin: Self.origin)
    #expect(again.rejections.map(\.isDuplicate) == [true])
  }
}
