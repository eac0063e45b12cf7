import Domain
import ReconcilerCore
import Testing

@testable import Venues

@Suite struct RoundPaceTests {
  private static let questions: [Int64] = [20, 20, 6]
  private static let limit: Int64 = 1_200

  /// However many accounts there are, whoever keeps the pace is let through at once, every time. What there is is used, and each account
  /// has its turn as often as any other.
  @Test(arguments: [1, 2, 5, 20]) func whoKeepsThePaceNeverMeetsTheLimit(accounts: Int) {
    let rule = RateRule(name: "w", scope: .address, counted: .weight, window: Interval.minute, limit: Self.limit)
    var traffic = VenueTraffic(rules: [rule], asksOnly: true, seed: 1)
    var pace = RoundPace()
    var now: Int64 = 1_000 * Interval.second
    let end = now + 20 * Interval.minute
    var next = [Int64](repeating: now, count: accounts)
    var rounds = [Int](repeating: 0, count: accounts)
    var number: UInt64 = 0
    while now < end {
      for index in next.indices.sorted(by: { next[$0] < next[$1] }) where next[index] <= now && pace.allowsRound(at: now) {
        let spent = traffic.spentTime
        for weight in Self.questions {
          number += 1
          let request = VenueTraffic.Request(
            number: number, account: nil, purpose: .query, weight: weight, deadline: Timestamp(nanoseconds: now))
          let effects = traffic.submit(request, at: Timestamp(nanoseconds: now))
          #expect(effects == [.send(number)], "\(accounts) accounts, round \(rounds[index]) of \(index)")
          _ = traffic.end(number, .init(.success), at: Timestamp(nanoseconds: now))
        }
        pace.add(traffic.spentTime - spent, from: now)
        rounds[index] += 1
        next[index] = now + 5 * Interval.second
      }
      now += 50 * Interval.millisecond
    }
    let used = Int64(rounds.reduce(0, +)) * Self.questions.reduce(0, +)
    let wanted = Int64(accounts) * 20 * 12 * Self.questions.reduce(0, +)
    #expect(used * 100 >= min(wanted, 20 * Self.limit * 4 / 5) * 97, "\(used) of \(min(wanted, 20 * Self.limit))")
    #expect((rounds.max() ?? 0) - (rounds.min() ?? 0) <= 1, "\(rounds)")
  }

  /// What is to be settled is asked for at once a few times, and costs the pace only afterwards.
  @Test func aFewRoundsMayFollowOneAnother() {
    var pace = RoundPace()
    var rounds = 0
    while pace.allowsRound(at: 0) {
      pace.add(2 * Interval.second, from: 0)
      rounds += 1
    }
    #expect(rounds == 5)
    #expect(!pace.allowsRound(at: 2 * Interval.second))
    #expect(pace.allowsRound(at: 3 * Interval.second))
  }
}
