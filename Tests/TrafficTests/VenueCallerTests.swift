import Domain
import Net
import Runtime
import Synchronization
import Testing
import Venues

@testable import Traffic

/// Requests through the gate to a venue that answers as a test wants, over a real connection.
@Suite(.serialized) struct VenueCallerTests {
  /// What the venue was asked, and what it says.
  private final class Script: Sendable {
    private let paths = Mutex<[String]>([])
    private let reply: HTTPResponse

    init(_ reply: HTTPResponse) { self.reply = reply }

    var asked: [String] { paths.withLock { $0 } }

    func answer(_ request: HTTPServerRequest) -> HTTPResponse {
      paths.withLock { $0.append(request.path) }
      return reply
    }
  }

  private func withCaller(_ reply: HTTPResponse, _ body: (VenueCaller, Script) throws -> Void) throws {
    let script = Script(reply)
    let server = try HTTPServer(
      HTTPServerConfiguration(), handlers: HTTPServerHandlers { request, responder in responder.respond(script.answer(request)) })
    defer { server.shutDown() }
    let http = try HTTPClient()
    defer { http.shutDown() }
    var configuration = Configuration(environment: [:], arguments: [])
    let traffic = TrafficSettings([.bybit], share: 100, configuration: &configuration)
    let address = try #require(try VenueEndpoints(.bybit, rest: "http://127.0.0.1:\(server.port)"))
    let caller = try #require(VenueCaller(.bybit, at: address.rest, over: http, traffic: traffic, metrics: Metrics()))
    try body(caller, script)
  }

  /// Sends and waits for the end.
  private func ask(
    _ caller: VenueCaller, _ purpose: VenueRequest.Purpose = .query,
    make: @escaping @Sendable () throws(VenueCaller.Withdrawal) -> VenueRequest = { () throws(VenueCaller.Withdrawal) in
      VenueRequest(method: .get, purpose: .query, path: "/asked")
    }
  ) -> VenueResult? {
    let answers = BoundedQueue<VenueCaller.Answer>(capacity: 2)
    caller.submit(purpose, weight: 1, account: Account("main"), timeoutMilliseconds: 5_000, make: make) { _ = answers.push($0) }
    guard case .element(let answer) = answers.pop(timeoutMilliseconds: 10_000) else { return nil }
    #expect(answers.count == 0, "a request ends once")
    return answer.result
  }

  @Test func anAnswerComesWithItsHeaders() throws {
    var reply = HTTPResponse.json(#"{"retCode":0,"result":{}}"#)
    reply.headers.append("X-Bapi-Limit-Status", "7")
    try withCaller(reply) { caller, _ in
      guard case .reply(let answer) = ask(caller) else {
        Issue.record("no answer")
        return
      }
      #expect(answer.status == 200 && answer.headers["x-bapi-limit-status"] == "7")
    }
  }

  @Test func aWithdrawnRequestDoesNotLeave() throws {
    try withCaller(.json("{}")) { caller, script in
      let result = ask(caller) { () throws(VenueCaller.Withdrawal) in throw .init("not ours any more") }
      #expect(result == .notSent(reason: "not ours any more"))
      #expect(script.asked.isEmpty)
      #expect(caller.gate.view.underWay == 0)
    }
  }

  @Test func aVenueOutOfOrderIsLeftInPeaceAndThenProbed() throws {
    try withCaller(.text("", status: 503)) { caller, script in
      for _ in 0..<CircuitBreaker.threshold { _ = ask(caller) }
      #expect(caller.gate.view.circuit == .open && caller.gate.isCut)
      // The breaker lets a probe through within a second of its opening, at some moment of its own choice.
      let before = script.asked.count
      if case .notSent(let reason) = ask(caller) {
        #expect(reason == VenueTraffic.Refusal.circuitOpen.rawValue)
        #expect(script.asked.count == before)
      } else {
        #expect(caller.gate.view.openings == 2)
      }
    }
  }

  @Test func anAddressThatIsSentAwayKeepsSilent() throws {
    try withCaller(.text("access too frequent", status: 403)) { caller, script in
      _ = ask(caller)
      #expect(caller.gate.isCut)
      #expect(caller.gate.view.silenceMilliseconds > 590_000)
      caller.submit(.query, weight: 1, timeoutMilliseconds: 100) { () throws(VenueCaller.Withdrawal) in
        VenueRequest(method: .get, purpose: .query, path: "/asked")
      } answer: { _ in
      }
      #expect(script.asked.count == 1 && caller.gate.view.waiting == 1)
    }
  }
}
