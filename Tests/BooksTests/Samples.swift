import Books
import Domain
import Wire

/// Values made for the tests; what they are made from is legal.
enum Sample {
  static let symbol = Symbol("BTC-USDT") ?? { preconditionFailure("a legal symbol") }()
  static let start = Timestamp(nanoseconds: 1_700_000_000_000_000_000)

  static func venue(_ text: String) -> Venue {
    guard let venue = Venue(text) else { preconditionFailure("\(text) is no venue") }
    return venue
  }

  static func decimal<Value: FixedPoint>(_ text: String) -> Value {
    guard let value = try? Value(text) else { preconditionFailure("\(text) is no decimal") }
    return value
  }

  static func fee(_ millionths: Int64) -> FeeRate {
    guard let fee = FeeRate(millionths: millionths) else { preconditionFailure("\(millionths) is no fee") }
    return fee
  }

  static func level(_ price: Int64, _ quantity: Int64) -> BookLevel {
    BookLevel(price: decimal(String(price)), quantity: decimal(String(quantity)))
  }

  static func level(_ price: String, _ quantity: String) -> BookLevel {
    BookLevel(price: decimal(price), quantity: decimal(quantity))
  }

  static func snapshot(bid: Int64, ask: Int64, at time: Timestamp, isValid: Bool = true, update: Int64 = 1) -> BookRecord {
    BookRecord(
      kind: .snapshot, venue: .binance, symbol: symbol, updateID: update, isValid: isValid, ingestTime: time,
      top: TopOfBook(bid: level(bid, 1), ask: level(ask, 1)), bids: [level(bid, 1)], asks: [level(ask, 1)])
  }

  /// A side of a book with few prices, so that venues often have the same ones.
  static func side(_ side: Side, using generator: inout SeededGenerator) -> [BookLevel] {
    var price = Int64.random(in: 95...105, using: &generator)
    return (0..<Int.random(in: 0...8, using: &generator)).map { _ in
      defer { price += (side == .buy ? -1 : 1) * Int64.random(in: 1...3, using: &generator) }
      return level(price, Int64.random(in: 1...5, using: &generator))
    }
  }
}
