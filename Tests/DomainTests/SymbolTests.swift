import Testing

@testable import Domain

@Suite struct SymbolTests {
  @Test func namesReadBackTheSame() throws {
    for text in ["BTC-USDT", "BTC-USDT-PERP", "1000BONK-USDT-PERP"] { #expect(Symbol(text)?.description == text) }
    #expect(Symbol("btc-usdt")?.description == "BTC-USDT")
    #expect(Symbol("BTC-USDT-PERP")?.topicSuffix == "btc_usdt_perp")
  }

  @Test(arguments: ["", "BTC", "BTC-", "-USDT", "BTC-USDT-", "BTC-USDT-FUT", "BTC USDT", "BTC-USDT-PERP-X", "BT_C-USDT"])
  func anythingElseIsRefused(text: String) {
    #expect(Symbol(text) == nil)
  }

  @Test func identifiersHaveAnAlphabetAndALength() {
    #expect(ClientOrderID("a.B_9-z")?.text == "a.B_9-z")
    #expect(ClientOrderID(String(repeating: "x", count: 64)) != nil)
    for text in ["", String(repeating: "x", count: 65), "a b", "ä", "a/b"] { #expect(ClientOrderID(text) == nil) }
  }

  @Test func anInstrumentNamesTheRuleThatAnOrderBreaks() throws {
    let instrument = Instrument(
      venue: .binance, symbol: try #require(Symbol("BTC-USDT")), venueSymbol: "BTCUSDT", tick: try Price("0.01"),
      minimumPrice: try Price("0.01"), maximumPrice: try Price("1000000"), lot: try Quantity("0.00001"),
      minimumQuantity: try Quantity("0.00001"), maximumQuantity: try Quantity("9000"), minimumNotional: try Money("5"))
    func violation(_ price: String, _ quantity: String) throws -> Instrument.Violation? {
      instrument.violation(price: try Price(price), quantity: try Quantity(quantity))
    }
    #expect(try violation("26796.10", "0.25") == nil)
    #expect(try violation("26796.101", "0.25") == .tick)
    #expect(try violation("1000000.01", "0.25") == .priceRange)
    #expect(try violation("26796.10", "0.000001") == .lot)
    #expect(try violation("26796.10", "0") == .quantityRange)
    #expect(try violation("26796.10", "9000.00001") == .quantityRange)
    #expect(try violation("5", "1") == nil)
    #expect(try violation("5", "0.99999") == .notional)
    #expect(instrument.priceDecimals == 2)
    #expect(instrument.quantityDecimals == 5)
  }
}
