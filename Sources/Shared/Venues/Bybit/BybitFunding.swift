import Domain
import Wire

/// Bybit's funding: the rate in the ticker, payments in the funding history (market/tickers.mdx, market/history-fund-rate.mdx).
struct BybitFunding: FundingData {
  let market: BybitMarket

  let pollInterval = 15 * Interval.second

  func rateRequest(venueSymbol: String) -> VenueRequest { market.tickers(venueSymbol: venueSymbol) }

  func rate(_ body: [UInt8], venueSymbol: String) throws(ReplyError) -> Ticker {
    let tickers = try BybitPublic.tickers(reply: body)
    guard let ticker = tickers.first(where: { $0.venueSymbol == venueSymbol }) else { throw .missing("symbol") }
    return ticker
  }

  func historyRequest(venueSymbol: String) -> VenueRequest { market.fundingHistory(venueSymbol: venueSymbol) }

  func history(_ body: [UInt8], venueSymbol: String) throws(ReplyError) -> [FundingPayment] {
    try BybitPublic.fundingHistory(body).filter { $0.venueSymbol == venueSymbol }.reversed()
  }
}
