import Domain
import RiskGateCore
import Testing
import Wire

@Suite struct DailyLossTests {
  /// Long 1 BTC from 26,796 and a book that has lost 10,000 a coin.
  private func losing() -> Harness {
    var gate = Harness()
    gate.quote("BTC-USDT", bid: "26795.9", ask: "26796.1")
    gate.hold("1", at: "26796", id: "a")
    gate.quote("BTC-USDT", bid: "16795.9", ask: "16796.1")
    return gate
  }

  @Test func onlyReducingOrdersPassOnceTheLossIsReached() {
    var gate = losing()
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    #expect(gate.send(#"{"side":"sell","quantity":1.00001}"#).code == .dailyLoss)
    #expect(gate.send(#"{"side":"sell","quantity":0.5}"#).passed)
    // A recovery does not undo it.
    gate.quote("BTC-USDT", bid: "26795.9", ask: "26796.1")
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    gate.wait(Interval.second)
    gate.apply(.tick)
    #expect(gate.alerts.filter { $0.code == "daily_loss" }.count == 1)
  }

  @Test func oneUnitLessThanTheLimitPasses() {
    var gate = losing()
    gate.quote("BTC-USDT", bid: "16795.92", ask: "16796.1")
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).passed)
  }

  @Test func midnightStartsANewDayAtTheLastMark() {
    var gate = losing()
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    let untilMidnight = Interval.day - gate.now.nanoseconds % Interval.day
    gate.waitWithBook(untilMidnight - 1)
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    gate.waitWithBook(1)
    let answer = gate.send(#"{"side":"buy","quantity":0.1}"#)
    #expect(answer.approval?.figures.dailyProfit == .zero)
    // The next loss counts from there.
    gate.quote("BTC-USDT", bid: "6795.9", ask: "6796.1")
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
  }

  @Test func anOperatorReleasesIt() {
    var gate = losing()
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    gate.limit { $0.maximumDailyLoss = Harness.money("20000") }
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).passed)
    gate.limit { $0.maximumDailyLoss = Harness.money("10000") }
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
    gate.control(.active)
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).passed)
  }

  @Test func anInvalidBookLeavesTheLastMarkAndRefusesWhatIncreases() {
    var gate = losing()
    gate.list(Harness.instrument("BTC-USDC"))
    gate.quote("BTC-USDC", bid: "16795.9", ask: "16796.1")
    gate.limit { $0.maximumDailyLoss = Harness.money("100000") }
    gate.invalidate("BTC-USDT")
    let refused = gate.send(#"{"side":"buy","symbol":"BTC-USDC","quantity":0.1}"#)
    #expect(refused.code == .noReference)
    #expect(refused.rejections.first?.figures.dailyProfit == Harness.money("-10000"))
    #expect(gate.send(#"{"side":"sell","symbol":"BTC-USDC","quantity":0.1}"#).passed)
    gate.quote("BTC-USDT", bid: "16795.9", ask: "16796.1")
    #expect(gate.send(#"{"side":"buy","symbol":"BTC-USDC","quantity":0.1}"#).passed)
  }

  @Test func aLateFillCountsWhenItArrives() {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26796,"quantity":1,"client_order_id":"a"}"#)
    gate.event("a", .cancelled, quantity: "1", cumulative: "1")
    gate.quote("BTC-USDT", bid: "16795.9", ask: "16796.1")
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).passed)
    gate.event("a", .cancelled, quantity: "1", cumulative: "1", fill: Harness.fill("1", price: "26796", quantity: "1"))
    #expect(gate.send(#"{"side":"buy","quantity":0.1}"#).code == .dailyLoss)
  }
}
