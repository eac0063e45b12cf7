import Domain
import Runtime

/// When something happened, read from both clocks at the same place in the code.
public struct EventTime: Sendable, Equatable {
  /// Nanoseconds of the monotonic clock: for ages and deadlines inside this process.
  public var monotonicNanoseconds: Int64
  /// UTC: for records.
  public var wall: Timestamp

  /// A time put together by hand, as tests do.
  public init(monotonicNanoseconds: Int64, wall: Timestamp) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.wall = wall
  }

  /// Both clocks, now.
  public static func now() -> EventTime {
    EventTime(monotonicNanoseconds: Runtime.monotonicNanoseconds(), wall: wallClock())
  }
}
