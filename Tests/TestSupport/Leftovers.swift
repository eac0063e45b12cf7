import Glibc
import Synchronization

/// What the tests have not cleaned up when they end, such as servers that a whole suite shares.
final class Leftovers: Sendable {
  static let shared = Leftovers()

  private struct State {
    var children: [pid_t: Int32] = [:]
    var directories: Set<String> = []
  }

  private let state = Mutex(State())

  private init() {
    atexit { Leftovers.shared.cleanUp() }
  }

  func add(_ child: pid_t, endedBy signal: Int32) { state.withLock { $0.children[child] = signal } }
  func remove(_ child: pid_t) { state.withLock { _ = $0.children.removeValue(forKey: child) } }
  func add(directory: String) { state.withLock { _ = $0.directories.insert(directory) } }
  func remove(directory: String) { state.withLock { _ = $0.directories.remove(directory) } }

  private func cleanUp() {
    let left = state.withLock { $0 }
    for (child, signal) in left.children { kill(child, signal) }
    for child in left.children.keys {
      if !waitUntil(timeoutMilliseconds: 3_000, { waitpid(child, nil, WNOHANG) == child }) {
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
      }
    }
    for directory in left.directories { TemporaryDirectory.removeAll(directory) }
  }
}
