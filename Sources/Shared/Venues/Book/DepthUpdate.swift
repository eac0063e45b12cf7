import Domain

/// One step of a book: the absolute quantities at the prices that changed. Kept by the reader and filled again for every frame, so that
/// its arrays are allocated once.
public struct DepthUpdate: Sendable, Hashable {
  /// The venue's spelling of the symbol.
  public var venueSymbol = ""
  /// Number of the first change in here.
  public var firstID: Int64 = 0
  /// Number of the last change in here; not below `firstID`.
  public var lastID: Int64 = 0
  /// Number of the last change before this step, on venues that say it.
  public var previousID: Int64?
  /// True when this is the whole book, which replaces whatever was known.
  public var isWhole = false
  /// The venue's time of it.
  public var eventTime = Timestamp.zero
  /// Bids that changed; a zero quantity means that the level is gone.
  public var bids: [BookLevel] = []
  /// Asks that changed; a zero quantity means that the level is gone.
  public var asks: [BookLevel] = []

  /// An empty step, to be filled.
  public init() {}

  /// Forgets all but the memory.
  public mutating func removeAll() {
    firstID = 0
    lastID = 0
    previousID = nil
    isWhole = false
    eventTime = .zero
    bids.removeAll(keepingCapacity: true)
    asks.removeAll(keepingCapacity: true)
  }
}

/// A whole book at one moment.
public struct DepthSnapshot: Sendable, Hashable {
  /// Number of the last change that is in it.
  public var lastID: Int64 = 0
  /// Bids, best first.
  public var bids: [BookLevel] = []
  /// Asks, best first.
  public var asks: [BookLevel] = []

  /// An empty snapshot, to be filled.
  public init() {}
}

extension OrderBook {
  /// Makes this the book of these levels, best first.
  mutating func load(bids: [BookLevel], asks: [BookLevel]) {
    removeAll()
    // Worst first: each next level then goes to the end of its array.
    for level in bids.reversed() { set(.buy, price: level.price, quantity: level.quantity) }
    for level in asks.reversed() { set(.sell, price: level.price, quantity: level.quantity) }
  }

  /// Takes one step.
  mutating func apply(_ update: DepthUpdate) {
    for level in update.bids { set(.buy, price: level.price, quantity: level.quantity) }
    for level in update.asks { set(.sell, price: level.price, quantity: level.quantity) }
  }
}
