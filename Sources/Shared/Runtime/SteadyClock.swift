import Domain
import Glibc
import Synchronization

/// The time that a program goes by: it begins with the wall clock, runs on with the boot clock (which no one sets, and which counts the time
/// that the machine sleeps), and follows the wall clock as long as that only drifts. It never goes back.
///
/// A wall clock that steps is not believed until it has stuck to it for a while. Then a step forward is made as well; a step back is
/// caught up with by running at half speed. Until a step forward is believed or has been taken back the clock is in doubt: who decides by it
/// how old something is should wait, since after a sleep that nobody counted everything would look younger than it is.
public struct ClockDiscipline: Sendable {
  /// What a reading has shown.
  public enum Change: Hashable, Sendable {
    /// The wall clock has stepped by so many nanoseconds.
    case stepped(Int64)
    /// It is where it was before it stepped.
    case returned
    /// It stuck to a step of so many nanoseconds, which is believed now.
    case believed(Int64)
  }

  /// What is neither drift nor the noise of two readings, in nanoseconds.
  public static let tolerance = 100 * Interval.millisecond
  /// A step is believed when it has lasted for so many nanoseconds.
  public static let persistence = 2 * Interval.second

  private enum State {
    case steady
    /// The wall clock has been off by so much since the instant of the boot clock.
    case stepped(Int64, since: Int64)
    /// Slowed down until the wall clock has caught up.
    case slowed
  }

  /// The time at the last reading.
  public private(set) var time: Timestamp
  private var boot: Int64
  private var state = State.steady

  /// A clock that begins with the wall clock; `boot` is the boot clock in nanoseconds.
  public init(wall: Timestamp, boot: Int64) {
    time = wall
    self.boot = boot
  }

  /// True while the wall clock is ahead by a step that is not believed yet.
  public var isInDoubt: Bool { if case .stepped(let by, _) = state { by > 0 } else { false } }

  /// Takes a reading of both clocks.
  public mutating func read(wall: Timestamp, boot now: Int64) -> Change? {
    let passed = max(0, now - boot)
    boot = max(boot, now)
    let expected = time + passed
    let deviation = wall - expected
    if deviation.magnitude <= UInt64(Self.tolerance) {
      time = expected + min(max(deviation, -passed / 2), passed / 2)
      defer { state = .steady }
      if case .stepped = state { return .returned }
      return nil
    }
    time = expected
    switch state {
    case .slowed where deviation < 0: time = expected + max(deviation, -passed / 2)
    case .stepped(let by, let since) where Self.isNear(deviation, by):
      guard now - since >= Self.persistence else { return nil }
      return believe(deviation, wall)
    case .steady, .stepped, .slowed:
      state = .stepped(deviation, since: now)
      return .stepped(deviation)
    }
    return nil
  }

  private static func isNear(_ left: Int64, _ right: Int64) -> Bool {
    let (difference, overflow) = left.subtractingReportingOverflow(right)
    return !overflow && difference.magnitude <= UInt64(tolerance)
  }

  private mutating func believe(_ deviation: Int64, _ wall: Timestamp) -> Change {
    if deviation > 0 {
      time = wall
      state = .steady
    } else {
      state = .slowed
    }
    return .believed(deviation)
  }
}

/// The disciplined clock of a process, for any thread. Steps of the wall clock are logged and counted.
public final class SteadyClock: Sendable {
  private let discipline: Mutex<ClockDiscipline>
  private let logger: Logger
  private let steps: Counter
  private let deviation: Gauge

  /// A clock that begins with the wall clock.
  public init(logger: Logger, metrics: Metrics) {
    self.logger = logger
    discipline = Mutex(ClockDiscipline(wall: wallClock(), boot: bootNanoseconds()))
    steps = metrics.counter("apus_clock_steps_total", help: "Steps of the wall clock that were seen")
    deviation = metrics.gauge("apus_clock_deviation_nanoseconds", help: "The wall clock less the time that the program goes by")
  }

  /// The time; never earlier than any before.
  public func now() -> Timestamp {
    let (time, wall, change) = discipline.withLock { discipline in
      let wall = wallClock()
      let change = discipline.read(wall: wall, boot: bootNanoseconds())
      return (discipline.time, wall, change)
    }
    deviation.set(wall - time)
    if let change { note(change) }
    return time
  }

  /// True while the wall clock is ahead by a step that may be real: what is decided by age must wait.
  public var isInDoubt: Bool {
    _ = now()
    return discipline.withLock { $0.isInDoubt }
  }

  private func note(_ change: ClockDiscipline.Change) {
    switch change {
    case .stepped(let by):
      steps.add()
      logger.warning("the wall clock has stepped: time goes on without it", ["milliseconds": .int(by / Interval.millisecond)])
    case .returned: logger.warning("the wall clock is back where it was")
    case .believed(let by):
      logger.warning("the wall clock's step has lasted and is believed", ["milliseconds": .int(by / Interval.millisecond)])
    }
  }
}
