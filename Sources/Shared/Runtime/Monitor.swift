import Glibc

/// State under a lock, with a condition to wait on: the one place where threads block on each other.
/// Sendable because every access to the state happens inside the lock.
public final class Monitor<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state: State

  /// A lock around the state.
  public init(_ state: sending State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the state; wakes every waiter when `waking`.
  public func withLock<Result>(waking: Bool = false, _ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    let result = try body(&state)
    if waking { pthread_cond_broadcast(condition) }
    return result
  }

  /// Runs `attempt` under the lock until it gives a value or the deadline passes (then nil). Other waiters are woken after a
  /// success, since that may be what they wait for.
  public func wait<Result>(until deadline: Deadline, _ attempt: (inout State) -> Result?) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = attempt(&state) {
        pthread_cond_broadcast(condition)
        return result
      }
      if deadline.isPast { return nil }
      if deadline.nanoseconds == .max {
        pthread_cond_wait(condition, mutex)
      } else {
        var time = timespec(
          tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &time)
      }
    }
  }
}
