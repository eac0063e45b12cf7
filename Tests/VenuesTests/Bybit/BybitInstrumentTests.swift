import Domain
import Testing
import Wire

@testable import Venues

@Suite struct BybitInstrumentTests {
  @Test func spotLimitsAreTheVenues() throws {
    let list = try BybitMarket(.spot).instruments(Fixtures.bytes("bybit/captures/instruments_info_spot.json"))
    #expect(list.refusals.isEmpty && list.nextCursor == nil && list.instruments.count == 4)
    let bitcoin = try #require(list.instruments.first { $0.venueSymbol == "BTCUSDT" })
    #expect(bitcoin.symbol.description == "BTC-USDT" && bitcoin.venue == .bybit && bitcoin.isTrading)
    #expect(try bitcoin.tick == Price("0.1") && bitcoin.lot == Quantity("0.000001"))
    #expect(try bitcoin.minimumNotional == Money("5") && bitcoin.maximumQuantity == Quantity("230"))
    #expect(bitcoin.priceBandBasisPoints == 50)
    #expect(bitcoin.violation(price: try Price("26796.15"), quantity: try Quantity("0.25")) == .tick)
    #expect(bitcoin.violation(price: try Price("26796.1"), quantity: try Quantity("0.0000001")) == .lot)
    #expect(bitcoin.violation(price: try Price("26796.1"), quantity: try Quantity("0.0001")) == .notional)
    #expect(bitcoin.violation(price: try Price("26796.1"), quantity: try Quantity("230.000001")) == .quantityRange)
  }

  @Test func perpetualsOfAThousandAreInSingleUnits() throws {
    let list = try BybitMarket(.linear).instruments(Fixtures.bytes("bybit/captures/instruments_info_linear.json"))
    #expect(list.refusals.isEmpty && list.instruments.allSatisfy { $0.symbol.isPerpetual })
    let pepe = try #require(list.instruments.first { $0.venueSymbol == "1000PEPEUSDT" })
    #expect(pepe.symbol.description == "PEPE-USDT-PERP" && pepe.multiplier == 1_000)
    #expect(try pepe.tick == Price("0.000000001") && pepe.minimumPrice == Price("0.000000001"))
    #expect(try pepe.lot == Quantity("100000") && pepe.minimumQuantity == Quantity("100000"))
    // Eleven digits are more than a quantity can have: the bound is the largest lot that fits.
    #expect(try pepe.maximumQuantity == Quantity("92233700000") && pepe.minimumNotional == Money("5"))
    let bitcoin = try #require(list.instruments.first { $0.venueSymbol == "BTCUSDT" })
    #expect(bitcoin.multiplier == 1 && bitcoin.symbol.description == "BTC-USDT-PERP")
  }

  @Test func onlyPerpetualsHaveAName() throws {
    let text = String(decoding: try Fixtures.bytes("bybit/nautilus/http_get_instruments_linear.json"), as: UTF8.self)
    let futures = Array(text.replacing("LinearPerpetual", with: "LinearFutures").utf8)
    #expect(try BybitMarket(.linear).instruments(futures).refusals.map(\.code) == [.name, .name])
  }

  @Test(arguments: [
    (#""tickSize":"0.00000000001""#, #""tickSize":"0.1""#, InstrumentList.Refusal.Code.price),
    (#""basePrecision":"0.000000001""#, #""basePrecision":"0.001""#, .quantity),
    (#""basePrecision":"0""#, #""basePrecision":"0.001""#, .quantity),
    (#""maxOrderQty":"1000000000000""#, #""maxOrderQty":"9""#, .quantity),
    (#""minOrderAmt":"1e30""#, #""minOrderAmt":"5""#, .notional), (#""tickSize":"""#, #""tickSize":"0.1""#, .malformed),
    (#""tickSize":"-1""#, #""tickSize":"0.1""#, .price), (#""baseCoin":"A-B""#, #""baseCoin":"BTC""#, .name),
    (#""baseCoin":7"#, #""baseCoin":"BTC""#, .malformed),
  ])
  func oneMisfitIsRefusedAndTheOthersStay(bad: String, good: String, code: InstrumentList.Refusal.Code) throws {
    let fine = #"""
      {"symbol":"BTCUSDT","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","priceFilter":{"tickSize":"0.1"},
      "lotSizeFilter":{"basePrecision":"0.001","minOrderQty":"0.001","maxOrderQty":"9","minOrderAmt":"5"}}
      """#
    let misfit = fine.replacing("BTCUSDT", with: "ODD").replacing(good, with: bad)
    let body = #"{"retCode":0,"result":{"list":[\#(misfit),\#(fine)],"nextPageCursor":"first%3D2"}}"#
    let list = try BybitMarket(.spot).instruments(Array(body.utf8))
    #expect(list.refusals == [.init(venueSymbol: "ODD", code: code)])
    #expect(list.instruments.map(\.venueSymbol) == ["BTCUSDT"] && list.nextCursor == "first%3D2")
  }

  @Test func aCursorThatIsNoneIsNotPutIntoAnAddress() {
    #expect(throws: ReplyError.self) {
      try BybitMarket(.spot).instruments(Array(#"{"retCode":0,"result":{"list":[],"nextPageCursor":"a b&c\r\n"}}"#.utf8))
    }
  }
}

/// The instrument lists of every venue: names go there and back.
@Suite struct SymbolMapperTests {
  private func lists() throws -> [(name: String, list: InstrumentList)] {
    var lists: [(String, InstrumentList)] = []
    for (path, market) in [
      ("captures/spot_20211011.exchangeInfo.json", BinanceMarket.spot), ("captures/futures_20210722.exchangeInfo.json", .futures),
      ("nautilus/http_responses/http_futures_market_exchange_info.json", .futures),
    ] {
      lists.append((path, try market.instruments(Fixtures.bytes("binance/\(path)"))))
    }
    for (path, category) in [
      ("captures/instruments_info_spot.json", BybitMarket.Category.spot), ("captures/instruments_info_linear.json", .linear),
      ("nautilus/http_get_instruments_spot.json", .spot), ("nautilus/http_get_instruments_linear.json", .linear),
      ("nautilus/http_get_instruments_spot_xstocks.json", .spot),
    ] {
      lists.append((path, try BybitMarket(category).instruments(Fixtures.bytes("bybit/\(path)"))))
    }
    for endpoint in try #require(try Fixtures.json("bybit/jkorf/rest_endpoints.json").array)
    where endpoint["path"]?.string == "/v5/market/instruments-info" {
      let name = try #require(endpoint["name"]?.string)
      lists.append((name, try BybitMarket(.linear).instruments(try #require(endpoint["response"]).bytes)))
    }
    return lists
  }

  @Test func everyInstrumentGoesThereAndBack() throws {
    let lists = try lists()
    #expect(lists.count == 10)
    for (name, list) in lists {
      let mapper = SymbolMapper(list.instruments)
      #expect(mapper.count == list.instruments.count && mapper.count >= 1, "\(name)")
      for instrument in list.instruments {
        #expect(mapper.instrument(venueSymbol: instrument.venueSymbol)?.symbol == instrument.symbol, "\(name)")
        #expect(mapper.instrument(instrument.symbol)?.venueSymbol == instrument.venueSymbol, "\(name)")
        #expect(Symbol(instrument.symbol.description) == instrument.symbol)
        #expect(try Instrument(instrument.encoded()) == instrument)
      }
    }
  }

  /// One market's list never makes two of ours from one of theirs, or one from two, whatever the names.
  @Test func madeUpNamesGoThereAndBack() throws {
    let seed: UInt64 = 11
    var generator = SeededGenerator(seed: seed)
    let prefixes = ["", "", "1000", "10000", "1000000", "1M", "1", "100"]
    for round in 0..<300 {
      var entries: [String] = []
      var names: Set<String> = []
      for _ in 0..<20 {
        let core = String(
          (0..<Int.random(in: 1...5, using: &generator)).map { _ in "AB1XM".randomElement(using: &generator) ?? "A" })
        let prefix = prefixes.randomElement(using: &generator) ?? ""
        let base = Bool.random(using: &generator) ? prefix + core : core + prefix
        guard names.insert(base).inserted else { continue }
        entries.append(
          #"{"symbol":"\#(base)USDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"\#(base)","quoteCoin":"USDT","#
            + #""priceFilter":{"minPrice":"0.001","maxPrice":"9","tickSize":"0.001"},"#
            + #""lotSizeFilter":{"qtyStep":"1","minOrderQty":"1","maxOrderQty":"9","minNotionalValue":"5"}}"#)
      }
      let body = Array(#"{"retCode":0,"result":{"list":[\#(entries.joined(separator: ","))]}}"#.utf8)
      let list = try BybitMarket(.linear).instruments(body)
      let mapper = SymbolMapper(list.instruments)
      #expect(list.instruments.count + list.refusals.count == entries.count && mapper.count == list.instruments.count)
      #expect(list.refusals.allSatisfy { $0.code == .repeated }, "seed \(seed), round \(round): \(list.refusals)")
      for instrument in list.instruments {
        #expect(mapper.instrument(venueSymbol: instrument.venueSymbol) == mapper.instrument(instrument.symbol))
      }
    }
  }

  @Test(arguments: [
    ("1000BONK", "BONK", Int64(1_000)), ("SHIB1000", "SHIB", 1_000), ("1MBABYDOGE", "BABYDOGE", 1_000_000),
    ("1000000MOG", "MOG", 1_000_000), ("10000SATS", "SATS", 10_000), ("1INCH", "1INCH", 1), ("BTC", "BTC", 1),
    ("1MIL", "1MIL", 1),
    ("1000", "1000", 1), ("10001", "10001", 1), ("100X", "100X", 1),
  ])
  func contractsAreSplit(base: String, asset: String, multiplier: Int64) {
    #expect(ContractUnit.split(base) == (asset, multiplier))
  }

  @Test func levelsOfAContractAreOfSingleUnits() throws {
    var update = DepthUpdate()
    update.bids = [BookLevel(price: try Price("0.0000010"), quantity: try Quantity("7"))]
    update.asks = [
      BookLevel(price: try Price("0.0000011"), quantity: .zero),
      BookLevel(price: try Price("1"), quantity: try Quantity("90000000000")),
    ]
    try update.scaleToUnits(multiplier: 1_000)
    #expect(try update.bids == [BookLevel(price: Price("0.000000001"), quantity: Quantity("7000"))])
    #expect(update.asks[0].quantity.isZero && update.asks[1].quantity == Quantity(units: .max))
    update.bids = [BookLevel(price: Price(units: 1), quantity: try Quantity("7"))]
    #expect(throws: ReplyError.self) { try update.scaleToUnits(multiplier: 1_000) }
  }
}
