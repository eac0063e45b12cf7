import Domain

/// A market's ticker as pairs of names and texts, so that the stream can tell what changed.
struct BybitTicker: Sendable {
  /// As REST shows it.
  let replyFields: [(name: String, value: String)]
  /// As the stream shows it.
  let streamFields: [(name: String, value: String)]

  init(_ market: Market, at now: Timestamp) {
    let isPerpetual = market.instrument.symbol.isPerpetual
    let day = market.statistics.summary(at: now)
    let last = market.lastPrice
    let open = day?.open ?? last
    let symbol = [("symbol", market.instrument.venueSymbol)]
    let dayFields: [(String, String)] = [
      ("lastPrice", last.description), ("prevPrice24h", open.description), ("price24hPcnt", Self.ratio(last - open, of: open)),
      ("highPrice24h", (day?.high ?? last).description), ("lowPrice24h", (day?.low ?? last).description),
      ("turnover24h", (day?.quoteVolume ?? .zero).description), ("volume24h", (day?.volume ?? .zero).description),
    ]
    let top: [(String, String)] = [
      ("bid1Price", market.top.bid?.price.description ?? ""), ("bid1Size", market.top.bid?.quantity.description ?? ""),
      ("ask1Price", market.top.ask?.price.description ?? ""), ("ask1Size", market.top.ask?.quantity.description ?? ""),
    ]
    guard isPerpetual else {
      let index = [("usdIndexPrice", last.description)]
      replyFields = symbol + top + dayFields + index
      streamFields = symbol + dayFields + index
      return
    }
    let next = BybitFunding.settlement(before: now) + BybitFunding.interval
    let contract: [(String, String)] = [
      ("prevPrice1h", open.description), ("indexPrice", last.description), ("markPrice", last.description),
      ("openInterest", "0"), ("openInterestValue", "0"), ("fundingRate", BybitFunding.rate),
      ("nextFundingTime", String(next.milliseconds)), ("fundingIntervalHour", "8"), ("fundingCap", "0.005"), ("preOpenPrice", ""),
      ("preQty", ""), ("curPreListingPhase", ""),
    ]
    let replyOnly = [
      "predictedDeliveryPrice", "basisRate", "deliveryFeeRate", "basis", "basisRateYear",
    ].map { ($0, "") }
    replyFields = symbol + top + dayFields + contract + replyOnly + [("deliveryTime", "0")]
    streamFields = symbol + top + dayFields + contract + [("tickDirection", "ZeroPlusTick")]
  }

  /// A change as a share with four decimals, rounded toward zero.
  private static func ratio(_ change: Price, of whole: Price) -> String {
    var bytes: [UInt8] = []
    DecimalText.append(whole.isZero ? 0 : Int128(change.units) * 10_000 / Int128(whole.units), scale: 4, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
