import Domain
import Wire

extension BybitMarket {
  /// Reads a reply to `instruments-info` (market/instrument.mdx of bybit-exchange/docs).
  public func instruments(_ body: [UInt8]) throws(ReplyError) -> InstrumentList {
    let result = try BybitReplies.result(body)
    return InstrumentList(
      try result.requiredArray("list"), nextCursor: try BybitReplies.nextCursor(in: result)
    ) { json, venueSymbol throws(InstrumentRefused) in try instrument(json, venueSymbol: venueSymbol) }
  }

  private func instrument(_ json: JSON, venueSymbol: String) throws(InstrumentRefused) -> Instrument {
    guard let base = json["baseCoin"]?.string, let quote = json["quoteCoin"]?.string, let lots = json["lotSizeFilter"],
      let prices = json["priceFilter"]
    else { throw InstrumentRefused(code: .malformed) }
    let isSpot = category == .spot
    // Futures with a day of delivery are in the linear list as well.
    guard isSpot || json["contractType"]?.string == "LinearPerpetual" else { throw InstrumentRefused(code: .name) }
    let (asset, multiplier) = isSpot ? (base, 1) : ContractUnit.split(base)
    guard let symbol = Symbol(base: asset, quote: quote, isPerpetual: !isSpot) else { throw InstrumentRefused(code: .name) }
    let lot: Quantity = try lots.limit(isSpot ? "basePrecision" : "qtyStep", .quantity)
    guard lot.isPositive else { throw InstrumentRefused(code: .quantity) }
    // What market orders may be at most is less; Apus sends limits.
    let maximum = isSpot && lots["maxLimitOrderQty"] != nil ? "maxLimitOrderQty" : "maxOrderQty"
    let notional: Money = try lots.limit(isSpot ? "minOrderAmt" : "minNotionalValue", .notional)
    guard notional <= Money.limit else { throw InstrumentRefused(code: .notional) }
    let instrument = Instrument(
      venue: .bybit, symbol: symbol, venueSymbol: venueSymbol, tick: try prices.limit("tickSize", .price),
      minimumPrice: isSpot ? .zero : try prices.limit("minPrice", .price),
      maximumPrice: isSpot ? .zero : try prices.limit("maxPrice", .price),
      lot: lot, minimumQuantity: try lots.limit("minOrderQty", .quantity), maximumQuantity: try lots.limit(maximum, .quantity),
      minimumNotional: notional, isTrading: json["status"]?.string == "Trading",
      priceBandBasisPoints: try json["riskParameters"].map { risk throws(InstrumentRefused) in try Self.band(risk) } ?? 0)
    return try instrument.perUnit(multiplier: multiplier)
  }

  /// `0.01` is a hundred basis points. A fraction of one is left out, so that the band is never wider than the venue's.
  private static func band(_ risk: JSON) throws(InstrumentRefused) -> Int64 {
    guard risk["priceLimitRatioX"]?.text?.isEmpty == false else { return 0 }
    let ratio: Price = try risk.limit("priceLimitRatioX", .price)
    // A price has ten digits behind the point; a basis point is the fourth.
    return ratio.units / 1_000_000
  }
}
