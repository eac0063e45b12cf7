import Domain
import Venues

/// How far the trades of one symbol have been dealt with. A place is a trade's id where the venue counts them, else its time in
/// nanoseconds.
public struct TradeCursor: Hashable, Sendable {
  /// What was traded.
  public var symbol: Symbol
  /// Every trade up to this place is in the log, or foreign.
  public var settled: Int64
  /// The expected balances include every trade up to this place.
  public var counted: Int64
  /// The id of the newest trade that was dealt with; nil before the first.
  public var newest: String?

  /// A cursor.
  public init(symbol: Symbol, settled: Int64, counted: Int64, newest: String? = nil) {
    self.symbol = symbol
    self.settled = settled
    self.counted = counted
    self.newest = newest
  }
}

/// The trades of one symbol since the cursor, oldest first.
public struct TradeHistory: Hashable, Sendable {
  /// What was traded.
  public let symbol: Symbol
  /// Where the last round left off; nil in an account's first round.
  public let cursor: TradeCursor?
  /// Trades up to this place are not looked at.
  public private(set) var start: Int64
  /// Those behind it.
  public private(set) var trades: [VenueTrade] = []

  private let order: TradeOrder
  /// In a first round older trades are history that nobody asked us about.
  private let beginning: Timestamp
  /// Up to this place no trade comes to light any more.
  private let settledUpTo: Int64
  /// What lies before this place the venue does not show.
  private let horizon: Int64
  private var taken: Set<String> = []

  /// The history behind `cursor`, in a round that began at `startedAt` by the venue's clock.
  init(symbol: Symbol, cursor: TradeCursor?, order: TradeOrder, beginning: Timestamp, startedAt: Timestamp) {
    self.symbol = symbol
    self.cursor = cursor
    self.order = order
    self.beginning = beginning
    let known = cursor.map { min($0.settled, $0.counted) }
    switch order {
    case .ids:
      start = known ?? 0
      settledUpTo = .max
      horizon = 0
    case .times(let settling, let reach):
      settledUpTo = (startedAt + -settling).nanoseconds
      horizon = (startedAt + -reach).nanoseconds
      // The beginning is by our clock: somebody else's trades shortly before it do no harm.
      start = max(known ?? (beginning + (-settling - 1)).nanoseconds, horizon)
    }
  }

  /// Where the trade stands; nil for an id that is no number where all should be.
  func place(of trade: VenueTrade) -> Int64? {
    switch order {
    case .ids: Int64(trade.fill.tradeID)
    case .times: trade.fill.time.nanoseconds
    }
  }

  /// True when every trade before this one has come to light.
  func isSettled(_ trade: VenueTrade) -> Bool { place(of: trade).map { $0 <= settledUpTo } ?? false }

  // MARK: Questions

  /// What a round asks for first.
  var opening: TradeSelection { cursor == nil && order == .ids ? .newest : onward }

  /// What brings the trades that were not there yet.
  var onward: TradeSelection {
    let last = trades.last.flatMap(place) ?? start
    switch order {
    case .ids: return .from(tradeID: String(last + 1))
    case .times: return .since(Timestamp(nanoseconds: max(start, min(last, settledUpTo)) + 1))
    }
  }

  /// True when a page of the answer to `selection` was full, so that more lie behind it. By time the answer is whole.
  func hasMore(behind page: [VenueTrade], of selection: TradeSelection) -> Bool {
    order == .ids && selection != .newest && page.count >= Round.pageLimit
  }

  /// The newest trade that earlier rounds have dealt with, and the question to whose answer it belongs; nil when there is none that the
  /// venue must still show.
  var shown: (tradeID: String, selection: TradeSelection)? {
    guard let cursor, let newest = cursor.newest else { return nil }
    let place = max(cursor.settled, cursor.counted)
    switch order {
    case .ids: return (newest, .from(tradeID: newest))
    case .times: return place > horizon ? (newest, .since(Timestamp(nanoseconds: place))) : nil
    }
  }

  // MARK: Answers

  /// Takes what is new, in order; true when there was any.
  mutating func append(_ page: [VenueTrade]) -> Bool {
    let count = trades.count
    for trade in page {
      guard let place = place(of: trade), place > start, taken.insert(trade.fill.tradeID).inserted else { continue }
      if cursor == nil, order == .ids, trades.isEmpty, trade.fill.time < beginning { start = place } else { trades.append(trade) }
    }
    guard trades.count > count else { return false }
    if order != .ids { trades.sort { ($0.fill.time, $0.fill.tradeID) < ($1.fill.time, $1.fill.tradeID) } }
    return true
  }

  /// The trades that have not been found in the log, or to be foreign, in an earlier round.
  var unsettled: ArraySlice<VenueTrade> { trades.drop { (place(of: $0) ?? .max) <= cursor?.settled ?? 0 } }

  /// The trades that the expected balances do not hold yet.
  var uncounted: ArraySlice<VenueTrade> { trades.drop { (place(of: $0) ?? .max) <= cursor?.counted ?? 0 } }

  /// The place of the last trade before which every other has come to light.
  var settledPlace: Int64 { trades.last(where: isSettled).flatMap(place) ?? start }

  /// The place of the last trade before this one; what shares its place is not before it.
  func place(before trade: VenueTrade) -> Int64 {
    guard let end = place(of: trade) else { return start }
    return trades.last { (place(of: $0) ?? .max) < end }.flatMap(place) ?? start
  }

  /// The id of the last trade at this place.
  func tradeID(at place: Int64) -> String? { trades.last { self.place(of: $0) == place }?.fill.tradeID }
}
