import Domain
import Testing

@testable import SimulatorCore

@Suite struct MatchingTests {
  @Test("the best price trades first, at one price the oldest order")
  func priceTimePriority() throws {
    var bench = Bench(clients: 3)
    let worse = try bench.place(1, .sell, "1", at: "101")
    let first = try bench.place(1, .sell, "1", at: "100")
    let second = try bench.place(2, .sell, "1", at: "100")
    let taker = try bench.place(3, .buy, "2.5", at: "101")
    #expect(taker.status == .filled)
    #expect(taker.cumulativeQuote == money("250.5"))
    #expect(bench.trades.map(\.price) == [price("100"), price("100"), price("101")])
    #expect(try bench.order(first).status == .filled)
    #expect(try bench.order(second).status == .filled)
    #expect(try bench.order(worse).remaining == quantity("0.5"))
    #expect(bench.exchange.fills(of: 1).map(\.orderID) == [first.id, worse.id])
  }

  @Test("the rest of an order rests, expires or forbids the whole, as its time in force says")
  func timeInForce() throws {
    var bench = Bench()
    try bench.place(1, .sell, "1", at: "100")
    let killed = try bench.place(2, .buy, "1.5", at: "100", .fok)
    #expect(killed.status == .expired && killed.executed.isZero)
    let partial = try bench.place(2, .buy, "1.5", at: "100", .ioc)
    #expect(partial.status == .expired && partial.executed == quantity("1"))
    try bench.place(1, .sell, "1", at: "100")
    let whole = try bench.place(2, .buy, "1", at: "100", .fok)
    #expect(whole.status == .filled)
    try bench.place(1, .sell, "1", at: "100")
    let resting = try bench.place(2, .buy, "1.5", at: "100")
    #expect(resting.status == .partiallyFilled && resting.remaining == quantity("0.5"))
    #expect(bench.exchange.markets[0].levels(.buy, limit: 9) == [BookLevel(price: price("100"), quantity: quantity("0.5"))])
  }

  @Test("a post-only order rests or is refused")
  func postOnly() throws {
    var bench = Bench()
    try bench.place(1, .sell, "1", at: "100")
    #expect(throws: OrderRejection.wouldTake) { try bench.place(2, .buy, "1", at: "100", postOnly: true) }
    #expect(try bench.place(2, .buy, "1", at: "99.99", postOnly: true).status == .new)
    #expect(bench.exchange.allOrders(of: 2).count == 1)
  }

  @Test("a market order takes what is there; the rest expires, and an empty book fills nothing")
  func marketOrders() throws {
    var bench = Bench()
    let nothing = try bench.place(2, .buy, "1")
    #expect(nothing.status == .expired && nothing.executed.isZero)
    try bench.place(1, .sell, "1", at: "100")
    let partial = try bench.place(2, .buy, "3")
    #expect(partial.status == .expired && partial.executed == quantity("1"))
    #expect(try bench.balance(2, "USDT") == Balance(free: money("999900"), locked: .zero))
  }

  @Test("a market order by quote amount spends as many whole lots as fit")
  func quoteSize() throws {
    var bench = Bench(fees: Exchange.Fees(makerBasisPoints: 0, takerBasisPoints: 0))
    try bench.place(1, .sell, "1", at: "100")
    try bench.place(1, .sell, "1", at: "300")
    let request = NewOrder(account: 2, market: 0, clientOrderID: "q", side: .buy, kind: .market, size: .quote(money("200.001")))
    let id = try bench.exchange.place(request, at: bench.now)
    let order = try #require(bench.exchange.order(id, of: 2, in: 0))
    #expect(order.status == .filled)
    #expect(order.executed == quantity("1.33333"))
    #expect(order.cumulativeQuote == money("199.999"))
    let sale = NewOrder(account: 2, market: 0, clientOrderID: "s", side: .sell, kind: .market, size: .quote(money("10")))
    #expect(throws: OrderRejection.nothingToMatch) { try bench.exchange.place(sale, at: bench.now) }
  }

  @Test("the buyer pays its fee in the base asset, the seller in the quote asset")
  func fees() throws {
    var bench = Bench(fees: Exchange.Fees(makerBasisPoints: 10, takerBasisPoints: 20))
    try bench.place(1, .sell, "0.25", at: "26796.10")
    try bench.place(2, .buy, "0.25")
    let maker = try #require(bench.exchange.fills(of: 1).first)
    let taker = try #require(bench.exchange.fills(of: 2).first)
    #expect(maker.fee == money("6.699025") && maker.isMaker)
    #expect(taker.fee == money("0.0005") && !taker.isMaker)
    #expect(try bench.balance(1, "USDT").free == money("1006692.325975"))
    #expect(try bench.balance(2, "BTC").free == money("50.2495"))
    #expect(try bench.balance(2, "USDT").free == money("993300.975"))
  }

  @Test("funds are held for what rests and given back on cancel and on a better price")
  func funds() throws {
    var bench = Bench()
    let resting = try bench.place(1, .buy, "2", at: "100")
    #expect(try bench.balance(1, "USDT").locked == money("200"))
    #expect(bench.exchange.cancel(resting.id, at: bench.now)?.status == .cancelled)
    #expect(bench.exchange.cancel(resting.id, at: bench.now) == nil)
    #expect(try bench.balance(1, "USDT") == Balance(free: money("1000000"), locked: .zero))
    try bench.place(2, .sell, "1", at: "90")
    try bench.place(1, .buy, "2", at: "100")
    #expect(try bench.balance(1, "USDT") == Balance(free: money("999810"), locked: money("100")))
    #expect(throws: OrderRejection.insufficientBalance) { try bench.place(1, .buy, "9999", at: "100") }
    #expect(throws: OrderRejection.insufficientBalance) { try bench.place(1, .sell, "52", at: "100000") }
  }

  @Test("a client id is taken while its order is open and free afterwards")
  func clientIDs() throws {
    var bench = Bench()
    let order = try bench.place(1, .buy, "1", at: "100", id: "mine")
    #expect(throws: OrderRejection.duplicateClientOrderID) { try bench.place(1, .buy, "1", at: "100", id: "mine") }
    #expect(try bench.place(2, .buy, "1", at: "100", id: "mine").status == .new)
    bench.exchange.cancel(order.id, at: bench.now)
    let again = try bench.place(1, .buy, "1", at: "100", id: "mine")
    #expect(bench.exchange.order(named: "mine", of: 1, in: 0)?.id == again.id)
  }

  @Test("an account does not trade with itself unless it asks to")
  func selfTrade() throws {
    var bench = Bench()
    let old = try bench.place(1, .sell, "1", at: "100")
    try bench.place(2, .sell, "1", at: "100")
    let taker = try bench.place(1, .buy, "1", at: "100")
    #expect(taker.status == .filled)
    #expect(try bench.order(old).status == .prevented)

    let kept = try bench.place(1, .sell, "1", at: "100")
    #expect(try bench.place(1, .buy, "1", at: "100", prevention: .expireTaker).status == .prevented)
    #expect(try bench.order(kept).status == .new)
    #expect(try bench.place(1, .buy, "1", at: "100", prevention: .expireBoth).status == .prevented)
    #expect(try bench.order(kept).status == .prevented)

    try bench.place(1, .sell, "1", at: "100")
    #expect(try bench.place(1, .buy, "1", at: "100", prevention: .none).status == .filled)
  }
}
