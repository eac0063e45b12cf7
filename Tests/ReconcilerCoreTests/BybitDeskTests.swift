import Domain
import Net
import ReconcilerCore
import Runtime
import Synchronization
import Testing
import Traffic
import Venues

@testable import Reconciler

/// The desk before a venue whose lists come in pages and whose answers all say 200.
@Suite(.serialized) struct BybitDeskTests {
  /// What was asked, and an answer by the path and the cursor.
  private final class Script: Sendable {
    private let requests = Mutex<[String]>([])
    private let answers: [String: String]

    init(_ answers: [String: String]) { self.answers = answers }

    var asked: [String] { requests.withLock { $0 } }

    func answer(_ request: HTTPServerRequest) -> HTTPResponse {
      let query = request.rawQuery ?? ""
      requests.withLock { $0.append("\(request.path)?\(query)") }
      switch request.path {
      case "/v5/market/time": return Self.reply(#"{"timeSecond":"0","timeNano":"\#(wallClock().nanoseconds)"}"#)
      case "/v5/market/instruments-info": return Self.reply(Self.instruments)
      default:
        let cursor = query.split(separator: "&").first { $0.hasPrefix("cursor=") } ?? ""
        return Self.reply(answers["\(request.path) \(cursor)"] ?? #"{"list":[],"nextPageCursor":""}"#)
      }
    }

    private static func reply(_ result: String) -> HTTPResponse {
      .json(#"{"retCode":0,"retMsg":"OK","result":\#(result),"retExtInfo":{},"time":1700000000000}"#)
    }

    private static let instruments = """
      {"category":"spot","list":[{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","status":"Trading","lotSizeFilter":\
      {"basePrecision":"0.000001","minOrderQty":"0.000001","maxOrderQty":"100","minOrderAmt":"5"},"priceFilter":{"tickSize":"0.1"}}]}
      """
  }

  private func withDesk(_ answers: [String: String], _ body: (VenueDesk, any AccountData, Script) throws -> Void) throws {
    let script = Script(answers)
    let server = try HTTPServer(
      HTTPServerConfiguration(),
      handlers: HTTPServerHandlers { request, responder in responder.respond(script.answer(request)) })
    defer { server.shutDown() }
    let endpoints = try BybitEndpoints(rest: "http://127.0.0.1:\(server.port)", streams: "ws://127.0.0.1:\(server.port)")
    // Two hundred pages are within the limits here.
    var configuration = Configuration(
      environment: ["APUS_BYBIT_LIMIT_QUERIES_1S": "100000", "APUS_BYBIT_LIMIT_REQUESTS_5S": "100000"], arguments: [])
    let traffic = TrafficSettings([.bybit], share: 100, asksOnly: true, configuration: &configuration)
    let desk = try VenueDesk(.bybit, at: endpoints.rest, traffic: traffic, metrics: Metrics(), stop: Latch())
    defer { desk.shutDown() }
    try body(desk, try #require(VenueAccount(.bybit, apiKey: "key", secret: "secret")).declaration, script)
  }

  private static func execution(_ id: String, at milliseconds: Int64) -> String {
    """
    {"symbol":"BTCUSDT","execId":"\(id)","orderId":"o-1","orderLinkId":"apus-1","side":"Buy","execPrice":"20000","execQty":"0.5",\
    "execFee":"0.0005","feeCurrency":"BTC","isMaker":false,"execType":"Trade","execTime":"\(milliseconds)"}
    """
  }

  @Test func tradesAreReadToTheLastPage() throws {
    let pages = [
      "/v5/execution/list ": #"{"list":[\#(Self.execution("b", at: 20))],"nextPageCursor":"b%3A20"}"#,
      "/v5/execution/list cursor=b%3A20": #"{"list":[\#(Self.execution("a", at: 10))],"nextPageCursor":""}"#,
    ]
    try withDesk(pages) { desk, keys, script in
      let question = VenueQuestion.trades(Sample.symbol, .since(Timestamp(milliseconds: 5)))
      guard case .trades(let trades) = try desk.ask(question, Sample.account, keys) else {
        Issue.record("no trades")
        return
      }
      #expect(trades.map(\.fill.tradeID) == ["b", "a"])
      let list = script.asked.filter { $0.hasPrefix("/v5/execution/list") }
      #expect(list.count == 2 && list.allSatisfy { $0.contains("category=spot&symbol=BTCUSDT&startTime=5") })
    }
  }

  @Test func anOrderThatIsNowhereIsAnAnswer() throws {
    try withDesk([:]) { desk, keys, script in
      let order = try desk.ask(.order(Sample.symbol, venueClientID: "apus-1"), Sample.account, keys)
      let owner = try desk.ask(.orderOfTrade(Sample.symbol, venueOrderID: "o-1"), Sample.account, keys)
      #expect(order == .order(nil) && owner == .orders([]))
      #expect(script.asked.last?.contains("orderId=o-1") == true)
    }
  }

  @Test func aListThatNeverEndsIsAFailure() throws {
    let page = #"{"list":[],"nextPageCursor":"again"}"#
    try withDesk(["/v5/order/realtime ": page, "/v5/order/realtime cursor=again": page]) { desk, keys, _ in
      #expect(throws: VenueDesk.Failure.self) { try desk.ask(.openOrders(Sample.symbol), Sample.account, keys) }
    }
  }

  @Test func onlyWhatTheVenueListsIsCompared() throws {
    try withDesk([:]) { desk, _, _ in
      let other = try #require(Symbol("ETH-USDT"))
      let listed = try desk.listed([other, Sample.symbol])
      #expect(listed == [Sample.symbol])
    }
  }
}
