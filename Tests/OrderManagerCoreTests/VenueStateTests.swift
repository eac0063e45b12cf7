import Domain
import OrderManagerCore
import Testing
import Venues
import Wire

/// A venue that has been set back to nothing, and orders from before that.
@Suite struct VenueWipeTests {
  /// An open order, two seconds old, in a venue that Reconciler calls wiped for one second.
  private func wiped(since: Int64 = Interval.second, hasTraded: Bool = false) -> Rig {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    if hasTraded { rig.stream(rig.report(.partiallyFilled, filled: "0.4", fills: [rig.fill("1", "0.4")])) }
    rig.wait(milliseconds: 2_000)
    rig.observe(
      Observation(
        account: World.account, venue: .binance, startedAt: rig.now, missing: [rig.places[0].clientID], wipedBy: rig.now + -since)
    )
    return rig
  }

  @Test func anOrderEndsWithItsVenue() {
    var rig = wiped(hasTraded: true)
    rig.denyAll(milliseconds: 1_000)
    #expect(rig.statuses(of: "a") == [.open, .partiallyFilled, .cancelled])
    let end = rig.events.last
    #expect(end?.provenance == .reconciled && end?.reason?.contains("wiped") == true)
    #expect(end?.cumulativeQuantity.text() == "0.4", "what was counted stays counted")
    rig.wait(milliseconds: 30_000)
    #expect(rig.alerts.isEmpty && rig.calls.isEmpty && rig.places.count == 1)
  }

  @Test func anOrderThatIsUnknownAlreadyEnds() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.feed(.connected(World.route, true))
    rig.denyAll(milliseconds: 4_000)
    #expect(rig.statuses(of: "a") == [.open, .unknown])
    rig.observe(
      Observation(account: World.account, venue: .binance, startedAt: rig.now, wipedBy: rig.now + -Interval.second))
    rig.denyAll(milliseconds: 8_000)
    #expect(rig.statuses(of: "a") == [.open, .unknown, .cancelled])
    #expect(rig.alerts.isEmpty)
  }

  /// Fills that the venue counted and can name no more are waited for no longer.
  @Test func whatIsCountedAndGoneIsNotWaitedFor() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.stream(rig.report(.partiallyFilled, filled: "0.5"))
    rig.wait(milliseconds: 2_000)
    rig.observe(
      Observation(
        account: World.account, venue: .binance, startedAt: rig.now, missing: [rig.places[0].clientID],
        wipedBy: rig.now + -Interval.second))
    rig.denyAll(milliseconds: 4_000)
    #expect(rig.statuses(of: "a").last == .cancelled)
    rig.denyAll(milliseconds: 10_000)
    #expect(rig.question == nil)
  }

  @Test func anOrderFromAfterwardsStaysUnknown() {
    var rig = wiped(since: 5 * Interval.second)
    rig.denyAll(milliseconds: 20_000)
    #expect(rig.statuses(of: "a") == [.open, .unknown])
    #expect(rig.alerts.map(\.code) == ["order_unknown"])
  }

  @Test func anOrderThatIsListedLives() {
    var rig = wiped()
    for _ in 0..<100 {
      while let question = rig.question {
        switch question {
        case "order": rig.refuse(.noSuchOrder, code: -2013)
        case "openOrders": rig.answer(.orders(.confirmed([rig.report(.open)])))
        default: rig.answer(.trades(.confirmed([])))
        }
      }
      rig.wait(milliseconds: 100)
    }
    #expect(rig.statuses(of: "a") == [.open])
  }

  @Test func anOrderWhoseTradesAreThereIsNotEnded() {
    var rig = wiped(hasTraded: true)
    let trade = VenueTrade(venueSymbol: VenueModel.symbol, venueOrderID: "1", side: .buy, fill: rig.fill("1", "0.4"))
    for _ in 0..<200 {
      while let question = rig.question {
        switch question {
        case "order": rig.refuse(.noSuchOrder, code: -2013)
        case "trades": rig.answer(.trades(.confirmed([trade])))
        default: rig.answer(.orders(.confirmed([])))
        }
      }
      rig.wait(milliseconds: 100)
    }
    #expect(!rig.statuses(of: "a").contains { $0.isTerminal })
  }
}

/// Accounts that may look and not trade.
@Suite struct AccountModeTests {
  private func restricted() -> Rig {
    var rig = Rig()
    rig.observe(Observation(account: World.account, venue: .binance, startedAt: rig.now, mayTrade: false))
    rig.wait(milliseconds: 2_000)
    rig.observe(Observation(account: World.account, venue: .binance, startedAt: rig.now, mayTrade: false))
    #expect(rig.question == "account", "Reconciler's word is reason to ask, no more")
    rig.answer(.account(.confirmed(AccountReport(balances: [], mayTrade: false))))
    return rig
  }

  @Test func ordersEndBeforeTheyAreSent() {
    var rig = restricted()
    rig.approve("a")
    rig.approve("b")
    rig.observe(Observation(account: World.account, venue: .binance, startedAt: rig.now, mayTrade: false))
    #expect(rig.statuses(of: "a") == [.rejected] && rig.statuses(of: "b") == [.rejected])
    #expect(rig.events.allSatisfy { $0.provenance == .engine && $0.reason?.hasPrefix("account_cannot_trade") == true })
    #expect(rig.places.isEmpty)
    #expect(rig.alerts.map(\.code) == ["account_cannot_trade"] && rig.alerts[0].severity == .critical)
    #expect(rig.committed == 2)
  }

  @Test func anOpenOrderCanBeCancelled() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.feed(.connected(World.route, true))
    rig.answer(.account(.confirmed(AccountReport(balances: [], mayTrade: false))))
    rig.calls = []
    rig.approve("c", action: .cancel, target: "a")
    #expect(rig.question == "cancel")
  }

  @Test func theVenueIsAskedUntilTheAccountMayTradeAgain() {
    // The rig asks for nothing by itself for a day.
    var rig = restricted()
    rig.now = rig.now + Interval.day
    rig.wait(milliseconds: 20)
    #expect(rig.question == "account")
    rig.answer(.account(.confirmed(AccountReport(balances: [], mayTrade: true))))
    rig.approve("a")
    #expect(rig.places.count == 1)
    rig.confirm(rig.report(.expired))
    rig.feed(.connected(World.route, true))
    rig.answer(.account(.confirmed(AccountReport(balances: [], mayTrade: false))))
    #expect(rig.alerts.map(\.code) == ["account_cannot_trade", "account_can_trade", "account_cannot_trade"])
  }

  /// The venue's own refusal of an order says so first.
  @Test func aRefusalLeadsToOneQuestion() {
    var rig = Rig()
    rig.wait(milliseconds: 2_000)
    for id in ["a", "b", "c"] { rig.approve(id) }
    for _ in 0..<3 {
      let failure = VenueFailure(
        .permanent, code: -2010, reason: "This account may not place or cancel orders.", needsAlert: true)
      rig.answer(.order(.failed(failure)))
    }
    #expect(rig.calls.map { Rig.name($0.action) } == ["account"])
    #expect(rig.events.map(\.status) == [.rejected, .rejected, .rejected])
  }
}

/// Two engines with the same name on one account: each has ids that the other's log never planned, or planned otherwise.
@Suite struct AnotherEngineTests {
  @Test func anIDThatWasNeverPlannedIsUrgent() {
    var rig = Rig()
    rig.stream(
      VenueOrderReport(
        venueSymbol: VenueModel.symbol, venueOrderID: "9", clientID: "apus-0123456789abcdefghijkl", state: .open, time: rig.now))
    #expect(rig.alerts.map(\.code) == ["orphan_order"] && rig.alerts[0].severity == .critical)
    #expect(rig.calls.isEmpty && rig.events.isEmpty)
  }

  @Test(arguments: ["quantity", "price", "side"])
  func anOrderOnOtherTermsIsNotOurs(term: String) {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc, validFor: 60 * Interval.second)
    rig.loseReply()  // As when the venue calls it a duplicate.
    var theirs = rig.report(.open, venueOrderID: "9")
    theirs.side = term == "side" ? .sell : .buy
    theirs.quantity = World.known(try? Quantity(term == "quantity" ? "2" : "1"))
    theirs.price = World.known(try? Price(term == "price" ? "101" : "100"))
    rig.confirm(theirs)
    rig.stream(theirs)
    #expect(rig.statuses(of: "a") == [.unknown], "nobody can say what became of ours")
    #expect(rig.alerts.map(\.code) == ["orphan_order"])
    rig.approve("c", action: .cancel, target: "a")
    rig.calls = []
    rig.stream(theirs)
    rig.wait(milliseconds: 5_000)
    #expect(rig.calls.allSatisfy { Rig.name($0.action) == "order" }, "theirs is not touched")
    #expect(rig.places.count == 1)
  }
}
