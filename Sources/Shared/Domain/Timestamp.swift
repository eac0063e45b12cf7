/// An instant: nanoseconds since 1970-01-01 UTC. Cores never read a clock; they are given these.
public struct Timestamp: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// Nanoseconds since 1970-01-01 UTC.
  public let nanoseconds: Int64

  /// Takes nanoseconds since 1970-01-01 UTC.
  @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Takes milliseconds since 1970-01-01 UTC, as venues and Kafka write them; values beyond the year 2262 are clamped.
  public init(milliseconds: Int64) {
    let (nanoseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    self.init(nanoseconds: overflow ? (milliseconds < 0 ? .min : .max) : nanoseconds)
  }

  /// 1970-01-01.
  public static let zero = Timestamp(nanoseconds: 0)

  /// Whole milliseconds, rounded down.
  public var milliseconds: Int64 { nanoseconds >= 0 ? nanoseconds / 1_000_000 : (nanoseconds - 999_999) / 1_000_000 }

  /// Days since 1970-01-01, UTC: two instants with the same value share a trading day.
  public var day: Int64 { nanoseconds >= 0 ? nanoseconds / Interval.day : (nanoseconds - Interval.day + 1) / Interval.day }

  /// Earlier comes first.
  @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }
  /// Nanoseconds from `right` to `left`; wraps never, clamps at the ends of the range.
  public static func - (left: Timestamp, right: Timestamp) -> Int64 {
    let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
    return overflow ? (left < right ? .min : .max) : difference
  }
  /// The instant `nanoseconds` later; clamps at the ends of the range.
  public static func + (left: Timestamp, nanoseconds: Int64) -> Timestamp {
    let (sum, overflow) = left.nanoseconds.addingReportingOverflow(nanoseconds)
    return Timestamp(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
  }

  /// The nanosecond count as text: records carry exactly this.
  public var description: String { String(nanoseconds) }
}

/// Lengths of time in nanoseconds.
public enum Interval {
  /// One microsecond.
  public static let microsecond: Int64 = 1_000
  /// One millisecond.
  public static let millisecond: Int64 = 1_000_000
  /// One second.
  public static let second: Int64 = 1_000_000_000
  /// One minute.
  public static let minute: Int64 = 60 * second
  /// One hour.
  public static let hour: Int64 = 60 * minute
  /// 24 hours.
  public static let day: Int64 = 24 * hour
}
