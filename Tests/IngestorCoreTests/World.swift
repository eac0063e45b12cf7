import Domain
import IngestorCore
import Venues
import Wire

/// The core with everything around it played by hand: a venue, a network that may fail, a reader of the topic. Time moves only here.
struct World {
  var core: IngestorCore
  var venue: VenueModel
  var reader = TopicReader()
  var effects: [IngestorEffect] = []
  /// What the last events brought.
  var fresh: [IngestorEffect] = []
  /// What is on the trade topic.
  var trades: [TradeRecord] = []
  /// What is on the funding topic, and what was asked for it.
  var funding: [FundingRecord] = []
  var fundingQuestions: [FundingQuestion] = []
  var views: [FeedView] = []
  var logs: [String] = []
  var sent: [String] = []
  var link: LinkID?
  var isOpen = false
  var isPaused = false
  var pendingCall: Int?
  private(set) var now = Moment(steady: Timestamp(nanoseconds: 0), wall: Timestamp(milliseconds: 1_700_000_000_000))

  init(
    _ market: VenueMarket = .binance(.spot), seed: UInt64 = 1, adjust: (inout IngestorSettings) -> Void = { _ in }
  ) {
    let symbol = market.declaration.isPerpetual ? "BTC-USDT-PERP" : "BTC-USDT"
    var settings = IngestorSettings(markets: [market], symbols: [Symbol(symbol)].compactMap { $0 })
    adjust(&settings)
    core = IngestorCore(settings, seed: seed)
    venue = VenueModel(market, seed: seed)
  }

  mutating func apply(_ event: IngestorEvent) throws {
    fresh = []
    core.apply(event, at: now, into: &fresh)
    effects += fresh
    for effect in fresh {
      switch effect {
      case .connect(let link, _): (self.link, isOpen, isPaused) = (link, false, false)
      case .disconnect(let link): if self.link == link { (self.link, isOpen) = (nil, false) }
      case .requestSnapshot(_, let call, _): pendingCall = call
      case .send(_, let frame):
        sent.append(String(decoding: frame, as: UTF8.self))
        // A subscription asks for the whole book.
        if sent.last?.contains(#""op":"subscribe""#) == true { pendingCall = 0 }
      case .publish(_, let record): try reader.read(record)
      case .publishFunding(_, let record): funding.append(try FundingRecord(record.encoded()))
      case .requestFunding(_, let question, _): fundingQuestions.append(question)
      case .publishTrades(_, let record): trades.append(try TradeRecord(record.encoded()))
      case .show(_, let view): views.append(view)
      case .log(let log): logs.append(log.message)
      case .pause(let link): if self.link == link { isPaused = true }
      case .resume(let link): if self.link == link { isPaused = false }
      case .requestInstruments, .publishInstrument: break
      }
    }
  }

  mutating func wait(_ milliseconds: Int64, tick: Bool = true) throws {
    let step = milliseconds * Interval.millisecond
    now = Moment(steady: now.steady + step, wall: now.wall + step)
    if tick { try apply(.tick) }
  }

  mutating func learn() throws {
    try apply(.started)
    try apply(.instruments(market: 0, .reply(VenueReply(status: 200, body: venue.instruments))))
  }

  mutating func open() throws {
    guard let link, !isOpen else { return }
    isOpen = true
    try apply(.opened(link))
  }

  mutating func frame() throws {
    let frame = venue.nextFrame()
    if let link, isOpen { try apply(.frame(link, frame)) }
  }

  mutating func answerSnapshot(_ result: VenueResult? = nil) throws {
    guard let call = pendingCall else { return }
    pendingCall = nil
    guard venue.market.declaration.bookRules.source == .request else {
      // A result stands for an answer that is lost.
      if let link, isOpen, result == nil { try apply(.frame(link, venue.wholeFrame())) }
      return
    }
    try apply(.snapshot(feed: 0, call: call, result ?? venue.snapshot()))
  }

  /// From nothing to a valid book.
  mutating func becomeValid() throws {
    try learn()
    try open()
    try frame()
    try answerSnapshot()
    try frame()
  }

  var isValid: Bool { core.health.first?.invalidity == nil }
}
