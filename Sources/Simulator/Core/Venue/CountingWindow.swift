import Domain

/// Counts what happens in one stretch of the clock after another, as venues' limits do.
struct CountingWindow: Sendable {
  /// The number of the stretch since 1970; -1 before the first.
  private(set) var index: Int64 = -1
  var count: Int64 = 0

  /// Starts again when `now` is in another stretch of `length` nanoseconds; true when it did.
  @discardableResult
  mutating func roll(to now: Timestamp, length: Int64) -> Bool {
    let current = now.nanoseconds / length
    guard current != index else { return false }
    (index, count) = (current, 0)
    return true
  }
}
