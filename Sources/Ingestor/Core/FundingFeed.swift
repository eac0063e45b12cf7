import Domain
import Venues
import Wire

/// What the Ingestor asks of a perpetual's funding.
public enum FundingQuestion: Sendable, Hashable {
  /// The rate as it stands.
  case rate
  /// The rates that were paid.
  case history
}

/// One perpetual's funding: the rate is asked for as often as the venue declares, the payments at the start, behind each payment, and
/// often enough that they are on the topic for as long as it keeps anything.
struct FundingFeed: Sendable {
  /// The topic keeps an hour.
  private static let historyInterval = 25 * Interval.minute
  /// Venues list a payment a little after they made it.
  private static let afterPayment = 30 * Interval.second
  private static let requestTimeout = 15 * Interval.second

  private let index: Int
  private let place: FeedPlace
  private let declaration: any MarketData
  private let funding: any FundingData
  private var generator: SeededGenerator
  private var delay = Backoff(initialMilliseconds: 1_000, maximumMilliseconds: 60_000)
  private var instrument: Instrument?
  /// When to ask; moved ahead when a request goes out, so that a lost answer is noticed.
  private var nextRate = Timestamp.zero
  private var nextHistory = Timestamp.zero
  private var nextPayment: Timestamp?
  /// Between the newest payments: what is shown where the venue says no interval.
  private var paidInterval: Int64?

  /// Nil for a market without funding.
  init?(index: Int, of place: FeedPlace, seed: UInt64) {
    declaration = place.market.declaration
    guard let funding = declaration.funding else { return nil }
    self.funding = funding
    self.index = index
    self.place = place
    generator = SeededGenerator(seed: seed)
  }

  /// Takes the venue's description; questions begin with the first one.
  mutating func learn(_ instrument: Instrument) { self.instrument = instrument }

  mutating func tick(at now: Moment, into effects: inout [IngestorEffect]) {
    guard let venueSymbol = instrument?.venueSymbol else { return }
    if now.steady >= nextHistory {
      nextHistory = now.steady + Self.requestTimeout
      effects.append(.requestFunding(feed: index, .history, funding.historyRequest(venueSymbol: venueSymbol)))
    }
    if now.steady >= nextRate {
      nextRate = now.steady + Self.requestTimeout
      effects.append(.requestFunding(feed: index, .rate, funding.rateRequest(venueSymbol: venueSymbol)))
    }
  }

  /// Records did not reach the log: all is due again, a little later.
  mutating func recordsWereLost(at now: Moment) { nextHistory = min(nextHistory, now.steady + Self.requestTimeout) }

  mutating func take(
    _ result: VenueResult, to question: FundingQuestion, at now: Moment, into effects: inout [IngestorEffect]
  ) {
    guard let venueSymbol = instrument?.venueSymbol else { return }
    let funding = funding
    switch question {
    case .rate:
      let outcome = declaration.classify(result, of: .marketData) { body throws(ReplyError) in
        try funding.rate(body, venueSymbol: venueSymbol)
      }
      guard let ticker = confirmed(outcome, question, at: now, into: &effects) else { return }
      nextRate = now.steady + funding.pollInterval
      publish(ticker, at: now, into: &effects)
    case .history:
      let outcome = declaration.classify(result, of: .marketData) { body throws(ReplyError) in
        try funding.history(body, venueSymbol: venueSymbol)
      }
      guard let payments = confirmed(outcome, question, at: now, into: &effects) else { return }
      nextHistory = now.steady + Self.historyInterval
      let read = FundingCalendar.payments(payments)
      paidInterval = read.last?.interval
      publish(.history(read), at: now, into: &effects)
    }
  }

  /// What the venue answered; nil for a failure, after which the question is put again later.
  private mutating func confirmed<Reply>(
    _ outcome: VenueOutcome<Reply>, _ question: FundingQuestion, at now: Moment, into effects: inout [IngestorEffect]
  ) -> Reply? {
    switch outcome {
    case .confirmed(let reply):
      delay.reset()
      return reply
    case .failed(let failure), .unknown(let failure):
      let next = now.steady + delay.nextDelay(using: &generator, atLeast: failure.shortestWait)
      if question == .rate { nextRate = next } else { nextHistory = next }
      log("no funding \(question): \(failure)", &effects)
      return nil
    }
  }

  private mutating func publish(_ ticker: Ticker, at now: Moment, into effects: inout [IngestorEffect]) {
    guard let rate = ticker.fundingRate, let instrument else { return log("the venue gives no funding rate", &effects) }
    if let before = nextPayment, let next = ticker.nextFundingTime, next > before {
      nextHistory = min(nextHistory, now.steady + Self.afterPayment)
    }
    nextPayment = ticker.nextFundingTime ?? nextPayment
    var ticker = ticker
    ticker.scaleToUnits(multiplier: instrument.multiplier)
    let live = FundingRecord.Live(
      rate: rate, nextTime: ticker.nextFundingTime, interval: ticker.fundingInterval ?? paidInterval,
      markPrice: ticker.markPrice, venueTime: ticker.time == .zero ? nil : ticker.time)
    publish(.live(live), at: now, into: &effects)
  }

  private func publish(_ content: FundingRecord.Content, at now: Moment, into effects: inout [IngestorEffect]) {
    let record = FundingRecord(venue: place.market.venue, symbol: place.symbol, content: content, ingestTime: now.wall)
    effects.append(.publishFunding(feed: index, record))
  }

  private func log(_ message: String, _ effects: inout [IngestorEffect]) {
    effects.append(.log(IngestorLog(level: .warning, venue: place.market.venue, symbol: place.symbol, message: message)))
  }
}
