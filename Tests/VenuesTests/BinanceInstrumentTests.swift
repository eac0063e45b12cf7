import Domain
import Testing
import Venues
import Wire

@Suite struct BinanceInstrumentTests {
  private static let lists: [(String, BinanceMarket)] = [
    ("captures/spot_20211011.exchangeInfo.json", .spot), ("captures/futures_20210722.exchangeInfo.json", .futures),
    ("nautilus/http_responses/http_spot_market_exchange_info.json", .spot),
    ("nautilus/http_responses/http_futures_market_exchange_info.json", .futures),
  ]

  @Test func limitsAreTheVenues() throws {
    let list = try BinanceMarket.spot.instruments(Fixtures.bytes("binance/captures/spot_20211011.exchangeInfo.json"))
    #expect(list.refusals.isEmpty)
    let bitcoin = try #require(list.instruments.first { $0.venueSymbol == "BTCUSDT" })
    #expect(bitcoin.symbol.description == "BTC-USDT" && bitcoin.isTrading)
    #expect(try bitcoin.tick == Price("0.01") && bitcoin.lot == Quantity("0.00001"))
    #expect(try bitcoin.minimumNotional == Money("10") && bitcoin.maximumQuantity == Quantity("9000"))
    #expect(bitcoin.violation(price: try Price("26796.105"), quantity: try Quantity("0.25")) == .tick)
    #expect(bitcoin.violation(price: try Price("26796.10"), quantity: try Quantity("0.000001")) == .lot)
    #expect(bitcoin.violation(price: try Price("26796.10"), quantity: try Quantity("0.0001")) == .notional)
  }

  @Test func onlyPerpetualsHaveAName() throws {
    let list = try BinanceMarket.futures.instruments(
      Fixtures.bytes("binance/nautilus/http_responses/http_futures_market_exchange_info.json"))
    #expect(list.instruments.map(\.symbol.description) == ["BTC-USDT-PERP", "ETH-USDT-PERP"])
    #expect(list.refusals == [.init(venueSymbol: "BTCUSDT_220325", code: .name)])
    #expect(try list.instruments[0].minimumNotional == Money("10"))
  }

  @Test(arguments: lists) func everyInstrumentGoesThereAndBack(path: String, market: BinanceMarket) throws {
    let list = try market.instruments(Fixtures.bytes("binance/\(path)"))
    let mapper = SymbolMapper(list.instruments)
    #expect(mapper.count == list.instruments.count && mapper.count > 1)
    for instrument in list.instruments {
      #expect(mapper.instrument(venueSymbol: instrument.venueSymbol)?.symbol == instrument.symbol)
      #expect(mapper.instrument(instrument.symbol)?.venueSymbol == instrument.venueSymbol)
      #expect(Symbol(instrument.symbol.description) == instrument.symbol)
    }
    #expect(mapper.instrument(venueSymbol: "btcusdt") == nil)
  }

  @Test(arguments: [
    (#""tickSize":"0.00000000001""#, #""tickSize":"0.01""#, InstrumentList.Refusal.Code.price),
    (#""stepSize":"0.000000001""#, #""stepSize":"0.001""#, .quantity), (#""stepSize":"0""#, #""stepSize":"0.001""#, .quantity),
    (#""maxQty":"1000000000000""#, #""maxQty":"9""#, .quantity), (#""minNotional":"1e30""#, #""minNotional":"5""#, .notional),
    (#""tickSize":"abc""#, #""tickSize":"0.01""#, .malformed), (#""tickSize":"-1""#, #""tickSize":"0.01""#, .price),
    (#""baseAsset":"A-B""#, #""baseAsset":"BTC""#, .name), (#""baseAsset":7"#, #""baseAsset":"BTC""#, .malformed),
  ])
  func oneMisfitIsRefusedAndTheOthersStay(bad: String, good: String, code: InstrumentList.Refusal.Code) throws {
    let fine = #"""
      {"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[
      {"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"0.01"},
      {"filterType":"LOT_SIZE","minQty":"0","maxQty":"9","stepSize":"0.001"},{"filterType":"NOTIONAL","minNotional":"5"}]}
      """#
    let misfit = fine.replacing("BTCUSDT", with: "ODD").replacing(good, with: bad)
    let list = try BinanceMarket.spot.instruments(Array(#"{"symbols":[\#(misfit),\#(fine)]}"#.utf8))
    #expect(list.refusals == [.init(venueSymbol: "ODD", code: code)])
    #expect(list.instruments.map(\.venueSymbol) == ["BTCUSDT"])
  }

  @Test func aHaltedInstrumentIsNotTrading() throws {
    let text = String(decoding: try Fixtures.bytes("binance/captures/spot_20211011.exchangeInfo.json"), as: UTF8.self)
    let list = try BinanceMarket.spot.instruments(Array(text.replacing("\"TRADING\"", with: "\"BREAK\"").utf8))
    #expect(list.instruments.allSatisfy { !$0.isTrading } && !list.instruments.isEmpty)
  }
}
