import Domain
import Net
import ReconcilerCore
import Runtime
import Traffic
import Venues

/// Puts questions to a venue and waits for the answers, for one thread. The venue's rate limits count per address, so a refusal for
/// asking too much silences every account until the venue's time is over.
final class VenueDesk {
  /// Why a question has no answer.
  struct Failure: Error, CustomStringConvertible {
    /// The venue's words, or ours.
    var reason: String
    /// A person should know.
    var needsAlert = false
    var description: String { reason }
  }

  private static let timeoutMilliseconds = 4_000
  /// Pages of one answer: a list that is longer is not read, and the round fails.
  private static let maximumPages = 200

  private let market: any MarketData
  private let client: HTTPClient
  private let caller: VenueCaller
  private let answers: BoundedQueue<VenueCaller.Answer>
  private let stop: Latch
  private let failures: Counter
  private let duration: Histogram

  /// The venue's clock minus ours in nanoseconds; nil until measured.
  private var clockOffset: Int64?
  private var quietUntil = Deadline(afterMilliseconds: 0)
  private var silence = Backoff(initialMilliseconds: 1_000, maximumMilliseconds: 120_000)
  private var symbols: SymbolMapper?
  private var pace = RoundPace()

  /// A desk at the spot market of a registered venue, whose REST is at `address`.
  init(_ venue: Venue, at address: VenueAddress, traffic: TrafficSettings, metrics: Metrics, stop: Latch) throws {
    self.stop = stop
    client = try HTTPClient(name: "\(venue)-http")
    guard let market = VenueMarket(venue, isPerpetual: false),
      let caller = VenueCaller(venue, at: address, over: client, traffic: traffic, metrics: metrics)
    else { preconditionFailure("settings name registered venues") }
    self.market = market.declaration
    self.caller = caller
    // One question at a time: the queue never holds more than its answer.
    answers = BoundedQueue(capacity: 1)
    failures = metrics.counter("apus_reconciler_venue_failures_total", help: "Questions that a venue did not answer")
    duration = metrics.histogram("apus_reconciler_venue_seconds", help: "Time that a venue takes to answer")
  }

  /// Ends the connection. The desk must be shut down.
  func shutDown() { client.shutDown() }

  /// Nil, or how long the venue wants silence.
  var silenceMilliseconds: Int? { quietUntil.isPast ? nil : Int(quietUntil.remainingMilliseconds) }

  /// True when a round may begin: one after another, as fast as the venue's limits allow for all of our accounts together.
  var allowsRound: Bool { pace.allowsRound(at: monotonicNanoseconds()) }

  /// Carries a round out and counts what it asks of the venue.
  func counted<Conclusion>(_ round: () throws -> Conclusion) rethrows -> Conclusion {
    let start = monotonicNanoseconds()
    let spent = caller.gate.spentTime
    defer { pace.add(caller.gate.spentTime - spent, from: start) }
    return try round()
  }

  /// What time it is at the venue, as well as we know.
  func venueTime() throws -> Timestamp { try wallClock() + (clockOffset ?? measureClock()) }

  /// The symbols that the venue lists, of these.
  func listed(_ symbols: [Symbol]) throws -> [Symbol] {
    let mapper = try mapper()
    return symbols.filter { mapper.instrument($0) != nil }
  }

  /// Asks with an account's keys.
  func ask(_ question: VenueQuestion, _ account: Account, _ keys: any AccountData) throws -> VenueAnswer {
    let request = question.request(venueSymbol: try question.symbol.map(spelling) ?? "")
    let offset = try clockOffset ?? measureClock()
    var said = try answer(to: request, account, keys, offset)
    if said.failure?.kind == .clock { said = try answer(to: request, account, keys, measureClock()) }
    if let answer = VenueAnswer(said) {
      silence.reset()
      return answer
    }
    throw noted(said.failure ?? VenueFailure(.permanent, reason: "an answer to another question", needsAlert: true))
  }

  /// The answer to a request, with all its pages.
  private func answer(
    to request: AccountRequest, _ account: Account, _ keys: any AccountData, _ offset: Int64
  ) throws -> AccountAnswer {
    var result = try exchange(of: account) { keys.request(request, at: $0 + offset) }.result
    var whole = keys.answer(result, to: request)
    var pages = 1
    while whole.isConfirmed, case .reply(let reply) = result,
      let next = try keys.nextPage(of: request, after: reply.body, at: wallClock() + offset)
    {
      guard pages < Self.maximumPages else { throw Failure(reason: "the list has more than \(pages) pages", needsAlert: true) }
      pages += 1
      // What was read once is read again.
      result = try exchange(of: account) { (try? keys.nextPage(of: request, after: reply.body, at: $0 + offset)) ?? next }.result
      whole = keys.answer(result, to: request).following(whole)
    }
    return whole
  }

  /// Counts the failure and obeys a venue that wants silence.
  private func noted(_ failure: VenueFailure) -> Failure {
    failures.add()
    if case .rateLimited(let seconds) = failure.kind { beSilent(seconds) }
    return Failure(reason: failure.description, needsAlert: failure.needsAlert)
  }

  private func beSilent(_ seconds: Int?) {
    var generator = SystemRandomNumberGenerator()
    let milliseconds = seconds.map { ($0 + 1) * 1_000 } ?? 1_000 + silence.nextDelayMilliseconds(using: &generator)
    quietUntil = Deadline(afterMilliseconds: milliseconds)
  }

  private func spelling(of symbol: Symbol) throws -> String {
    guard let instrument = try mapper().instrument(symbol) else { throw Failure(reason: "the venue does not list \(symbol)") }
    return instrument.venueSymbol
  }

  private func mapper() throws -> SymbolMapper {
    if let symbols { return symbols }
    var instruments: [Instrument] = []
    var cursor: String?
    for _ in 0..<Self.maximumPages {
      let market = market
      let page = try page(of: market, behind: cursor)
      let list = try confirmed(
        market.classify(page, of: .marketData) { body throws(ReplyError) in try market.instruments(body) })
      instruments += list.instruments
      cursor = list.nextCursor
      if cursor == nil { break }
    }
    let mapper = SymbolMapper(instruments)
    symbols = mapper
    return mapper
  }

  private func page(of market: any MarketData, behind cursor: String?) throws -> VenueResult {
    try exchange { _ in market.instrumentsRequest(cursor: cursor) }.result
  }

  /// The middle of the call is when the venue looked at its clock, give or take half the call.
  private func measureClock() throws -> Int64 {
    let market = market
    let answer = try exchange { _ in market.clockRequest() }
    let time = market.classify(answer.result, of: .marketData) { body throws(ReplyError) in try market.clock(body) }
    let offset = try confirmed(time) - (answer.finished.wall + -answer.duration / 2)
    clockOffset = offset
    caller.setClock(offset: offset)
    return offset
  }

  private func confirmed<Reply>(_ outcome: VenueOutcome<Reply>) throws -> Reply {
    switch outcome {
    case .confirmed(let reply): return reply
    case .failed(let failure), .unknown(let failure): throw noted(failure)
    }
  }

  /// Sends one request as soon as the venue's limits and health allow, and waits for its end, or for the program's. `make` is called when
  /// it goes, with the time.
  private func exchange(
    of account: Account? = nil, _ make: @escaping @Sendable (Timestamp) -> VenueRequest
  ) throws -> VenueCaller.Answer {
    let shape = make(wallClock())
    caller.submit(
      shape.purpose, weight: shape.weight, account: account, timeoutMilliseconds: Self.timeoutMilliseconds,
      make: { () throws(VenueCaller.Withdrawal) in make(wallClock()) }, answer: { [answers] in _ = answers.push($0) })
    while true {
      switch answers.pop(timeoutMilliseconds: 20) {
      case .element(let answer):
        duration.observe(nanoseconds: answer.duration)
        return answer
      case .timedOut:
        if stop.isSet { throw Failure(reason: "the program ends") }
        caller.gate.tick()
      case .closed: throw Failure(reason: "the program ends")
      }
    }
  }
}
