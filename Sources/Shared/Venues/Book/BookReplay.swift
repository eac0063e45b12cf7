import Domain
import Wire

/// Feeds recorded traffic to the book of one symbol, exactly as the live feed would. Records are JSON lines in time order:
/// `{"t":"connect|send|recv|http","conn":…,"ts":…,"addr"|"url":…,"data":"the frame or body"}`; an `http` record is the reply that a
/// request got at that moment.
public protocol BookReplay: Sendable {
  /// True once anything about the symbol was seen.
  var hasSeenSymbol: Bool { get }
  /// The book, or nil while it is not valid.
  var book: OrderBook? { get }
  /// What the book has been through.
  var counts: BookCounts { get }
  /// Number of the last change in the book, or nil while it is not valid.
  var lastID: Int64? { get }
  /// Takes the next record. Throws when the line is no record; the book is then as before.
  mutating func take(line: [UInt8]) throws(ReplyError)
  /// A record was there and cannot be read: it may have been a frame of the symbol.
  mutating func lose()
}

extension BookReplay {
  /// The result as `{"bids":[["price","quantity"],…],"asks":…,"bid_levels":…,"ask_levels":…,"gaps":…,"resyncs":…,"valid":…}` with up
  /// to `depth` best levels a side; an invalid book has none.
  public func summary(depth: Int = 5) -> [UInt8] {
    let book = book
    return JSONWriter.object { writer in
      writer.name("bids")
      writer.levels(book?.levels(.buy, limit: depth) ?? [])
      writer.name("asks")
      writer.levels(book?.levels(.sell, limit: depth) ?? [])
      writer.member("bid_levels", book?.count(.buy) ?? 0)
      writer.member("ask_levels", book?.count(.sell) ?? 0)
      writer.member("gaps", counts.gaps)
      writer.member("resyncs", counts.resyncs)
      writer.member("valid", book != nil)
    }
  }
}
