import Domain
import Wire

/// Rebuilds one book from its topic: a snapshot, in chunks when it is deep, then the steps. It is whole and equals the writer's book, or it
/// is not there: every record names the top, and a book with another top is dropped until the next snapshot.
public struct BookFollower: Sendable {
  /// The book; nil from the first doubt on until a whole snapshot has come.
  public private(set) var book: OrderBook?
  /// When the newest update came in at the Ingestor.
  public private(set) var ingestTime = Timestamp.zero

  private var updateID: Int64 = .min
  private var partial = OrderBook()
  /// The chunk that must come next; 0 when no snapshot is under way.
  private var nextChunk = 0

  /// A follower that has read nothing.
  public init() {}

  /// Takes the topic's next record.
  public mutating func take(_ record: BookRecord) {
    ingestTime = max(ingestTime, record.ingestTime)
    guard record.isValid else { return drop() }
    switch record.kind {
    case .snapshot: takeChunk(record)
    case .diff:
      guard var book, record.updateID > updateID else { break }
      self.book = nil
      Self.apply(record, to: &book)
      self.book = book
      updateID = record.updateID
    case .status: break
    }
    if let book, nextChunk == 0, book.top != record.top { drop() }
  }

  /// A record could not be read: what it said is missing from here on.
  public mutating func drop() {
    book = nil
    updateID = .min
    nextChunk = 0
  }

  private mutating func takeChunk(_ record: BookRecord) {
    if record.chunk == 0 { partial.removeAll() }
    guard record.chunk == (record.chunk == 0 ? 0 : nextChunk) else { return drop() }
    Self.apply(record, to: &partial)
    nextChunk = record.chunk + 1
    guard nextChunk >= record.chunks else { return }
    book = partial
    updateID = record.updateID
    nextChunk = 0
  }

  private static func apply(_ record: BookRecord, to book: inout OrderBook) {
    for level in record.bids { book.set(.buy, price: level.price, quantity: level.quantity) }
    for level in record.asks { book.set(.sell, price: level.price, quantity: level.quantity) }
  }
}
