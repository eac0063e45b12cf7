/// The two kinds of Binance market that share a protocol and differ in paths and in how depth updates chain.
public enum BinanceMarket: Sendable, Hashable, CaseIterable {
  /// Spot.
  case spot
  /// USD-margined futures.
  case futures

  private var root: String { self == .spot ? "/api/v3" : "/fapi/v1" }

  /// Asks for the instruments: of the symbols named (spot only), else of all.
  public func exchangeInfo(venueSymbols: [String] = []) -> VenueRequest {
    guard self == .spot, !venueSymbols.isEmpty else { return get("exchangeInfo", [], weight: self == .spot ? 20 : 1) }
    let list = venueSymbols.map { "\"\($0)\"" }.joined(separator: ",")
    return get("exchangeInfo", [("symbols", "[\(list)]")], weight: 20)
  }

  /// Asks for a snapshot of the book; the venue takes up to 5000 levels a side (spot) or 1000 (futures).
  public func depth(venueSymbol: String, limit: Int? = nil) -> VenueRequest {
    let levels = limit ?? (self == .spot ? 5_000 : 1_000)
    return get(
      "depth", [("symbol", venueSymbol), ("limit", String(levels))], weight: self == .spot ? spotWeight(levels) : 20)
  }

  private func spotWeight(_ levels: Int) -> Int64 {
    switch levels {
    case ...100: 5
    case ...500: 25
    case ...1_000: 50
    default: 250
    }
  }

  /// Asks for the last price of a symbol.
  public func tickerPrice(venueSymbol: String) -> VenueRequest {
    get("ticker/price", [("symbol", venueSymbol)], weight: self == .spot ? 2 : 1)
  }

  /// Asks for the mark price and the funding rate of a perpetual (futures only).
  public func premiumIndex(venueSymbol: String) -> VenueRequest { get("premiumIndex", [("symbol", venueSymbol)]) }

  /// Asks for the newest funding rates that were paid (futures only); at most 1,000.
  public func fundingRate(venueSymbol: String, limit: Int = 200) -> VenueRequest {
    get("fundingRate", [("symbol", venueSymbol), ("limit", String(limit))])
  }

  /// Asks for the venue's clock.
  public func time() -> VenueRequest { get("time", []) }

  /// The streams of a symbol's depth updates every 100 ms and of its trades, subscribed to by the address alone; each frame is wrapped in
  /// its stream's name. The futures document only aggregates of trades.
  public func symbolStreamTarget(venueSymbol: String) -> String {
    let name = venueSymbol.lowercased()
    return "/stream?streams=\(name)@depth@100ms/\(name)@\(self == .spot ? "trade" : "aggTrade")"
  }

  /// The market that a recorded address belongs to: the futures' hosts begin with `f`, their REST paths with `/fapi/`.
  public init(recordedAddress: String) {
    let isFutures = ["/fapi/", "://fstream.", "://fapi.", "binancefuture.com", "demo-fapi.", "demo-fstream."]
      .contains { recordedAddress.contains($0) }
    self = isFutures ? .futures : .spot
  }

  private func get(_ endpoint: String, _ parameters: [(String, String)], weight: Int64 = 1) -> VenueRequest {
    VenueRequest(
      method: .get, purpose: .marketData, path: "\(root)/\(endpoint)", query: FormParameters(parameters).text, weight: weight)
  }
}
