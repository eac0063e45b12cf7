import Domain

// Bybit's rate limits and what its answers say of them (rate-limit.mdx of bybit-exchange/docs).
extension BybitMarket {
  /// All requests from an address in five seconds: beyond it the venue answers nobody there for ten minutes. And an account's requests
  /// to each endpoint in any second, at its lowest tier: one rule for each kind of request, since new orders and cancels have one endpoint
  /// each and the venue gives all that are asked here the same limit.
  public var rateRules: [RateRule] {
    let orders: Int64 = category == .spot ? 20 : 10
    return [
      RateRule(name: "requests_5s", scope: .address, counted: .allRequests, window: 5 * Interval.second, limit: 600),
      account(.placeOrder, orders), account(.cancelOrder, orders), account(.query, 50),
    ]
  }

  private func account(_ purpose: VenueRequest.Purpose, _ limit: Int64) -> RateRule {
    RateRule(
      name: Self.name(purpose), scope: .account, counted: .requests(purpose), window: Interval.second, limit: limit)
  }

  /// What the headers of an answer say of the endpoint that was asked: the limit, what is left of it, and, once nothing is, when it
  /// begins anew.
  public func rateReadings(_ reply: VenueReply, to purpose: VenueRequest.Purpose, at venueTime: Timestamp) -> [RateReading] {
    guard purpose != .marketData, let limit = reply.count("x-bapi-limit"), limit > 0,
      let left = reply.count("x-bapi-limit-status")
    else { return [] }
    // While something is left it names about the present; a second is what a rolling window can need at most.
    let reset = reply.headers["x-bapi-limit-reset-timestamp"].flatMap { Int64($0) } ?? 0
    let untilReset = (0...10_000_000_000_000).contains(reset) ? Timestamp(milliseconds: reset) - venueTime : 0
    return [
      RateReading(
        rule: Self.name(purpose), used: max(0, limit - left), limit: limit,
        remaining: min(max(untilReset, Interval.second), 2 * Interval.second), isRolling: true)
    ]
  }

  private static func name(_ purpose: VenueRequest.Purpose) -> String {
    switch purpose {
    case .placeOrder: "orders_1s"
    case .cancelOrder: "cancels_1s"
    case .query, .marketData: "queries_1s"
    }
  }
}
