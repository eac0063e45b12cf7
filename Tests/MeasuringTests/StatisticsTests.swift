import Measuring
import Testing

@Suite struct StatisticsTests {
  @Test func theMiddleOfSeveralRuns() {
    #expect(Spread([5, 1, 3]).median == 3)
    #expect(Spread([4, 1, 3, 2]).median == 2.5)
    #expect(Spread([7]) == Spread([7]))
    #expect(Spread([5, 1, 3]).minimum == 1)
    #expect(Spread([5, 1, 3]).maximum == 5)
  }

  @Test func percentilesAreValuesThatOccurred() {
    let values = Percentiles((1...100).map { Int64($0) }.shuffled())
    #expect(values.p50 == 50)
    #expect(values.p99 == 99)
    #expect(values.value(at: 1) == 100)
    #expect(values.best == 1)
    #expect(values.worst == 100)
    #expect(Percentiles([3]).p99 == 3)
    #expect(Percentiles([1, 2]).p50 == 1)
  }

  /// The same by counting, for any values: at least the part lies at or below, and less than the part below.
  @Test(arguments: 0..<50) func percentilesEqualTheNaiveOnes(seed: UInt64) {
    var generator = Numbers(state: seed)
    let values = (0..<Int.random(in: 1...200, using: &generator)).map { _ in Int64.random(in: 0...50, using: &generator) }
    for part in [0.01, 0.5, 0.9, 0.99, 1] {
      let value = Percentiles(values).value(at: part)
      let needed = part * Double(values.count)
      #expect(Double(values.count { $0 <= value }) >= needed, "seed \(seed)")
      #expect(Double(values.count { $0 < value }) < needed, "seed \(seed)")
    }
  }

  @Test func anOpenLoopDoesNotWait() {
    let loop = OpenLoop(start: 1_000, perSecond: 500)
    #expect(loop.due(0) == 1_000)
    #expect(loop.due(500) == 1_000_001_000)
  }
}

private struct Numbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}
