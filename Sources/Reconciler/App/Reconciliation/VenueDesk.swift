import Domain
import Net
import ReconcilerCore
import Runtime
import Venues

/// Puts questions to Binance and waits for the answers, for one thread. The venue's rate limits count per address, so a refusal for
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

  private let endpoints: BinanceEndpoints
  private let client: HTTPClient
  private let answers: BoundedQueue<HTTPOutcome>
  private let stop: Latch
  private let failures: Counter
  private let duration: Histogram

  /// The venue's clock minus ours in nanoseconds; nil until measured.
  private var clockOffset: Int64?
  private var quietUntil = Deadline(afterMilliseconds: 0)
  private var silence = Backoff(initialMilliseconds: 1_000, maximumMilliseconds: 120_000)
  private var symbols: SymbolMapper?

  init(endpoints: BinanceEndpoints, metrics: Metrics, stop: Latch) throws {
    self.endpoints = endpoints
    self.stop = stop
    client = try HTTPClient(name: "venue-http")
    // One question at a time: the queue never holds more than its answer.
    answers = BoundedQueue(capacity: 1)
    failures = metrics.counter("apus_reconciler_venue_failures_total", help: "Questions that a venue did not answer")
    duration = metrics.histogram("apus_reconciler_venue_seconds", help: "Time that a venue takes to answer")
  }

  /// Ends the connection. The desk must be shut down.
  func shutDown() { client.shutDown() }

  /// Nil, or how long the venue wants silence.
  var silenceMilliseconds: Int? { quietUntil.isPast ? nil : Int(quietUntil.remainingMilliseconds) }

  /// Asks with the account's keys.
  func ask(_ question: VenueQuestion, _ trading: BinanceTrading) throws -> VenueAnswer {
    let offset = try clockOffset ?? measureClock()
    let first: VenueOutcome<VenueAnswer> = try outcome(of: question, trading, offset)
    guard case .failed(let failure) = first, failure.kind == .clock else { return try answer(first, to: question) }
    return try answer(outcome(of: question, trading, measureClock()), to: question)
  }

  private func outcome(
    of question: VenueQuestion, _ trading: BinanceTrading, _ offset: Int64
  ) throws -> VenueOutcome<VenueAnswer> {
    let spelling = try spelling(of: question)
    let request = trading.request(question, venueSymbol: spelling, at: wallClock() + offset)
    let result = try exchange(request)
    return BinanceErrors.classify(result, of: request.purpose) { body throws(ReplyError) in try question.read(body) }
  }

  private func answer(_ outcome: VenueOutcome<VenueAnswer>, to question: VenueQuestion) throws -> VenueAnswer {
    switch outcome {
    case .confirmed(let answer):
      silence.reset()
      return answer
    case .failed(let failure), .unknown(let failure):
      if failure.kind == .noSuchOrder, case .order = question { return .order(nil) }
      failures.add()
      if case .rateLimited(let seconds) = failure.kind { beSilent(seconds) }
      throw Failure(reason: failure.description, needsAlert: failure.needsAlert)
    }
  }

  private func beSilent(_ seconds: Int?) {
    var generator = SystemRandomNumberGenerator()
    let milliseconds = seconds.map { ($0 + 1) * 1_000 } ?? 1_000 + silence.nextDelayMilliseconds(using: &generator)
    quietUntil = Deadline(afterMilliseconds: milliseconds)
  }

  private func spelling(of question: VenueQuestion) throws -> String {
    guard let symbol = question.symbol else { return "" }
    let mapper = try symbols ?? readSymbols()
    guard let instrument = mapper.instrument(symbol) else { throw Failure(reason: "the venue does not list \(symbol)") }
    return instrument.venueSymbol
  }

  private func readSymbols() throws -> SymbolMapper {
    let list: VenueOutcome<InstrumentList> = BinanceErrors.classify(
      try exchange(BinanceMarket.spot.exchangeInfo()), of: .marketData
    ) {
      body throws(ReplyError) in try BinanceMarket.spot.instruments(body)
    }
    let mapper = SymbolMapper(try confirmed(list).instruments)
    symbols = mapper
    return mapper
  }

  /// The middle of the call is when the venue looked at its clock, give or take half the call.
  private func measureClock() throws -> Int64 {
    let before = wallClock()
    let result = try exchange(BinanceMarket.spot.time())
    let after = wallClock()
    let time: VenueOutcome<Timestamp> = BinanceErrors.classify(result, of: .marketData) { body throws(ReplyError) in
      try BinanceReplies.time(body)
    }
    let offset = try confirmed(time) - (before + (after - before) / 2)
    clockOffset = offset
    return offset
  }

  private func confirmed<Reply>(_ outcome: VenueOutcome<Reply>) throws -> Reply {
    switch outcome {
    case .confirmed(let reply): return reply
    case .failed(let failure), .unknown(let failure):
      failures.add()
      if case .rateLimited(let seconds) = failure.kind { beSilent(seconds) }
      throw Failure(reason: failure.description, needsAlert: failure.needsAlert)
    }
  }

  /// Sends one request and waits for its end, or for the program's.
  private func exchange(_ request: VenueRequest) throws -> VenueResult {
    var headers = HTTPHeaders()
    for header in request.headers { headers.append(header.name, header.value) }
    let method = HTTPMethod(rawValue: request.method.rawValue) ?? .get
    let call = HTTPRequest(
      method, endpoints.rest.appending(request.target), headers: headers, body: Array(request.body.utf8),
      timeoutMilliseconds: Self.timeoutMilliseconds, connectTimeoutMilliseconds: Self.timeoutMilliseconds / 2)
    let started = monotonicNanoseconds()
    try client.submit(call) { [answers] completion in answers.push(completion.outcome) }
    while true {
      switch answers.pop(timeoutMilliseconds: 100) {
      case .element(let outcome):
        duration.observe(nanoseconds: monotonicNanoseconds() - started)
        return VenueResult(outcome)
      case .timedOut: if stop.isSet { throw Failure(reason: "the program ends") }
      case .closed: throw Failure(reason: "the program ends")
      }
    }
  }
}

extension VenueResult {
  /// The transport's words in the venue's terms.
  fileprivate init(_ outcome: HTTPOutcome) {
    switch outcome {
    case .response(let response):
      let retryAfter = response.headers["retry-after"]
      self = .reply(VenueReply(status: response.status, retryAfter: retryAfter, body: response.body))
    case .notSent(let failure): self = .notSent(reason: failure.detail)
    case .maybeSent(let failure): self = .maybeSent(reason: failure.detail)
    }
  }
}

extension BinanceTrading {
  fileprivate func request(_ question: VenueQuestion, venueSymbol: String, at time: Timestamp) -> VenueRequest {
    switch question {
    case .openOrders: openOrders(venueSymbol: venueSymbol, at: time)
    case .trades(_, let id): trades(venueSymbol: venueSymbol, .from(tradeID: String(id)), limit: Round.pageLimit, at: time)
    case .newestTrades: trades(venueSymbol: venueSymbol, .newest, limit: Round.pageLimit, at: time)
    case .account: account(at: time)
    case .order(_, let id): order(clientID: id, venueSymbol: venueSymbol, at: time)
    case .orderOfTrade(_, let id): allOrders(venueSymbol: venueSymbol, fromOrderID: id, limit: 1, at: time)
    }
  }
}

extension VenueQuestion {
  fileprivate var symbol: Symbol? {
    switch self {
    case .openOrders(let symbol), .trades(let symbol, _), .newestTrades(let symbol), .order(let symbol, _),
      .orderOfTrade(let symbol, _):
      symbol
    case .account: nil
    }
  }

  fileprivate func read(_ body: [UInt8]) throws(ReplyError) -> VenueAnswer {
    switch self {
    case .openOrders, .orderOfTrade: .orders(try BinanceReplies.orders(body))
    case .trades, .newestTrades: .trades(try BinanceReplies.trades(body))
    case .account: .account(try BinanceReplies.account(body))
    case .order: .order(try BinanceReplies.order(body))
    }
  }
}
