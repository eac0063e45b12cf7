import Domain
import Testing

@Suite struct BackoffTests {
  @Test(arguments: [1, 7, 20_261_121] as [UInt64]) func delaysStayWithinDoublingBounds(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var backoff = Backoff(initialMilliseconds: 100, maximumMilliseconds: 5_000)
    for attempt in 0..<200 {
      let bound = attempt < 6 ? 100 << attempt : 5_000
      #expect(backoff.nextBoundMilliseconds == min(bound, 5_000), "seed \(seed) attempt \(attempt)")
      let delay = backoff.nextDelayMilliseconds(using: &generator)
      #expect((0...min(bound, 5_000)).contains(delay), "seed \(seed) attempt \(attempt)")
    }
    backoff.reset()
    #expect(backoff.nextBoundMilliseconds == 100)
  }

  @Test func theSameSeedGivesTheSameDelays() {
    func delays() -> [Int] {
      var generator = SeededGenerator(seed: 42)
      var backoff = Backoff()
      return (0..<20).map { _ in backoff.nextDelayMilliseconds(using: &generator) }
    }
    #expect(delays() == delays())
  }
}
