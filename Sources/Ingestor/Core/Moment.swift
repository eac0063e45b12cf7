import Domain

/// When an event reached the core, read from both clocks at once.
public struct Moment: Sendable, Hashable {
  /// Monotonic: ages, limits and delays are measured in it.
  public var steady: Timestamp
  /// UTC: what records carry.
  public var wall: Timestamp

  /// A moment; never earlier than the one before it, in either clock, by the time the core has it.
  public init(steady: Timestamp, wall: Timestamp) {
    self.steady = steady
    self.wall = wall
  }

  /// The later of both, clock by clock: time does not go back.
  func notBefore(_ other: Moment) -> Moment {
    Moment(steady: max(steady, other.steady), wall: max(wall, other.wall))
  }
}

/// How long to wait before trying again: exponential with full jitter, so that many feeds that failed together do not return together.
struct RetryDelay: Sendable {
  /// Bound of the first delay, in nanoseconds.
  let initial: Int64
  /// Bound of every delay, in nanoseconds.
  let maximum: Int64
  /// Failures since the last success.
  private(set) var failures = 0

  init(initial: Int64, maximum: Int64) {
    self.initial = initial
    self.maximum = maximum
  }

  /// The next delay, uniform in 0 … min(maximum, initial · 2^failures), and at least `minimum`.
  mutating func next(using generator: inout SeededGenerator, atLeast minimum: Int64 = 0) -> Int64 {
    let bound = failures < 30 ? min(maximum, initial << Int64(failures)) : maximum
    failures += 1
    return max(minimum, Int64.random(in: 0...bound, using: &generator))
  }

  mutating func reset() { failures = 0 }
}
