import Domain
import RiskGateCore
import Testing
import Wire

/// Each limit of the risk table: refused just beyond its boundary, passed exactly at it.
@Suite struct LimitBoundaryTests {
  @Test func orderSizeOfExactlyTheLimitPasses() {
    var gate = Harness()
    #expect(gate.send(#"{"side":"sell","type":"limit","price":"50000","quantity":"1"}"#).passed)
    let refused = gate.send(#"{"side":"sell","type":"limit","price":"50000","quantity":"1.00001"}"#)
    #expect(refused.code == .orderSize)
    #expect(refused.reason == "Order rejected: Notional exceeds $50,000 limit.")
  }

  @Test func sizeIsJudgedAtTheWorseOfLimitAndReference() {
    var gate = Harness()
    // A buy far below the ask still counts at the ask: 26796.1 · 2 > 50,000.
    #expect(gate.send(#"{"side":"buy","price":"20000","quantity":"2"}"#).code == .orderSize)
    #expect(gate.send(#"{"side":"buy","price":"20000","quantity":"1.8"}"#).passed)
    // A market order counts at the reference.
    #expect(gate.send(#"{"side":"buy","quantity":"1.8659"}"#).passed)
  }

  @Test func positionOfExactlyTheLimitPassesCountingOpenOrders() {
    var gate = Harness()
    gate.limit { $0.maximumOrdersPerSecond = 100 }
    for _ in 0..<4 { #expect(gate.send(#"{"side":"buy","quantity":1.2}"#).passed) }
    let refused = gate.send(#"{"side":"buy","quantity":0.20001}"#)
    #expect(refused.code == .position)
    #expect(refused.reason == "Order rejected: Position exceeds 5 BTC limit.")
    let last = gate.send(#"{"side":"buy","quantity":0.2}"#)
    #expect(last.passed)
    #expect(last.approval?.figures.positionAfter == Harness.quantity("5"))
    #expect(gate.send(#"{"side":"buy","quantity":0.001}"#).code == .position)
  }

  @Test func aShortPositionIsLimitedAlike() {
    var gate = Harness()
    gate.hold("-4", at: "26796", id: "a")
    #expect(gate.send(#"{"side":"sell","quantity":1.00001}"#).code == .position)
    #expect(gate.send(#"{"side":"sell","quantity":1}"#).passed)
  }

  @Test func aBaseWithoutALimitIsRefused() {
    var gate = Harness()
    gate.list(Harness.instrument("ETH-USDT"))
    gate.quote("ETH-USDT", bid: "1800", ask: "1801")
    let refused = gate.send(#"{"side":"buy","symbol":"ETH-USDT","quantity":1}"#)
    #expect(refused.code == .noPositionLimit)
    gate.limit { $0.maximumPosition.append(.init(asset: "ETH", quantity: Harness.quantity("1"))) }
    #expect(gate.send(#"{"side":"buy","symbol":"ETH-USDT","quantity":1}"#).passed)
  }

  @Test func theSixthOrderOfASecondIsRefused() {
    var gate = Harness()
    for _ in 0..<5 { #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).passed) }
    let refused = gate.send(#"{"side":"buy","quantity":0.01}"#)
    #expect(refused.code == .orderRate)
    #expect(refused.reason == "Order rejected: Order rate exceeds 5 per second limit.")
    gate.wait(Interval.second - 1)
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).code == .orderRate)
    gate.wait(1)
    // The window is half open: what happened exactly a second ago is out.
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).passed)
  }

  @Test func refusedOrdersAndCancelsDoNotCountForTheRate() {
    var gate = Harness()
    for number in 0..<20 {
      #expect(gate.send(#"{"side":"buy","quantity":100}"#).code == .orderSize)
      #expect(gate.send(#"{"action":"cancel","target_client_order_id":"x\#(number)"}"#).passed)
    }
    for _ in 0..<5 { #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).passed) }
  }

  @Test func anOrderIsStaleBeyondTenSeconds() {
    var gate = Harness()
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#, age: 10 * Interval.second).passed)
    let refused = gate.send(#"{"side":"buy","quantity":0.01}"#, age: 10 * Interval.second + Interval.millisecond)
    #expect(refused.code == .stale)
    #expect(refused.reason == "Order rejected: The order is older than 10 s.")
  }

  @Test func anExpiredOrderIsRefused() {
    var gate = Harness()
    let now = gate.now.nanoseconds
    let at = gate.send(#"{"side":"buy","quantity":0.01,"expires_at":\#(now)}"#)
    #expect(at.passed)
    #expect(at.approval?.validUntil == gate.now)
    #expect(gate.send(#"{"side":"buy","quantity":0.01,"expires_at":\#(now - 1)}"#).code == .expired)
  }

  @Test func aBookIsYoungUpToTwoSeconds() {
    var gate = Harness()
    gate.wait(2 * Interval.second)
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).passed)
    gate.wait(1)
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).code == .noReference)
    gate.quote("BTC-USDT", bid: "26795.4", ask: "26796.1")
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).passed)
    gate.invalidate("BTC-USDT")
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).code == .noReference)
  }

  @Test func withoutABookOnlyReducingLimitOrdersPass() {
    var gate = Harness()
    gate.hold("1", at: "26796", id: "a")
    gate.invalidate("BTC-USDT")
    #expect(gate.send(#"{"side":"sell","quantity":1}"#).code == .noReference)
    #expect(gate.send(#"{"side":"buy","price":26000,"quantity":1}"#).code == .noReference)
    #expect(gate.send(#"{"side":"sell","price":26000,"quantity":1.00001}"#).code == .noReference)
    #expect(gate.send(#"{"side":"sell","price":26000,"quantity":1}"#).passed)
    // The outstanding reducing quantity counts.
    #expect(gate.send(#"{"side":"sell","price":26000,"quantity":0.001}"#).code == .noReference)
  }

  @Test func aLimitExactlyAtTheCollarPasses() {
    var gate = Harness()
    gate.quote("BTC-USDT", bid: "20000", ask: "20000.01")
    gate.quote("BTC-USDT", bid: "19999.99", ask: "20000")
    #expect(gate.send(#"{"side":"buy","price":21000,"quantity":0.01}"#).passed)
    #expect(gate.send(#"{"side":"buy","price":21000.01,"quantity":0.01}"#).code == .priceCollar)
    gate.quote("BTC-USDT", bid: "20000", ask: "20000.01")
    #expect(gate.send(#"{"side":"sell","price":19000,"quantity":0.01}"#).passed)
    let refused = gate.send(#"{"side":"sell","price":18999.99,"quantity":0.01}"#)
    #expect(refused.code == .priceCollar)
    #expect(refused.reason == "Order rejected: Price is more than 5% through the reference 20000.")
  }

  @Test func instrumentRulesHoldAtTheirBoundaries() {
    var gate = Harness()
    gate.limit {
      $0.maximumOrdersPerSecond = 100
      $0.maximumOrderNotional = Harness.money("1000000000")
      $0.maximumPosition = [.init(asset: "BTC", quantity: Harness.quantity("100000"))]
    }
    #expect(gate.send(#"{"side":"buy","price":"26000.001","quantity":0.01}"#).code == .tick)
    #expect(gate.send(#"{"side":"buy","price":"26000.01","quantity":0.01}"#).passed)
    #expect(gate.send(#"{"side":"buy","price":"26000","quantity":0.010001}"#).code == .lot)
    #expect(gate.send(#"{"side":"buy","price":"26000","quantity":9000.00001}"#).code == .quantityRange)
    #expect(gate.send(#"{"side":"buy","price":"26000","quantity":9000}"#).passed)
    #expect(gate.send(#"{"side":"buy","price":"25000","quantity":0.0002}"#).passed)
    #expect(gate.send(#"{"side":"buy","price":"24999.99","quantity":0.0002}"#).code == .minimumNotional)
    #expect(gate.send(#"{"side":"buy","symbol":"DOGE-USDT","quantity":1}"#).code == .unknownInstrument)
    #expect(gate.send(#"{"side":"buy","venue":"nasdaq","quantity":1}"#).code == .unknownVenue)
    var halted = Harness.instrument("BTC-USDT")
    halted.isTrading = false
    gate.list(halted)
    #expect(gate.send(#"{"side":"buy","price":"26000","quantity":0.01}"#).code == .notTrading)
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).code == .notTrading)
  }

  @Test func theDailyLossIsReachedAtItsLimit() {
    var gate = Harness()
    gate.hold("1", at: "20000", id: "a")
    gate.hold("-1", at: "10000.000000001", id: "b")
    #expect(gate.send(#"{"side":"buy","quantity":0.01}"#).passed)
    gate.hold("1", at: "10000.000000001", id: "c")
    gate.hold("-1", at: "10000", id: "d")
    let refused = gate.send(#"{"side":"buy","quantity":0.01}"#)
    #expect(refused.code == .dailyLoss)
    #expect(refused.reason == "Order rejected: Daily loss reached $10,000 limit.")
    #expect(refused.rejections.first?.figures.dailyProfit == Harness.money("-10000"))
  }
}
