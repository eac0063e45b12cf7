/// What became of a push.
public enum PushResult: Sendable, Equatable {
  /// The element is in the queue.
  case pushed
  /// The queue stayed full until the time was over; the element was not taken.
  case full
  /// The queue is closed; the element was not taken.
  case closed
}

/// What a pop gave.
public enum PopResult<Element> {
  /// The oldest element.
  case element(Element)
  /// Nothing came in time.
  case timedOut
  /// The queue is closed and empty: nothing will ever come.
  case closed
}

/// A first-in first-out queue between threads that never holds more than its capacity. Full means that the pusher waits (or is
/// told): that is the back-pressure.
public final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    /// A ring: the oldest element is at `head`. It grows with what waits: a queue that is never full costs little memory.
    var ring: [Element?] = []
    var head = 0
    var count = 0
    var isClosed = false

    mutating func append(_ element: Element, capacity: Int) {
      if count == ring.count {
        ring = Array(ring[head...] + ring[..<head])
        head = 0
        ring.append(contentsOf: repeatElement(nil, count: min(max(16, count), capacity - count)))
      }
      ring[(head + count) % ring.count] = element
      count += 1
    }

    mutating func takeOldest() -> Element? {
      guard count > 0 else { return nil }
      defer {
        ring[head] = nil
        head = (head + 1) % ring.count
        count -= 1
      }
      return ring[head]
    }
  }

  private let monitor: Monitor<State>
  private let wakeup: Wakeup?

  /// The largest number of elements that the queue holds.
  public let capacity: Int

  /// A queue for at most `capacity` elements. `wakeup` is signalled at each push and at the close, for a reader that waits on
  /// several sources at once.
  public init(capacity: Int, wakeup: Wakeup? = nil) {
    precondition(capacity > 0, "a queue needs room for one element")
    self.capacity = capacity
    self.wakeup = wakeup
    monitor = Monitor(State())
  }

  /// Elements in the queue now.
  public var count: Int { monitor.withLock { $0.count } }

  /// True after `close()`.
  public var isClosed: Bool { monitor.withLock { $0.isClosed } }

  /// Adds the element; waits for room at most so long (nil: for ever, 0: not at all).
  @discardableResult
  public func push(_ element: Element, timeoutMilliseconds: Int? = nil) -> PushResult {
    let result = monitor.wait(until: Deadline(afterMilliseconds: timeoutMilliseconds)) { state -> PushResult? in
      if state.isClosed { return .closed }
      guard state.count < capacity else { return nil }
      state.append(element, capacity: capacity)
      return .pushed
    }
    if result == .pushed { wakeup?.signal() }
    return result ?? .full
  }

  /// Takes the oldest element; waits for one at most so long (nil: for ever, 0: not at all). A closed queue is emptied first.
  public func pop(timeoutMilliseconds: Int? = nil) -> PopResult<Element> {
    monitor.wait(until: Deadline(afterMilliseconds: timeoutMilliseconds)) { state -> PopResult<Element>? in
      if let element = state.takeOldest() { return .element(element) }
      return state.isClosed ? .closed : nil
    } ?? .timedOut
  }

  /// Takes everything that is there now, up to `limit`, without waiting.
  public func popAll(limit: Int = .max) -> [Element] {
    monitor.withLock(waking: true) { state in
      var elements: [Element] = []
      while elements.count < limit, let element = state.takeOldest() { elements.append(element) }
      return elements
    }
  }

  /// Ends the queue: pushes are refused from now on, pops give what is left and then `closed`.
  public func close() {
    monitor.withLock(waking: true) { $0.isClosed = true }
    wakeup?.signal()
  }
}
