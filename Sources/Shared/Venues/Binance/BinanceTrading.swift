import Domain

/// Builds signed requests to Binance spot's REST interface (rest-api.md of binance-spot-api-docs). Pure: the time of signing comes in
/// and should be the venue's, that is, ours corrected by the offset last measured.
public struct BinanceTrading: Sendable {
  /// A request that arrives later than this after its timestamp is refused by the venue: the fence against a stalled process.
  public static let maximumReceiveWindowMilliseconds = 2_000

  private let credentials: BinanceCredentials
  private let receiveWindow: Int64
  /// The header fields of a request without a body, and of one with a form.
  private let headers: [VenueRequest.Header]
  private let formHeaders: [VenueRequest.Header]

  /// `receiveWindowMilliseconds` is in 1 … 2000.
  public init(credentials: BinanceCredentials, receiveWindowMilliseconds: Int = maximumReceiveWindowMilliseconds) {
    precondition(
      (1...Self.maximumReceiveWindowMilliseconds).contains(receiveWindowMilliseconds), "a receive window is 1 to 2000 ms")
    self.credentials = credentials
    receiveWindow = Int64(receiveWindowMilliseconds)
    headers = [VenueRequest.Header("X-MBX-APIKEY", credentials.apiKey)]
    formHeaders = headers + [VenueRequest.Header("Content-Type", "application/x-www-form-urlencoded")]
  }

  /// True when `clientID` can be a `newClientOrderId`: 1 to 36 of letters, digits, `-` and `_`.
  public static func isLegal(clientID: String) -> Bool { NewOrder.isPlain(clientID: clientID, maximumLength: 36) }

  /// Places an order; the reply is a full one, with its fills. `order.clientID` is legal.
  public func place(_ order: NewOrder, at time: Timestamp) -> VenueRequest {
    precondition(
      Self.isLegal(clientID: order.clientID), "an order is placed under a legal client id, so that it can be asked for")
    return timed(.post, "/api/v3/order", .placeOrder, at: time) { form in
      form.append("symbol", order.venueSymbol)
      form.append("side", word: order.side == .buy ? "BUY" : "SELL")
      switch order.terms {
      case .market:
        form.append("type", word: "MARKET")
        form.append("quantity", order.quantity)
      case .limit(let price, let timeInForce):
        form.append("type", word: "LIMIT")
        form.append("timeInForce", word: timeInForce.capitals)
        form.append("quantity", order.quantity)
        form.append("price", price)
      case .postOnly(let price):
        form.append("type", word: "LIMIT_MAKER")
        form.append("quantity", order.quantity)
        form.append("price", price)
      }
      form.append("newClientOrderId", plain: order.clientID)
      form.append("newOrderRespType", word: "FULL")
    }
  }

  /// Ends the order known by our client id.
  public func cancel(clientID: String, venueSymbol: String, at time: Timestamp) -> VenueRequest {
    timed(.delete, "/api/v3/order", .cancelOrder, at: time) { form in
      form.append("symbol", venueSymbol)
      form.append("origClientOrderId", clientID)
    }
  }

  /// Ends every open order of the symbol, whoever made it.
  public func cancelAll(venueSymbol: String, at time: Timestamp) -> VenueRequest {
    timed(.delete, "/api/v3/openOrders", .cancelOrder, at: time) { form in form.append("symbol", venueSymbol) }
  }

  /// Asks for an order by our client id. With several orders of that id in history the venue answers with the last one.
  public func order(clientID: String, venueSymbol: String, at time: Timestamp) -> VenueRequest {
    timed(.get, "/api/v3/order", .query, weight: 4, at: time) { form in
      form.append("symbol", venueSymbol)
      form.append("origClientOrderId", clientID)
    }
  }

  /// Asks for the open orders of one symbol, or (dearly, in rate weight) of all.
  public func openOrders(venueSymbol: String?, at time: Timestamp) -> VenueRequest {
    timed(.get, "/api/v3/openOrders", .query, weight: venueSymbol == nil ? 80 : 6, at: time) { form in
      if let venueSymbol { form.append("symbol", venueSymbol) }
    }
  }

  /// Asks for orders, open or not, from the order id `fromOrderID` on, oldest first; without it for the newest. `limit` is at most 1000.
  public func allOrders(
    venueSymbol: String, fromOrderID: String? = nil, limit: Int = 500, at time: Timestamp
  ) -> VenueRequest {
    timed(.get, "/api/v3/allOrders", .query, weight: 20, at: time) { form in
      form.append("symbol", venueSymbol)
      if let fromOrderID { form.append("orderId", fromOrderID) }
      form.append("limit", Int64(limit))
    }
  }

  /// Asks for our trades of a symbol. `limit` is at most 1000.
  public func trades(
    venueSymbol: String, _ selection: TradeSelection, limit: Int = 500, at time: Timestamp
  ) -> VenueRequest {
    var weight: Int64 = 20
    if case .order = selection { weight = 5 }
    return timed(.get, "/api/v3/myTrades", .query, weight: weight, at: time) { form in
      form.append("symbol", venueSymbol)
      switch selection {
      case .order(let id): form.append("orderId", id)
      case .from(let id): form.append("fromId", id)
      case .since(let start): form.append("startTime", start.milliseconds)
      case .newest: break
      }
      form.append("limit", Int64(limit))
    }
  }

  /// Asks for the balances; assets of which nothing is held are left out.
  public func account(at time: Timestamp) -> VenueRequest {
    timed(.get, "/api/v3/account", .query, weight: 20, at: time) { form in form.append("omitZeroBalances", word: "true") }
  }

  /// Signs exactly these parameters: in the body of a POST, in the query of anything else.
  func signed(
    _ method: VenueRequest.Method, _ path: String, _ purpose: VenueRequest.Purpose, weight: Int64 = 1,
    _ parameters: (inout FormParameters) -> Void
  ) -> VenueRequest {
    var form = FormParameters()
    parameters(&form)
    form.append("signature", credentials.signature(of: form.bytes))
    guard method == .post else {
      return VenueRequest(method: method, purpose: purpose, path: path, query: form.text, headers: headers, weight: weight)
    }
    return VenueRequest(method: method, purpose: purpose, path: path, headers: formHeaders, body: form.bytes, weight: weight)
  }

  private func timed(
    _ method: VenueRequest.Method, _ path: String, _ purpose: VenueRequest.Purpose, weight: Int64 = 1, at time: Timestamp,
    _ parameters: (inout FormParameters) -> Void
  ) -> VenueRequest {
    signed(method, path, purpose, weight: weight) { form in
      parameters(&form)
      form.append("recvWindow", receiveWindow)
      form.append("timestamp", time.milliseconds)
    }
  }
}
