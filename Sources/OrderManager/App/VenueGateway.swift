import Domain
import Net
import OrderManagerCore
import Runtime
import Synchronization
import Venues
import Wire

/// Signed REST requests to Binance. A request is signed at the last moment, right after a look at the lease, and its bytes are
/// then sent as they are, once; the outcome says whether the venue may have seen them.
final class VenueGateway: Sendable {
  /// No answer to an order after this long: unknown.
  private static let timeoutMilliseconds = 5_000

  let endpoints: BinanceEndpoints
  /// The time that everything here goes by.
  let ourClock: SteadyClock
  private let accounts: [Route: VenueAccount]
  private let http: HTTPClient
  private let inbox: Inbox
  /// The venue's clock minus ours.
  private let clockOffset = Atomic<Int64>(0)
  private let latency: Histogram

  init(
    _ endpoints: BinanceEndpoints, _ accounts: [Route: VenueAccount], inbox: Inbox, clock: SteadyClock, metrics: Metrics
  ) throws {
    self.endpoints = endpoints
    ourClock = clock
    self.inbox = inbox
    self.accounts = accounts
    http = try HTTPClient()
    latency = metrics.histogram("apus_venue_call_seconds", help: "Wire calls, from the request to the whole answer")
  }

  func setClock(_ clock: VenueClock) { clockOffset.store(clock.offset, ordering: .releasing) }

  /// Our idea of the venue's time.
  var venueTime: Timestamp { ourClock.now() + clockOffset.load(ordering: .acquiring) }

  /// Sends a request of a core, or proves that it was not sent. The answer comes into the inbox, always.
  func send(_ call: VenueCall, under lease: Lease, partition: Int32, generation: UInt64) {
    guard let account = accounts[call.route]?.declaration else {
      preconditionFailure("a core calls only where its settings have a route, and routes come from keys")
    }
    let answer: @Sendable (VenueResult) -> Void = { [inbox] result in
      let said = account.answer(result, to: call.action)
      // In-flight calls are far fewer than the inbox holds.
      inbox.offer(.answered(partition: partition, generation: generation, token: call.token, said))
    }
    // Whether the approval still holds cannot be said before the clock is sure again.
    guard call.notAfter == nil || !ourClock.isInDoubt else { return answer(.notSent(reason: "the wall clock has stepped")) }
    guard let deadline = lease.deadline(of: call, monotonic: monotonicNanoseconds(), wall: ourClock.now()) else {
      return answer(.notSent(reason: "the lease or the approval has run out"))
    }
    let request = account.request(call.action, at: venueTime)
    boundary("ordermanager.call.signed", if: call.notAfter != nil)
    submit(request, deadline: deadline, to: answer)
  }

  /// Asks for the venue's clock.
  func measureClock() {
    let (inbox, ourClock) = (inbox, ourClock)
    let begun = ourClock.now()
    submit(BinanceMarket.spot.time(), deadline: nil) { result in
      let ended = ourClock.now()
      let outcome = BinanceErrors.classify(result, of: .marketData) { body throws(ReplyError) in try BinanceReplies.time(body) }
      guard case .confirmed(let time) = outcome, ended >= begun else {
        inbox.offer(.clock(nil))
        return
      }
      let half = (ended - begun) / 2
      inbox.offer(.clock(VenueClock(offset: time - (begun + half), uncertainty: half + Interval.millisecond)))
    }
  }

  /// Asks for the last price of a pair; says nothing when the venue does not.
  func askPrice(of instrument: Instrument) {
    let inbox = inbox
    let request = VenueRequest(
      method: .get, purpose: .marketData, path: "/api/v3/ticker/price", query: "symbol=\(instrument.venueSymbol)")
    submit(request, deadline: nil) { result in
      guard case .reply(let reply) = result, reply.status == 200, let text = (try? JSON.parse(reply.body))?["price"]?.string,
        let price = try? Price(text), price.isPositive
      else { return }
      inbox.offer(.price(instrument.symbol, price))
    }
  }

  func shutDown() { http.shutDown() }

  private func submit(_ request: VenueRequest, deadline: Int64?, to answer: @escaping @Sendable (VenueResult) -> Void) {
    var headers = HTTPHeaders()
    for header in request.headers { headers.append(header.name, header.value) }
    let outgoing = HTTPRequest(
      HTTPMethod(request.method), endpoints.rest.appending(request.target), headers: headers, body: Array(request.body.utf8),
      timeoutMilliseconds: Self.timeoutMilliseconds, connectTimeoutMilliseconds: 2_000, sendDeadlineNanoseconds: deadline)
    do throws(HTTPRefusal) {
      try http.submit(outgoing) { [latency] completion in
        latency.observe(nanoseconds: completion.finished.monotonicNanoseconds - completion.submittedNanoseconds)
        answer(VenueResult(completion.outcome))
      }
    } catch {
      answer(.notSent(reason: "\(error)"))
    }
  }
}

extension VenueResult {
  /// The transport's outcome in the venues' terms.
  fileprivate init(_ outcome: HTTPOutcome) {
    switch outcome {
    case .response(let response):
      self = .reply(VenueReply(status: response.status, retryAfter: response.headers["retry-after"], body: response.body))
    case .notSent(let failure): self = .notSent(reason: "\(failure.reason.rawValue): \(failure.detail)")
    case .maybeSent(let failure): self = .maybeSent(reason: "\(failure.reason.rawValue): \(failure.detail)")
    }
  }
}

extension HTTPMethod {
  fileprivate init(_ method: VenueRequest.Method) {
    switch method {
    case .get: self = .get
    case .post: self = .post
    case .delete: self = .delete
    }
  }
}
