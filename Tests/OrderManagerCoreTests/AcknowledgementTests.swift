import Domain
import OrderManagerCore
import Testing
import Venues
import Wire

/// A venue that answers when it has taken a request in, and tells by its stream, or when asked, what became of it.
@Suite struct AcknowledgementTests {
  /// An answer without a state.
  private func taken(_ rig: Rig, place: Int = 0) -> VenueOrderReport { rig.report(nil, place: place, filled: nil) }

  /// A trade in a frame of its own.
  private func trade(_ rig: Rig, _ id: String, _ quantity: String) -> VenueOrderReport {
    rig.report(nil, filled: nil, fills: [rig.fill(id, quantity)])
  }

  @Test func theStreamTellsWhatBecameOfIt() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(taken(rig))
    #expect(rig.statuses(of: "a").isEmpty, "taken in is not carried out")
    rig.wait(milliseconds: 100)
    rig.stream(rig.report(.open))
    #expect(rig.statuses(of: "a") == [.open])
    rig.wait(milliseconds: 2_000)
    #expect(rig.calls.isEmpty, "nothing is left to ask")
  }

  @Test func aSilentStreamIsNotWaitedForLong() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(taken(rig))
    rig.wait(milliseconds: 490)
    #expect(rig.calls.isEmpty)
    rig.wait(milliseconds: 50)
    #expect(rig.question == "order")
    rig.confirm(rig.report(.filled, filled: "1"))
    rig.wait(milliseconds: 20)
    #expect(rig.question == "trades")
    rig.answer(
      .trades(.confirmed([VenueTrade(venueSymbol: VenueModel.symbol, venueOrderID: "1", side: .buy, fill: rig.fill("1", "1"))])))
    #expect(rig.statuses(of: "a") == [.filled])
    #expect(rig.places.count == 1)
  }

  @Test func aRefusalAfterTheAcknowledgementIsARefusal() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(taken(rig))
    rig.stream(rig.report(.rejected))
    #expect(rig.statuses(of: "a") == [.rejected])
    rig.wait(milliseconds: 2_000)
    #expect(rig.calls.isEmpty && rig.places.count == 1)
  }

  /// The order's own frame comes before those of its trades: its end waits for them, and no longer.
  @Test func anEndThatWaitsForItsTradesIsSaidWithTheLastOfThem() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(taken(rig))
    rig.stream(rig.report(.cancelled, filled: "0.4"))
    #expect(rig.statuses(of: "a").isEmpty)
    rig.stream(trade(rig, "1", "0.3"))
    rig.stream(trade(rig, "2", "0.1"))
    #expect(rig.statuses(of: "a") == [.partiallyFilled, .partiallyFilled, .cancelled])
    rig.wait(milliseconds: 2_000)
    #expect(rig.calls.isEmpty)
  }

  @Test func tradesBeforeTheOrdersFrameAreCountedOnce() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(taken(rig))
    rig.stream(trade(rig, "1", "1"))
    rig.stream(trade(rig, "1", "1"))
    rig.stream(rig.report(.filled, filled: "1"))
    #expect(rig.statuses(of: "a") == [.filled])
  }

  @Test func aCancelThatIsTakenInEndsWithTheStream() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("c", action: .cancel, target: "a")
    #expect(rig.question == "cancel")
    rig.confirm(taken(rig))
    #expect(rig.statuses(of: "a").last == .pendingCancel)
    rig.wait(milliseconds: 50)
    rig.stream(rig.report(.cancelled))
    #expect(rig.statuses(of: "a").last == .cancelled)
    rig.wait(milliseconds: 2_000)
    #expect(rig.calls.isEmpty)
  }

  @Test func aCancelBetweenTheAcknowledgementAndTheStreamIsSent() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(taken(rig))
    rig.approve("c", action: .cancel, target: "a")
    #expect(rig.calls.isEmpty && rig.statuses(of: "a").isEmpty, "the venue has it: it is not one that was never sent")
    rig.stream(rig.report(.open))
    #expect(rig.question == "cancel")
    rig.confirm(taken(rig))
    rig.stream(rig.report(.cancelled))
    #expect(rig.statuses(of: "a").last == .cancelled)
  }

  @Test func aHaltBetweenTheAcknowledgementAndTheStreamEndsNothing() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(taken(rig))
    rig.control(.halted, version: 1)
    rig.wait(milliseconds: 100)
    #expect(rig.statuses(of: "a").isEmpty)
    rig.stream(rig.report(.open))
    #expect(rig.statuses(of: "a").first == .open)
  }

  /// The venue took the cancel in and the order filled before it was carried out.
  @Test func aCancelThatCameTooLateIsAskedAfter() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("c", action: .cancel, target: "a")
    rig.confirm(taken(rig))
    rig.wait(milliseconds: 600)
    #expect(rig.question == "order")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    #expect(rig.statuses(of: "a").last == .filled)
  }

  @Test func aPerpetualOfTheSameNameIsNoPlaceForAnOrder() throws {
    var rig = Rig()
    var perpetual = World.instrument
    perpetual.symbol = try #require(Symbol("BTC-USDT-PERP"))
    rig.feed(.instrument(perpetual))
    rig.approve("a")
    rig.confirm(taken(rig))
    rig.stream(rig.report(.open))
    #expect(rig.statuses(of: "a") == [.open], "the venue's word for the spot pair still means the spot pair")
  }
}
