import Domain
import Testing
import Wire

@testable import Venues

@Suite struct FundingTests {
  private let binance = BinanceFunding()
  private let bybit = BybitFunding(market: BybitMarket(.linear))

  @Test func annualRatesAreExact() throws {
    let rate = try FundingRate("0.0001")
    #expect(rate.annual(interval: 8 * Interval.hour)?.description == "10.95")
    #expect(rate.annual(interval: 4 * Interval.hour)?.description == "21.9")
    #expect((-rate).annual(interval: 8 * Interval.hour)?.description == "-10.95")
    #expect(try FundingRate("0.00001226").annual(interval: 8 * Interval.hour)?.description == "1.34247")
    #expect(rate.annual(interval: 7 * Interval.hour)?.description == "12.51428571", "rounded down")
    #expect((-rate).annual(interval: 7 * Interval.hour)?.description == "-12.51428572", "rounded down")
    #expect(rate.annual(interval: 0) == nil && rate.annual(interval: -1) == nil)
    #expect(FundingRate(units: .max).annual(interval: 1) == nil, "does not fit")
  }

  /// Against the definition in whole numbers of the widest kind.
  @Test func annualRatesEqualTheDefinition() {
    let seed: UInt64 = 5
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      let units = Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &generator)
      let interval = Int64.random(in: 1...24, using: &generator) * Interval.hour
      let exact = Int128(units) * Int128(365 * Interval.day)
      let annual = FundingRate(units: units).annual(interval: interval).map { Int128($0.units) * Int128(interval) * 100 }
      // Rounded down by less than one step.
      #expect(annual.map { $0 <= exact && exact - $0 < Int128(interval) * 100 } == true, "seed \(seed): \(units), \(interval)")
    }
  }

  @Test func recordedBinanceRates() throws {
    var rates = 0
    var payments = 0
    for recording in try #require(try Fixtures.json("binance/gct/http_recordings.json").array) {
      guard let body = recording["response"] else { continue }
      switch recording["route"]?.string {
      case "/fapi/v1/premiumIndex":
        for json in body.array ?? [body] {
          let ticker = try binance.rate(body.bytes, venueSymbol: try #require(json["symbol"]?.string))
          #expect(ticker.fundingRate?.description == (try FundingRate(json["lastFundingRate"]?.string ?? "")).description)
          #expect(ticker.markPrice?.isPositive == true && ticker.time > .zero)
          rates += 1
        }
      case "/fapi/v1/fundingRate":
        guard let list = body.array, let symbol = list.first?["symbol"]?.string else { continue }
        let read = FundingCalendar.payments(try binance.history(body.bytes, venueSymbol: symbol))
        #expect(read.count == list.count && zip(read, read.dropFirst()).allSatisfy { $0.time < $1.time })
        if read.count > 2 { #expect(read.allSatisfy { $0.interval == 8 * Interval.hour }) }
        payments += read.count
      default: break
      }
    }
    #expect(rates > 1 && payments > 2, "\(rates) \(payments)")
    let file = try Fixtures.bytes("binance/nautilus/http_responses/http_futures_market_premium_index.json")
    let ticker = try binance.rate(file, venueSymbol: "BTCUSDT")
    #expect(ticker.fundingRate?.description == "0.00038246" && ticker.nextFundingTime?.milliseconds == 1_597_392_000_000)
    let history = try Fixtures.bytes("binance/nautilus/http_responses/http_futures_market_funding_rate.json")
    #expect(try binance.history(history, venueSymbol: "BTCUSDT").map(\.rate.description) == ["-0.0375", "0.0001"])
    #expect(throws: ReplyError.self) { try binance.rate(file, venueSymbol: "ETHUSDT") }
  }

  @Test func requestsAreTheVenues() throws {
    #expect(binance.rateRequest(venueSymbol: "A").target == "/fapi/v1/premiumIndex?symbol=A")
    #expect(binance.historyRequest(venueSymbol: "A").target == "/fapi/v1/fundingRate?symbol=A&limit=200")
    #expect(bybit.rateRequest(venueSymbol: "A").target == "/v5/market/tickers?category=linear&symbol=A")
    #expect(bybit.historyRequest(venueSymbol: "A").target == "/v5/market/funding/history?category=linear&symbol=A&limit=200")
    #expect(BybitMarket(.spot).funding == nil && BinanceMarket.spot.funding == nil)
    #expect(BybitMarket(.linear).funding != nil && BinanceMarket.futures.funding != nil)
  }

  @Test func recordedBybitRates() throws {
    let body = try Fixtures.bytes("bybit/nautilus/http_get_funding_history.json")
    let read = FundingCalendar.payments(try bybit.history(body, venueSymbol: "BTCUSDT"))
    #expect(read.map(\.rate.description) == ["0.00015", "0.0001"] && read.allSatisfy { $0.interval == 8 * Interval.hour })
    #expect(read.last?.annual?.description == "10.95")
    #expect(try bybit.history(body, venueSymbol: "ETHUSDT").isEmpty)
    var rates = 0
    for example in try #require(try Fixtures.json("bybit/docs/v5_examples.json").array)
    where example["page"]?.string == "market/tickers" {
      for json in example["example"]?["result"]?["list"]?.array ?? [] where json["fundingRate"]?.string?.isEmpty == false {
        let symbol = try #require(json["symbol"]?.string)
        let ticker = try bybit.rate(try #require(example["example"]).bytes, venueSymbol: symbol)
        #expect(ticker.fundingRate != nil, "\(symbol)")
        rates += 1
      }
    }
    #expect(rates > 0)
  }

  @Test func onlyWholeHoursAreIntervals() {
    let start = Timestamp(milliseconds: 1_700_000_000_000)
    #expect(FundingCalendar.interval(from: start, to: start + 8 * Interval.hour + 2 * Interval.millisecond) == 8 * Interval.hour)
    for length in [0, Interval.hour / 2, 25 * Interval.hour, 90 * Interval.minute, -8 * Interval.hour, .max, .min] {
      #expect(FundingCalendar.interval(from: start, to: start + length) == nil, "\(length)")
    }
    let payments = [0, 8, 12, 16].map { hours in
      FundingPayment(venueSymbol: "A", rate: .zero, time: start + Int64(hours) * Interval.hour)
    }
    let read = FundingCalendar.payments(payments.reversed())
    #expect(read.map { ($0.interval ?? 0) / Interval.hour } == [8, 8, 4, 4], "a venue may pay more often one day")
    #expect(FundingCalendar.payments([payments[0]]).map(\.interval) == [nil])
  }
}
