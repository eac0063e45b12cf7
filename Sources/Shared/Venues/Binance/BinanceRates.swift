import Domain

/// Binance spot's rate limits and what its answers say of them (rest-api.md of binance-spot-api-docs, "Limits").
public enum BinanceRates {
  /// The weight of all requests from an address in a minute, and an account's new orders in ten seconds and in a day; `exchangeInfo`
  /// names the same figures.
  public static func rules(
    weightPerMinute: Int64 = 6_000, ordersPerTenSeconds: Int64 = 100, ordersPerDay: Int64 = 200_000
  ) -> [RateRule] {
    [
      RateRule(name: weight, scope: .address, counted: .weight, window: Interval.minute, limit: weightPerMinute),
      RateRule(
        name: orders, scope: .account, counted: .requests(.placeOrder), window: 10 * Interval.second,
        limit: ordersPerTenSeconds),
      RateRule(
        name: dailyOrders, scope: .account, counted: .requests(.placeOrder), window: Interval.day, limit: ordersPerDay),
    ]
  }

  /// What the headers of an answer count. The venue's windows begin at whole multiples of their length by its own clock, `venueTime`;
  /// a second is added to what is left of them, since ours may be a little off.
  public static func readings(header: (String) -> String?, venueTime: Timestamp) -> [RateReading] {
    let windows = [
      ("x-mbx-used-weight-1m", weight, Interval.minute), ("x-mbx-order-count-10s", orders, 10 * Interval.second),
      ("x-mbx-order-count-1d", dailyOrders, Interval.day),
    ]
    return windows.compactMap { name, rule, length in
      guard let text = header(name), let used = Int64(text), (0...1_000_000_000).contains(used) else { return nil }
      let passed = venueTime.nanoseconds % length
      return RateReading(rule: rule, used: used, remaining: length - passed + Interval.second)
    }
  }

  /// What the end of a request means for the traffic to come.
  public static func ending(of result: VenueResult, readings: [RateReading] = []) -> VenueTraffic.Ending {
    guard case .reply(let reply) = result else { return VenueTraffic.Ending(.failure) }
    return VenueTraffic.Ending(reply.status >= 500 ? .failure : .success, silence: silence(after: reply), readings: readings)
  }

  private static func silence(after reply: VenueReply) -> VenueTraffic.Silence? {
    guard (400..<500).contains(reply.status) else { return nil }
    let outcome: VenueOutcome<Void> = BinanceErrors.classify(.reply(reply), of: .query) { _ in }
    guard case .failed(let failure) = outcome, case .rateLimited(let seconds) = failure.kind else { return nil }
    return VenueTraffic.Silence(
      length: seconds.map { Int64($0) * Interval.second }, isForOrdersAlone: failure.limitsOrdersAlone)
  }

  private static let weight = "weight_1m"
  private static let orders = "orders_10s"
  private static let dailyOrders = "orders_1d"
}
