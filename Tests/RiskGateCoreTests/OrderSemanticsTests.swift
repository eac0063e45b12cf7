import Domain
import RiskGateCore
import Testing
import Wire

@Suite struct OrderSemanticsTests {
  @Test func theSmallestOrderBecomesAnIOCLimitAtTheCollar() throws {
    var gate = Harness()
    let approval = try #require(gate.send(#"{"side":"buy","quantity":0.25}"#).approval)
    // 26796.1 · 1.05 = 28135.905, rounded to the tick toward the reference.
    #expect(approval.limitPrice == Harness.price("28135.9"))
    #expect(approval.quantity == Harness.quantity("0.25"))
    #expect(approval.timeInForce == .ioc)
    #expect(approval.validUntil == gate.now + 5 * Interval.second)
    #expect(approval.figures.referencePrice == Harness.price("26796.1"))
    #expect(approval.figures.referenceVenue == .binance)
    let sell = try #require(gate.send(#"{"side":"sell","quantity":0.25,"time_in_force":"fok"}"#).approval)
    // 26795.4 · 0.95 = 25455.63
    #expect(sell.limitPrice == Harness.price("25455.63"))
    #expect(sell.timeInForce == .fok)
  }

  @Test func aMarketOrderStaysWithinTheVenuesPriceBand() throws {
    var gate = Harness()
    var listing = Harness.instrument("BTC-USDT", venue: .bybit)
    listing.priceBandBasisPoints = 50
    gate.list(listing)
    gate.quote("BTC-USDT", bid: "20000", ask: "20001", venue: .bybit)
    // 40 of its 50 basis points: 20001 · 1.004 and 20000 · 0.996.
    let buy = try #require(gate.send(#"{"side":"buy","quantity":0.25,"venue":"bybit"}"#).approval)
    #expect(buy.limitPrice == Harness.price("20081"))
    let sell = try #require(gate.send(#"{"side":"sell","quantity":0.25,"venue":"bybit"}"#).approval)
    #expect(sell.limitPrice == Harness.price("19920"))
    let elsewhere = try #require(gate.send(#"{"side":"buy","quantity":0.25,"venue":"binance"}"#).approval)
    #expect(elsewhere.limitPrice == Harness.price("28135.9"), "no venue narrows another's")
  }

  @Test func aQuoteQuantityCountsAsItselfAndReservesAtTheLowerCollar() throws {
    var gate = Harness()
    gate.quote("BTC-USDT", bid: "19999", ask: "20000")
    let approval = try #require(gate.send(#"{"side":"buy","quote_quantity":50000}"#).approval)
    #expect(approval.quantity == Harness.quantity("2.5"))
    #expect(approval.figures.notional == Harness.money("50000"))
    // 50000 ÷ 19000, rounded up.
    #expect(approval.figures.positionAfter == Harness.quantity("2.63157895"))
    #expect(gate.send(#"{"side":"buy","quote_quantity":"50000.000001"}"#).code == .orderSize)
    #expect(gate.send(#"{"side":"buy","quote_quantity":"0.1"}"#).code == .quantityRange)
  }

  @Test func bestIsJudgedByTheWorstEligibleVenue() throws {
    var gate = Harness()
    let other = try #require(Venue("other"))
    gate.list(Harness.instrument("BTC-USDT", venue: other))
    gate.quote("BTC-USDT", bid: "26000", ask: "27000", venue: other)
    let buy = try #require(gate.send(#"{"side":"buy","quantity":0.1}"#).approval)
    #expect(buy.figures.referenceVenue == other)
    #expect(buy.figures.referencePrice == Harness.price("27000"))
    let sell = try #require(gate.send(#"{"side":"sell","quantity":0.1}"#).approval)
    #expect(sell.figures.referencePrice == Harness.price("26000"))
    let named = try #require(gate.send(#"{"side":"buy","quantity":0.1,"venue":"binance"}"#).approval)
    #expect(named.figures.referencePrice == Harness.price("26796.1"))
    gate.invalidate("BTC-USDT", venue: other)
    let rest = try #require(gate.send(#"{"side":"buy","quantity":0.1}"#).approval)
    #expect(rest.figures.referenceVenue == .binance)
  }

  @Test func anotherQuoteIsConvertedByAValidBookOrRefused() {
    var gate = Harness()
    gate.list(Harness.instrument("ETH-BTC"))
    gate.quote("ETH-BTC", bid: "0.06", ask: "0.07")
    gate.limit { $0.maximumPosition.append(.init(asset: "ETH", quantity: Harness.quantity("100"))) }
    gate.quote("BTC-USDT", bid: "49999", ask: "50000")
    // 0.07 · 50000 = 3500 dollars each.
    #expect(gate.send(#"{"side":"buy","symbol":"ETH-BTC","price":0.07,"quantity":"14.28571"}"#).code == .minimumNotional)
    var small = Harness.instrument("ETH-BTC")
    small.minimumNotional = .zero
    gate.list(small)
    #expect(gate.send(#"{"side":"buy","symbol":"ETH-BTC","price":0.07,"quantity":"14.28571"}"#).passed)
    #expect(gate.send(#"{"side":"buy","symbol":"ETH-BTC","price":0.07,"quantity":"14.28572"}"#).code == .orderSize)
    gate.invalidate("BTC-USDT")
    #expect(gate.send(#"{"side":"buy","symbol":"ETH-BTC","price":0.07,"quantity":"1"}"#).code == .noReference)
  }

  @Test func cancelsAlwaysPass() {
    var gate = Harness(isReady: false)
    #expect(gate.send(#"{"side":"buy","quantity":0.1,"client_order_id":"a"}"#).code == .notReady)
    #expect(gate.send(#"{"action":"cancel","target_client_order_id":"nobody"}"#).passed)
    gate.apply(.ready)
    // What came too early may come again.
    #expect(gate.send(#"{"side":"buy","quantity":0.1,"client_order_id":"a"}"#).passed)
    gate.control(.halted)
    gate.invalidate("BTC-USDT")
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .halted)
    #expect(gate.send(#"{"action":"cancel","target_client_order_id":"a"}"#, age: Interval.hour).passed)
    #expect(gate.send(#"{"action":"cancel_all"}"#).passed)
    #expect(gate.send(#"{"action":"cancel"}"#).code == .missingField)
  }

  @Test func reduceOnlyLetsThroughWhatReduces() {
    var gate = Harness()
    gate.hold("1", at: "26796", id: "a")
    gate.control(.reduceOnly)
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .reduceOnly)
    #expect(gate.send(#"{"side":"sell","quantity":1.00001}"#).code == .reduceOnly)
    #expect(gate.send(#"{"side":"sell","quantity":0.6}"#).passed)
    #expect(gate.send(#"{"side":"sell","quantity":0.40001}"#).code == .reduceOnly)
    #expect(gate.send(#"{"side":"sell","quantity":0.4}"#).passed)
    gate.control(.active)
    #expect(gate.send(#"{"side":"buy","quantity":0.1,"reduce_only":true}"#).code == .reduceOnly)
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).passed)
  }

  @Test func restrictingAnAccountCancelsWhatIncreases() {
    var gate = Harness()
    gate.hold("1", at: "26796", id: "a")
    gate.send(#"{"side":"buy","price":26000,"quantity":0.1,"client_order_id":"b1"}"#)
    gate.send(#"{"side":"sell","price":27000,"quantity":0.7,"client_order_id":"s1"}"#)
    gate.send(#"{"side":"sell","price":27000,"quantity":0.5,"client_order_id":"s2"}"#)
    gate.send(#"{"side":"sell","price":27000,"quantity":0.3,"client_order_id":"s3"}"#)
    let before = gate.approved.count
    gate.control(.reduceOnly)
    let cancels = gate.approved[before...].compactMap { try? Approval($0.value) }
    #expect(cancels.map { $0.request.action } == [.cancel, .cancel])
    #expect(cancels.map { $0.request.target } == [Harness.id("b1"), Harness.id("s2")])
    #expect(cancels.allSatisfy { $0.controlVersion == 1 && $0.source.topic == Topic.control })
    // The snapshot that acknowledges the version follows.
    let last = gate.state.last.flatMap { try? RecordReader($0.value) }
    #expect(last?.value("control_version")?.integer == 1)
    // The same record again changes nothing.
    if let (control, source) = gate.controls.last { gate.apply(.control(control, source: source)) }
    #expect(gate.approved.count == before + 2)
  }

  @Test func aReplaceReservesBothSizesUntilTheOldLegEnds() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    gate.event("a", .partiallyFilled, quantity: "1", cumulative: "0.4", fill: Harness.fill("1", price: "26000", quantity: "0.4"))
    let replace = gate.send(
      #"{"action":"replace","target_client_order_id":"a","client_order_id":"b","quantity":1.5,"price":26010}"#)
    let approval = try #require(replace.approval)
    // The approval states the new total; what is left of it is reserved beside the old leg.
    #expect(approval.quantity == Harness.quantity("1.5"))
    #expect(approval.limitPrice == Harness.price("26010"))
    #expect(gate.exposure()?.openBuys == Harness.quantity("1.7"))
    gate.event("a", .cancelled, quantity: "1", cumulative: "0.4")
    #expect(gate.exposure()?.openBuys == Harness.quantity("1.1"))
    gate.quote("BTC-USDT", bid: "26795.4", ask: "26796.1")
    #expect(gate.send(#"{"action":"replace","target_client_order_id":"a","price":26020}"#).code == .unknownTarget)
    #expect(gate.send(#"{"action":"replace","target_client_order_id":"zzz","price":26020}"#).code == .unknownTarget)
    #expect(gate.send(#"{"action":"replace","target_client_order_id":"b","price":30000}"#).code == .priceCollar)
    #expect(gate.send(#"{"action":"replace","target_client_order_id":"b","quantity":4.5}"#).code == .orderSize)
  }

  @Test func exposureIsReleasedOnlyForWhatCannotFill() {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    #expect(gate.exposure()?.openBuys == Harness.quantity("1"))
    gate.event("a", .unknown, quantity: "1")
    #expect(gate.exposure()?.openBuys == Harness.quantity("1"))
    gate.event("a", .partiallyFilled, quantity: "1", cumulative: "0.2", fill: Harness.fill("1", price: "26000", quantity: "0.2"))
    #expect(gate.exposure()?.openBuys == Harness.quantity("0.8"))
    #expect(gate.exposure()?.position == Harness.quantity("0.2"))
    // The venue has counted 0.3 and we have seen 0.2: a tenth stays reserved.
    gate.event("a", .cancelled, quantity: "1", cumulative: "0.3")
    #expect(gate.exposure()?.openBuys == Harness.quantity("0.1"))
    gate.event("a", .cancelled, quantity: "1", cumulative: "0.3", fill: Harness.fill("2", price: "26000", quantity: "0.1"))
    #expect(gate.exposure()?.openBuys == .zero)
    #expect(gate.exposure()?.position == Harness.quantity("0.3"))
    // The same fill again is counted once.
    gate.event("a", .cancelled, quantity: "1", cumulative: "0.3", fill: Harness.fill("2", price: "26000", quantity: "0.1"))
    #expect(gate.exposure()?.position == Harness.quantity("0.3"))
  }

  @Test func everyChildOfAPlanHoldsItsShare() throws {
    var gate = Harness()
    let approval = try #require(gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#).approval)
    let children = [(0, "0.6"), (1, "0.4")].map { number, quantity in
      Plan.Child(
        number: number, venue: .binance, venueClientID: "v\(number)", quantity: Harness.quantity(quantity),
        price: Harness.price("26000"))
    }
    gate.execute(.plan(Plan(approval: approval, children: children, time: gate.now)))
    #expect(gate.exposure()?.openBuys == Harness.quantity("1"))
    var event = OrderEvent(
      account: Harness.main, clientOrderID: Harness.id("a"), venue: .binance, symbol: Harness.btc, side: .buy,
      quantity: Harness.quantity("0.6"), venueOrderID: "0", status: .cancelled, provenance: .venue, time: gate.now)
    gate.execute(.order(event))
    #expect(gate.exposure()?.openBuys == Harness.quantity("0.4"))
    event.child = 1
    event.venueOrderID = "1"
    event.status = .filled
    event.cumulativeQuantity = Harness.quantity("0.4")
    event.fill = Harness.fill("7", price: "25990", quantity: "0.4")
    gate.execute(.order(event))
    #expect(gate.exposure()?.openBuys == .zero)
    #expect(gate.exposure()?.position == Harness.quantity("0.4"))
  }

  @Test func anOrderDeclaredDeadThatLivesIsReservedAgain() {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    gate.event("a", .rejected, quantity: "1")
    #expect(gate.exposure()?.openBuys == .zero)
    gate.event("a", .open, quantity: "1")
    #expect(gate.exposure()?.openBuys == Harness.quantity("1"))
    gate.event("stranger", .open, quantity: "0.5")
    #expect(gate.exposure()?.openBuys == Harness.quantity("1.5"))
    #expect(gate.alerts.contains { $0.code == "order_adopted" })
  }

  @Test func feesAreTakenWhereTheyWereTaken() {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    gate.event(
      "a", .partiallyFilled, quantity: "1", cumulative: "0.5",
      fill: Harness.fill("1", price: "26000", quantity: "0.5", fee: "0.0005", asset: "BTC"))
    #expect(gate.exposure()?.position == Harness.quantity("0.4995"))
    gate.event(
      "a", .filled, quantity: "1", cumulative: "1",
      fill: Harness.fill("2", price: "26000", quantity: "0.5", fee: "0.01", asset: "BNB", feePrice: "250"))
    #expect(gate.exposure()?.position == Harness.quantity("0.9995"))
    // 0.0005 · 26000 + 0.01 · 250
    #expect(gate.positions.last?.realised == Harness.money("-15.5"))
    #expect(gate.positions.last?.cost == Harness.money("25987"))
  }

  /// Two people wrote the same version at once: the later record counts, and what it forbids is cancelled.
  @Test func aHaltOfTheSameVersionIsActedOn() {
    var gate = Harness()
    gate.send(#"{"side":"buy","quantity":0.25,"price":26000,"client_order_id":"a"}"#)
    gate.control(.active)
    let version = gate.controls[0].0.version
    let halt = Control(account: Harness.main, version: version, state: .halted, reason: "b", time: gate.now)
    let source = RecordSource(topic: Topic.control, partition: 0, offset: 9, timestamp: gate.now)
    for _ in 0..<2 { gate.apply(.control(halt, source: source)) }
    let cancels = gate.effects.compactMap { if case .approve(let approval) = $0 { approval.request.target } else { nil } }
    #expect(cancels == [Harness.id("a")], "once")
    #expect(gate.send(#"{"side":"buy","quantity":0.25}"#).code == .halted)
  }
}
