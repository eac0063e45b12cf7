import IngestorCore
import Net
import Runtime

/// Where answers, and what else comes from other threads than the streams', wait for the core: bounded, and never holding up the one who
/// puts something in.
final class Inbox: Sendable {
  private static let capacity = 4_096

  private let queue = BoundedQueue<(IngestorEvent, Moment)>(capacity: capacity)
  /// Events that found no room: the core cannot go on without them.
  let droppedEvents = Counter()

  /// Adds an event.
  func offer(_ event: IngestorEvent, at time: EventTime) {
    if queue.push((event, Moment(time)), timeoutMilliseconds: 0) != .pushed { droppedEvents.add() }
  }

  /// What waits, oldest first; waits for the first at most so long.
  func take(timeoutMilliseconds: Int) -> [(IngestorEvent, Moment)] {
    guard case .element(let first) = queue.pop(timeoutMilliseconds: timeoutMilliseconds) else { return [] }
    return [first] + queue.popAll(limit: 1_024)
  }

  /// Ends a wait for good.
  func wake() { queue.close() }
}

extension Moment {
  /// The same moment in the core's terms.
  init(_ time: EventTime) {
    self.init(steady: .init(nanoseconds: time.monotonicNanoseconds), wall: time.wall)
  }
}
