import Domain
import RiskGateCore
import Testing

/// A snapshot is not in the log before the outcomes that it knows of.
@Suite struct HoldbackTests {
  @Test func whatIsHeldWaitsForAllThatWasUnderWay() {
    var holdback = Holdback<String>()
    holdback.hold("at once")
    #expect(holdback.takeFree() == "at once")
    holdback.begin(1)
    holdback.begin(2)
    holdback.hold("first")
    holdback.begin(3)
    holdback.hold("second")
    holdback.finish(2)
    #expect(holdback.takeFree() == nil && !holdback.isEmpty)
    holdback.finish(1)
    #expect(holdback.takeFree() == "first")
    #expect(holdback.takeFree() == nil)
    holdback.finish(3)
    #expect(holdback.takeFree() == "second" && holdback.isEmpty)
  }

  /// Acknowledgements in any order: at each release nothing is open that was under way when the record came, and nothing waits for ever.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func noRecordOvertakes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var holdback = Holdback<Set<UInt64>>()
    var open: Set<UInt64> = []
    var held = 0
    var released = 0
    for token in 1...500 as ClosedRange<UInt64> {
      open.insert(token)
      holdback.begin(token)
      if random.next() % 5 == 0 {
        holdback.hold(open)
        held += 1
      }
      while let done = open.sorted().randomElement(using: &random), random.next() % 3 != 0 || token == 500 {
        open.remove(done)
        holdback.finish(done)
        while let waited = holdback.takeFree() {
          released += 1
          #expect(waited.isDisjoint(with: open), "seed \(seed)")
        }
      }
    }
    #expect(held == released && open.isEmpty, "seed \(seed)")
  }
}
