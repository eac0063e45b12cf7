import Domain
import Testing

@testable import Venues

@Suite struct VenueTrafficTests {
  static let start = Timestamp(nanoseconds: 1_000 * Interval.second)
  static let rules = [
    RateRule(name: "w", scope: .address, counted: .weight, window: 10 * Interval.second, limit: 100),
    RateRule(
      name: "o", scope: .account, counted: .requests(.placeOrder), window: 2 * Interval.second, limit: 10),
  ]

  /// A gate, its requests, and what became of them.
  struct Rig {
    var traffic: VenueTraffic
    var now = VenueTrafficTests.start
    var number: UInt64 = 0
    var requests: [UInt64: (request: VenueTraffic.Request, at: Timestamp)] = [:]
    var sent: [(number: UInt64, at: Timestamp)] = []
    var refused: [UInt64: VenueTraffic.Refusal] = [:]
    var underWay: [UInt64] = []

    init(seed: UInt64 = 1, rules: [RateRule] = VenueTrafficTests.rules) {
      traffic = VenueTraffic(rules: rules, seed: seed)
    }

    @discardableResult
    mutating func submit(
      _ purpose: VenueRequest.Purpose, account: String? = "a", weight: Int64 = 1, within: Int64 = Interval.minute
    ) -> UInt64 {
      number += 1
      let request = VenueTraffic.Request(
        number: number, account: account.flatMap { Account($0) }, purpose: purpose, weight: weight, deadline: now + within)
      requests[number] = (request, now)
      take(traffic.submit(request, at: now))
      return number
    }

    mutating func end(_ number: UInt64, _ ending: VenueTraffic.Ending = .init(.success)) {
      underWay.removeAll { $0 == number }
      take(traffic.end(number, ending, at: now))
    }

    mutating func wait(_ nanoseconds: Int64) {
      now = now + nanoseconds
      take(traffic.tick(at: now))
    }

    private mutating func take(_ effects: [VenueTraffic.Effect]) {
      for effect in effects {
        switch effect {
        case .send(let number):
          sent.append((number, now))
          underWay.append(number)
        case .refuse(let number, let refusal): refused[number] = refusal
        }
      }
    }

    func wasSent(_ number: UInt64) -> Bool { sent.contains { $0.number == number } }
  }

  /// Orders and questions come as fast as they can for a minute; cancels, as long as they alone keep within their fifth, never wait.
  /// Every request is sent once, refused once, or still waits within its deadline; no window has more than the limit.
  @Test func cancelsNeverWaitForWhoSaturates() {
    for seed in 0..<60 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var rig = Rig(seed: seed)
      var cancels: [Timestamp] = []
      for _ in 0..<800 {
        rig.wait(Int64.random(in: 0...40 * Interval.millisecond, using: &generator))
        let account = Bool.random(using: &generator) ? "a" : "b"
        switch Int.random(in: 0..<10, using: &generator) {
        case 0...4: rig.submit(.placeOrder, account: account, within: 3 * Interval.second)
        case 5...7:
          rig.submit(.query, account: account, weight: Int64.random(in: 1...20, using: &generator), within: 5 * Interval.second)
        default:
          // A budget lets go of what it counts up to a thirtieth late.
          cancels.removeAll { rig.now - $0 > 11 * Interval.second }
          guard cancels.count < 20 else { continue }
          cancels.append(rig.now)
          let number = rig.submit(.cancelOrder, account: account)
          #expect(rig.sent.last?.number == number, "seed \(seed): a cancel waits")
        }
        if let first = rig.underWay.first, Bool.random(using: &generator) { rig.end(first) }
      }
      check(rig, seed)
    }
  }

  private func check(_ rig: Rig, _ seed: UInt64) {
    #expect(Set(rig.sent.map(\.number)).count == rig.sent.count, "seed \(seed)")
    #expect(rig.sent.allSatisfy { rig.refused[$0.number] == nil }, "seed \(seed)")
    for (index, sent) in rig.sent.enumerated() {
      guard let (request, _) = rig.requests[sent.number] else { continue }
      #expect(sent.at <= request.deadline, "seed \(seed)")
      // The windows that end here.
      var weight: Int64 = 0
      var orders = 0
      for other in rig.sent[...index].reversed() {
        guard let before = rig.requests[other.number]?.request, sent.at - other.at < 10 * Interval.second else { break }
        weight += before.weight
        if before.purpose == .placeOrder, before.account == request.account, sent.at - other.at < 2 * Interval.second {
          orders += 1
        }
      }
      #expect(weight <= 100 && orders <= 10, "seed \(seed)")
    }
    let waiting = rig.requests.count - rig.sent.count - rig.refused.count
    #expect(rig.traffic.waitingCount == waiting, "seed \(seed)")
    for (number, entry) in rig.requests where !rig.wasSent(number) && rig.refused[number] == nil {
      #expect(rig.now <= entry.request.deadline, "seed \(seed)")
    }
  }

  @Test func oneAccountDoesNotHoldUpAnother() {
    var rig = Rig()
    for _ in 0..<12 { rig.submit(.placeOrder, account: "a") }
    #expect(rig.sent.count == 10)
    rig.submit(.placeOrder, account: "b")
    #expect(rig.wasSent(rig.number))
    rig.wait(2 * Interval.second + 100 * Interval.millisecond)
    #expect(rig.sent.count == 13)
  }

  @Test func theQueueIsBoundedAndSaysSo() {
    var rig = Rig()
    for _ in 0..<10 { rig.submit(.placeOrder) }
    for _ in 0..<VenueTraffic.maximumWaiting { rig.submit(.placeOrder) }
    let last = rig.submit(.placeOrder)
    #expect(rig.refused == [last: .queueFull])
    rig.submit(.cancelOrder)
    #expect(rig.wasSent(rig.number))
  }

  @Test func whatComesTooLateIsRefusedAndNotSent() {
    var rig = Rig()
    for _ in 0..<10 { rig.submit(.placeOrder) }
    let late = rig.submit(.placeOrder, within: Interval.second)
    rig.wait(3 * Interval.second)
    #expect(rig.refused == [late: .tooLate])
    #expect(!rig.wasSent(late))
  }

  @Test func aVenueThatWantsSilenceGetsIt() {
    var rig = Rig()
    let first = rig.submit(.query)
    rig.end(first, .init(.success, silence: .init(length: 5 * Interval.second)))
    let cancel = rig.submit(.cancelOrder)
    rig.wait(5 * Interval.second - 1)
    #expect(!rig.wasSent(cancel) && rig.traffic.silence != nil && rig.traffic.silencesWanted == 1)
    #expect(rig.traffic.nextTick == rig.now + 1)
    rig.wait(1)
    #expect(rig.wasSent(cancel))
  }

  @Test func tooManyOrdersSilenceOrdersOnly() {
    var rig = Rig()
    let first = rig.submit(.placeOrder)
    rig.end(first, .init(.success, silence: .init(length: 5 * Interval.second, isForPurposeAlone: true)))
    let order = rig.submit(.placeOrder)
    #expect(!rig.wasSent(order))
    rig.submit(.cancelOrder)
    #expect(rig.wasSent(rig.number))
    rig.submit(.placeOrder, account: "b")
    #expect(rig.wasSent(rig.number))
    rig.wait(5 * Interval.second)
    #expect(rig.wasSent(order))
  }

  @Test func anOpenCircuitRefusesAllButCancelsAndProbesWithOne() {
    var rig = Rig()
    let numbers = (0..<3).map { _ in rig.submit(.query) }
    for _ in 0..<12 { rig.submit(.placeOrder) }
    let waiting = (14...15 as ClosedRange<UInt64>).map { $0 }
    for number in numbers { rig.end(number, .init(.failure)) }
    #expect(rig.traffic.circuit == .open)
    #expect(waiting.allSatisfy { rig.refused[$0] == .circuitOpen })
    let refused = rig.submit(.placeOrder, account: "b")
    #expect(rig.refused[refused] == .circuitOpen || rig.wasSent(refused))
    let cancels = (0..<3).map { _ in rig.submit(.cancelOrder) }
    rig.wait(Interval.second)
    let probes = rig.underWay.filter { cancels.contains($0) || $0 == refused }
    #expect(probes.count == 1 && rig.traffic.circuit == .halfOpen)
    rig.end(probes[0])
    #expect(rig.traffic.circuit == .closed)
    #expect(cancels.allSatisfy(rig.wasSent))
  }

  @Test func anIdleOpenCircuitAsksForAProbe() {
    var rig = Rig()
    for number in (0..<3).map({ _ in rig.submit(.query) }) { rig.end(number, .init(.failure)) }
    rig.wait(Interval.second)
    #expect(rig.traffic.wantsProbe)
    let probe = rig.submit(.marketData, account: nil)
    #expect(rig.wasSent(probe) && !rig.traffic.wantsProbe)
    rig.end(probe)
    #expect(rig.traffic.circuit == .closed)
  }
}
