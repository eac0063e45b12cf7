import Domain
import Wire

/// The rules of the markets as the venue lists them, by category.
enum BybitInstruments {
  static func answer(
    _ parameters: BybitParameters, _ rules: BybitRules, _ world: World, _ json: inout JSONWriter
  ) throws(BybitError) {
    let category = try parameters.category()
    let asked = try parameters.market(category, world)
    let base = parameters.text("baseCoin")
    let markets = world.exchange.markets
    json.beginObject()
    json.member("category", category)
    json.name("list")
    json.beginArray()
    for index in markets.indices where category.lists(markets[index]) && asked ?? index == index {
      let instrument = markets[index].instrument
      guard base ?? instrument.symbol.base == instrument.symbol.base else { continue }
      category == .spot ? spot(instrument, index, rules, &json) : linear(instrument, index, rules, &json)
    }
    json.endArray()
    // Spot alone has no pages.
    if category != .spot { json.member("nextPageCursor", "") }
    json.endObject()
  }

  private static func spot(_ instrument: Instrument, _ index: Int, _ rules: BybitRules, _ json: inout JSONWriter) {
    json.beginObject()
    head(instrument, index, &json)
    json.member("innovation", "0")
    json.member("marginTrading", "none")
    json.member("stTag", "0")
    json.name("lotSizeFilter")
    json.beginObject()
    json.member("basePrecision", instrument.lot)
    json.member("quotePrecision", BybitRules.quoteStep)
    json.member("minOrderQty", instrument.minimumQuantity)
    json.member("maxOrderQty", instrument.maximumQuantity)
    json.member("minOrderAmt", instrument.minimumNotional)
    json.member("maxOrderAmt", BybitRules.maximumNotional)
    json.member("maxLimitOrderQty", instrument.maximumQuantity)
    json.member("maxMarketOrderQty", BybitRules.marketMaximum(instrument))
    json.member("postOnlyMaxLimitOrderSize", instrument.maximumQuantity)
    json.endObject()
    json.name("priceFilter")
    json.beginObject()
    json.member("tickSize", instrument.tick)
    json.endObject()
    risk(rules, &json)
    json.member("xstockMultiplier", "1")
    json.endObject()
  }

  private static func linear(_ instrument: Instrument, _ index: Int, _ rules: BybitRules, _ json: inout JSONWriter) {
    json.beginObject()
    head(instrument, index, &json)
    json.member("contractType", "LinearPerpetual")
    json.member("settleCoin", instrument.symbol.quote)
    json.member("launchTime", "1585526400000")
    json.member("deliveryTime", "0")
    json.member("deliveryFeeRate", "")
    json.member("priceScale", String(instrument.priceDecimals))
    json.name("leverageFilter")
    json.beginObject()
    json.member("minLeverage", "1")
    json.member("maxLeverage", "100.00")
    json.member("leverageStep", "0.01")
    json.endObject()
    json.name("priceFilter")
    json.beginObject()
    json.member("minPrice", instrument.minimumPrice)
    json.member("maxPrice", instrument.maximumPrice)
    json.member("tickSize", instrument.tick)
    json.endObject()
    json.name("lotSizeFilter")
    json.beginObject()
    json.member("qtyStep", instrument.lot)
    json.member("minOrderQty", instrument.minimumQuantity)
    json.member("maxOrderQty", instrument.maximumQuantity)
    json.member("postOnlyMaxOrderQty", instrument.maximumQuantity)
    json.member("maxMktOrderQty", BybitRules.marketMaximum(instrument))
    json.member("minNotionalValue", instrument.minimumNotional)
    json.endObject()
    contract(&json)
    risk(rules, &json)
    json.endObject()
  }

  private static func head(_ instrument: Instrument, _ index: Int, _ json: inout JSONWriter) {
    json.member("symbolId", index + 1)
    json.member("symbol", instrument.venueSymbol)
    json.member("baseCoin", instrument.symbol.base)
    json.member("quoteCoin", instrument.symbol.quote)
    json.member("status", instrument.isTrading ? "Trading" : "Closed")
    json.member("symbolType", "")
  }

  private static func contract(_ json: inout JSONWriter) {
    json.member("unifiedMarginTrade", true)
    json.member("fundingInterval", Int(BybitFunding.interval / Interval.minute))
    json.member("copyTrading", "none")
    json.member("upperFundingRate", "0.00375")
    json.member("lowerFundingRate", "-0.00375")
    json.member("isPreListing", false)
    json.name("preListingInfo")
    json.null()
  }

  private static func risk(_ rules: BybitRules, _ json: inout JSONWriter) {
    json.name("riskParameters")
    json.beginObject()
    json.member("priceLimitRatioX", BybitOrderText.rate(rules.priceBandBasisPoints))
    json.member("priceLimitRatioY", BybitOrderText.rate(rules.priceBandBasisPoints))
    json.endObject()
  }
}
