/// An outside harness that measures market data programs names its settings in its own words: `PB_HTTP` and `PB_WS`, the addresses of a
/// server that replays Binance; `PB_SYMBOL`, `BTCUSDT` or `BTC-USDT`; `PB_KAFKA`, the brokers; `PB_TOPIC`, where the book's records go.
/// Gives the same environment with ours beside them, as far as they are not set themselves. Such a server may have no instrument list.
func translatingHarness(_ environment: [String: String]) -> [String: String] {
  guard let address = environment["PB_WS"] else { return environment }
  var ours = ["APUS_VENUES": "binance", "APUS_BINANCE_WS_URL": address, "APUS_PRESUME_INSTRUMENTS": "yes"]
  ours["APUS_BINANCE_REST_URL"] = environment["PB_HTTP"]
  ours["APUS_SYMBOLS"] = environment["PB_SYMBOL"].map(universalSymbol)
  ours["APUS_BOOK_TOPIC"] = environment["PB_TOPIC"]
  ours["KAFKA_BOOTSTRAP"] = environment["PB_KAFKA"]
  return environment.merging(ours) { own, _ in own }
}

/// `BTC-USDT` of `BTCUSDT`; what has no quote that is known stays as it is, to be refused as a symbol.
private func universalSymbol(_ spelling: String) -> String {
  let text = spelling.uppercased()
  let quotes = ["USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "EUR", "TRY", "BRL", "JPY", "GBP", "USD", "BTC", "ETH", "BNB"]
  guard !text.contains("-"), let quote = quotes.first(where: { text.hasSuffix($0) && text != $0 }) else { return text }
  let base = text.dropLast(quote.count).filter { $0 != "/" && $0 != "_" }
  return "\(base)-\(quote)"
}
