import Domain
import Wire

/// The filters of a symbol, as `exchangeInfo` shows them and orders meet them (filters.md of the venue's documentation).
enum BinanceFilters {
  /// Orders that an account may have open in a market.
  static let maximumOpenOrders = 200
  /// A buy's limit price may be 0.2 to 5 times the last price, and so may a sell's.
  static let priceBand: (up: Int64, downTenths: Int64) = (5, 2)
  /// Highest notional of a limit order, in quote units.
  static let maximumNotional = Money(units: 9_000_000 * 1_000_000_000_000_000_000)

  /// Refuses what breaks a filter, in the venue's order of checks. The notional of a market order is taken at the last price.
  static func check(_ order: NewOrder, _ market: Market, openOrders: Int) throws(BinanceError) {
    let rules = market.instrument
    if order.kind != .market {
      try checkPrice(order.price, market)
    }
    if case .base(let quantity) = order.size {
      let isInRange = quantity >= rules.minimumQuantity && (rules.maximumQuantity.isZero || quantity <= rules.maximumQuantity)
      guard isInRange, quantity.isPositive, quantity.isMultiple(of: rules.lot) else { throw .filter("LOT_SIZE") }
      if order.kind == .market, quantity > marketMaximum(rules) { throw .filter("MARKET_LOT_SIZE") }
      try checkNotional((order.kind == .market ? market.lastPrice : order.price) * quantity, order, rules)
    }
    if case .quote(let amount) = order.size {
      try checkNotional(amount, order, rules)
    }
    guard openOrders < maximumOpenOrders else { throw .rejected("Filter failure: MAX_NUM_ORDERS") }
  }

  private static func checkPrice(_ price: Price, _ market: Market) throws(BinanceError) {
    let rules = market.instrument
    let isInRange = price >= rules.minimumPrice && (rules.maximumPrice.isZero || price <= rules.maximumPrice)
    guard isInRange, price.isPositive, price.isMultiple(of: rules.tick) else { throw .filter("PRICE_FILTER") }
    let reference = Int128(market.lastPrice.units)
    let isInBand =
      Int128(price.units) <= reference * Int128(priceBand.up)
      && Int128(price.units) * 10 >= reference * Int128(priceBand.downTenths)
    guard isInBand else { throw .filter("PERCENT_PRICE_BY_SIDE") }
  }

  private static func checkNotional(_ notional: Money, _ order: NewOrder, _ rules: Instrument) throws(BinanceError) {
    let isTooMuch = order.kind != .market && notional > maximumNotional
    guard notional >= rules.minimumNotional, !isTooMuch else { throw .filter("NOTIONAL") }
  }

  /// A hundredth of the largest order, whole lots.
  private static func marketMaximum(_ rules: Instrument) -> Quantity {
    rules.maximumQuantity.isZero
      ? Quantity(units: .max) : Quantity(units: rules.maximumQuantity.units / 100).rounded(toMultipleOf: rules.lot, .down)
  }

  static func append(_ rules: Instrument, to json: inout JSONWriter) {
    json.beginArray()
    filter("PRICE_FILTER", &json) { json in
      json.amount("minPrice", rules.minimumPrice)
      json.amount("maxPrice", rules.maximumPrice)
      json.amount("tickSize", rules.tick)
    }
    filter("LOT_SIZE", &json) { json in
      json.amount("minQty", rules.minimumQuantity)
      json.amount("maxQty", rules.maximumQuantity)
      json.amount("stepSize", rules.lot)
    }
    filter("ICEBERG_PARTS", &json) { $0.member("limit", 10) }
    filter("MARKET_LOT_SIZE", &json) { json in
      json.amount("minQty", Quantity.zero)
      json.amount("maxQty", marketMaximum(rules))
      json.amount("stepSize", Quantity.zero)
    }
    filter("PERCENT_PRICE_BY_SIDE", &json) { json in
      json.member("bidMultiplierUp", "\(priceBand.up)")
      json.member("bidMultiplierDown", "0.\(priceBand.downTenths)")
      json.member("askMultiplierUp", "\(priceBand.up)")
      json.member("askMultiplierDown", "0.\(priceBand.downTenths)")
      // Zero minutes mean the last price.
      json.member("avgPriceMins", 0)
    }
    filter("NOTIONAL", &json) { json in
      json.amount("minNotional", rules.minimumNotional)
      json.member("applyMinToMarket", true)
      json.amount("maxNotional", maximumNotional)
      json.member("applyMaxToMarket", false)
      json.member("avgPriceMins", 0)
    }
    filter("MAX_NUM_ORDERS", &json) { $0.member("maxNumOrders", maximumOpenOrders) }
    filter("MAX_NUM_ALGO_ORDERS", &json) { $0.member("maxNumAlgoOrders", 5) }
    json.endArray()
  }

  private static func filter(_ type: String, _ json: inout JSONWriter, _ body: (inout JSONWriter) -> Void) {
    json.beginObject()
    json.member("filterType", type)
    body(&json)
    json.endObject()
  }
}
