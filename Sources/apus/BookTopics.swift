import Books
import Domain
import Kafka
import Wire

/// The books of one symbol at every venue, from the log.
struct BookTopics {
  /// Books as they are now, in the order of the venues' names.
  let books: [VenueBook]
  /// Venues that are known and do not list the symbol.
  let missing: [Venue]

  /// More than the time between two whole books: whoever reads from then on has a whole one.
  private static let reach = 15 * Interval.second
  /// How old a book may be to be acted on.
  static let maximumAge = 3 * Interval.second

  /// Reads the books of all venues that list `symbol`.
  init(_ symbol: Symbol, log: LogClient, at now: Timestamp) throws {
    let instruments = try log.latest(topic: Topic.instruments).values.compactMap { try? Instrument($0) }
    let venues = Set(instruments.map(\.venue)).sorted()
    let listing = venues.filter { venue in instruments.contains { $0.venue == venue && $0.symbol == symbol } }
    missing = venues.filter { !listing.contains($0) }
    guard !listing.isEmpty else { throw CommandFailure(.unreachable, "no venue lists \(symbol), as far as the log knows") }
    books = try listing.map { venue in
      var follower = BookFollower()
      try log.follow(Topic.book(venue: venue, symbol: symbol), from: now + -Self.reach) { value in
        if let value, let record = try? BookRecord(value) { follower.take(record) } else { follower.drop() }
      }
      return follower.view(venue: venue, symbol: symbol, depth: .max)
    }
  }
}

extension LogClient {
  /// Reads a topic of one partition from an instant on to its end; a topic that is not there is empty.
  func follow(_ topic: String, from instant: Timestamp, _ body: ([UInt8]?) throws -> Void) throws {
    let place = TopicPartition(topic, 0)
    let consumer = try KafkaConsumer(manual: settings)
    defer { consumer.close(timeoutMilliseconds: 500) }
    guard try consumer.partitionCount(of: topic) != nil else { return }
    let start = try consumer.offsets(at: instant, in: [place])[place] ?? 0
    try KafkaReader(settings).readPartition(topic, 0, from: start) { try body($0.value) }
  }
}
