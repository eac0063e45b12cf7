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

extension Backoff {
  /// The next delay in nanoseconds, at least `minimum`; counts one attempt.
  mutating func nextDelay(using generator: inout SeededGenerator, atLeast minimum: Int64 = 0) -> Int64 {
    max(minimum, Int64(nextDelayMilliseconds(using: &generator)) * Interval.millisecond)
  }
}
