import Domain
import StrategyCore
import Wire

/// Values made for the tests; what they are made from is legal.
enum Sample {
  static let account = identifier("main") as Account
  static let symbol = Symbol("BTC-USDT") ?? { preconditionFailure("a legal symbol") }()
  static let start = Timestamp(nanoseconds: 1_700_000_000_000_000_000)

  static func identifier<Kind>(_ text: String) -> Identifier<Kind> {
    guard let identifier = Identifier<Kind>(text) else { preconditionFailure("\(text) is no identifier") }
    return identifier
  }

  static func decimal<Value: FixedPoint>(_ text: String) -> Value {
    guard let value = try? Value(text) else { preconditionFailure("\(text) is no decimal") }
    return value
  }

  static func level(_ price: Int64, _ quantity: Int64) -> BookLevel {
    BookLevel(price: decimal(String(price)), quantity: decimal(String(quantity)))
  }

  static func snapshot(
    bid: Int64, ask: Int64, at time: Timestamp, isValid: Bool = true, update: Int64 = 1, venue: Venue = .binance
  ) -> BookRecord {
    BookRecord(
      kind: .snapshot, venue: venue, symbol: symbol, updateID: update, isValid: isValid, ingestTime: time,
      top: TopOfBook(bid: level(bid, 1), ask: level(ask, 1)), bids: [level(bid, 1)], asks: [level(ask, 1)])
  }

  static func event(of request: OrderRequest, _ status: OrderStatus, filled: Quantity = .zero) -> OrderEvent {
    OrderEvent(
      account: request.account, clientOrderID: request.clientOrderID ?? identifier("none"), venue: .binance, symbol: symbol,
      side: request.side ?? .buy, quantity: request.quantity ?? .zero, status: status, cumulativeQuantity: filled,
      provenance: .venue, time: start)
  }

  static func rejection(of request: OrderRequest) -> Rejection {
    Rejection(
      account: request.account, clientOrderID: request.clientOrderID ?? identifier("none"), code: .orderRate,
      reason: "Order rejected.", request: request, decidedAt: start,
      source: RecordSource(topic: Topic.orders, partition: 0, offset: 0, timestamp: start))
  }
}
