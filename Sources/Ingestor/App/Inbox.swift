import IngestorCore
import Net
import Runtime

/// Where everything that happens waits for the core's thread: bounded, and never holding up the one who puts something in.
final class Inbox: Sendable {
  /// Frames that may wait; at ten frames a second and symbol this is minutes.
  private static let capacity = 16_384

  private let queue = BoundedQueue<(IngestorEvent, Moment)>(capacity: capacity)
  /// Frames that found no room. The books notice: their numbers do not follow each other.
  let droppedFrames = Counter()
  /// Other events that found no room: the core cannot go on without them.
  let droppedEvents = Counter()

  /// Adds an event. A frame that finds no room is dropped and counted.
  func offer(_ event: IngestorEvent, at time: EventTime) {
    guard queue.push((event, Moment(time)), timeoutMilliseconds: 0) != .pushed else { return }
    if case .frame = event { droppedFrames.add() } else { droppedEvents.add() }
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
