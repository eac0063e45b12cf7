import Domain
import Net
import OrderManagerCore
import Runtime
import Synchronization
import Venues
import Wire

/// Signed REST requests to the venues. A request is signed at the last moment, right after a look at the lease, and its bytes are
/// then sent as they are, once; the outcome says whether the venue may have seen them.
final class VenueGateway: Sendable {
  /// No answer to an order after this long: unknown.
  private static let timeoutMilliseconds = 5_000
  /// A list of more pages than this is not read: what it says would be old by then.
  private static let maximumPages = 20

  let endpoints: [Venue: VenueEndpoints]
  /// The time that everything here goes by.
  let ourClock: SteadyClock
  private let accounts: [Route: any AccountData]
  private let http: HTTPClient
  private let inbox: Inbox
  /// The venues' clocks minus ours.
  private let clockOffsets = Mutex<[Venue: Int64]>([:])
  private let latency: Histogram

  init(
    _ endpoints: [Venue: VenueEndpoints], _ accounts: [Route: VenueAccount], inbox: Inbox, clock: SteadyClock, metrics: Metrics
  ) throws {
    self.endpoints = endpoints
    ourClock = clock
    self.inbox = inbox
    self.accounts = accounts.mapValues(\.declaration)
    http = try HTTPClient()
    latency = metrics.histogram("apus_venue_call_seconds", help: "Wire calls, from the request to the whole answer")
  }

  func setClock(_ clock: VenueClock, of venue: Venue) { clockOffsets.withLock { $0[venue] = clock.offset } }

  /// Our idea of the venue's time.
  func time(at venue: Venue) -> Timestamp { ourClock.now() + (clockOffsets.withLock { $0[venue] } ?? 0) }

  /// Sends a request of a core, or proves that it was not sent. The answer comes into the inbox, always.
  func send(_ call: VenueCall, under lease: Lease, partition: Int32, generation: UInt64) {
    guard let account = accounts[call.route] else {
      preconditionFailure("a core calls only where its settings have a route, and routes come from keys")
    }
    let answer: @Sendable (AccountAnswer) -> Void = { [inbox] said in
      // In-flight calls are far fewer than the inbox holds.
      inbox.offer(.answered(partition: partition, generation: generation, token: call.token, said))
    }
    let refuse = { (reason: String) in answer(account.answer(.notSent(reason: reason), to: call.action)) }
    // Whether the approval still holds cannot be said before the clock is sure again.
    guard call.notAfter == nil || !ourClock.isInDoubt else { return refuse("the wall clock has stepped") }
    guard let deadline = lease.deadline(of: call, monotonic: monotonicNanoseconds(), wall: ourClock.now()) else {
      return refuse("the lease or the approval has run out")
    }
    let request = account.request(call.action, at: time(at: call.route.venue))
    boundary("ordermanager.call.signed", if: call.notAfter != nil)
    follow(request, of: call, account, deadline: deadline, answer: answer)
  }

  /// Sends a call's request and, behind a good reply, those for the pages that follow. The answer is the whole list, or says why there
  /// is none.
  private func follow(
    _ request: VenueRequest, of call: VenueCall, _ account: any AccountData, deadline: Int64,
    behind earlier: AccountAnswer? = nil, pages: Int = 1, answer: @escaping @Sendable (AccountAnswer) -> Void
  ) {
    submit(request, to: call.route.venue, deadline: deadline) { [self] result in
      let page = account.answer(result, to: call.action)
      let said = earlier.map(page.following) ?? page
      guard case .reply(let reply) = result, page.isConfirmed else { return answer(said) }
      do throws(ReplyError) {
        guard let next = try account.nextPage(of: call.action, after: reply.body, at: time(at: call.route.venue)) else {
          return answer(said)
        }
        guard pages < Self.maximumPages else {
          return answer(account.answer(.maybeSent(reason: "more than \(pages) pages"), to: call.action))
        }
        follow(next, of: call, account, deadline: deadline, behind: said, pages: pages + 1, answer: answer)
      } catch {
        answer(account.answer(.maybeSent(reason: "the page behind: \(error)"), to: call.action))
      }
    }
  }

  /// Asks for a venue's clock.
  func measureClock(of venue: Venue) {
    guard let market = VenueMarket(venue, isPerpetual: false)?.declaration else { return }
    let (inbox, ourClock) = (inbox, ourClock)
    let begun = ourClock.now()
    submit(market.clockRequest(), to: venue, deadline: nil) { result in
      let ended = ourClock.now()
      let outcome = market.classify(result, of: .marketData) { body throws(ReplyError) in try market.clock(body) }
      guard case .confirmed(let time) = outcome, ended >= begun else {
        inbox.offer(.clock(venue, nil))
        return
      }
      let half = (ended - begun) / 2
      inbox.offer(.clock(venue, VenueClock(offset: time - (begun + half), uncertainty: half + Interval.millisecond)))
    }
  }

  /// Asks for the last price of a pair; says nothing when the venue does not.
  func askPrice(of instrument: Instrument) {
    guard let market = VenueMarket(instrument.venue, isPerpetual: instrument.symbol.isPerpetual)?.declaration else { return }
    let inbox = inbox
    submit(market.priceRequest(venueSymbol: instrument.venueSymbol), to: instrument.venue, deadline: nil) { result in
      let outcome = market.classify(result, of: .marketData) { body throws(ReplyError) in try market.price(body) }
      guard case .confirmed(let price) = outcome, price.isPositive else { return }
      inbox.offer(.price(instrument.symbol, price))
    }
  }

  func shutDown() { http.shutDown() }

  private func submit(
    _ request: VenueRequest, to venue: Venue, deadline: Int64?, answer: @escaping @Sendable (VenueResult) -> Void
  ) {
    guard let address = endpoints[venue]?.rest else { preconditionFailure("a venue that is traded has its addresses") }
    var headers = HTTPHeaders()
    for header in request.headers { headers.append(header.name, header.value) }
    let outgoing = HTTPRequest(
      HTTPMethod(request.method), address.appending(request.target), headers: headers, body: Array(request.body.utf8),
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
