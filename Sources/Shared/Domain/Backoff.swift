/// Exponential back-off with full jitter: the n-th delay is uniform in `0 ... min(maximum, initial × 2ⁿ)`. Pure: the caller
/// brings the random generator and does the waiting.
public struct Backoff: Sendable {
  /// The bound of the first delay, in milliseconds.
  public let initialMilliseconds: Int
  /// The bound of every delay, in milliseconds.
  public let maximumMilliseconds: Int
  /// Delays given since the last reset.
  public private(set) var attempts = 0

  /// Bounds in milliseconds; `0 < initial ≤ maximum`.
  public init(initialMilliseconds: Int = 100, maximumMilliseconds: Int = 30_000) {
    precondition(initialMilliseconds > 0 && initialMilliseconds <= maximumMilliseconds, "back-off bounds are out of order")
    self.initialMilliseconds = initialMilliseconds
    self.maximumMilliseconds = maximumMilliseconds
  }

  /// The upper bound of the next delay, in milliseconds.
  public var nextBoundMilliseconds: Int {
    // Doubling stops mattering long before 40 shifts, and must not overflow on the way there.
    let doubled = initialMilliseconds.multipliedReportingOverflow(by: 1 << min(attempts, 40))
    return doubled.overflow ? maximumMilliseconds : min(maximumMilliseconds, doubled.partialValue)
  }

  /// The next delay in milliseconds; counts one attempt.
  public mutating func nextDelayMilliseconds(using generator: inout some RandomNumberGenerator) -> Int {
    let bound = nextBoundMilliseconds
    attempts += 1
    return Int.random(in: 0...bound, using: &generator)
  }

  /// Starts over after a success.
  public mutating func reset() {
    attempts = 0
  }
}
