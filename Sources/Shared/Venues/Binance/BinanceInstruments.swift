import Domain
import Wire

extension BinanceMarket {
  /// Reads the reply to `exchangeInfo` (filters.md of binance-spot-api-docs).
  public func instruments(_ body: [UInt8]) throws(ReplyError) -> InstrumentList {
    InstrumentList(try JSON.reply(body).requiredArray("symbols")) { json, venueSymbol throws(InstrumentRefused) in
      try instrument(json, venueSymbol: venueSymbol)
    }
  }

  private func instrument(_ json: JSON, venueSymbol: String) throws(InstrumentRefused) -> Instrument {
    guard let base = json["baseAsset"]?.string, let quote = json["quoteAsset"]?.string,
      let filters = json["filters"]?.array
    else { throw InstrumentRefused(code: .malformed) }
    let isNamed = self == .spot || json["contractType"]?.string == "PERPETUAL"
    let (asset, multiplier) = self == .spot ? (base, 1) : ContractUnit.split(base)
    guard isNamed, let symbol = Symbol(base: asset, quote: quote, isPerpetual: self == .futures) else {
      throw InstrumentRefused(code: .name)
    }
    let reader = FilterReader(filters)
    let tick: Price = try reader.value("PRICE_FILTER", "tickSize", .price)
    let lot: Quantity = try reader.value("LOT_SIZE", "stepSize", .quantity)
    guard lot.isPositive else { throw InstrumentRefused(code: .quantity) }
    let instrument = Instrument(
      venue: .binance, symbol: symbol, venueSymbol: venueSymbol, tick: tick,
      minimumPrice: try reader.value("PRICE_FILTER", "minPrice", .price),
      maximumPrice: try reader.value("PRICE_FILTER", "maxPrice", .price),
      lot: lot,
      minimumQuantity: try reader.value("LOT_SIZE", "minQty", .quantity),
      maximumQuantity: try reader.value("LOT_SIZE", "maxQty", .quantity),
      minimumNotional: try reader.minimumNotional(),
      isTrading: json["status"]?.string == "TRADING")
    return try instrument.perUnit(multiplier: multiplier)
  }
}

/// Looks up numbers in an instrument's filters.
private struct FilterReader {
  private let filters: [JSON]

  init(_ filters: [JSON]) { self.filters = filters }

  func value<Value: FixedPoint>(
    _ filter: String, _ field: String, _ code: InstrumentList.Refusal.Code
  ) throws(InstrumentRefused) -> Value {
    guard let filter = find(filter) else { throw InstrumentRefused(code: .malformed) }
    return try filter.limit(field, code)
  }

  /// Spot names it `NOTIONAL` or, formerly, `MIN_NOTIONAL`; the futures write `notional` in the latter. None: no minimum.
  func minimumNotional() throws(InstrumentRefused) -> Money {
    guard let filter = find("NOTIONAL") ?? find("MIN_NOTIONAL") else { return .zero }
    let amount: Money = try filter.limit(filter["minNotional"] == nil ? "notional" : "minNotional", .notional)
    guard amount <= Money.limit else { throw InstrumentRefused(code: .notional) }
    return amount
  }

  private func find(_ type: String) -> JSON? { filters.first { $0["filterType"]?.string == type } }
}
