import Domain
import Venues
import Wire

/// What a symbol's trades have been through. The counts never decrease while the program lives.
public struct TradeCounts: Sendable, Hashable {
  /// Trades handed to the log.
  public var published = 0
  /// Trades that came before, and were dropped.
  public var repeated = 0
  /// Places at which trades may be missing, the start of the program among them.
  public var gaps = 0
  /// Fields and words that we do not know.
  public var unknown = 0
}

/// Turns a symbol's trades into records: in the venue's order, none twice, gaps said, and no more records than the log should bear.
struct TradePublisher: Sendable {
  /// Between two records of a symbol, in nanoseconds: what trades meanwhile goes into one.
  static let interval = 50 * Interval.millisecond
  /// Trades in one record: at 130 bytes each below 200 KB. A record that is full goes out at once.
  static let maximumTrades = 1_000
  /// Gaps are said in the records; people are told of no more than one in this time.
  private static let logInterval = Interval.second

  private(set) var counts = TradeCounts()
  private let feed: Int
  private let place: FeedPlace
  private var sequence: TradeSequence
  private var pending: [TradeRecord.Trade] = []
  /// When the last of them came in.
  private var ingestTime = Timestamp.zero
  private var nextRecord = Timestamp.zero
  private var nextLog = Timestamp.zero
  /// Records of ours were lost: said with the next trade.
  private var hasLostRecords = false

  init(feed: Int, of place: FeedPlace) {
    self.feed = feed
    self.place = place
    sequence = TradeSequence(place.market.declaration.tradeNumbering)
  }

  /// There is no stream any more.
  mutating func closed() { sequence.closed() }

  /// Something is lost that may have been trades.
  mutating func damaged() { sequence.damaged() }

  /// Readers lack a record.
  mutating func recordsWereLost() { hasLostRecords = true }

  /// Takes the trades of a frame.
  mutating func take(_ frame: PublicTrades, at now: Moment, into effects: inout [IngestorEffect]) {
    counts.unknown += frame.unknownFields + frame.leftOut
    for trade in frame.trades {
      guard case .new(let gap) = sequence.take(trade) else {
        counts.repeated += 1
        continue
      }
      append(trade, gap: gap ?? (hasLostRecords ? TradeRecord.Gap(.undelivered) : nil), at: now, into: &effects)
    }
    // What was left out is missing before whatever comes next.
    if frame.leftOut > 0 { sequence.damaged() }
    keepUp(at: now, into: &effects)
  }

  /// Publishes what is due; called on every tick.
  mutating func keepUp(at now: Moment, into effects: inout [IngestorEffect]) {
    if now.steady >= nextRecord { flush(at: now, into: &effects) }
  }

  /// Publishes what there is.
  mutating func flush(at now: Moment, into effects: inout [IngestorEffect]) {
    guard !pending.isEmpty else { return }
    nextRecord = now.steady + Self.interval
    counts.published += pending.count
    let record = TradeRecord(venue: place.market.venue, symbol: place.symbol, trades: pending, ingestTime: ingestTime)
    effects.append(.publishTrades(feed: feed, record))
    pending = []
  }

  private mutating func append(
    _ trade: PublicTrade, gap: TradeRecord.Gap?, at now: Moment, into effects: inout [IngestorEffect]
  ) {
    hasLostRecords = false
    ingestTime = now.wall
    if let gap { say(gap, at: now, into: &effects) }
    pending.append(
      TradeRecord.Trade(
        id: trade.tradeID, price: trade.price, quantity: trade.quantity, takerSide: trade.takerSide, time: trade.time, gap: gap))
    if pending.count >= Self.maximumTrades { flush(at: now, into: &effects) }
  }

  private mutating func say(_ gap: TradeRecord.Gap, at now: Moment, into effects: inout [IngestorEffect]) {
    counts.gaps += 1
    guard gap.reason != .started, now.steady >= nextLog else { return }
    nextLog = now.steady + Self.logInterval
    let message = "trades \(gap.missed.map { "missing: \($0)" } ?? "may be missing"): \(gap.reason.rawValue)"
    effects.append(.log(IngestorLog(level: .warning, venue: place.market.venue, symbol: place.symbol, message: message)))
  }
}
