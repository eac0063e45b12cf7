import Domain
import Testing
import Wire

@testable import Venues

@Suite struct BinanceSigningTests {
  /// Whole requests computed by an independent client, byte for byte.
  @Test func requestsEqualTheVectors() throws {
    let groups = try #require(try Fixtures.json("binance/signing/request_vectors.json")["groups"]?.array)
    var checked = 0
    for group in groups {
      let credentials = BinanceCredentials(
        apiKey: try #require(group["credentials"]?["apiKey"]?.string),
        secret: try #require(group["credentials"]?["secret"]?.string))
      for vector in try #require(group["vectors"]?.array) {
        try check(vector, credentials)
        checked += 1
      }
    }
    #expect(checked == 9)
  }

  private func check(_ vector: JSON, _ credentials: BinanceCredentials) throws {
    let expected = try #require(vector["request"])
    let method = try #require(expected["method"]?.string.flatMap(VenueRequest.Method.init(rawValue:)))
    let url = try #require(expected["url"]?.string)
    let path = try #require(url.firstRange(of: "/api/") ?? url.firstRange(of: "/fapi/"))
    let target = url[path.lowerBound...].split(separator: "?")
    let form = expected["body"]?.string.map { Substring($0) } ?? target[1]
    let parameters = form.split(separator: "&").map { pair in
      (String(pair.prefix { $0 != "=" }), String(pair.drop { $0 != "=" }.dropFirst()))
    }
    let request = BinanceTrading(credentials: credentials)
      .signed(method, String(target[0]), .query) { $0 = FormParameters(parameters.filter { $0.0 != "signature" }) }
    #expect("\(url[..<path.lowerBound])\(request.target)" == url)
    #expect(request.bodyText == expected["body"]?.string ?? "")
    let headers = try #require(expected["headers"]?.members)
    #expect(request.headers == headers.map { VenueRequest.Header($0.name, $0.value.string ?? "") })
  }

  @Test func valuesArePercentEncodedBeforeSigning() {
    let credentials = BinanceCredentials(
      apiKey: "k", secret: "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
    let request = BinanceTrading(credentials: credentials).signed(
      .post, "/api/v3/order", .placeOrder
    ) { form in
      form = FormParameters([
        ("symbol", "１２３４５６"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "1"), ("price", "0.1"),
        ("recvWindow", "5000"), ("timestamp", "1499827319559"),
      ])
    }
    #expect(request.bodyText.hasSuffix("&signature=e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"))
  }

  @Test func webSocketRequestsAreSignedSortedAndRaw() throws {
    let credentials = BinanceCredentials(
      apiKey: "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
      secret: "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
    let frame = BinanceUserStream.request(
      credentials, method: "order.place", requestID: "1",
      [
        ("symbol", .string("BTCUSDT")), ("side", .string("SELL")), ("type", .string("LIMIT")), ("timeInForce", .string("GTC")),
        ("quantity", .string("0.01000000")), ("price", .string("52000.00")), ("recvWindow", .number("100")),
        ("timestamp", .number("1645423376532")),
      ])
    let params = try #require(try JSON.parse(frame)["params"])
    #expect(params["signature"]?.string == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24")
    #expect(params["timestamp"] == .number("1645423376532"))
  }

  @Test func aSubscriptionHasTheDocumentedShape() throws {
    let frame = BinanceUserStream.subscribe(
      BinanceCredentials(apiKey: "key", secret: "secret"), requestID: "apus-1", at: Timestamp(milliseconds: 1_770_146_786_002))
    let json = try JSON.parse(frame)
    #expect(json["method"]?.string == "userDataStream.subscribe.signature")
    #expect(json["id"]?.string == "apus-1")
    #expect(json["params"]?.members?.map(\.name) == ["apiKey", "recvWindow", "timestamp", "signature"])
    #expect(json["params"]?["timestamp"]?.integer == 1_770_146_786_002)
  }

  @Test func ordersSayWhatIsMeant() {
    let trading = BinanceTrading(credentials: BinanceCredentials(apiKey: "key", secret: "secret"))
    func body(_ terms: NewOrder.Terms) -> String {
      let order = NewOrder(
        clientID: "a-1", venueSymbol: "BTCUSDT", side: .sell, terms: terms, quantity: Quantity(units: 25_000_000))
      let request = trading.place(order, at: Timestamp(milliseconds: 7))
      #expect(request.method == .post && request.target == "/api/v3/order" && request.purpose == .placeOrder)
      return String(request.bodyText.prefix { $0 != "%" }.split(separator: "&signature=")[0])
    }
    let tail = "newClientOrderId=a-1&newOrderRespType=FULL&recvWindow=2000&timestamp=7"
    let price = Price(units: 267_961_000_000_000)
    #expect(body(.market) == "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.25&\(tail)")
    #expect(
      body(.limit(price: price, .ioc))
        == "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=IOC&quantity=0.25&price=26796.1&\(tail)")
    #expect(body(.postOnly(price: price)) == "symbol=BTCUSDT&side=SELL&type=LIMIT_MAKER&quantity=0.25&price=26796.1&\(tail)")
  }

  @Test func everyOtherRequestAsksForWhatItIsNamedAfter() {
    let trading = BinanceTrading(credentials: BinanceCredentials(apiKey: "key", secret: "secret"), receiveWindowMilliseconds: 500)
    let now = Timestamp(milliseconds: 7)
    let tail = "recvWindow=500&timestamp=7"
    let cases: [(VenueRequest, VenueRequest.Method, String, VenueRequest.Purpose)] = [
      (trading.cancel(clientID: "a", venueSymbol: "B", at: now), .delete, "/order?symbol=B&origClientOrderId=a&", .cancelOrder),
      (trading.cancelAll(venueSymbol: "B", at: now), .delete, "/openOrders?symbol=B&", .cancelOrder),
      (trading.order(clientID: "a", venueSymbol: "B", at: now), .get, "/order?symbol=B&origClientOrderId=a&", .query),
      (trading.openOrders(venueSymbol: "B", at: now), .get, "/openOrders?symbol=B&", .query),
      (trading.openOrders(venueSymbol: nil, at: now), .get, "/openOrders?", .query),
      (
        trading.allOrders(venueSymbol: "B", fromOrderID: "9", limit: 7, at: now), .get, "/allOrders?symbol=B&orderId=9&limit=7&",
        .query
      ),
      (
        trading.trades(venueSymbol: "B", .order(venueOrderID: "9"), at: now), .get, "/myTrades?symbol=B&orderId=9&limit=500&",
        .query
      ),
      (trading.trades(venueSymbol: "B", .from(tradeID: "9"), at: now), .get, "/myTrades?symbol=B&fromId=9&limit=500&", .query),
      (trading.trades(venueSymbol: "B", .since(now), at: now), .get, "/myTrades?symbol=B&startTime=7&limit=500&", .query),
      (trading.account(at: now), .get, "/account?omitZeroBalances=true&", .query),
    ]
    for (request, method, target, purpose) in cases {
      #expect(request.target.hasPrefix("/api/v3\(target)\(tail)&signature="), "\(request.target)")
      #expect(request.method == method && request.purpose == purpose)
      #expect(request.body.isEmpty)
    }
  }

  @Test func clientIDsAreTheVenues() {
    #expect(BinanceTrading.isLegal(clientID: "Az0-_"))
    #expect(BinanceTrading.isLegal(clientID: String(repeating: "x", count: 36)))
    for illegal in ["", String(repeating: "x", count: 37), "a.b", "a b", "é", "a&b=c"] {
      #expect(!BinanceTrading.isLegal(clientID: illegal), "\(illegal)")
    }
  }

  @Test func credentialsDoNotShow() {
    let credentials = BinanceCredentials(apiKey: "public-part", secret: "private-part")
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"] {
      #expect(!text.contains("public-part") && !text.contains("private-part"))
    }
  }
}
