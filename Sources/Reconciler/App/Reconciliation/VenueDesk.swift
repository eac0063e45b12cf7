import Domain
import Net
import ReconcilerCore
import Runtime
import Traffic
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

  init(endpoints: BinanceEndpoints, traffic: TrafficSettings, metrics: Metrics, stop: Latch) throws {
    self.stop = stop
    client = try HTTPClient(name: "venue-http")
    guard let caller = VenueCaller(.binance, at: endpoints.rest, over: client, traffic: traffic, metrics: metrics) else {
      preconditionFailure("Binance is registered")
    }
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
    let answer = try exchange { trading.request(question, venueSymbol: spelling, at: $0 + offset) }
    return BinanceErrors.classify(answer.result, of: .query) { body throws(ReplyError) in try question.read(body) }
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
      try exchange { _ in BinanceMarket.spot.exchangeInfo() }.result, of: .marketData
    ) {
      body throws(ReplyError) in try BinanceMarket.spot.instruments(body)
    }
    let mapper = SymbolMapper(try confirmed(list).instruments)
    symbols = mapper
    return mapper
  }

  /// The middle of the call is when the venue looked at its clock, give or take half the call.
  private func measureClock() throws -> Int64 {
    let answer = try exchange { _ in BinanceMarket.spot.time() }
    let time: VenueOutcome<Timestamp> = BinanceErrors.classify(answer.result, of: .marketData) { body throws(ReplyError) in
      try BinanceReplies.time(body)
    }
    let offset = try confirmed(time) - (answer.finished.wall + -answer.duration / 2)
    clockOffset = offset
    caller.setClock(offset: offset)
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

  /// Sends one request as soon as the venue's limits and health allow, and waits for its end, or for the program's. `make` is called when
  /// it goes, with the time.
  private func exchange(_ make: @escaping @Sendable (Timestamp) -> VenueRequest) throws -> VenueCaller.Answer {
    let shape = make(wallClock())
    caller.submit(
      shape.purpose, weight: shape.weight, timeoutMilliseconds: Self.timeoutMilliseconds,
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
