import Domain
import Wire

/// The upper part of one venue's book at one instant: what prices are compared by.
public struct VenueBook: Hashable, Sendable {
  /// Whose book.
  public var venue: Venue
  /// What it trades.
  public var symbol: Symbol
  /// False from the first doubt on until the book is whole again.
  public var isValid: Bool
  /// When its newest update came in.
  public var time: Timestamp
  /// Best first.
  public var bids: [BookLevel]
  /// Best first.
  public var asks: [BookLevel]

  /// A view; the levels are best first.
  public init(
    venue: Venue, symbol: Symbol, isValid: Bool = true, time: Timestamp, bids: [BookLevel] = [], asks: [BookLevel] = []
  ) {
    self.venue = venue
    self.symbol = symbol
    self.isValid = isValid
    self.time = time
    self.bids = bids
    self.asks = asks
  }

  /// Why nobody may act on a book.
  public enum Flaw: String, Sendable {
    /// The venue's stream is broken, or the book is crossed.
    case invalid
    /// Nothing has come for too long.
    case stale
    /// There are no levels on a side that is needed.
    case empty
  }

  /// What is wrong with the book at `now`; nil for one to act on.
  public func flaw(at now: Timestamp, maximumAge: Int64) -> Flaw? {
    if !isValid { return .invalid }
    if let bid = bids.first, let ask = asks.first, bid.price >= ask.price { return .invalid }
    if now - time > maximumAge { return .stale }
    return bids.isEmpty && asks.isEmpty ? .empty : nil
  }

  /// The levels that an order of `side` takes from.
  public func levels(takenBy side: Side) -> [BookLevel] { side == .buy ? asks : bids }
}

extension BookFollower {
  /// The best `depth` levels a side of the followed book; invalid while it is not whole.
  public func view(venue: Venue, symbol: Symbol, depth: Int) -> VenueBook {
    VenueBook(
      venue: venue, symbol: symbol, isValid: book != nil, time: ingestTime, bids: book?.levels(.buy, limit: depth) ?? [],
      asks: book?.levels(.sell, limit: depth) ?? [])
  }
}
