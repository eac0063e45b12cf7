import Domain
import Testing
import Venues
import Wire

@Suite struct BinanceUserStreamTests {
  private func report(_ path: String) throws -> VenueOrderReport {
    guard case .order(let report) = try BinanceUserStream.event(Fixtures.bytes("binance/nautilus/\(path)")) else {
      throw ReplyError.malformed
    }
    return report
  }

  @Test func aTradeCarriesItsFill() throws {
    let report = try report("spot/user_data_json/execution_report_trade.json")
    #expect(try report.state == .filled && report.cumulativeQuantity == Quantity("1"))
    #expect(try report.cumulativeQuote == Money("2500") && report.averagePrice(.up) == Price("2500"))
    let fill = try #require(report.fills.first)
    #expect(report.fills.count == 1 && fill.tradeID == "98765432" && fill.liquidity == .maker)
    #expect(try fill.fee == Money("0.001") && fill.feeAsset == "ETH")
  }

  @Test(arguments: [
    ("spot/user_data_json/execution_report_new.json", VenueOrderState.open),
    ("spot/user_data_json/execution_report_canceled.json", .cancelled),
    ("spot/user_data_json/execution_report_expired.json", .expired),
    ("spot/user_data_json/execution_report_wrapped.json", .open),
    ("ws_messages/ws_spot_execution_report_rejected.json", .rejected),
    ("ws_messages/ws_spot_execution_report_trade_prevention.json", .expired),
    ("ws_messages/ws_spot_execution_report_empty_client_id.json", .partiallyFilled),
  ])
  func statesAreMapped(path: String, state: VenueOrderState) throws {
    let report = try report(path)
    #expect(report.state == state)
    #expect(report.fills.isEmpty == (state != .partiallyFilled))
  }

  @Test func aCancelledOrderKeepsItsOwnClientID() throws {
    let frame = try Fixtures.bytes("binance/nautilus/spot/user_data_json/execution_report_canceled.json")
    let text = String(decoding: frame, as: UTF8.self).replacing(#""C": """#, with: #""C":"ours-1""#)
    guard case .order(let report) = try BinanceUserStream.event(Array(text.utf8)) else {
      Issue.record("an execution report is an order event")
      return
    }
    #expect(report.clientID == "ours-1")
  }

  @Test func balancesAndTransfers() throws {
    let position = try BinanceUserStream.event(Fixtures.bytes("binance/nautilus/spot/user_data_json/account_position.json"))
    #expect(
      position
        == .balances(
          [
            AssetBalance(asset: "USDT", free: try Money("10000"), locked: try Money("2500")),
            AssetBalance(asset: "ETH", free: try Money("5"), locked: .zero),
          ], time: Timestamp(milliseconds: 1_709_654_400_000)))
    let transfer = try BinanceUserStream.event(Fixtures.bytes("binance/nautilus/spot/user_data_json/balance_update_wrapped.json"))
    #expect(
      transfer == .balanceChange(asset: "BTC", delta: try Money("100"), time: Timestamp(milliseconds: 1_573_200_697_068)))
  }

  @Test func everyDocumentedEventIsReadOrIgnoredByName() throws {
    var kinds: [String] = []
    for example in try #require(try Fixtures.json("binance/docs/user_data_events.json").array) {
      switch try BinanceUserStream.event(try #require(example["example"]).bytes) {
      case .order: kinds.append("order")
      case .balances: kinds.append("balances")
      case .balanceChange: kinds.append("change")
      case .ended: kinds.append("ended")
      case .ignored(let kind): kinds.append(kind)
      case .authenticated, .subscribed, .refused: kinds.append("answer")
      }
    }
    #expect(kinds == ["balances", "change", "order", "listStatus", "ended", "externalLockUpdate"])
  }

  @Test func everyRecordedSpotEventIsRead() throws {
    for (name, json) in try Fixtures.folder("binance/nautilus/spot/user_data_json") {
      let event = try BinanceUserStream.event(json.bytes)
      if case .ignored = event { #expect(name.hasPrefix("list_status")) }
    }
    for (name, json) in try Fixtures.folder("binance/nautilus/ws_messages") where name.hasPrefix("ws_spot_execution_report") {
      guard case .order = try BinanceUserStream.event(json.bytes) else {
        Issue.record("\(name) is an order event")
        continue
      }
    }
    for exchange in try #require(try Fixtures.json("binance/jkorf/ws_exchanges.json").array) {
      guard exchange["name"]?.string?.hasPrefix("Subscriptions/Spot/Account/") == true else { continue }
      let push = try #require(exchange["steps"]?.array?.first { $0["dir"]?.string == "server_push" }?["json"])
      _ = try BinanceUserStream.event(push.bytes)
    }
  }

  @Test func answersToRequests() throws {
    #expect(
      try BinanceUserStream.event(Array(#"{"id":"a-1","status":200,"result":{"subscriptionId":0}}"#.utf8))
        == .subscribed(requestID: "a-1"))
    let refused = try BinanceUserStream.event(
      Array(
        #"{"id":"a-1","status":400,"error":{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}}"#.utf8
      ))
    guard case .refused(let id, let failure) = refused else {
      Issue.record("status 400 is a refusal")
      return
    }
    #expect(id == "a-1" && failure.kind == .clock)
  }

  @Test func anUnknownStateIsReportedAsSuch() throws {
    let frame = try Fixtures.bytes("binance/nautilus/spot/user_data_json/execution_report_new.json")
    let text = String(decoding: frame, as: UTF8.self).replacing(#""X": "NEW""#, with: #""X":"DREAMING","zz":{"a":[1]}"#)
    guard case .order(let report) = try BinanceUserStream.event(Array(text.utf8)) else {
      Issue.record("an execution report is an order event")
      return
    }
    #expect(report.state == nil && report.unrecognised == "DREAMING")
  }
}
