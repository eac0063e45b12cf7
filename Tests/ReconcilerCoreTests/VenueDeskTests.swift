import Domain
import Net
import ReconcilerCore
import Runtime
import Synchronization
import Testing
import Traffic
import Venues

@testable import Reconciler

/// The desk before a venue that says what a test wants, over a real connection.
@Suite(.serialized) struct VenueDeskTests {
  /// A list of instruments and a clock, and besides the answers of a test, in its order.
  private final class Script: Sendable {
    private let answers: Mutex<[HTTPResponse]>
    private let requests = Mutex<[String]>([])

    private static let instruments = """
      {"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[\
      {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"0.01"},\
      {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001"}]}]}
      """

    init(_ answers: [HTTPResponse]) { self.answers = Mutex(answers) }

    /// The paths asked for, with what the query says besides time and signature.
    var asked: [String] { requests.withLock { $0 } }

    func answer(_ request: HTTPServerRequest) -> HTTPResponse {
      let parameters = (request.rawQuery ?? "").split(separator: "&").filter { part in
        !["timestamp=", "signature=", "recvWindow="].contains { part.hasPrefix($0) }
      }
      requests.withLock { $0.append(([Substring(request.path)] + parameters).joined(separator: " ")) }
      switch request.path {
      case "/api/v3/time": return .json(#"{"serverTime":\#(wallClock().milliseconds)}"#)
      case "/api/v3/exchangeInfo": return .json(Self.instruments)
      default: return answers.withLock { $0.isEmpty ? .text("nothing left to say", status: 500) : $0.removeFirst() }
      }
    }
  }

  private func withDesk(_ answers: [HTTPResponse], _ body: (VenueDesk, Script) throws -> Void) throws {
    let script = Script(answers)
    let server = try HTTPServer(
      HTTPServerConfiguration(),
      handlers: HTTPServerHandlers { request, responder in responder.respond(script.answer(request)) })
    defer { server.shutDown() }
    let endpoints = try BinanceEndpoints(
      rest: "http://127.0.0.1:\(server.port)", streams: "ws://127.0.0.1:\(server.port)")
    var configuration = Configuration(environment: [:], arguments: [])
    let traffic = TrafficSettings([.binance], share: 100, asksOnly: true, configuration: &configuration)
    let desk = try VenueDesk(.binance, at: endpoints.rest, traffic: traffic, metrics: Metrics(), stop: Latch())
    defer { desk.shutDown() }
    try body(desk, script)
  }

  private let keys: any AccountData

  init() throws { keys = try #require(VenueAccount(.binance, apiKey: "key", secret: "secret")).declaration }

  private func failure(_ desk: VenueDesk, _ question: VenueQuestion) -> VenueDesk.Failure? {
    do {
      _ = try desk.ask(question, Sample.account, keys)
      return nil
    } catch {
      return error as? VenueDesk.Failure
    }
  }

  @Test func everyQuestionIsPutInTheVenuesWords() throws {
    let order = #"{"symbol":"BTCUSDT","orderId":9,"clientOrderId":"apus-1","status":"NEW","executedQty":"0"}"#
    let answers: [HTTPResponse] = [
      .json("[\(order)]"), .json("[]"), .json("[]"), .json(#"{"canTrade":false,"balances":[]}"#), .json(order),
      .json("[\(order)]"),
    ]
    try withDesk(answers) { desk, script in
      let questions: [VenueQuestion] = [
        .openOrders(Sample.symbol), .trades(Sample.symbol, .from(tradeID: "7")), .trades(Sample.symbol, .newest), .account,
        .order(Sample.symbol, venueClientID: "apus-1"), .orderOfTrade(Sample.symbol, venueOrderID: "9"),
      ]
      let replies = try questions.map { try desk.ask($0, Sample.account, keys) }
      guard case .orders(let open) = replies[0], case .order(let one?) = replies[4], case .orders(let owners) = replies[5] else {
        Issue.record("\(replies)")
        return
      }
      #expect(open.map(\.venueOrderID) == ["9"] && one.clientID == "apus-1" && owners.count == 1)
      #expect(replies[1] == .trades([]) && replies[2] == .trades([]))
      #expect(replies[3] == .account(AccountReport(balances: [], mayTrade: false)))
      #expect(
        script.asked == [
          "/api/v3/exchangeInfo", "/api/v3/time", "/api/v3/openOrders symbol=BTCUSDT",
          "/api/v3/myTrades symbol=BTCUSDT fromId=7 limit=1000", "/api/v3/myTrades symbol=BTCUSDT limit=1000",
          "/api/v3/account omitZeroBalances=true",
          "/api/v3/order symbol=BTCUSDT origClientOrderId=apus-1", "/api/v3/allOrders symbol=BTCUSDT orderId=9 limit=1000",
        ])
    }
  }

  @Test func aClockThatIsOffIsMeasuredAndTheQuestionPutAgain() throws {
    let off = HTTPResponse.json(#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#, status: 400)
    try withDesk([off, .json(#"{"balances":[]}"#), off, off]) { desk, script in
      let answer = try desk.ask(.account, Sample.account, keys)
      #expect(answer == .account(AccountReport(balances: [])))
      #expect(
        script.asked == Array(repeating: ["/api/v3/time", "/api/v3/account omitZeroBalances=true"], count: 2).flatMap { $0 })
      #expect(failure(desk, .account) != nil, "measured once more, and no more")
      #expect(script.asked.count == 7)
    }
  }

  @Test func anOrderThatTheVenueDoesNotKnowIsAnAnswer() throws {
    let unknown = HTTPResponse.json(#"{"code":-2013,"msg":"Order does not exist."}"#, status: 400)
    try withDesk([unknown, unknown]) { desk, _ in
      let answer = try desk.ask(.order(Sample.symbol, venueClientID: "apus-1"), Sample.account, keys)
      #expect(answer == .order(nil))
      #expect(failure(desk, .orderOfTrade(Sample.symbol, venueOrderID: "9")) != nil, "but none to another question")
    }
  }

  /// The budget counts for the address: no account asks before the venue's time is over.
  @Test(arguments: [418, 429])
  func aVenueThatWantsSilenceGetsIt(status: Int) throws {
    let refused = HTTPResponse(
      status: status, headers: ["Retry-After": "30"],
      body: Array(#"{"code":-1003,"msg":"Way too much request weight used."}"#.utf8))
    try withDesk([refused]) { desk, _ in
      #expect(desk.silenceMilliseconds == nil)
      #expect(failure(desk, .account)?.reason.contains("too much request weight") == true)
      #expect(desk.silenceMilliseconds.map { $0 > 25_000 } == true)
    }
  }

  @Test(arguments: ["", "{", "[]", #"{"balances":[{"asset":"BTC","free":"1e9"}]}"#, #"{"balances":7}"#])
  func whatNobodyCanReadIsAFailureForAPerson(body: String) throws {
    try withDesk([.json(body)]) { desk, _ in
      #expect(failure(desk, .account)?.needsAlert == true)
    }
  }

  @Test func aKeyThatIsRefusedIsAPersonsBusiness() throws {
    try withDesk([.json(#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#, status: 401)]) { desk, _ in
      #expect(failure(desk, .account)?.needsAlert == true)
    }
  }

  @Test func aSymbolThatTheVenueDoesNotListIsAFailure() throws {
    try withDesk([]) { desk, _ in
      let other = try #require(Symbol("ETH-USDT"))
      #expect(failure(desk, .openOrders(other))?.reason.contains("does not list") == true)
    }
  }
}
