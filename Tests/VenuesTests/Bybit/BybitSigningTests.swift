import Domain
import Testing
import Wire

@testable import Venues

@Suite struct BybitSigningTests {
  private let time = Timestamp(milliseconds: 1_700_000_000_000)

  @Test func signaturesEqualTheVectors() throws {
    let vectors = try #require(try Fixtures.json("bybit/signing/vectors.json").array)
    #expect(vectors.count == 2)
    for vector in vectors {
      let credentials = BybitCredentials(
        apiKey: try #require(vector["api_key"]?.string), secret: try #require(vector["secret"]?.string))
      #expect(try credentials.signature(of: Array(#require(vector["message"]?.string).utf8)).hex == vector["expected"]?.string)
    }
  }

  /// Whole requests computed by an independent client, byte for byte.
  @Test func requestsEqualTheVectors() throws {
    let group = try #require(try Fixtures.json("bybit/signing/request_vectors.json")["groups"]?.array?.first)
    let credentials = BybitCredentials(
      apiKey: try #require(group["credentials"]?["apiKey"]?.string), secret: try #require(group["credentials"]?["secret"]?.string)
    )
    func trading(_ category: BybitMarket.Category) -> BybitTrading {
      BybitTrading(credentials: credentials, category: category, receiveWindowMilliseconds: 5_000)
    }
    let order = NewOrder(
      clientID: "eng-1-abc", venueSymbol: "BTCUSDT", side: .buy, terms: .postOnly(price: try Price("30000")),
      quantity: try Quantity("0.001"))
    let requests: [String: VenueRequest] = [
      "place spot limit": trading(.spot).place(order, at: time),
      "cancel by client id": trading(.linear).cancel(clientID: "eng-1-abc", venueSymbol: "BTCUSDT", at: time),
      "query by client id": trading(.linear).order(clientID: "eng-1-abc", at: time),
      "open orders": trading(.linear).openOrders(venueSymbol: nil, at: time),
      "wallet": trading(.linear).walletBalance(coins: ["USDT", "BTC"], at: time),
      "executions": trading(.linear).trades(venueSymbol: "BTCUSDT", .newest, at: time),
      "positions": trading(.linear).positions(settledIn: "USDT", at: time),
    ]
    let vectors = try #require(group["vectors"]?.array)
    #expect(vectors.count == requests.count)
    for vector in vectors {
      let name = try #require(vector["description"]?.string)
      let expected = try #require(vector["request"])
      let request = try #require(requests[name], "\(name)")
      #expect(request.method.rawValue == expected["method"]?.string)
      #expect("https://api-testnet.bybit.com\(request.target)" == expected["url"]?.string)
      #expect(request.bodyText == expected["body"]?.string ?? "")
      for member in try #require(expected["headers"]?.members) where member.name != "Content-Type" || request.method == .post {
        #expect(request.headers.first { $0.name == member.name }?.value == member.value.string, "\(name): \(member.name)")
      }
    }
  }

  @Test func aStreamLogsOnWithTheVenuesSignature() throws {
    let credentials = BybitCredentials(apiKey: "test_api_key", secret: "test_secret")
    let frame = BybitPrivateStream.authenticate(
      credentials, requestID: "7", at: time + -BybitPrivateStream.logOnWindow)
    #expect(
      String(decoding: frame, as: UTF8.self)
        == #"{"req_id":"7","op":"auth","args":["test_api_key",1700000000000,"#
        + #""bacffe7500499eb829bb58c45d36d1b3e5ac67c14eaeba91df5e99ccee013925"]}"#)
  }

  @Test func termsAreTheVenues() throws {
    let trading = BybitTrading(credentials: BybitCredentials(apiKey: "k", secret: "s"))
    func body(_ terms: NewOrder.Terms, _ side: Side = .sell) throws -> String {
      trading.place(
        NewOrder(clientID: "a-1", venueSymbol: "BTCUSDT", side: side, terms: terms, quantity: try Quantity("2")), at: time
      ).bodyText
    }
    let start = #"{"category":"spot","symbol":"BTCUSDT","#
    #expect(
      try body(.limit(price: Price("1.50"), .ioc))
        == start + #""side":"Sell","orderType":"Limit","qty":"2","price":"1.5","timeInForce":"IOC","orderLinkId":"a-1"}"#)
    #expect(
      try body(.market, .buy)
        == start + #""side":"Buy","orderType":"Market","marketUnit":"baseCoin","qty":"2","orderLinkId":"a-1"}"#,
      "never an amount of the quote asset")
    let amended = trading.amend(clientID: "a-1", venueSymbol: "BTCUSDT", quantity: try Quantity("3"), price: nil, at: time)
    #expect(amended.target == "/v5/order/amend" && amended.bodyText == start + #""orderLinkId":"a-1","qty":"3"}"#)
    #expect(trading.cancelAll(venueSymbol: "BTCUSDT", at: time).bodyText == #"{"category":"spot","symbol":"BTCUSDT"}"#)
    #expect(
      trading.openOrders(venueSymbol: "BTCUSDT", cursor: "a%3A1", at: time).target
        == "/v5/order/realtime?category=spot&symbol=BTCUSDT&openOnly=0&limit=50&cursor=a%3A1")
    #expect(
      trading.trades(venueSymbol: "BTCUSDT", .order(venueOrderID: "9"), limit: 1_000, at: time).target
        == "/v5/execution/list?category=spot&symbol=BTCUSDT&orderId=9&limit=100")
    #expect(
      trading.trades(venueSymbol: "BTCUSDT", .since(Timestamp(milliseconds: 5)), at: time).query
        == "category=spot&symbol=BTCUSDT&startTime=5&limit=100")
    #expect(
      trading.orderHistory(venueSymbol: "BTCUSDT", venueOrderID: "9", at: time).target
        == "/v5/order/history?category=spot&symbol=BTCUSDT&orderId=9&limit=50")
  }

  @Test func theWindowIsShortAndTheSecretStaysHidden() {
    let credentials = BybitCredentials(apiKey: "the-key", secret: "the-secret")
    let request = BybitTrading(credentials: credentials).order(clientID: "a", at: time)
    #expect(request.headers.first { $0.name == "X-BAPI-RECV-WINDOW" }?.value == "2000")
    #expect(!"\(credentials)".contains("the-") && !String(reflecting: credentials).contains("the-"))
    var dumped = ""
    dump(credentials, to: &dumped)
    #expect(!dumped.contains("the-"))
  }

  @Test(arguments: [("a", true), ("A-9_z", true), ("", false), ("a.b", false), ("é", false)])
  func clientIDsAreChecked(text: String, isLegal: Bool) {
    #expect(BybitTrading.isLegal(clientID: text) == isLegal)
    #expect(BybitTrading.isLegal(clientID: String(repeating: "a", count: 36)))
    #expect(!BybitTrading.isLegal(clientID: String(repeating: "a", count: 37)))
  }

  @Test func endpointsAreTheTestNetworksUnlessToldOtherwise() throws {
    let test = try BybitEndpoints()
    #expect(test.rest.text == "https://api-testnet.bybit.com" && test.streams.text == "wss://stream-testnet.bybit.com")
    let real = try BybitEndpoints(rest: "https://api.bybit.com", consent: VenueAddress.mainnetConsent)
    #expect(real.streams.text == "wss://stream.bybit.com" && real.rest.isMainnet)
    #expect(throws: VenueAddress.Refusal.self) { try BybitEndpoints(rest: "https://api.bybit.com") }
    #expect(throws: VenueAddress.Refusal.self) {
      try BybitEndpoints(
        rest: "https://api.bybit.com", streams: "wss://stream-testnet.bybit.com", consent: VenueAddress.mainnetConsent)
    }
  }
}
