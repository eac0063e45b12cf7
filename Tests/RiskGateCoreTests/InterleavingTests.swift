import Domain
import RiskGateCore
import Testing
import Wire

/// Orders, fills and ends in any interleaving, beside a model that keeps a plain list and adds everything up each time.
@Suite struct InterleavingTests {
  struct NaiveOrder {
    let id: String
    let side: Side
    let quantity: Int64
    /// What the venue has filled, and which of it was reported: (trade, quantity).
    var trades: [(name: String, quantity: Int64)] = []
    var reported: Set<String> = []
    /// The end as it was reported; nil while the order may fill.
    var isEnded = false
    var endWasReported = false

    var filled: Int64 { trades.reduce(0) { $0 + $1.quantity } }
    var seen: Int64 { trades.reduce(0) { $0 + (reported.contains($1.name) ? $1.quantity : 0) } }
    var outstanding: Int64 { (endWasReported ? filled : quantity) - seen }
  }

  struct Model {
    var orders: [NaiveOrder] = []
    var approvals: [Timestamp] = []
    var position: Int64 { orders.reduce(0) { $0 + $1.side.sign * $1.seen } }
    func open(_ side: Side) -> Int64 { orders.reduce(0) { $0 + ($1.side == side ? $1.outstanding : 0) } }
    func inWindow(_ now: Timestamp) -> Int { approvals.count { now - $0 < Interval.second } }
  }

  private static let limit: Int64 = 2_0000_0000

  @Test(arguments: 0..<30 as Range<UInt64>)
  func noApprovalExceedsALimitAndNoRefusalIsInVain(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var gate = Harness()
    gate.limit {
      $0.maximumPosition = [.init(asset: "BTC", quantity: Quantity(units: Self.limit))]
      $0.maximumDailyLoss = Harness.money("1000000000")
    }
    var model = Model()
    for step in 0..<400 {
      gate.waitWithBook(Int64(random.next() % 250) * Interval.millisecond)
      switch random.next() % 10 {
      case 0..<4: submit(step, seed, &gate, &model, &random)
      case 4..<6: trade(&gate, &model, &random)
      case 6..<8: report(&gate, &model, &random)
      default: end(&gate, &model, &random)
      }
    }
    for index in model.orders.indices { finish(index, &gate, &model) }
    let exposure = gate.exposure()
    #expect(exposure?.openBuys == .zero && exposure?.openSells == .zero, "seed \(seed)")
    #expect(exposure?.position.units ?? 0 == model.position, "seed \(seed)")
  }

  private func submit(_ step: Int, _ seed: UInt64, _ gate: inout Harness, _ model: inout Model, _ random: inout SeededGenerator) {
    let side: Side = random.next() % 2 == 0 ? .buy : .sell
    let quantity = Int64(1 + random.next() % 80_000) * 1_000
    let text = Quantity(units: quantity).description
    let answer = gate.send(#"{"side":"\#(side.rawValue)","price":26796,"quantity":\#(text),"client_order_id":"o\#(step)"}"#)
    let figures = answer.approval?.figures ?? answer.rejections.first?.figures
    let comment: Comment = "seed \(seed), step \(step)"
    #expect(figures?.position?.units == model.position, comment)
    #expect(figures?.openBuys?.units == model.open(.buy), comment)
    #expect(figures?.openSells?.units == model.open(.sell), comment)
    #expect(figures?.ordersInWindow == model.inWindow(gate.now), comment)
    let after = side == .buy ? model.position + model.open(.buy) + quantity : -(model.position - model.open(.sell) - quantity)
    let expected: RejectionCode? =
      Price(units: 267961_000000000) * Quantity(units: quantity) > Harness.money("50000")
      ? .orderSize : after > Self.limit ? .position : model.inWindow(gate.now) >= 5 ? .orderRate : nil
    // Orders of less than five dollars are the venue's business.
    guard answer.code != .minimumNotional else { return }
    #expect(answer.code == expected, comment)
    guard answer.passed else { return }
    model.orders.append(NaiveOrder(id: "o\(step)", side: side, quantity: quantity))
    model.approvals.append(gate.now)
  }

  /// The venue fills a part; nobody hears of it yet.
  private func trade(_ gate: inout Harness, _ model: inout Model, _ random: inout SeededGenerator) {
    guard let index = model.orders.indices.filter({ !model.orders[$0].isEnded }).randomElement(using: &random) else { return }
    let rest = model.orders[index].quantity - model.orders[index].filled
    let part = rest <= 1_000 ? rest : Int64(1 + random.next() % UInt64(rest / 1_000)) * 1_000
    model.orders[index].trades.append((name: "t\(model.orders[index].trades.count)", quantity: part))
    if part == rest { model.orders[index].isEnded = true }
  }

  /// Some fill is reported, perhaps for the second time.
  private func report(_ gate: inout Harness, _ model: inout Model, _ random: inout SeededGenerator) {
    guard let index = model.orders.indices.filter({ !model.orders[$0].trades.isEmpty }).randomElement(using: &random),
      let trade = model.orders[index].trades.randomElement(using: &random)
    else { return }
    model.orders[index].reported.insert(trade.name)
    tell(index, trade, &gate, model)
  }

  private func tell(_ index: Int, _ trade: (name: String, quantity: Int64), _ gate: inout Harness, _ model: Model) {
    let order = model.orders[index]
    let fill = Fill(
      tradeID: trade.name, price: Harness.price("26796"), quantity: Quantity(units: trade.quantity), fee: .zero, feeAsset: "USDT",
      time: gate.now)
    gate.event(
      order.id, order.endWasReported ? .cancelled : .partiallyFilled, side: order.side,
      quantity: Quantity(units: order.quantity).description,
      cumulative: order.endWasReported ? Quantity(units: order.filled).description : "0", fill: fill)
  }

  private func end(_ gate: inout Harness, _ model: inout Model, _ random: inout SeededGenerator) {
    guard let index = model.orders.indices.filter({ !model.orders[$0].endWasReported }).randomElement(using: &random) else {
      return
    }
    if random.next() % 4 == 0 {
      gate.event(
        model.orders[index].id, .unknown, side: model.orders[index].side,
        quantity: Quantity(units: model.orders[index].quantity).description)
    } else {
      reportEnd(index, &gate, &model)
    }
  }

  private func reportEnd(_ index: Int, _ gate: inout Harness, _ model: inout Model) {
    model.orders[index].isEnded = true
    model.orders[index].endWasReported = true
    let order = model.orders[index]
    gate.event(
      order.id, .cancelled, side: order.side, quantity: Quantity(units: order.quantity).description,
      cumulative: Quantity(units: order.filled).description)
  }

  private func finish(_ index: Int, _ gate: inout Harness, _ model: inout Model) {
    if !model.orders[index].endWasReported { reportEnd(index, &gate, &model) }
    for trade in model.orders[index].trades where model.orders[index].reported.insert(trade.name).inserted {
      tell(index, trade, &gate, model)
    }
  }
}
