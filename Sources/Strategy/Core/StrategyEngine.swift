import Books
import Domain
import Wire

/// Stands between the log and a strategy: follows the books, picks out the strategy's own orders, and hands on what the strategy asks for.
public struct StrategyEngine: Sendable {
  /// A book whose newest update is older than this is not shown, in nanoseconds.
  public static let maximumBookAge = 2 * Interval.second
  /// Levels a side of a consolidated book.
  public static let consolidatedDepth = 20

  private struct Feed: Sendable {
    let venue: Venue
    let symbol: Symbol
    var follower = BookFollower()
    /// The strategy has been shown a book and not been told that it is lost.
    var isShown = false
  }

  private var strategy: any Strategy
  private var desk: OrderDesk
  private var feeds: [Feed]
  private var now = Timestamp.zero

  /// An engine for one strategy and the books that it follows.
  public init(_ strategy: any Strategy, desk: OrderDesk, feeds: [(venue: Venue, symbol: Symbol)]) {
    self.strategy = strategy
    self.desk = desk
    self.feeds = feeds.map { Feed(venue: $0.venue, symbol: $0.symbol) }
  }

  /// Takes the next record of a book topic; nil for one that cannot be read. Gives the orders to send.
  public mutating func take(book record: BookRecord?, ofFeed index: Int, at time: Timestamp) -> [OrderRequest] {
    advance(to: time)
    if let record { feeds[index].follower.take(record) } else { feeds[index].follower.drop() }
    show(index, isNews: record?.kind != .status)
    consolidate(feeds[index].symbol)
    return desk.takeRequests()
  }

  /// Takes an event of any order; only those of this strategy are shown to it. While it restores, before any book, what it asks for is
  /// dropped: those requests were made, or not, by an earlier run.
  public mutating func take(_ event: OrderEvent, at time: Timestamp, isRestoring: Bool = false) -> [OrderRequest] {
    advance(to: time)
    guard event.account == desk.account, desk.owns(event.clientOrderID) else { return [] }
    strategy.handle(.execution(event), at: now, desk: &desk)
    let requests = desk.takeRequests()
    return isRestoring ? [] : requests
  }

  /// Takes a refusal of any order; only those of this strategy are shown to it.
  public mutating func take(_ rejection: Rejection, at time: Timestamp) -> [OrderRequest] {
    advance(to: time)
    guard rejection.account == desk.account, desk.owns(rejection.clientOrderID) else { return [] }
    strategy.handle(.rejected(rejection), at: now, desk: &desk)
    return desk.takeRequests()
  }

  /// Time passes: books grow old.
  public mutating func tick(at time: Timestamp) -> [OrderRequest] {
    advance(to: time)
    for index in feeds.indices { show(index, isNews: false) }
    for index in feeds.indices where feeds.firstIndex(where: { $0.symbol == feeds[index].symbol }) == index {
      consolidate(feeds[index].symbol)
    }
    strategy.handle(.timer, at: now, desk: &desk)
    return desk.takeRequests()
  }

  private mutating func show(_ index: Int, isNews: Bool) {
    let feed = feeds[index]
    let isYoung = now - feed.follower.ingestTime <= Self.maximumBookAge
    if let book = feed.follower.book, isYoung {
      guard isNews || !feed.isShown else { return }
      feeds[index].isShown = true
      strategy.handle(.book(feed.venue, feed.symbol, book), at: now, desk: &desk)
    } else if feed.isShown {
      feeds[index].isShown = false
      strategy.handle(.bookLost(feed.venue, feed.symbol), at: now, desk: &desk)
    }
  }

  /// Shows the books of a symbol as one, where it is followed at several venues. Those that cannot be acted on are left out.
  private mutating func consolidate(_ symbol: Symbol) {
    let same = feeds.filter { $0.symbol == symbol }
    guard same.count > 1 else { return }
    let views = same.map { $0.follower.view(venue: $0.venue, symbol: symbol, depth: Self.consolidatedDepth) }
    let book = ConsolidatedBook(views, at: now, maximumAge: Self.maximumBookAge, depth: Self.consolidatedDepth)
    strategy.handle(.consolidated(symbol, book), at: now, desk: &desk)
  }

  private mutating func advance(to time: Timestamp) { now = max(now, time) }
}
