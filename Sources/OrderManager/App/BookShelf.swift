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

    /// Takes a record; the book when it cannot be used any more.
    mutating func take(_ message: KafkaMessage) -> VenueBook? {
      if let value = message.value, let record = try? BookRecord(value) {
        follower.take(record)
      } else {
        follower.drop()
      }
      isChanged = true
      return wasValid && follower.book == nil ? show() : nil
    }

    /// What the cores see of it from now on.
    mutating func show() -> VenueBook {
      isChanged = false
      wasValid = follower.book != nil
      return follower.view(venue: venue, symbol: symbol, depth: BookShelf.depth)
    }
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

  /// A book is changed where it lies: a copy of all its levels at each record would cost far more than the record.
  private func take(_ message: KafkaMessage) -> VenueBook? {
    feeds[message.topic]?.take(message)
  }

  /// The books that have changed since they were shown.
  func takeChanged() -> [VenueBook] { take { $0.isChanged } }

  /// All books, for a core that begins.
  func takeAll() -> [VenueBook] { take { _ in true } }

  private func take(where isWanted: (Feed) -> Bool) -> [VenueBook] {
    feeds.keys.sorted().compactMap { topic in
      guard let feed = feeds[topic], isWanted(feed) else { return nil }
      return feeds[topic]?.show()
    }
  }
}
