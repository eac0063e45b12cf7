import Runtime

/// A bounded queue in which the newest value of a key replaces an older one and keeps its place.
final class LatestValueQueue: Sendable {
  struct Write: Sendable, Equatable {
    let key: String
    let commands: [RedisCommand]
  }

  private struct State {
    var commands: [String: [RedisCommand]] = [:]
    /// Keys in the order of their first waiting write; those before `head` are gone.
    var order: [String] = []
    var head = 0
    var dropped = false
    var isWoken = false
  }

  private let monitor = Monitor(State())
  private let capacity: Int
  private let coalesced: Counter
  private let dropped: Counter

  init(capacity: Int, coalesced: Counter, dropped: Counter) {
    self.capacity = capacity
    self.coalesced = coalesced
    self.dropped = dropped
  }

  var count: Int { monitor.withLock { $0.commands.count } }

  func put(_ key: String, _ commands: [RedisCommand]) {
    monitor.withLock(waking: true) { state in
      if state.commands[key] != nil {
        state.commands[key] = commands
        coalesced.add()
      } else if state.commands.count < capacity {
        state.commands[key] = commands
        state.order.append(key)
      } else {
        state.dropped = true
        dropped.add()
      }
    }
  }

  /// Takes the oldest writes; waits for the first.
  func take(limit: Int, timeoutMilliseconds: Int) -> [Write] {
    monitor.wait(until: Deadline(afterMilliseconds: timeoutMilliseconds)) { state -> [Write]? in
      guard state.head < state.order.count else {
        defer { state.isWoken = false }
        return state.isWoken ? [] : nil
      }
      let keys = state.order[state.head..<min(state.head + limit, state.order.count)]
      let writes = keys.map { Write(key: $0, commands: state.commands.removeValue(forKey: $0) ?? []) }
      state.head += writes.count
      if state.head > state.order.count / 2 {
        state.order.removeFirst(state.head)
        state.head = 0
      }
      return writes
    } ?? []
  }

  /// Returns writes that were not carried out to the front, unless newer ones wait. The capacity may be exceeded by one batch.
  func putBack(_ writes: [Write]) {
    monitor.withLock { state in
      let kept = writes.filter { state.commands[$0.key] == nil }
      for write in kept { state.commands[write.key] = write.commands }
      state.order.insert(contentsOf: kept.map(\.key), at: state.head)
    }
  }

  /// True when writes were dropped since the last call.
  func takeDropped() -> Bool {
    monitor.withLock { state in
      defer { state.dropped = false }
      return state.dropped
    }
  }

  /// Ends one wait.
  func wake() {
    monitor.withLock(waking: true) { $0.isWoken = true }
  }
}
