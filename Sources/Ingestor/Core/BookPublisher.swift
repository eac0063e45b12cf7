import Domain
import Venues
import Wire

/// Turns a book's life into records and views: a snapshot at the start, after each resync and every 10 s, a record for each step
/// between, at least one record a second; a view at most every 100 ms; the top of the book for people every second.
struct BookPublisher: Sendable {
  private static let snapshotInterval = 10 * Interval.second
  /// A snapshot that makes up for lost records: not more often, since what loses records would lose these, too.
  private static let repairInterval = Interval.second
  private static let statusInterval = Interval.second
  private static let viewInterval = 100 * Interval.millisecond
  /// Views are written again at least this often, so that their expiry means that nobody writes them.
  private static let quietViewInterval = 2 * Interval.second
  /// Levels of both sides in one record: at 60 bytes each, well below 200 KB.
  static let maximumChunkLevels = 3_000

  /// Decimals of shown prices.
  var priceDecimals = 0

  private let feed: Int
  private let venue: Venue
  private let symbol: Symbol
  private let shownLevels: Int
  private var owesBook = true
  /// True while readers lack a record: steps are of no use to them until the next snapshot.
  private var hasHole = false
  private var owesShow = true
  private var isDirty = true
  private var wasValid: Bool?
  private var lastSnapshot = Timestamp(nanoseconds: .min)
  private var nextStatus = Timestamp.zero
  private var nextTopLine = Timestamp.zero
  private var lastView = Timestamp(nanoseconds: .min)
  /// When the book's newest state came in: a record that says nothing new does not make it younger.
  private var ingestTime = Timestamp.zero
  private var venueTime: Timestamp?
  private var lastID: Int64 = 0

  init(feed: Int, of place: FeedPlace, shownLevels: Int) {
    self.feed = feed
    venue = place.market.venue
    symbol = place.symbol
    self.shownLevels = shownLevels
  }

  /// A step of the symbol came in, whether it was of use or not.
  mutating func heard(_ update: DepthUpdate, at now: Moment) {
    ingestTime = now.wall
    venueTime = update.eventTime == .zero ? nil : update.eventTime
  }

  /// The next record must hold the whole book.
  mutating func owesWholeBook() { owesBook = true }

  /// Readers lack a record: the next snapshot is due early.
  mutating func owesRepair() { hasHole = true }

  /// The next view must not wait for a change.
  mutating func owesView() { owesShow = true }

  /// Publishes a step that the valid book took.
  mutating func follow(_ update: DepthUpdate, _ sync: BookSync, at now: Moment, into effects: inout [IngestorEffect]) {
    isDirty = true
    lastID = update.lastID
    venueTime = update.eventTime == .zero ? nil : update.eventTime
    guard !owesBook, !hasHole else { return }  // The whole book is due, and has this step.
    nextStatus = now.steady + Self.statusInterval
    var record = record(.diff, sync)
    record.bids = update.bids
    record.asks = update.asks
    effects.append(.publish(feed: feed, record))
  }

  /// Publishes whatever is due: called on every change of validity and on every tick.
  mutating func keepUp(
    _ sync: BookSync, _ health: FeedHealth, at now: Moment, into effects: inout [IngestorEffect]
  ) {
    let isValid = sync.invalidity == nil
    let hasChanged = isValid != wasValid
    wasValid = isValid
    lastID = sync.lastID ?? lastID
    let age = now.steady - lastSnapshot
    if let book = sync.book, owesBook || age >= (hasHole ? Self.repairInterval : Self.snapshotInterval) {
      publish(book, sync, at: now, into: &effects)
    } else if hasChanged || now.steady >= nextStatus {
      nextStatus = now.steady + Self.statusInterval
      effects.append(.publish(feed: feed, record(.status, sync)))
    }
    show(sync, health, hasChanged: hasChanged, at: now, into: &effects)
    sayTop(sync, at: now, into: &effects)
  }

  /// The whole book in records of bounded size.
  private mutating func publish(_ book: OrderBook, _ sync: BookSync, at now: Moment, into effects: inout [IngestorEffect]) {
    owesBook = false
    hasHole = false
    lastSnapshot = now.steady
    nextStatus = now.steady + Self.statusInterval
    let bids = book.levels(.buy)
    let asks = book.levels(.sell)
    let levels = Self.maximumChunkLevels / 2
    let chunks = max(1, (max(bids.count, asks.count) + levels - 1) / levels)
    for chunk in 0..<chunks {
      var record = record(.snapshot, sync)
      record.bids = Array(bids.dropFirst(chunk * levels).prefix(levels))
      record.asks = Array(asks.dropFirst(chunk * levels).prefix(levels))
      record.chunk = chunk
      record.chunks = chunks
      effects.append(.publish(feed: feed, record))
    }
  }

  private mutating func show(
    _ sync: BookSync, _ health: FeedHealth, hasChanged: Bool, at now: Moment, into effects: inout [IngestorEffect]
  ) {
    let age = now.steady - lastView
    let isDue = age >= Self.quietViewInterval || (isDirty && age >= Self.viewInterval)
    guard hasChanged || owesShow || isDue else { return }
    owesShow = false
    isDirty = false
    lastView = now.steady
    var book = record(.snapshot, sync)
    book.bids = sync.book?.levels(.buy, limit: shownLevels) ?? []
    book.asks = sync.book?.levels(.sell, limit: shownLevels) ?? []
    effects.append(.show(feed: feed, FeedView(book: book, top: record(.status, sync), health: health)))
  }

  private mutating func sayTop(_ sync: BookSync, at now: Moment, into effects: inout [IngestorEffect]) {
    guard let top = sync.top, now.steady >= nextTopLine else { return }
    nextTopLine = now.steady + Interval.second
    let bid = top.bid?.price.text(decimals: priceDecimals) ?? "-"
    let ask = top.ask?.price.text(decimals: priceDecimals) ?? "-"
    let message = "Best Bid: \(bid) | Best Ask: \(ask)"
    effects.append(.log(IngestorLog(level: .info, venue: venue, symbol: symbol, message: message)))
  }

  private func record(_ kind: BookRecord.Kind, _ sync: BookSync) -> BookRecord {
    BookRecord(
      kind: kind, venue: venue, symbol: symbol, updateID: lastID, isValid: sync.invalidity == nil,
      reason: sync.invalidity?.rawValue, ingestTime: ingestTime, venueTime: venueTime,
      top: sync.top ?? TopOfBook(bid: nil, ask: nil))
  }
}
