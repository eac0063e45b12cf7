import Domain

/// Why a book is not served.
public enum BookInvalidity: String, Sendable, CaseIterable {
  /// Not complete yet: no snapshot has met the stream.
  case starting
  /// Steps are missing.
  case gap
  /// The best bid is at or above the best ask.
  case crossed
  /// A frame that cannot be read: nobody knows what it said.
  case damaged
  /// Nothing has come for longer than the limit.
  case silent
  /// The connection is gone.
  case disconnected
}

/// What an event did to a book. A book that has become invalid stays so until `becameValid`.
public enum BookStep: Sendable, Equatable {
  /// Nothing that anybody outside would see.
  case nothing
  /// The book, valid before and after, took the step.
  case applied
  /// The book is complete and may be used. It was built from a snapshot: whoever follows it step by step begins anew.
  case becameValid
  /// The book must not be used any more.
  case becameInvalid(BookInvalidity)
}

/// What a book has been through. Never decreases.
public struct BookCounts: Sendable, Hashable {
  /// Steps that came, stale ones included.
  public var received = 0
  /// Steps applied, those from the buffer included.
  public var applied = 0
  /// Steps dropped because the book had them already.
  public var stale = 0
  /// Breaks noticed: missing steps, damaged frames, crossed books.
  public var gaps = 0
  /// Times the book became valid: the first time, then once per resync.
  public var synchronisations = 0

  /// Times the book became valid again.
  public var resyncs: Int { max(0, synchronisations - 1) }

  /// Nothing yet.
  public init() {}
}
