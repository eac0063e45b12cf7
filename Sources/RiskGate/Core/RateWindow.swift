import Domain

/// The approvals of the last second.
struct RateWindow: Sendable {
  private var times = Queue<Timestamp>()

  init() {}

  init(_ times: [Timestamp]) { self.times = Queue(times) }

  /// Approvals in `(now − 1000 ms, now]`; forgets the older ones.
  mutating func count(at now: Timestamp) -> Int {
    while let oldest = times.first, now - oldest >= Interval.second { _ = times.popFirst() }
    return times.count
  }

  mutating func add(_ time: Timestamp) { times.append(time) }

  /// The approvals that count at `now`, oldest first.
  func times(at now: Timestamp) -> [Timestamp] { times.filter { now - $0 < Interval.second } }
}
