import Domain
import Wire

/// An account's balances as the wallet answer and the wallet stream show them. Stablecoins count as a dollar, other coins what their
/// market against USDT says.
struct BybitWallet {
  private let account: Int
  private let exchange: Exchange

  init(_ account: Int, _ exchange: Exchange) {
    self.account = account
    self.exchange = exchange
  }

  private func value(_ asset: Int, _ amount: Money) -> Money {
    let market = exchange.markets.first {
      $0.baseAsset == asset && !$0.instrument.symbol.isPerpetual && $0.instrument.symbol.quote == "USDT"
    }
    guard let market else { return amount }
    // A millionth of a cent is as fine as the venue values.
    let value = amount.converted(at: market.lastPrice, .down) ?? .zero
    return value.rounded(toMultipleOf: Money(units: 10_000_000_000), .down)
  }

  /// The whole account, with the coins of `assets`.
  func append(_ assets: [Int], to json: inout JSONWriter) {
    var (total, available) = (Money.zero, Money.zero)
    for asset in exchange.ledger.assets.indices {
      let balance = exchange.ledger.balance(account, asset)
      total += value(asset, balance.total)
      available += value(asset, balance.free)
    }
    json.beginObject()
    json.member("accountType", "UNIFIED")
    json.member("totalEquity", total)
    json.member("totalWalletBalance", total)
    json.member("totalMarginBalance", total)
    json.member("totalAvailableBalance", available)
    let zeros: [StaticString] = [
      "accountIMRate", "accountIMRateByMp", "accountMMRate", "accountMMRateByMp", "accountLTV", "totalPerpUPL",
      "totalInitialMargin", "totalInitialMarginByMp", "totalMaintenanceMargin", "totalMaintenanceMarginByMp",
    ]
    for name in zeros { json.member(name, "0") }
    json.name("coin")
    json.beginArray()
    for asset in assets { coin(asset, to: &json) }
    json.endArray()
    json.endObject()
  }

  private func coin(_ asset: Int, to json: inout JSONWriter) {
    let balance = exchange.ledger.balance(account, asset)
    json.beginObject()
    json.member("coin", exchange.ledger.assets[asset])
    json.member("equity", balance.total)
    json.member("usdValue", value(asset, balance.total))
    json.member("walletBalance", balance.total)
    json.member("locked", balance.locked)
    // The venue has stopped filling these for unified accounts: what is free is the balance less what is locked.
    json.empty("availableToWithdraw", "availableToBorrow")
    let zeros: [StaticString] = [
      "borrowAmount", "accruedInterest", "totalOrderIM", "totalPositionIM", "totalPositionMM", "unrealisedPnl", "cumRealisedPnl",
      "bonus", "spotHedgingQty", "spotBorrow",
    ]
    for name in zeros { json.member(name, "0") }
    json.member("collateralSwitch", true)
    json.member("marginCollateral", true)
    json.endObject()
  }
}
