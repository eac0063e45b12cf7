import Synchronization

/// A one-way switch that threads can ask (`isSet`, one atomic load), wait on, and be called back by. Once set it stays set.
public final class Latch: Sendable {
  private struct State {
    var callbacks: [@Sendable () -> Void] = []
    var isSet = false
  }

  private let flag = Atomic<Bool>(false)
  private let monitor = Monitor(State())

  /// A latch that is not set.
  public init() {}

  /// True after `set()`.
  public var isSet: Bool { flag.load(ordering: .acquiring) }

  /// Sets the latch, wakes the waiters and runs the callbacks on this thread. Only the first call does anything.
  public func set() {
    let callbacks = monitor.withLock(waking: true) { state in
      state.isSet = true
      flag.store(true, ordering: .releasing)
      defer { state.callbacks = [] }
      return state.callbacks
    }
    for callback in callbacks { callback() }
  }

  /// Waits until the latch is set; false when the time is over first. nil waits for ever.
  @discardableResult
  public func wait(timeoutMilliseconds: Int? = nil) -> Bool {
    if isSet { return true }
    return monitor.wait(until: Deadline(afterMilliseconds: timeoutMilliseconds)) { $0.isSet ? true : nil } ?? false
  }

  /// Runs the callback when the latch is set, or at once when it is already. Callbacks must be short and must not block.
  public func onSet(_ callback: @escaping @Sendable () -> Void) {
    let already = monitor.withLock { state in
      if !state.isSet { state.callbacks.append(callback) }
      return state.isSet
    }
    if already { callback() }
  }
}
