import Domain

/// When the next round at a venue may begin, so that rounds keep within four fifths of the venue's limits however many accounts there are
/// and however often each would like its turn. A few may follow one another at once, when something is to be settled; what they took in
/// advance is waited for afterwards.
public struct RoundPace: Sendable {
  /// How far ahead rounds may run, in nanoseconds. With a fifth of every limit to spare, a quarter of a minute's limit would be too far.
  static let advance = 10 * Interval.second

  /// The instant up to which the limits have been used. On the monotonic clock, in nanoseconds.
  private var usedUntil = Int64.min / 2

  /// A pace without any rounds behind it.
  public init() {}

  /// True when a round may begin at this instant of the monotonic clock.
  public func allowsRound(at now: Int64) -> Bool { usedUntil - now <= Self.advance }

  /// A round began at an instant and cost so many nanoseconds of the limits.
  public mutating func add(_ price: Int64, from start: Int64) { usedUntil = max(usedUntil, start) + price * 5 / 4 }
}
