import Domain
import Testing

@testable import Venues

@Suite struct CircuitBreakerTests {
  private let start = Timestamp(nanoseconds: 1_000 * Interval.second)

  @Test func opensAfterFailuresInARow() {
    var breaker = CircuitBreaker(seed: 1)
    for _ in 0..<5 {
      breaker.end(.failure, wasProbe: false, at: start)
      breaker.end(.failure, wasProbe: false, at: start)
      breaker.end(.success, wasProbe: false, at: start)
    }
    #expect(breaker.state == .closed)
    for _ in 0..<3 { breaker.end(.failure, wasProbe: false, at: start) }
    #expect(breaker.state == .open)
  }

  @Test func aProbeDecides() {
    var breaker = CircuitBreaker(seed: 1)
    for _ in 0..<3 { breaker.end(.failure, wasProbe: false, at: start) }
    let later = start + Interval.second
    #expect(breaker.admits(at: later))
    let isProbe = breaker.begin()
    #expect(isProbe && !breaker.admits(at: later + Interval.hour))
    breaker.end(.success, wasProbe: false, at: later)  // Sent before the opening.
    #expect(breaker.state == .halfOpen)
    breaker.end(.success, wasProbe: true, at: later)
    #expect(breaker.state == .closed)
    let isProbeAgain = breaker.begin()
    #expect(!isProbeAgain)
  }

  /// Any sequence of requests: never two probes at once, nothing but a probe while not closed, each wait within its doubling bound, and
  /// the same seed gives the same waits.
  @Test func keepsItsPromisesUnderAnySequence() {
    for seed in 0..<2_000 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var breaker = CircuitBreaker(seed: seed)
      var twin = CircuitBreaker(seed: seed)
      var now = start
      var out: [Bool] = []
      var failedProbes = 0
      for _ in 0..<200 {
        now = now + Int64.random(in: 0...3 * Interval.second, using: &generator)
        if Bool.random(using: &generator) {
          guard breaker.admits(at: now) else { continue }
          _ = twin.begin()
          out.append(breaker.begin())
        } else if !out.isEmpty {
          let wasProbe = out.remove(at: Int.random(in: 0..<out.count, using: &generator))
          let outcome: CircuitBreaker.Outcome = [.success, .failure, .failure, .nothing][Int.random(in: 0..<4, using: &generator)]
          let before = breaker.openings
          breaker.end(outcome, wasProbe: wasProbe, at: now)
          twin.end(outcome, wasProbe: wasProbe, at: now)
          if breaker.state == .closed { failedProbes = 0 }
          if breaker.openings > before, let probeAt = breaker.probeAt {
            let bound = min(30_000, 1_000 << min(failedProbes, 20))
            #expect(probeAt - now >= 0 && probeAt - now <= Int64(bound) * Interval.millisecond, "seed \(seed)")
            failedProbes += 1
          }
        }
        #expect(out.count { $0 } <= 1, "seed \(seed)")
        #expect((breaker.state == .halfOpen) == out.contains(true), "seed \(seed)")
        #expect(breaker.probeAt == twin.probeAt && breaker.state == twin.state, "seed \(seed)")
      }
    }
  }
}
