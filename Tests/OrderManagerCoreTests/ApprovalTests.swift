import Domain
import OrderManagerCore
import Testing
import Venues
import Wire

/// What becomes of approvals: fences, deadlines, halts, cancels and replaces.
@Suite struct ApprovalTests {
  // MARK: Before the wire

  @Test func nothingIsSentBeforeThePlanIsInTheLog() {
    var rig = Rig()
    rig.acknowledges = false
    rig.approve("a")
    rig.wait(milliseconds: 500)
    guard case .plan(let plan)? = rig.records.last else {
      Issue.record("no plan")
      return
    }
    #expect(rig.calls.isEmpty && rig.committed == 0)
    rig.acknowledge()
    #expect(rig.places.map(\.clientID) == plan.children.map(\.venueClientID))
    #expect(rig.committed == 1)
  }

  @Test func clientIDIsDerivedAndLegal() {
    var rig = Rig()
    rig.approve("a")
    var other = Rig()
    other.approve("a")
    other.approve("b")
    #expect(rig.places[0].clientID == other.places[0].clientID && other.places[0].clientID != other.places[1].clientID)
    #expect(BinanceTrading.isLegal(clientID: rig.places[0].clientID))
    #expect(rig.places[0].clientID.hasPrefix("apus-"))
  }

  @Test func anApprovalThatRanOutIsNotSent() {
    var rig = Rig()
    rig.acknowledges = false
    rig.approve("a", validFor: 100 * Interval.millisecond)
    rig.now = rig.now + 200 * Interval.millisecond
    rig.acknowledge()
    rig.acknowledge()
    #expect(rig.calls.isEmpty)
    #expect(rig.statuses(of: "a") == [.expired])
    #expect(rig.events.last?.provenance == .engine)
  }

  @Test func withoutALeaseNothingIsSent() {
    var rig = Rig()
    rig.renewsLease = false
    rig.wait(milliseconds: 2_100)
    rig.approve("a")
    #expect(rig.places.isEmpty)
    rig.feed(.lease(until: rig.now + Interval.second, committed: 0))
    #expect(rig.places.count == 1)
    #expect(rig.calls.last?.notAfter == rig.now + Interval.second, "the shell is told how long it may")
  }

  @Test func withoutALeaseAnApprovalStillRunsOut() {
    var rig = Rig()
    rig.renewsLease = false
    rig.wait(milliseconds: 2_100)
    rig.approve("a", validFor: Interval.second)
    rig.wait(milliseconds: 1_100)
    #expect(rig.statuses(of: "a") == [.expired])
  }

  @Test func aHaltStopsWhatWasNotSent() {
    var rig = Rig()
    rig.control(.active, version: 3)
    rig.acknowledges = false
    rig.approve("a", control: 3)
    rig.control(.halted, version: 4)
    rig.acknowledge()
    rig.acknowledge()
    rig.acknowledges = true
    #expect(rig.places.isEmpty)
    #expect(rig.statuses(of: "a") == [.halted])
    let acknowledged = rig.records.compactMap { if case .controlAcknowledged(let record) = $0 { record.version } else { nil } }
    #expect(acknowledged == [3, 4])
    rig.approve("b", control: 3)
    #expect(rig.statuses(of: "b") == [.halted])
    rig.approve("c", control: 5)
    #expect(rig.places.count == 1, "it was approved under a newer control than we know, which allows it")
  }

  @Test func onlyReducingOrdersPassAfterARestriction() {
    var rig = Rig()
    rig.control(.reduceOnly, version: 2)
    rig.approve("a", control: 1)
    rig.approve("b", control: 1, reduceOnly: true)
    rig.approve("c", control: 2)
    #expect(rig.statuses(of: "a") == [.halted])
    #expect(rig.places.count == 2, "what was approved under the restriction has passed it")
  }

  @Test func theFirstApprovalOfAnIDCounts() {
    var rig = Rig()
    rig.approve("a")
    rig.approve("a", quantity: "2")
    rig.approve("b", isDuplicate: true)
    #expect(rig.places.map(\.quantity) == [World.known(try? Quantity("1"))])
    #expect(rig.committed == 3)
  }

  /// Whoever approved it again has reserved for it and must hear that nothing will come of it; reading the first again is no news.
  @Test func aLaterApprovalOfAnIDIsAnswered() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.approve("a", quantity: "2")
    let ignored = rig.records.compactMap { if case .ignored(let record) = $0 { record } else { nil } }
    #expect(ignored.map(\.clientOrderID.text) == ["a"] && ignored.map(\.approvalOffset) == [2])
    #expect(rig.places.count == 1 && rig.committed == 2)
    #expect(rig.alerts.map(\.code) == ["approval_ignored"])
  }

  @Test func aStalledRiskGateCannotApprove() {
    var rig = Rig()
    rig.approve("a", epoch: 0)
    rig.approve(bytes: EpochMarker(epoch: -1, owner: "riskgate").encoded())
    rig.approve("b", epoch: 0)
    rig.approve("c", epoch: 2)
    #expect(rig.events.isEmpty && rig.places.count == 2)
    #expect(rig.core.counters.fenced == 1)
  }

  /// Whoever else may write to the topic approves nothing, and ends no owner's epoch.
  @Test func onlyTheOwnersEpochApproves() {
    var rig = Rig()
    for (number, epoch) in [nil, -1, 1, .max].enumerated() as EnumeratedSequence<[Int64?]> {
      rig.approve("forged\(number)", epoch: epoch)
    }
    rig.approve(bytes: EpochMarker(epoch: .max, owner: "riskgate").encoded(), epoch: nil)
    #expect(rig.places.isEmpty && rig.records.isEmpty)
    #expect(rig.deadLetters.map(\.code) == Array(repeating: .unfenced, count: 5))
    #expect(rig.alerts.map(\.code) == ["unfenced_record"], "it is said once")
    #expect(rig.core.counters.unfenced == 5 && rig.committed == 5)
    rig.approve("genuine")
    #expect(rig.places.count == 1)
  }

  @Test func theOwnerOfALogWhoseBeginningHasExpiredApproves() {
    var rig = Rig(firstApproval: 50)
    rig.approve("a", epoch: 7)
    rig.approve("b", epoch: nil)
    #expect(rig.places.count == 1)
  }

  @Test(arguments: ["", "{", "[]", "{\"v\":1}", "{\"account\":\"main\",\"account\":\"main\"}", "\u{0}"])
  func garbageIsADeadLetter(text: String) {
    var rig = Rig()
    rig.approve(bytes: Array(text.utf8))
    rig.approve(bytes: nil)
    rig.approve("a")
    #expect(rig.deadLetters.count == 2)
    #expect(rig.committed == 3 && rig.places.count == 1)
  }

  @Test func noVenueForTheSymbol() {
    var rig = Rig()
    var instrument = World.instrument
    instrument.isTrading = false
    rig.feed(.instrument(instrument))
    rig.approve("a")
    #expect(rig.statuses(of: "a") == [.rejected])
    #expect(rig.events.last?.provenance == .engine)
  }

  // MARK: Cancel

  @Test func aCancelWaitsBehindTheOrder() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.approve("c", action: .cancel, target: "a")
    #expect(rig.calls.count == 1 && rig.committed == 1)
    rig.confirm(rig.report(.open))
    #expect(rig.question == "cancel")
    #expect(rig.committed == 2)
    rig.confirm(rig.report(.cancelled))
    #expect(rig.statuses(of: "a") == [.open, .pendingCancel, .cancelled])
  }

  @Test func aCancelWaitsBehindDoubt() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc, validFor: 60 * Interval.second)
    rig.loseReply()
    rig.approve("c", action: .cancel, target: "a")
    rig.denyAll(milliseconds: 20_000)
    #expect(rig.statuses(of: "a") == [.unknown, .cancelled])
    #expect(rig.places.count == 1, "an absent order that nobody wants is not sent again")
    #expect(rig.committed == 2)
  }

  @Test func aCancelOfNothing() {
    var rig = Rig()
    rig.approve("c", action: .cancel, target: "nobody")
    #expect(rig.alerts.map(\.code) == ["cancel_unknown_target"])
    #expect(rig.committed == 1)
  }

  @Test func aCancelThatComesTooLate() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.approve("c", action: .cancel, target: "a")
    #expect(rig.statuses(of: "a") == [.filled, .filled])
    #expect(rig.calls.isEmpty)
  }

  @Test func aFillCrossesTheCancel() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("c", action: .cancel, target: "a")
    rig.refuse(.noSuchOrder, code: -2011)
    rig.wait(milliseconds: 20)
    #expect(rig.question == "order", "the venue's no says that it has ended, not how")
    rig.stream(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.confirm(rig.report(.filled, filled: "1"))
    #expect(rig.statuses(of: "a") == [.open, .pendingCancel, .filled])
  }

  @Test func aLostCancelIsRepeated() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("c", action: .cancel, target: "a")
    rig.loseReply()
    rig.wait(milliseconds: 20)
    rig.confirm(rig.report(.open))
    rig.wait(milliseconds: 20)
    #expect(rig.question == "cancel")
    rig.confirm(rig.report(.cancelled))
    #expect(rig.statuses(of: "a") == [.open, .pendingCancel, .cancelled])
  }

  @Test func cancelAll() {
    var rig = Rig()
    for id in ["a", "b"] {
      rig.approve(id, timeInForce: .gtc)
      rig.confirm(rig.report(.open, place: rig.places.count - 1))
    }
    rig.approve("c", action: .cancelAll, quantity: nil, price: nil)
    #expect(rig.calls.map { Rig.name($0.action) } == ["cancel", "cancel"])
    #expect(rig.committed == 3)
  }

  @Test func cancelAllOfOneSymbolOrOfAll() {
    var rig = Rig()
    var ether = World.instrument
    ether.symbol = World.known(Symbol("ETH-USDT"))
    ether.venueSymbol = "ETHUSDT"
    rig.feed(.instrument(ether))
    for (id, symbol) in [("bitcoin", World.instrument.symbol), ("ether", ether.symbol)] {
      rig.approve(id, timeInForce: .gtc, symbol: symbol)
      rig.confirm(rig.report(.open, place: rig.places.count - 1))
    }
    rig.approve("c", action: .cancelAll, quantity: nil, price: nil, symbol: ether.symbol)
    #expect(rig.statuses(of: "ether").last == .pendingCancel)
    #expect(rig.statuses(of: "bitcoin").last == .open)
    rig.approve("d", action: .cancelAll, quantity: nil, price: nil)
    #expect(rig.statuses(of: "bitcoin").last == .pendingCancel)
  }

  /// It is done when each of its cancels is: until then a new owner reads it again.
  @Test func cancelAllIsCommittedAfterItsCancels() {
    var rig = Rig()
    rig.approve("open", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("doubtful", timeInForce: .gtc, validFor: 60 * Interval.second)
    rig.loseReply()
    rig.approve("c", action: .cancelAll, quantity: nil, price: nil)
    rig.approve("later", timeInForce: .gtc)
    #expect(rig.statuses(of: "open").last == .pendingCancel)
    #expect(rig.committed == 2, "the order whose outcome is not known still waits for its cancel")
    rig.denyAll(milliseconds: 20_000)
    rig.confirm(rig.report(.open, place: 2))
    rig.denyAll(milliseconds: 20_000)
    #expect(rig.statuses(of: "doubtful") == [.unknown, .cancelled])
    #expect(rig.statuses(of: "later") == [.open])
    #expect(rig.committed == 4)
  }

  @Test func cancelAllTakesBothLegsOfAReplace() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("r", action: .replace, quantity: "2", target: "a")
    rig.approve("c", action: .cancelAll, quantity: nil, price: nil)
    #expect(rig.statuses(of: "a").last == .pendingCancel && rig.statuses(of: "r") == [.cancelled])
    #expect(rig.committed == 3)
  }

  // MARK: Replace

  @Test func replaceSendsTheRestAfterTheEnd() {
    var rig = Rig()
    rig.approve("a", quantity: "1", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.stream(rig.report(.partiallyFilled, filled: "0.25", fills: [rig.fill("1", "0.25")]))
    rig.approve("r", action: .replace, quantity: "2", price: "101", target: "a")
    #expect(rig.statuses(of: "a").last == .pendingReplace)
    #expect(rig.question == "cancel" && rig.places.count == 1)
    rig.confirm(rig.report(.cancelled, filled: "0.25"))
    #expect(rig.places.count == 2)
    #expect(rig.places[1].quantity.text() == "1.75" && rig.places[1].clientID != rig.places[0].clientID)
    #expect(rig.places[1].terms == .limit(price: World.known(try? Price("101")), .gtc))
  }

  @Test func replaceOfWhatFilledFirst() {
    var rig = Rig()
    rig.approve("a", quantity: "1", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("r", action: .replace, quantity: "2", target: "a")
    rig.stream(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.refuse(.noSuchOrder)
    rig.wait(milliseconds: 1_000)
    #expect(rig.places.count == 1)
    #expect(rig.statuses(of: "r") == [.cancelled])
    #expect(rig.committed == 2)
  }

  @Test func replaceThatWaitsTooLong() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.loseReply()
    rig.calls = []
    rig.approve("r", action: .replace, quantity: "2", target: "a", validFor: Interval.second)
    rig.wait(milliseconds: 1_100)
    #expect(rig.statuses(of: "r") == [.expired])
    #expect(rig.committed == 2)
  }

  @Test func cancelOfAnOrderThatIsBeingReplaced() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("r", action: .replace, quantity: "2", target: "a")
    rig.approve("c", action: .cancel, target: "a")
    rig.confirm(rig.report(.cancelled))
    #expect(rig.places.count == 1)
    #expect(rig.statuses(of: "a").last == .cancelled && rig.statuses(of: "r") == [.cancelled])
  }
}
