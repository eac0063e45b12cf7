import Domain
import Testing
import Venues
import Wire

@Suite struct BybitPrivateStreamTests {
  private func events(_ name: String) throws -> [VenueEvent] {
    try BybitPrivateStream.events(Fixtures.bytes("bybit/nautilus/\(name).json"))
  }

  private func order(_ events: [VenueEvent]) throws -> VenueOrderReport {
    guard case .order(let report)? = events.first, events.count == 1 else { throw ReplyError.malformed }
    return report
  }

  @Test func everyRecordedFrameIsReadOrIgnoredByName() throws {
    var kinds: [String: Int] = [:]
    var files = 0
    for (name, json) in try Fixtures.folder("bybit/nautilus") where name.hasPrefix("ws_") {
      files += 1
      // One file is a bare element of a frame.
      guard json["topic"] != nil || json["op"] != nil else { continue }
      for event in try BybitPrivateStream.events(json.bytes) { kinds[kind(event), default: 0] += 1 }
    }
    for line in try Fixtures.bytes("bybit/gct/wsAuth.ndjson").split(separator: UInt8(ascii: "\n")) {
      for event in try BybitPrivateStream.events(Array(line)) { kinds[kind(event), default: 0] += 1 }
    }
    #expect(files == 23)
    #expect(
      kinds == [
        "order": 10, "balances": 3, "authenticated": 1, "subscribed": 1, "refused": 2, "ignored position": 2, "ignored greeks": 1,
        "ignored kline.5.BTCUSDT": 1, "ignored orderbook.1.BTCUSDT": 2, "ignored trade.linear.BTCUSDT": 1,
        "ignored tickers.BTCUSDT": 1, "ignored order.create": 1,
      ], "\(kinds)")
  }

  private func kind(_ event: VenueEvent) -> String {
    switch event {
    case .order: "order"
    case .balances: "balances"
    case .balanceChange: "change"
    case .authenticated: "authenticated"
    case .subscribed: "subscribed"
    case .refused: "refused"
    case .ended: "ended"
    case .ignored(let kind): "ignored \(kind)"
    }
  }

  @Test(arguments: [
    ("ws_account_order", VenueOrderState.cancelled), ("ws_account_order_filled", .filled),
    ("ws_account_order_partially_filled_rejected", .cancelled), ("ws_account_order_stop_loss", .open),
  ])
  func statesAreMapped(name: String, state: VenueOrderState) throws {
    let report = try order(events(name))
    #expect(report.state == state && report.unrecognised == nil && report.cumulativeQuantity != nil)
  }

  @Test func anOrderIsReadToTheDigit() throws {
    let report = try order(events("ws_account_order_filled"))
    #expect(report.venueSymbol == "BTCUSDT" && report.clientID == "test-client-order-001" && report.side == .buy)
    #expect(report.venueOrderID == "5cf98598-39a7-459e-97bf-76ca765ee020" && report.reason == nil)
    #expect(try report.price == Price("30000.5") && report.quantity == Quantity("0.1"))
    #expect(try report.cumulativeQuantity == Quantity("0.1") && report.cumulativeQuote == Money("3000.05"))
    #expect(report.time == Timestamp(milliseconds: 1_672_364_262_457) && report.fills.isEmpty)
  }

  @Test func aTradeHasItsFeeAndSaysNothingOfTheState() throws {
    let report = try order(events("ws_account_execution"))
    let fill = try #require(report.fills.first)
    #expect(report.state == nil && report.unrecognised == nil && report.cumulativeQuantity == nil && report.side == .sell)
    #expect(report.clientID == "test-order-link-001" && fill.tradeID == "0ab1bdf7-4219-438b-b30a-32ec863018f7")
    #expect(try fill.price == Price("95900.1") && fill.quantity == Quantity("0.5") && fill.fee == Money("26.3725275"))
    #expect(fill.feeAsset == "USDT" && fill.liquidity == .taker && fill.time == Timestamp(milliseconds: 1_746_270_400_353))
    let spot = #"""
      {"topic":"execution","data":[{"category":"spot","symbol":"BTCUSDT","orderId":"1","execId":"2","execPrice":"1","execQty":"2",
      "execFee":"-0.001","feeCurrency":"BTC","side":"Buy","execTime":"5","isMaker":true,"execType":"Trade"},
      {"category":"linear","symbol":"BTCUSDT","orderId":"1","execId":"3","execPrice":"1","execQty":"2","side":"Buy","execTime":"5",
      "execType":"Funding"}]}
      """#
    let both = try BybitPrivateStream.events(Array(spot.utf8))
    guard case .order(let bought)? = both.first else { throw ReplyError.malformed }
    #expect(
      try bought.fills[0].feeAsset == "BTC" && bought.fills[0].fee == Money("-0.001") && bought.fills[0].liquidity == .maker)
    #expect(both.last == .ignored(kind: "execution Funding"))
  }

  /// What the venue cancels because it may not rest, or may not trade, has other names elsewhere.
  @Test(arguments: [
    ("Cancelled", "EC_NoImmediateQtyToFill", "0", VenueOrderState?.some(.expired)),
    ("Cancelled", "EC_PostOnlyWillTakeLiquidity", "0", .rejected), ("Cancelled", "EC_PerCancelRequest", "0.5", .cancelled),
    ("PartiallyFilledCanceled", "EC_NoError", "0.5", .cancelled), ("Rejected", "EC_NoEnoughQtyToFill", "0", .rejected),
    ("Rejected", "EC_NoError", "0.5", .cancelled), ("New", "", "0", .open), ("PartiallyFilled", "", "0.5", .partiallyFilled),
    ("SomethingNew", "", "0", nil),
  ])
  func endsAreTold(word: String, reason: String, filled: String, state: VenueOrderState?) throws {
    let frame = #"""
      {"topic":"order.spot","new":{"x":[1]},"data":[{"symbol":"B","orderId":"1","orderStatus":"\#(word)","rejectReason":"\#(reason)",
      "cumExecQty":"\#(filled)","price":"","qty":"1","updatedTime":"1","unknown":null}]}
      """#
    let report = try order(BybitPrivateStream.events(Array(frame.utf8)))
    #expect(report.state == state && report.unrecognised == (state == nil ? word : nil) && report.price == nil)
  }

  @Test func anOrderSizedInTheQuoteAssetSaysNoQuantity() throws {
    let frame = #"""
      {"topic":"order","data":[{"symbol":"B","orderId":"1","orderStatus":"New","qty":"200","marketUnit":"quoteCoin","orderType":"Market"}]}
      """#
    #expect(try order(BybitPrivateStream.events(Array(frame.utf8))).quantity == nil)
  }

  @Test func balancesAreExact() throws {
    guard case .balances(let balances, let time)? = try events("ws_account_wallet").first else { throw ReplyError.malformed }
    #expect(time == Timestamp(milliseconds: 1_700_034_722_104) && balances.map(\.asset) == ["BTC", "USDT"])
    #expect(try balances[1].free == Money("9647.75537647") && balances[1].locked == .zero)
    let locked =
      #"{"topic":"wallet","data":[{"coin":[{"coin":"BTC","walletBalance":"2","locked":"0.5"},{"coin":"X","walletBalance":""}]}]}"#
    guard case .balances(let some, _)? = try BybitPrivateStream.events(Array(locked.utf8)).first else {
      throw ReplyError.malformed
    }
    #expect(try some[0].free == Money("1.5") && some[0].locked == Money("0.5") && some[1].free == .zero)
  }

  @Test func aRefusalCarriesTheVenuesCode() throws {
    guard case .refused(_, let failure)? = try events("ws_auth_failure").first else { throw ReplyError.malformed }
    #expect(failure.code == 10_003 && failure.kind == .permanent && failure.needsAlert)
    guard case .refused(_, let topic)? = try events("ws_subscription_failure").first else { throw ReplyError.malformed }
    #expect(topic.reason.contains("Invalid topic"))
  }
}
