import Domain
import Testing

@testable import Venues

@Suite struct RateBudgetTests {
  static let rule = RateRule(name: "w", scope: .address, counted: .weight, window: 10 * Interval.second, limit: 50)
  static let start = Timestamp(nanoseconds: 1_000 * Interval.second)

  /// Everything that was sent, forever.
  struct NaiveCount {
    var sent: [(time: Timestamp, cost: Int64)] = []

    /// The sum over (end − length, end]; times ascend.
    func sum(upTo end: Timestamp, _ length: Int64) -> Int64 {
      var sum: Int64 = 0
      for request in sent.reversed() where request.time <= end {
        if end - request.time >= length { break }
        sum += request.cost
      }
      return sum
    }
  }

  /// Bursts, trickles and pauses.
  static func pause(using generator: inout SeededGenerator) -> Int64 {
    switch Int.random(in: 0..<6, using: &generator) {
    case 0...2: 0
    case 3: Int64.random(in: 0...50 * Interval.millisecond, using: &generator)
    case 4: Int64.random(in: 0...2 * Interval.second, using: &generator)
    default: Int.random(in: 0..<20, using: &generator) == 0 ? 15 * Interval.second : 200 * Interval.millisecond
    }
  }

  /// Whatever arrives when, and however requests are late by up to a sixtieth of the window: no window of the venue has more than the
  /// limit. And what is admitted is not far less than could be.
  @Test func noWindowEverHoldsMoreThanTheLimit() {
    for seed in 0..<200 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var budget = RateBudget(Self.rule)
      var sent = NaiveCount()
      var arrived = NaiveCount()
      var now = Self.start
      for _ in 0..<400 {
        now = now + Self.pause(using: &generator)
        let cost = Int64.random(in: 1...12, using: &generator)
        let traffic = TrafficClass.allCases[Int.random(in: 0..<3, using: &generator)]
        let used = budget.used(at: now)
        #expect(used >= sent.sum(upTo: now, Self.rule.window), "seed \(seed)")
        #expect(used <= sent.sum(upTo: now, Self.rule.window * 62 / 60 + 60), "seed \(seed)")
        let fits = used + cost <= Self.rule.limit * [100, 80, 60][traffic.rawValue] / 100
        #expect(budget.admits(cost, traffic, at: now) == fits, "seed \(seed)")
        guard fits else { continue }
        budget.spend(cost, at: now)
        sent.sent.append((now, cost))
        arrived.sent.append((now + Int64.random(in: 0...Self.rule.window / 60, using: &generator), cost))
      }
      arrived.sent.sort { $0.time < $1.time }
      for request in arrived.sent {
        #expect(arrived.sum(upTo: request.time, Self.rule.window) <= Self.rule.limit, "seed \(seed)")
      }
    }
  }

  /// Others use the same limit, and the venue counts in windows of its own: as long as each answer says so, the limit holds for all
  /// together, but for what others send between an answer and our next request.
  @Test func heedsWhatTheVenueCounts() {
    for seed in 0..<200 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed &+ 77)
      var budget = RateBudget(Self.rule)
      var now = Self.start
      var window: Int64 = -1
      var count: Int64 = 0
      for _ in 0..<400 {
        now = now + Self.pause(using: &generator)
        if now.nanoseconds / Self.rule.window != window { (window, count) = (now.nanoseconds / Self.rule.window, 0) }
        let others = Int.random(in: 0..<4, using: &generator) == 0 ? Int64.random(in: 0...10, using: &generator) : 0
        count = min(Self.rule.limit, count + others)
        budget.take(reading(count, now), at: now)
        let cost = Int64.random(in: 1...12, using: &generator)
        guard budget.admits(cost, .cancels, at: now) else { continue }
        budget.spend(cost, at: now)
        count += cost
        #expect(count <= Self.rule.limit, "seed \(seed)")
        budget.settle(cost)
      }
    }
  }

  private func reading(_ count: Int64, _ now: Timestamp) -> RateReading {
    let passed = now.nanoseconds % Self.rule.window
    return RateReading(rule: "w", used: count, remaining: Self.rule.window - passed)
  }

  @Test func anOlderAnswerDoesNotLowerTheCount() {
    var budget = RateBudget(Self.rule)
    budget.spend(1, at: Self.start)
    budget.settle(1)
    budget.take(RateReading(rule: "w", used: 45, remaining: 5 * Interval.second), at: Self.start)
    budget.take(RateReading(rule: "w", used: 3, remaining: 5 * Interval.second), at: Self.start)
    #expect(budget.reportedUse(at: Self.start) == 45)
    #expect(!budget.admits(6, .cancels, at: Self.start))
    #expect(budget.admits(5, .cancels, at: Self.start))
    // The next window counts anew.
    let later = Self.start + 6 * Interval.second
    #expect(budget.admits(6, .cancels, at: later))
    budget.take(RateReading(rule: "w", used: 3, remaining: 9 * Interval.second), at: later)
    #expect(budget.reportedUse(at: later) == 3)
  }

  /// A window that ends with each answer: whatever others sent has left it a window later, and each answer replaces the last.
  @Test func aRollingCountIsTakenAsItStands() {
    var budget = RateBudget(Self.rule)
    func reading(_ used: Int64) -> RateReading {
      RateReading(rule: "w", used: used, remaining: 10 * Interval.second, isRolling: true)
    }
    budget.take(reading(45), at: Self.start)
    #expect(!budget.admits(6, .cancels, at: Self.start))
    let later = Self.start + Interval.second
    budget.take(reading(3), at: later)
    #expect(budget.reportedUse(at: later) == 3)
    #expect(budget.admits(47, .cancels, at: later))
    #expect(!budget.admits(48, .cancels, at: later))
  }

  @Test func aLimitThatTheVenueNamesIsHeededWhenItIsLower() {
    var budget = RateBudget(Self.rule)
    func reading(_ limit: Int64) -> RateReading {
      RateReading(rule: "w", used: 0, limit: limit, remaining: Interval.second, isRolling: true)
    }
    budget.take(reading(10), at: Self.start)
    #expect(budget.admits(10, .cancels, at: Self.start) && !budget.admits(11, .cancels, at: Self.start))
    budget.take(reading(1_000), at: Self.start)
    #expect(budget.admits(50, .cancels, at: Self.start) && !budget.admits(51, .cancels, at: Self.start))
  }

  @Test func whatOneProcessAloneSendsIsNotShared() {
    for purpose in VenueRequest.Purpose.allCases {
      let rule = RateRule(name: "r", scope: .account, counted: .requests(purpose), window: Interval.second, limit: 20)
      #expect(rule.share(percent: 20).limit == (purpose.changesState ? 20 : 4))
      // Only requests of the same purpose count: none of them has to leave room.
      #expect(RateBudget(rule).admits(20, TrafficClass(purpose), at: Self.start))
    }
  }

  @Test func aShareIsAShare() {
    let budget = RateBudget(Self.rule, sharePercent: 20)
    #expect(budget.admits(10, .cancels, at: Self.start))
    #expect(!budget.admits(11, .cancels, at: Self.start))
    #expect(!budget.admits(9, .orders, at: Self.start))
    #expect(!budget.admits(7, .queries, at: Self.start))
    #expect(budget.admits(6, .queries, at: Self.start))
  }

  @Test func whoOnlyAsksLeavesRoomForOthersButNotForItself() {
    var budget = RateBudget(Self.rule, sharePercent: 40, asksOnly: true)
    #expect(budget.admits(20, .queries, at: Self.start) && !budget.admits(21, .queries, at: Self.start))
    budget.take(RateReading(rule: "w", used: 25, remaining: Interval.second), at: Self.start)
    #expect(budget.admits(5, .queries, at: Self.start) && !budget.admits(6, .queries, at: Self.start))
  }
}
