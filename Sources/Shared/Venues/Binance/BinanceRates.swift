import Domain

// Binance's rate limits and what its answers say of them (rest-api.md of binance-spot-api-docs, "Limits"; of the futures, general-info).
extension BinanceMarket {
  /// The weight of all requests from an address in a minute, and an account's new orders; `exchangeInfo` names the same figures.
  public var rateRules: [RateRule] {
    [
      RateRule(
        name: Self.weight, scope: .address, counted: .weight, window: Interval.minute, limit: self == .spot ? 6_000 : 2_400),
      RateRule(
        name: Self.orders, scope: .account, counted: .requests(.placeOrder), window: 10 * Interval.second,
        limit: self == .spot ? 100 : 300),
      RateRule(
        name: Self.dailyOrders, scope: .account, counted: .requests(.placeOrder), window: Interval.day, limit: 200_000),
    ]
  }

  /// What the headers of an answer count. The venue's windows begin at whole multiples of their length by its own clock; a second is
  /// added to what is left of them, since ours may be a little off.
  public func rateReadings(_ reply: VenueReply, to purpose: VenueRequest.Purpose, at venueTime: Timestamp) -> [RateReading] {
    let windows = [
      ("x-mbx-used-weight-1m", Self.weight, Interval.minute), ("x-mbx-order-count-10s", Self.orders, 10 * Interval.second),
      ("x-mbx-order-count-1d", Self.dailyOrders, Interval.day),
    ]
    return windows.compactMap { header, rule, length in
      reply.count(header).map { used in
        RateReading(rule: rule, used: used, remaining: length - venueTime.nanoseconds % length + Interval.second)
      }
    }
  }

  private static let weight = "weight_1m"
  private static let orders = "orders_10s"
  private static let dailyOrders = "orders_1d"
}
