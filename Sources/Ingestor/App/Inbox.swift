import IngestorCore
import Net
import Runtime
import Synchronization

/// Where everything that happens waits for the core's thread: bounded, and never holding up the one who puts something in.
final class Inbox: Sendable {
  /// Frames that may wait; at ten frames a second and symbol this is minutes.
  private static let capacity = 16_384

  private let queue = BoundedQueue<(IngestorEvent, Moment)>(capacity: capacity)
  /// Frames that found no room.
  let droppedFrames = Counter()
  /// The feeds that they were of, until the core can be told of it, in its place between the frames.
  private let droppedFeeds = Mutex<Set<Int>>([])
  /// Other events that found no room: the core cannot go on without them.
  let droppedEvents = Counter()

  /// Adds an event. A frame that finds no room is dropped and counted.
  func offer(_ event: IngestorEvent, at time: EventTime) {
    tellOfDrops(at: time)
    guard !push(event, at: time) else { return }
    if case .frame(let link, _) = event {
      droppedFrames.add()
      droppedFeeds.withLock { _ = $0.insert(link.feed) }
    } else {
      droppedEvents.add()
    }
  }

  private func tellOfDrops(at time: EventTime) {
    let feeds = droppedFeeds.withLock { feeds in
      defer { feeds.removeAll() }
      return feeds
    }
    for feed in feeds where !push(.framesDropped(feed: feed), at: time) { droppedFeeds.withLock { _ = $0.insert(feed) } }
  }

  private func push(_ event: IngestorEvent, at time: EventTime) -> Bool {
    queue.push((event, Moment(time)), timeoutMilliseconds: 0) == .pushed
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
