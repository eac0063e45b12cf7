import Books
import Domain
import Kafka
import Runtime
import Wire

/// The books that `best` chooses by: followed on their topics where an account has keys at several venues, and shown to the cores when
/// they change, but not each time: at most every few hundredths of a second, and at once when a book cannot be used any more.
final class BookShelf {
  /// Levels of a side that the cores see.
  private static let depth = 100
  /// More than the time between two whole books: whoever reads from then on soon has a whole one.
  private static let reach = 15 * Interval.second

  private struct Feed {
    let venue: Venue
    let symbol: Symbol
    var follower = BookFollower()
    var isChanged = false
    var wasValid = false
  }

  private let consumer: KafkaConsumer
  private let venues: Set<Venue>
  private let logger: Logger
  private var feeds: [String: Feed] = [:]

  /// A shelf for the books of `venues`; nil for a single one, where there is nothing to choose.
  init?(venues: Set<Venue>, kafka: KafkaSettings, wakeup: Wakeup, logger: Logger) throws {
    guard venues.count > 1 else { return nil }
    self.venues = venues
    self.logger = logger
    consumer = try KafkaConsumer(manual: kafka)
    consumer.attach(wakeup)
  }

  /// Follows the book of a symbol that a venue lists, once its topic is there.
  func follow(_ instrument: Instrument) throws {
    let topic = Topic.book(venue: instrument.venue, symbol: instrument.symbol)
    guard venues.contains(instrument.venue), feeds[topic] == nil,
      try consumer.partitionCount(of: topic) != nil
    else { return }
    let place = TopicPartition(topic, 0)
    let start = try consumer.offsets(at: wallClock() + -Self.reach, in: [place])[place]
    try consumer.add([TopicPartitionOffset(place, offset: start ?? 0)])
    feeds[topic] = Feed(venue: instrument.venue, symbol: instrument.symbol)
  }

  /// Takes what has come; gives the books that cannot be used any more, which must be shown at once.
  func poll() throws -> [VenueBook] {
    var lost: [VenueBook] = []
    for _ in 0..<512 {
      switch consumer.poll(timeoutMilliseconds: 0) {
      case nil: return lost
      case .message(let message): if let book = take(message) { lost.append(book) }
      case .error(let error):
        if error.isFatal { throw error }
        // Whatever was missed, a book is whole again with its next snapshot.
        logger.warning("books: \(error)")
        for topic in feeds.keys { feeds[topic]?.follower.drop() }
        lost += takeAll()
      default: continue
      }
    }
    return lost
  }

  func close() { consumer.close(timeoutMilliseconds: 500) }

  private func take(_ message: KafkaMessage) -> VenueBook? {
    guard var feed = feeds[message.topic] else { return nil }
    defer { feeds[message.topic] = feed }
    if let value = message.value, let record = try? BookRecord(value) {
      feed.follower.take(record)
    } else {
      feed.follower.drop()
    }
    feed.isChanged = true
    guard feed.wasValid, feed.follower.book == nil else { return nil }
    return show(&feed)
  }

  /// The books that have changed since they were shown.
  func takeChanged() -> [VenueBook] { take { $0.isChanged } }

  /// All books, for a core that begins.
  func takeAll() -> [VenueBook] { take { _ in true } }

  private func take(where isWanted: (Feed) -> Bool) -> [VenueBook] {
    feeds.keys.sorted().compactMap { topic in
      guard var feed = feeds[topic], isWanted(feed) else { return nil }
      defer { feeds[topic] = feed }
      return show(&feed)
    }
  }

  private func show(_ feed: inout Feed) -> VenueBook {
    feed.isChanged = false
    feed.wasValid = feed.follower.book != nil
    return feed.follower.view(venue: feed.venue, symbol: feed.symbol, depth: Self.depth)
  }
}
