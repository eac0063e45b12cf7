import Domain
import Wire

/// Funding of Binance's USD-margined perpetuals: `premiumIndex` and `fundingRate` of `/fapi/v1`. The interval is in neither; it shows in
/// the times of the payments.
struct BinanceFunding: FundingData {
  let pollInterval = 15 * Interval.second

  func rateRequest(venueSymbol: String) -> VenueRequest { BinanceMarket.futures.premiumIndex(venueSymbol: venueSymbol) }

  /// `lastFundingRate` is the rate as it stands, in spite of its name. One symbol's reply is an object, that of all of them a list.
  func rate(_ body: [UInt8], venueSymbol: String) throws(ReplyError) -> Ticker {
    let reply = try JSON.reply(body)
    for json in reply.array ?? [reply] where json["symbol"]?.string == venueSymbol {
      let next = try json.requiredTime("nextFundingTime")
      return Ticker(
        venueSymbol: venueSymbol, markPrice: try json.known("markPrice"), fundingRate: try json.known("lastFundingRate"),
        nextFundingTime: next > .zero ? next : nil, time: try json.requiredTime("time"))
    }
    throw .missing("symbol")
  }

  func historyRequest(venueSymbol: String) -> VenueRequest { BinanceMarket.futures.fundingRate(venueSymbol: venueSymbol) }

  func history(_ body: [UInt8], venueSymbol: String) throws(ReplyError) -> [FundingPayment] {
    guard let elements = try JSON.reply(body).array else { throw .malformed }
    var payments: [FundingPayment] = []
    for json in elements where json["symbol"]?.string == venueSymbol {
      payments.append(
        FundingPayment(
          venueSymbol: venueSymbol, rate: try json.requiredDecimal("fundingRate"), time: try json.requiredTime("fundingTime")))
    }
    return payments
  }
}
