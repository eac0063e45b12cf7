import LocalKafkaCore
import Runtime

/// Brings logs to the medium on a thread of its own: a slow disk holds up no acknowledgement.
final class Flusher: Sendable {
  private let queue = BoundedQueue<[Synchronization]>(capacity: 1)

  /// Whether it has nothing left to begin with.
  var isIdle: Bool { queue.count == 0 }

  /// Hands over what is to be synchronized; only while `isIdle`, and from one thread.
  func flush(_ work: [Synchronization]) {
    guard !work.isEmpty else { return }
    let result = queue.push(work, timeoutMilliseconds: 0)
    precondition(result == .pushed || queue.isClosed, "work is handed over only while there is room")
  }

  /// Works until `close`. A failure ends it: what was promised to be on disk is not.
  func run() throws {
    while case .element(let work) = queue.pop() {
      for synchronize in work { try synchronize() }
    }
  }

  func close() { queue.close() }
}
