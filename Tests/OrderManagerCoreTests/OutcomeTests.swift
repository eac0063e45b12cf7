import Domain
import OrderManagerCore
import Testing
import Venues
import Wire

/// What the outcome of a wire call makes of an order.
@Suite struct OutcomeTests {
  @Test func filledAtOnce() {
    var rig = Rig()
    rig.approve("a", quantity: "0.25", price: "27000")
    rig.wait(milliseconds: 42)
    rig.confirm(rig.report(.filled, filled: "0.25", fills: [rig.fill("1", "0.25", at: "26796.1")]))
    #expect(rig.statuses(of: "a") == [.filled])
    #expect(rig.events.last?.provenance == .venue)
    #expect(rig.lines == ["Order filled: BUY 0.25 BTC @ 26796.10 | Execution time: 42ms"])
    #expect(rig.committed == 1)
  }

  @Test func averageIsRoundedAgainstUs() {
    var rig = Rig()
    rig.approve("a", quantity: "3", price: "101")
    rig.confirm(
      rig.report(.filled, filled: "3", fills: [rig.fill("1", "1", at: "100"), rig.fill("2", "2", at: "100.01")]))
    #expect(rig.lines == ["Order filled: BUY 3 BTC @ 100.01 | Execution time: 0ms"])
  }

  @Test func partOfAnImmediateOrder() {
    var rig = Rig()
    rig.approve("a")
    rig.confirm(rig.report(.expired, filled: "0.4", fills: [rig.fill("1", "0.4")]))
    #expect(rig.statuses(of: "a") == [.partiallyFilled, .expired])
    #expect(rig.events.last?.cumulativeQuantity.text() == "0.4")
    #expect(rig.lines.isEmpty)
  }

  @Test func refusedForGood() {
    var rig = Rig()
    rig.approve("a")
    rig.refuse(.permanent, code: -2010)
    rig.wait(milliseconds: 10_000)
    #expect(rig.statuses(of: "a") == [.rejected])
    #expect(rig.events.last?.venueCode == -2010)
    #expect(rig.places.count == 1, "a permanent failure is never tried again")
  }

  @Test func refusedForNow() {
    var rig = Rig()
    rig.approve("a")
    rig.refuse(.transient)
    rig.wait(milliseconds: 1_000)
    rig.confirm(rig.report(.open))
    #expect(rig.places.count == 2 && rig.places[0] == rig.places[1], "the same order under the same id")
    #expect(rig.statuses(of: "a") == [.open])
  }

  @Test func refusedTooOften() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    for _ in 0..<World.settings().maximumAttempts {
      rig.refuse(.transient)
      rig.wait(milliseconds: 6_000)
    }
    #expect(rig.statuses(of: "a") == [.expired])
    #expect(rig.events.last?.provenance == .engine)
    #expect(rig.places.count == World.settings().maximumAttempts)
  }

  @Test func silenceIsObeyed() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    rig.refuse(.rateLimited(retryAfterSeconds: 3))
    rig.approve("b", validFor: 60 * Interval.second)
    rig.approve("c", action: .cancel, target: "b")
    rig.wait(milliseconds: 2_900)
    #expect(rig.calls.isEmpty)
    rig.wait(milliseconds: 300)
    #expect(rig.question == "place")
    #expect(rig.statuses(of: "b") == [.cancelled], "what was not sent needs no call to be cancelled")
  }

  @Test func aVenueThatIsBusyForLongLosesNoOrder() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    for _ in 0..<20 {
      rig.refuse(.rateLimited(retryAfterSeconds: 1))
      rig.wait(milliseconds: 1_100)
    }
    rig.confirm(rig.report(.open))
    #expect(rig.statuses(of: "a") == [.open])
  }

  @Test func clockIsMeasuredAgain() {
    var rig = Rig()
    rig.approve("a")
    rig.refuse(.clock, code: -1021)
    rig.wait(milliseconds: 500)
    #expect(rig.measuresClock == 1)
    #expect(rig.places.count == 2)
  }

  // MARK: Unknown

  @Test func replyLostAndOrderFound() {
    var rig = Rig()
    rig.approve("a")
    rig.loseReply()
    #expect(rig.statuses(of: "a") == [.unknown])
    #expect(rig.question == "order")
    rig.confirm(rig.report(.filled, filled: "1"))
    #expect(rig.statuses(of: "a") == [.unknown], "the venue counts a fill that it has not named")
    rig.wait(milliseconds: 20)
    #expect(rig.question == "trades")
    rig.answer(
      .trades(.confirmed([VenueTrade(venueSymbol: VenueModel.symbol, venueOrderID: "1", side: .buy, fill: rig.fill("1", "1"))])))
    #expect(rig.statuses(of: "a") == [.unknown, .filled])
    #expect(rig.events.last?.provenance == .reconciled)
    #expect(rig.places.count == 1)
  }

  @Test func absentButTooEarlyToTell() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    rig.loseReply()
    rig.denyAll(milliseconds: 4_900)
    #expect(rig.statuses(of: "a") == [.unknown])
    #expect(rig.places.count == 1)
  }

  @Test func provenAbsentAndSentAgain() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    rig.loseReply()
    rig.denyAll(milliseconds: 20_000)
    #expect(rig.places.count == 2 && rig.places[0] == rig.places[1])
    #expect(rig.statuses(of: "a") == [.unknown, .submitting])
    rig.confirm(rig.report(.open))
    #expect(rig.statuses(of: "a").last == .open)
  }

  @Test func provenAbsentTooLate() {
    var rig = Rig()
    rig.approve("a", validFor: 3 * Interval.second)
    rig.loseReply()
    rig.denyAll(milliseconds: 20_000)
    #expect(rig.places.count == 1)
    #expect(rig.statuses(of: "a") == [.unknown, .expired])
    #expect(rig.events.last?.provenance == .reconciled)
    #expect(rig.events.last?.cumulativeQuantity == .zero)
  }

  @Test func aTradeThatNobodyExplainsIsNoAbsence() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    rig.loseReply()
    let stranger = VenueTrade(venueSymbol: VenueModel.symbol, venueOrderID: "77", side: .buy, fill: rig.fill("1", "1"))
    var explains = false
    for _ in 0..<400 {
      while let question = rig.question, question != "place" {
        switch question {
        case "order": rig.refuse(.noSuchOrder)
        case "trades": rig.answer(.trades(.confirmed([stranger])))
        case "allOrders":
          let report = VenueOrderReport(venueSymbol: VenueModel.symbol, venueOrderID: "77", clientID: "theirs", time: rig.now)
          rig.answer(.orders(.confirmed(explains ? [report] : [])))
        default: rig.answer(.orders(.confirmed([])))
        }
      }
      if rig.places.count > 1 { break }
      rig.wait(milliseconds: 50)
      explains = rig.now.nanoseconds > (1_700_000_000 + 15) * Interval.second
      if !explains { #expect(rig.places.count == 1) }
    }
    #expect(rig.places.count == 2, "the trade belongs to somebody else's order: ours is absent")
  }

  /// Orders that ended long ago are not remembered, and the venue lists only so many at once.
  @Test func tradesOfForgottenOrdersAreExplainedFromTheOldestOn() {
    var rig = Rig()
    rig.approve("a", validFor: 60 * Interval.second)
    rig.loseReply()
    let forgotten = (71...76).map { id in
      VenueTrade(venueSymbol: VenueModel.symbol, venueOrderID: "\(id)", side: .buy, fill: rig.fill("\(id)", "1"))
    }
    var asked: [String?] = []
    for _ in 0..<400 where rig.places.count < 2 {
      while let question = rig.calls.first?.action, Rig.name(question) != "place" {
        switch question {
        case .order: rig.refuse(.noSuchOrder)
        case .trades: rig.answer(.trades(.confirmed(forgotten)))
        case .allOrders(_, let first):
          asked.append(first)
          let page = first.flatMap { Int($0) }.map { $0..<min($0 + 2, 77) } ?? 76..<77
          let reports = page.map {
            VenueOrderReport(venueSymbol: VenueModel.symbol, venueOrderID: "\($0)", clientID: "old\($0)", time: rig.now)
          }
          rig.answer(.orders(.confirmed(reports)))
        default: rig.answer(.orders(.confirmed([])))
        }
      }
      rig.wait(milliseconds: 50)
    }
    #expect(asked == [nil, "71", "73", "75"])
    #expect(rig.places.count == 2, "it is proven absent and sent again under the same id")
  }

  @Test func tradesThatNameTheirOrderNeedNoExplanation() {
    func places(whenTradesAreOf clientID: @escaping (Rig) -> String) -> (sent: Int, asked: Bool) {
      var rig = Rig()
      rig.approve("a", validFor: 60 * Interval.second)
      rig.loseReply()
      var hasAsked = false
      for _ in 0..<200 where rig.places.count < 2 {
        while let question = rig.question, question != "place" {
          let trade = VenueTrade(
            venueSymbol: VenueModel.symbol, venueOrderID: "77", clientID: clientID(rig), side: .buy, fill: rig.fill("1", "1"))
          switch question {
          case "order": rig.refuse(.noSuchOrder)
          case "trades": rig.answer(.trades(.confirmed([trade])))
          default:
            hasAsked = hasAsked || question == "allOrders"
            rig.answer(.orders(.confirmed([])))
          }
        }
        rig.wait(milliseconds: 50)
      }
      return (rig.places.count, hasAsked)
    }
    #expect(places { _ in "theirs" } == (2, false))
    #expect(places { _ in "" } == (2, false), "by hand")
    #expect(places { $0.places[0].clientID } == (1, false), "it has traded: it is there, whatever the order query says")
  }

  @Test func unknownForLongIsAlerted() {
    var rig = Rig()
    rig.approve("a")
    rig.loseReply()
    for _ in 0..<100 {
      while rig.question == "order" { rig.answer(.order(.failed(VenueFailure(.transient, reason: "down")))) }
      rig.calls = []
      rig.wait(milliseconds: 300)
    }
    #expect(rig.alerts.filter { $0.code == "order_unknown" }.count == 1)
    #expect(rig.statuses(of: "a") == [.unknown])
  }

  @Test func oneUnknownOrderHoldsNobodyUp() {
    var rig = Rig()
    rig.approve("a")
    rig.loseReply()
    rig.calls = []  // Nobody answers the question.
    rig.approve("b")
    rig.confirm(rig.report(.filled, place: 1, filled: "1", fills: [rig.fill("9", "1")]))
    #expect(rig.statuses(of: "b") == [.filled])
    #expect(rig.statuses(of: "a") == [.unknown])
  }

  @Test func onceAcknowledgedIsNeverAbsent() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.feed(.connected(World.route, false))
    rig.feed(.connected(World.route, true))
    rig.denyAll(milliseconds: 30_000)
    #expect(rig.statuses(of: "a") == [.open, .unknown])
    #expect(rig.alerts.contains { $0.code == "order_unknown" })
    rig.stream(rig.report(.cancelled))
    #expect(rig.statuses(of: "a").last == .cancelled)
  }

  @Test func declaredDeadYetAlive() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc, validFor: 3 * Interval.second)
    rig.loseReply()
    rig.denyAll(milliseconds: 20_000)
    #expect(rig.statuses(of: "a").last == .expired)
    rig.stream(rig.report(.open))
    #expect(rig.alerts.contains { $0.code == "order_alive" && $0.severity == .critical })
    #expect(rig.question == "cancel")
    rig.stream(rig.report(.partiallyFilled, filled: "0.3", fills: [rig.fill("5", "0.3")]))
    #expect(rig.events.last?.status == .expired && rig.events.last?.cumulativeQuantity.text() == "0.3", "a late fill counts")
  }

  // MARK: Fills and the stream

  @Test func fillBeforeAcknowledgementAndAgainInTheReply() {
    var rig = Rig()
    rig.approve("a")
    rig.stream(rig.report(.partiallyFilled, filled: "0.4", fills: [rig.fill("1", "0.4")]))
    rig.stream(rig.report(.open))
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "0.4"), rig.fill("2", "0.6")]))
    rig.stream(rig.report(.filled, filled: "1", fills: [rig.fill("2", "0.6")]))
    #expect(rig.statuses(of: "a") == [.partiallyFilled, .filled])
    #expect(rig.events.map(\.cumulativeQuantity).map { $0.text() } == ["0.4", "1"])
    #expect(rig.core.counters.repeatedFills == 2)
  }

  @Test func replyLostAfterTheStreamHasTold() {
    var rig = Rig()
    rig.approve("a")
    rig.stream(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1")]))
    rig.loseReply()
    rig.wait(milliseconds: 1_000)
    #expect(rig.statuses(of: "a") == [.filled])
    #expect(rig.calls.isEmpty)
  }

  @Test func fillAfterTheCancel() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.approve("c", action: .cancel, target: "a")
    rig.confirm(rig.report(.cancelled, filled: "0"))
    rig.stream(rig.report(.cancelled, filled: "0.2", fills: [rig.fill("1", "0.2")]))
    #expect(rig.statuses(of: "a") == [.open, .pendingCancel, .cancelled, .cancelled])
    #expect(rig.events.last?.cumulativeQuantity.text() == "0.2")
  }

  @Test func anEndWaitsForItsFills() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.stream(rig.report(.cancelled, filled: "0.5"))
    #expect(rig.statuses(of: "a") == [.open], "half of it has traded: its fills must come first")
    rig.stream(rig.report(.partiallyFilled, filled: "0.5", fills: [rig.fill("1", "0.5")]))
    #expect(rig.statuses(of: "a") == [.open, .partiallyFilled, .cancelled])
  }

  @Test func anEndWithoutACountIsAskedFor() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.stream(rig.report(.cancelled, filled: nil))
    rig.wait(milliseconds: 20)
    #expect(rig.statuses(of: "a") == [.open])
    #expect(rig.question == "order")
    rig.confirm(rig.report(.cancelled, filled: "0"))
    #expect(rig.statuses(of: "a") == [.open, .cancelled])
  }

  @Test func aLostFillIsFetched() {
    var rig = Rig()
    rig.approve("a", timeInForce: .gtc)
    rig.confirm(rig.report(.open))
    rig.stream(rig.report(.filled, filled: "1", fills: [rig.fill("2", "0.7")]))
    rig.wait(milliseconds: 300)
    #expect(rig.question == "trades")
    let trades = [rig.fill("1", "0.3"), rig.fill("2", "0.7")].map {
      VenueTrade(venueSymbol: VenueModel.symbol, venueOrderID: "1", side: .buy, fill: $0)
    }
    rig.answer(.trades(.confirmed(trades)))
    #expect(rig.statuses(of: "a") == [.open, .partiallyFilled, .filled])
  }

  @Test func feeInAThirdAssetIsPriced() {
    var rig = Rig()
    rig.feed(.price(asset: "BNB", quote: "USDT", World.known(try? Price("600.5"))))
    rig.approve("a")
    rig.confirm(rig.report(.filled, filled: "1", fills: [rig.fill("1", "1", fee: "0.001", asset: "BNB")]))
    #expect(rig.events.last?.fill?.feePrice?.text() == "600.5")
  }

  @Test func strangersAreLeftAlone() {
    var rig = Rig()
    for number in 0..<3 {
      rig.stream(
        VenueOrderReport(
          venueSymbol: VenueModel.symbol, venueOrderID: "9\(number)", clientID: "web_\(number)", state: .open, time: rig.now))
    }
    #expect(rig.core.counters.foreign == 3)
    #expect(rig.alerts.map(\.code) == ["foreign_order"])
    #expect(rig.calls.isEmpty && rig.events.isEmpty)
  }

  @Test func unknownWordOfTheVenue() {
    var rig = Rig()
    rig.approve("a")
    var report = rig.report(nil)
    report.unrecognised = "PENDING_MARS"
    rig.confirm(report)
    rig.wait(milliseconds: 300)
    #expect(rig.question == "order")
    #expect(rig.core.counters.unrecognised == 1)
  }

  @Test func balancesAreWholeOrSilent() {
    var rig = Rig()
    let usdt = AssetBalance(asset: "USDT", free: World.known(try? Money("10")), locked: .zero)
    let btc = AssetBalance(asset: "BTC", free: World.known(try? Money("1")), locked: .zero)
    rig.feed(.stream(World.route, .balances([usdt], time: rig.now)))
    #expect(rig.balances.isEmpty, "what else there is is not known yet")
    rig.feed(.connected(World.route, true))
    #expect(rig.question == "account")
    rig.answer(.account(.confirmed(AccountReport(balances: [usdt, btc]))))
    rig.feed(.stream(World.route, .balances([AssetBalance(asset: "BTC", free: .zero, locked: .zero)], time: rig.now)))
    #expect(rig.balances.map { $0.assets.map(\.asset) } == [["BTC", "USDT"], ["USDT"]])
  }
}
