import Domain
import Testing
import Venues
import Wire

/// The account as the shells see it: what they ask, and what the venue's answers mean to them.
@Suite struct BybitAccountTests {
  private let account: any AccountData
  private let time = Timestamp(milliseconds: 1_700_000_000_000)

  init() throws {
    account = try #require(VenueAccount(.bybit, apiKey: "k", secret: "s")).declaration
  }

  private func reply(_ result: String, code: Int = 0) -> VenueResult {
    .reply(VenueReply(status: 200, body: Array(#"{"retCode":\#(code),"retMsg":"x","result":\#(result),"time":5}"#.utf8)))
  }

  private func orders(_ ids: String..., cursor: String = "") -> String {
    let list = ids.map {
      #"{"symbol":"BTCUSDT","orderId":"v\#($0)","orderLinkId":"\#($0)","orderStatus":"New","cumExecQty":"0"}"#
    }
    return #"{"list":[\#(list.joined(separator: ","))],"nextPageCursor":"\#(cursor)"}"#
  }

  @Test func anAcknowledgementNamesTheOrderAndNoState() throws {
    let order = NewOrder(clientID: "a", venueSymbol: "BTCUSDT", side: .buy, terms: .market, quantity: try Quantity("1"))
    let answer = account.answer(reply(#"{"orderId":"7","orderLinkId":"a"}"#), to: .place(order))
    guard case .order(.confirmed(let report)) = answer else {
      Issue.record("\(answer)")
      return
    }
    #expect(report.venueOrderID == "7" && report.clientID == "a" && report.state == nil && report.unrecognised == nil)
  }

  @Test func anOrderIsFoundByItsOwnIDOrIsNotThere() {
    let request = AccountRequest.order(clientID: "b", venueSymbol: "BTCUSDT")
    guard case .order(.confirmed(let report)) = account.answer(reply(orders("a", "b")), to: request) else {
      Issue.record("it is in the list")
      return
    }
    #expect(report.venueOrderID == "vb" && report.state == .open)
    for list in [orders(), orders("a")] {
      guard case .order(.failed(let failure)) = account.answer(reply(list), to: request) else {
        Issue.record("it is not in the list")
        return
      }
      #expect(failure.kind == .noSuchOrder)
    }
    guard case .order(.failed(let failure)) = account.answer(reply("{}", code: 10_016), to: request) else {
      Issue.record("an error is no absence")
      return
    }
    #expect(failure.kind == .transient)
  }

  @Test func listsAreReadToTheirLastPage() throws {
    let request = AccountRequest.openOrders(venueSymbol: "BTCUSDT")
    guard case .reply(let first) = reply(orders("a", cursor: "p%3A2")), case .reply(let last) = reply(orders("b")) else { return }
    let next = try #require(try account.nextPage(of: request, after: first.body, at: time))
    #expect(next.query.hasSuffix("&limit=50&cursor=p%3A2") && next.headers.contains { $0.name == "X-BAPI-SIGN" })
    #expect(try account.nextPage(of: request, after: last.body, at: time) == nil)
    let whole = account.answer(.reply(last), to: request).following(account.answer(.reply(first), to: request))
    guard case .orders(.confirmed(let reports)) = whole else {
      Issue.record("\(whole)")
      return
    }
    #expect(reports.map(\.clientID) == ["a", "b"])
    let broken = account.answer(.maybeSent(reason: "time-out"), to: request).following(account.answer(.reply(first), to: request))
    if case .orders(.confirmed) = broken { Issue.record("half a list is no list") }
    guard case .reply(let hostile) = reply(orders("a", cursor: "x y")) else { return }
    #expect(throws: ReplyError.self) { try account.nextPage(of: request, after: hostile.body, at: time) }
  }

  @Test func theStreamLogsOnAndThenSubscribes() throws {
    #expect(account.privateStream.target == "/v5/private" && account.privateStream.heartbeat != nil)
    let greeting = try #require(account.greeting(requestID: "1", at: time).first)
    #expect(String(decoding: greeting, as: UTF8.self).contains(#""op":"auth","args":["k",1700000010000,"#))
    #expect(
      account.subscription(requestID: "2").map { String(decoding: $0, as: UTF8.self) }
        == [#"{"req_id":"2","op":"subscribe","args":["order","execution","wallet"]}"#])
    let binance = try #require(VenueAccount(.binance, apiKey: "k", secret: "s")).declaration
    #expect(binance.greeting(requestID: "1", at: time).count == 1 && binance.subscription(requestID: "1").isEmpty)
    #expect(VenueAccount(.best, apiKey: "k", secret: "s") == nil)
  }
}
