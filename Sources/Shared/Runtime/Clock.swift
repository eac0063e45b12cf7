import Domain
import Glibc

/// The wall clock, UTC. It may step; use it to stamp records, never to measure or to wait. Programs whose decisions depend on the time go
/// by a `SteadyClock`.
public func wallClock() -> Timestamp {
  Timestamp(nanoseconds: nanoseconds(of: CLOCK_REALTIME))
}

/// The monotonic clock in nanoseconds from an arbitrary start. Deadlines, leases and durations use it.
public func monotonicNanoseconds() -> Int64 {
  nanoseconds(of: CLOCK_MONOTONIC)
}

/// Like the monotonic clock, but the time that the machine sleeps counts.
func bootNanoseconds() -> Int64 {
  nanoseconds(of: CLOCK_BOOTTIME)
}

private func nanoseconds(of clock: clockid_t) -> Int64 {
  var time = timespec()
  guard clock_gettime(clock, &time) == 0 else { preconditionFailure("the system has no such clock") }
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// An absolute monotonic instant by which something must have happened.
public struct Deadline: Sendable {
  /// The instant on the monotonic clock, in nanoseconds.
  public let nanoseconds: Int64

  /// The instant that is so many milliseconds from now; nil means never.
  public init(afterMilliseconds milliseconds: Int?) {
    guard let milliseconds else {
      nanoseconds = .max
      return
    }
    let (sum, overflow) = monotonicNanoseconds().addingReportingOverflow(Int64(clamping: milliseconds) &* 1_000_000)
    nanoseconds = overflow || milliseconds > 9_000_000_000_000 ? .max : sum
  }

  /// True once the instant has come.
  public var isPast: Bool { remainingNanoseconds == 0 }

  /// Nanoseconds that are left, never negative.
  public var remainingNanoseconds: Int64 {
    nanoseconds == .max ? .max : max(0, nanoseconds - monotonicNanoseconds())
  }

  /// Milliseconds that are left, rounded up, never negative, at most one day: fit for C time-outs.
  public var remainingMilliseconds: Int32 {
    let left = remainingNanoseconds
    return left > 86_400_000_000_000 ? 86_400_000 : Int32((left + 999_999) / 1_000_000)
  }
}
