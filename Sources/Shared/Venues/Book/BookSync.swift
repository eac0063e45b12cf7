import Domain

/// What a venue promises about its depth stream: all that keeping a book in step with it depends on.
public struct BookRules: Sendable, Hashable {
  /// Where the whole book comes from.
  public enum Source: Sendable {
    /// From a request beside the stream: the two are joined where they meet.
    case request
    /// From the stream itself: first after every subscription, and whenever the venue sees fit.
    case stream
  }

  /// How one can tell that no step is missing.
  public enum Chain: Sendable {
    /// A step begins at most one above the last number before it.
    case numbers
    /// A step names the last number before it.
    case predecessor
  }

  /// Where the whole book comes from.
  public var source: Source
  /// How one can tell that no step is missing.
  public var chain: Chain

  /// What a venue promises.
  public init(source: Source, chain: Chain) {
    self.source = source
    self.chain = chain
  }
}

/// Keeps one symbol's book in step with its stream, by the venue's rules. Pure: events in, a `BookStep` out.
///
/// Where the whole book must be asked for: buffer the stream, fetch a snapshot, join the two where they meet, then follow the chain.
///
///     closed ──opened──► buffering ──snapshot──► joining ──first step beyond──► live
///                            ▲                      │                             │
///                            └───── too old, gap, damaged, crossed ◄──────────────┘
///
/// Where the stream brings it, steps before it are of no use, and it leads to `live` from anywhere.
///
/// `wantsSnapshot` stays true for as long as a whole book is needed, however often one is lost; asking (by request or by a new
/// subscription), and not too often, is the caller's part. The book can be read only while it is valid.
public struct BookSync: Sendable {
  /// Bounds of one book.
  public struct Limits: Sendable, Hashable {
    /// Steps kept while waiting for a snapshot; beyond it the oldest half is dropped (and an older snapshot no longer fits).
    public var maximumBufferedUpdates = 300
    /// Nothing received for this long makes the book invalid, in nanoseconds.
    public var silence: Int64 = 10 * Interval.second

    /// The usual bounds.
    public init() {}
  }

  private enum State: Sendable {
    /// No stream.
    case closed
    /// The stream is open and is collected until a snapshot comes.
    case buffering([DepthUpdate])
    /// The snapshot up to `base` is loaded; no step has reached beyond it yet.
    case joining(base: Int64)
    /// Complete up to the stream's `last`. Steps up to `base`, a later snapshot's, are checked but not applied.
    case live(last: Int64, base: Int64)
  }

  /// What the venue promises.
  public let rules: BookRules
  /// What the book has been through.
  public private(set) var counts = BookCounts()
  /// Why the book is not served; nil while it is valid.
  public private(set) var invalidity: BookInvalidity? = .starting
  private let limits: Limits
  private var state = State.closed
  private var storage = OrderBook()
  private var lastHeard = Timestamp.zero

  /// A book without a stream.
  public init(rules: BookRules, limits: Limits = Limits()) {
    self.rules = rules
    self.limits = limits
  }

  /// The book, or nil while it is not valid.
  public var book: OrderBook? { invalidity == nil ? storage : nil }

  /// The best levels, or nil while the book is not valid.
  public var top: TopOfBook? { invalidity == nil ? storage.top : nil }

  /// Number of the last change that is in the book, or nil while it is not valid.
  public var lastID: Int64? {
    guard invalidity == nil, case .live(let last, let base) = state else { return nil }
    return max(last, base)
  }

  /// True while only a snapshot can help.
  public var wantsSnapshot: Bool {
    if case .buffering = state { return true }
    return false
  }

  /// The stream is open: everything from now on will arrive.
  public mutating func opened(at time: Timestamp) -> BookStep {
    state = .buffering([])
    lastHeard = time
    return invalidate(.starting)
  }

  /// The stream is gone.
  public mutating func closed() -> BookStep {
    state = .closed
    return invalidate(.disconnected)
  }

  /// A frame came that cannot be read: what it said is lost.
  public mutating func damaged(at time: Timestamp) -> BookStep {
    if case .closed = state { return .nothing }
    lastHeard = time
    counts.gaps += 1
    return restart(.damaged, with: nil)
  }

  /// Time has passed.
  public mutating func tick(at time: Timestamp) -> BookStep {
    if case .closed = state { return .nothing }
    guard time - lastHeard > limits.silence else { return .nothing }
    return invalidity == nil ? restart(.silent, with: nil) : .nothing
  }

  /// True when the stream is open and has been silent beyond the limit: the connection is dead, whatever TCP says.
  public func isSilent(at time: Timestamp) -> Bool {
    if case .closed = state { return false }
    return time - lastHeard > limits.silence
  }

  /// A step came, or a whole book.
  public mutating func receive(_ update: DepthUpdate, at time: Timestamp) -> BookStep {
    if case .closed = state { return .nothing }
    lastHeard = time
    counts.received += 1
    return take(update)
  }

  /// Takes a step that `load` has handed back.
  public mutating func resume(_ update: DepthUpdate) -> BookStep { take(update) }

  private mutating func take(_ update: DepthUpdate) -> BookStep {
    if update.isWhole { return replace(by: update) }
    switch state {
    case .closed: return .nothing
    case .buffering(var buffer):
      guard rules.source == .request else {
        counts.stale += 1
        return .nothing
      }
      state = .closed  // The buffer has one owner while it grows.
      collect(update, in: &buffer)
      state = .buffering(buffer)
      return .nothing
    case .joining(let base): return join(update, base: base)
    case .live(let last, let base): return follow(update, last: last, base: base)
    }
  }

  /// A snapshot came, asked for or not. One that is older than the book changes nothing.
  public mutating func receive(_ snapshot: DepthSnapshot) -> BookStep {
    let (first, waiting) = load(snapshot)
    var step = first
    for update in waiting {
      let next = resume(update)
      if next != .applied, next != .nothing { step = next }
    }
    return step
  }

  /// Takes a snapshot as `receive` does, but leaves the steps that have waited for it to the caller, who must `resume` with each of them,
  /// oldest first, before anything else: so that each can be followed.
  public mutating func load(_ snapshot: DepthSnapshot) -> (step: BookStep, waiting: ArraySlice<DepthUpdate>) {
    switch state {
    case .closed, .joining: return (.nothing, [])
    case .buffering(let buffer): return (.nothing, start(from: snapshot, buffer))
    case .live(let last, let base):
      guard snapshot.lastID >= max(last, base) else { return (.nothing, []) }
      storage.load(bids: snapshot.bids, asks: snapshot.asks)
      state = .live(last: last, base: snapshot.lastID)
      return (afterChange(.becameValid), [])
    }
  }

  /// True when a step more would cost an older one.
  public var isBufferFull: Bool {
    guard case .buffering(let buffer) = state else { return false }
    return buffer.count >= limits.maximumBufferedUpdates
  }

  /// The stream brought a whole book: it counts whatever was known before, numbers that begin anew included.
  private mutating func replace(by update: DepthUpdate) -> BookStep {
    storage.load(bids: update.bids, asks: update.asks)
    state = .live(last: update.lastID, base: update.lastID)
    return afterChange(.becameValid)
  }

  private mutating func start(from snapshot: DepthSnapshot, _ buffer: [DepthUpdate]) -> ArraySlice<DepthUpdate> {
    let fresh = buffer.drop { isStale($0, after: snapshot.lastID) }
    if let first = fresh.first, !joins(first, snapshot.lastID) { return [] }  // Older than what was collected: another one.
    counts.stale += buffer.count - fresh.count
    storage.load(bids: snapshot.bids, asks: snapshot.asks)
    state = .joining(base: snapshot.lastID)
    return fresh
  }

  private mutating func join(_ update: DepthUpdate, base: Int64) -> BookStep {
    if isStale(update, after: base) {
      counts.stale += 1
      return .nothing
    }
    guard joins(update, base) else { return restart(.starting, with: update) }
    storage.apply(update)
    counts.applied += 1
    state = .live(last: update.lastID, base: base)
    return afterChange(.becameValid)
  }

  private mutating func follow(_ update: DepthUpdate, last: Int64, base: Int64) -> BookStep {
    guard update.lastID > last else {
      counts.stale += 1
      return .nothing
    }
    guard chains(update, to: last) else {
      counts.gaps += 1
      return restart(.gap, with: update)
    }
    state = .live(last: update.lastID, base: base)
    guard update.lastID > base else {
      counts.stale += 1
      return .nothing
    }
    storage.apply(update)
    counts.applied += 1
    return afterChange(.applied)
  }

  /// Adds a step to the buffer; a break within the buffer leaves only what came after it.
  private mutating func collect(_ update: DepthUpdate, in buffer: inout [DepthUpdate]) {
    if let last = buffer.last?.lastID {
      guard update.lastID > last else {
        counts.stale += 1
        return
      }
      if !chains(update, to: last) {
        counts.gaps += 1
        buffer.removeAll()
      }
    }
    if buffer.count >= limits.maximumBufferedUpdates { buffer.removeFirst((buffer.count + 1) / 2) }
    buffer.append(update)
  }

  /// The last check of every change: a crossed book is never served.
  private mutating func afterChange(_ step: BookStep) -> BookStep {
    guard !storage.isCrossed else {
      counts.gaps += 1
      return restart(.crossed, with: nil)
    }
    guard invalidity != nil else { return step }
    invalidity = nil
    counts.synchronisations += 1
    return .becameValid
  }

  /// Begins to collect anew, for the next snapshot.
  private mutating func restart(_ reason: BookInvalidity, with update: DepthUpdate?) -> BookStep {
    state = .buffering(update.map { [$0] } ?? [])
    return invalidate(reason)
  }

  private mutating func invalidate(_ reason: BookInvalidity) -> BookStep {
    let wasValid = invalidity == nil
    invalidity = reason
    return wasValid ? .becameInvalid(reason) : .nothing
  }

  /// True when a snapshot up to `id` has all that is in `update`. Where steps name their predecessor, the one that ends exactly there is
  /// kept, since the chain hangs on it.
  private func isStale(_ update: DepthUpdate, after id: Int64) -> Bool {
    rules.chain == .numbers ? update.lastID <= id : update.lastID < id
  }

  /// True when `update`, not stale, takes up where a snapshot up to `id` ends.
  private func joins(_ update: DepthUpdate, _ id: Int64) -> Bool {
    rules.chain == .numbers ? update.firstID <= id + 1 : update.firstID <= id
  }

  /// True when nothing is missing between the step that ended at `last` and `update`.
  private func chains(_ update: DepthUpdate, to last: Int64) -> Bool {
    rules.chain == .numbers ? update.firstID <= last + 1 : update.previousID == last
  }
}
