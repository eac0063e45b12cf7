import Domain

/// Whether a signed request comes in its time: venues refuse one from more than a second ahead, and one older than its window.
enum RequestAge {
  case fresh, ahead, late

  /// Accepted when `sent < now + 1 s` and `now - sent <= window`.
  init(sent: Timestamp, windowNanoseconds: Int64, now: Timestamp) {
    let age = now - sent
    self = age <= -Interval.second ? .ahead : age <= windowNanoseconds ? .fresh : .late
  }
}
