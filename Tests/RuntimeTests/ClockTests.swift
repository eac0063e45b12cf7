import Domain
import Runtime
import Testing

/// The time that programs go by while the wall clock does what wall clocks do.
@Suite struct ClockTests {
  /// A wall clock and a boot clock, read every 50 ms.
  private struct Clocks {
    var wall = Timestamp(nanoseconds: 1_800_000_000 * Interval.second)
    var boot: Int64 = 7
    var clock: ClockDiscipline
    var changes: [ClockDiscipline.Change] = []

    init() { clock = ClockDiscipline(wall: wall, boot: boot) }

    /// Time passes; the wall clock gains `drift` nanoseconds a second. False when the time went back or more than 1.5 times too fast.
    mutating func run(_ nanoseconds: Int64, drift: Int64 = 0) -> Bool {
      let step = 50 * Interval.millisecond
      var isSmooth = true
      for _ in 0..<(nanoseconds / step) {
        let before = clock.time
        wall = wall + step + drift / 20
        boot += step
        if let change = clock.read(wall: wall, boot: boot) { changes.append(change) }
        isSmooth = isSmooth && clock.time >= before && clock.time - before <= step + step / 2
      }
      return isSmooth
    }

    var deviation: Int64 { wall - clock.time }
  }

  @Test(arguments: [-200, 0, 200] as [Int64])
  func driftIsFollowed(millisecondsPerSecond: Int64) {
    var clocks = Clocks()
    let isSmooth = clocks.run(Interval.minute, drift: millisecondsPerSecond * Interval.millisecond)
    #expect(isSmooth)
    #expect(clocks.deviation.magnitude <= UInt64(ClockDiscipline.tolerance) && clocks.changes.isEmpty)
  }

  /// What comes and goes is not noticed by anyone who goes by the time.
  @Test(arguments: [-Interval.day, -Interval.second, Interval.second, Interval.day])
  func aStepThatIsTakenBackChangesNothing(by step: Int64) {
    var clocks = Clocks()
    var isSmooth = clocks.run(Interval.second)
    clocks.wall = clocks.wall + step
    isSmooth = clocks.run(Interval.second) && isSmooth
    #expect(clocks.clock.isInDoubt == (step > 0))
    #expect(clocks.deviation == step)
    clocks.wall = clocks.wall + -step
    isSmooth = clocks.run(Interval.minute) && isSmooth
    #expect(isSmooth && clocks.changes == [.stepped(step), .returned])
    #expect(clocks.deviation == 0 && !clocks.clock.isInDoubt)
  }

  @Test func aStepForwardThatLastsIsMade() {
    var clocks = Clocks()
    clocks.wall = clocks.wall + Interval.hour
    _ = clocks.run(3 * Interval.second)
    #expect(clocks.changes == [.stepped(Interval.hour), .believed(Interval.hour)])
    #expect(clocks.deviation == 0 && !clocks.clock.isInDoubt)
  }

  /// Time goes on all the while, at half its speed at least.
  @Test func aStepBackThatLastsIsCaughtUpWith() {
    var clocks = Clocks()
    clocks.wall = clocks.wall + -10 * Interval.second
    var isSmooth = clocks.run(12 * Interval.second)
    #expect(clocks.deviation < 0)
    isSmooth = clocks.run(12 * Interval.second) && isSmooth
    #expect(isSmooth && clocks.deviation == 0)
    #expect(clocks.changes == [.stepped(-10 * Interval.second), .believed(-10 * Interval.second)])
  }

  /// A wall clock that jumps about is never believed.
  @Test func aWallClockThatJumpsAboutIsLeftAlone() {
    var clocks = Clocks()
    for jump in [5, -60, 3_600, -2, 30] as [Int64] {
      clocks.wall = clocks.wall + jump * Interval.second
      let isSmooth = clocks.run(Interval.second)
      #expect(isSmooth)
    }
    #expect(!clocks.changes.contains { if case .believed = $0 { true } else { false } })
    #expect(clocks.clock.time == Clocks().wall + 5 * Interval.second)
  }

  @Test(arguments: [Int64.min, .max])
  func theEndsOfTimeAreSurvived(nanoseconds: Int64) {
    var clock = ClockDiscipline(wall: .zero, boot: 0)
    for second in 1...10 as ClosedRange<Int64> {
      _ = clock.read(wall: Timestamp(nanoseconds: nanoseconds), boot: second * Interval.second)
    }
    _ = clock.read(wall: .zero, boot: 11 * Interval.second)
  }
}
