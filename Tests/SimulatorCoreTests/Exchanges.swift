import Domain
import Testing

@testable import SimulatorCore

/// Reads a decimal that the test itself wrote.
func price(_ text: String) -> Price { decimal(text) }
func quantity(_ text: String) -> Quantity { decimal(text) }
func money(_ text: String) -> Money { decimal(text) }

private func decimal<Value: FixedPoint>(_ text: String) -> Value {
  do { return try Value(text) } catch { preconditionFailure("\(text): \(error)") }
}

let bitcoin = Exchange.Listing(symbol: symbol("BTC-USDT"), startingPrice: price("26796"))

func symbol(_ text: String) -> Symbol {
  guard let symbol = Symbol(text) else { preconditionFailure("\(text) is no symbol") }
  return symbol
}

/// One market without a crowd, and clients with 1,000,000 USDT and 50 BTC each.
struct Bench {
  var exchange: Exchange
  var now = Timestamp(milliseconds: 1_700_000_000_000)

  init(clients: Int = 2, fees: Exchange.Fees = Exchange.Fees()) {
    exchange = Exchange(listings: [bitcoin], fees: fees)
    for _ in 0..<clients { _ = exchange.addClient([("USDT", money("1000000")), ("BTC", money("50"))]) }
  }

  /// Places an order and gives it as it stands; nil when it was refused.
  @discardableResult
  mutating func place(
    _ account: Int, _ side: Side, _ size: String, at limit: String? = nil, _ timeInForce: TimeInForce = .gtc,
    postOnly: Bool = false, id: String? = nil, prevention: SelfTradePrevention = .expireMaker
  ) throws -> VenueOrder {
    now = now + Interval.millisecond
    let request = NewOrder(
      account: account, market: 0, clientOrderID: id ?? "t\(now)", side: side,
      kind: limit == nil ? .market : postOnly ? .postOnly : .limit, price: limit.map(price) ?? .zero,
      size: .base(quantity(size)), timeInForce: timeInForce, selfTradePrevention: prevention)
    let id = try exchange.place(request, at: now)
    return try #require(exchange.order(id, of: account, in: 0))
  }

  func order(_ order: VenueOrder) throws -> VenueOrder {
    try #require(exchange.order(order.id, of: order.request.account, in: 0))
  }

  func balance(_ account: Int, _ asset: String) throws -> Balance {
    exchange.ledger.balance(account, try #require(exchange.ledger.asset(asset)))
  }

  var trades: [PublicTrade] { exchange.markets[0].trades }
}
