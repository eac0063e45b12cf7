import Domain

/// What waits to be asked of a venue.
enum Intent: Sendable {
  case place(ChildRef)
  case cancel(ChildRef)
  case inquire(ChildRef)
  case fetchFills(ChildRef)
  /// Look up all open orders of a symbol at once.
  case sweep(Symbol)
  case balances
}

/// The requests of one account at one venue: cancels go before orders, orders before questions, and each kind leaves room for the
/// kinds before it.
struct VenueLanes: Sendable {
  private var cancels = Queue<Intent>()
  private var orders = Queue<Intent>()
  private var queries = Queue<Intent>()
  private(set) var underWay = 0
  /// The venue wants silence until then.
  var pausedUntil = Timestamp.zero
  /// How often in a row the venue has asked for silence.
  var pauses = 0
  /// The venue lets the account trade.
  var accountMayTrade = true
  /// When the account was last asked for.
  var accountAskedAt = Timestamp.zero
  /// The private stream is up.
  var isConnected = false
  /// The last look at the open orders failed.
  var mustSweep = false
  /// When open orders were last looked up.
  var sweptAt = Timestamp.zero

  mutating func add(_ intent: Intent) {
    switch intent {
    case .cancel: cancels.add(intent)
    case .place: orders.add(intent)
    case .inquire, .fetchFills, .sweep, .balances: queries.add(intent)
    }
  }

  /// The next request, if one may go now with at most `limit` under way.
  mutating func take(at now: Timestamp, limit: Int, mayTrade: Bool) -> Intent? {
    guard now >= pausedUntil else { return nil }
    if mayTrade, underWay < limit, let intent = cancels.take() { return intent }
    if mayTrade, underWay < limit * 3 / 4, let intent = orders.take() { return intent }
    if underWay < max(1, limit / 2) { return queries.take() }
    return nil
  }

  mutating func begin() { underWay += 1 }
  mutating func finish() { underWay -= 1 }

  /// Places that wait: a halt ends them without a wire call.
  var waitingPlaces: [ChildRef] {
    orders.elements.compactMap { if case .place(let ref) = $0 { ref } else { nil } }
  }
}

/// First in, first out.
struct Queue<Element: Sendable>: Sendable {
  private var storage: [Element] = []
  private var head = 0

  var elements: ArraySlice<Element> { storage[head...] }

  mutating func add(_ element: Element) { storage.append(element) }

  mutating func take() -> Element? {
    guard head < storage.count else { return nil }
    defer {
      head += 1
      if head > 64, head > storage.count / 2 {
        storage.removeFirst(head)
        head = 0
      }
    }
    return storage[head]
  }
}
