import Domain
import Net
import Runtime
import Synchronization
import Venues

/// How this process asks a venue for anything over REST. Every request passes the venue's gate, is made and signed when its turn has come,
/// and goes out once, as it is; what its end says of the venue's limits and health goes back to the gate.
public final class VenueCaller: Sendable {
  /// How a request ended.
  public struct Answer: Sendable {
    /// In the venues' terms.
    public let result: VenueResult
    /// From its way through the gate to the end, in nanoseconds; zero for one that was not let through.
    public let duration: Int64
    /// When.
    public let finished: EventTime
  }

  /// A request that must not go any more, for this reason.
  public struct Withdrawal: Error {
    /// Why, for people.
    public let reason: String

    /// A reason.
    public init(_ reason: String) { self.reason = reason }
  }

  /// What lets requests through.
  public let gate: TrafficGate
  private let market: any MarketData
  private let address: VenueAddress
  private let http: HTTPClient
  /// The venue's clock minus ours.
  private let clockOffset = Atomic<Int64>(0)

  /// Asks `venue` at the base address of its REST, over `http`. Nil for a venue that is not registered.
  public init?(_ venue: Venue, at address: VenueAddress, over http: HTTPClient, traffic: TrafficSettings, metrics: Metrics) {
    guard let market = VenueMarket(venue, isPerpetual: false) else { return nil }
    self.market = market.declaration
    self.address = address
    self.http = http
    gate = traffic.gate(of: venue, metrics: metrics)
  }

  /// The venue's clock minus ours, in nanoseconds: its windows are read by it.
  public func setClock(offset: Int64) { clockOffset.store(offset, ordering: .relaxed) }

  /// Sends a request of this purpose and weight as soon as it may go. `make` is called when it does, on any thread; `answer` always, once.
  ///
  /// `deadline` is the last moment (monotonic nanoseconds) at which it may leave; a question waits for a few seconds only.
  public func submit(
    _ purpose: VenueRequest.Purpose, weight: Int64, account: Account? = nil, deadline: Int64 = .max, timeoutMilliseconds: Int,
    make: @escaping @Sendable () throws(Withdrawal) -> VenueRequest, answer: @escaping @Sendable (Answer) -> Void
  ) {
    gate.submit(account: account, purpose: purpose, weight: weight, deadline: deadline) { [self] number in
      do {
        let request = try make()
        try http.submit(outgoing(request, deadline, timeoutMilliseconds)) { [self] completion in
          let result = VenueResult(completion.outcome)
          gate.ended(number, ending(completion, result, purpose))
          let duration = completion.finished.monotonicNanoseconds - completion.submittedNanoseconds
          answer(Answer(result: result, duration: duration, finished: completion.finished))
        }
      } catch {
        gate.ended(number, VenueTraffic.Ending(.nothing))
        answer(.notSent((error as? Withdrawal)?.reason ?? "\(error)"))
      }
    } refuse: { refusal in
      answer(.notSent(refusal.rawValue))
    }
  }

  private func outgoing(_ request: VenueRequest, _ deadline: Int64, _ timeoutMilliseconds: Int) -> HTTPRequest {
    var headers = HTTPHeaders()
    for header in request.headers { headers.append(header.name, header.value) }
    return HTTPRequest(
      HTTPMethod(request.method), address.appending(request.target), headers: headers, body: request.body,
      timeoutMilliseconds: timeoutMilliseconds, connectTimeoutMilliseconds: min(2_000, timeoutMilliseconds),
      sendDeadlineNanoseconds: deadline == .max ? nil : deadline)
  }

  private func ending(
    _ completion: HTTPCompletion, _ result: VenueResult, _ purpose: VenueRequest.Purpose
  ) -> VenueTraffic.Ending {
    // Our own doing says nothing about the venue.
    if case .notSent(let failure) = completion.outcome, [.expired, .shutDown].contains(failure.reason) { return .init(.nothing) }
    let venueTime = completion.finished.wall + clockOffset.load(ordering: .relaxed)
    return market.trafficEnding(of: result, to: purpose, at: venueTime)
  }
}

extension VenueCaller.Answer {
  fileprivate static func notSent(_ reason: String) -> Self {
    Self(result: .notSent(reason: reason), duration: 0, finished: .now())
  }
}

extension VenueResult {
  /// The transport's outcome in the venues' terms.
  init(_ outcome: HTTPOutcome) {
    switch outcome {
    case .response(let response):
      let headers = Dictionary(response.headers.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
      self = .reply(
        VenueReply(status: response.status, retryAfter: headers["retry-after"], headers: headers, body: response.body))
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
