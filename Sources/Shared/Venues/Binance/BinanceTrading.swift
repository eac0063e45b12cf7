import Domain

/// Builds signed requests to Binance spot's REST interface (rest-api.md of binance-spot-api-docs). Pure: the time of signing comes in
/// and should be the venue's, that is, ours corrected by the offset last measured.
public struct BinanceTrading: Sendable {
  /// A request that arrives later than this after its timestamp is refused by the venue: the fence against a stalled process.
  public static let maximumReceiveWindowMilliseconds = 2_000

  private let credentials: BinanceCredentials
  private let receiveWindow: String

  /// `receiveWindowMilliseconds` is in 1 … 2000.
  public init(credentials: BinanceCredentials, receiveWindowMilliseconds: Int = maximumReceiveWindowMilliseconds) {
    precondition(
      (1...Self.maximumReceiveWindowMilliseconds).contains(receiveWindowMilliseconds), "a receive window is 1 to 2000 ms")
    self.credentials = credentials
    receiveWindow = String(receiveWindowMilliseconds)
  }

  /// True when `clientID` can be a `newClientOrderId`: 1 to 36 of letters, digits, `-` and `_`.
  public static func isLegal(clientID: String) -> Bool { NewOrder.isPlain(clientID: clientID, maximumLength: 36) }

  /// Places an order; the reply is a full one, with its fills. `order.clientID` is legal.
  public func place(_ order: NewOrder, at time: Timestamp) -> VenueRequest {
    precondition(
      Self.isLegal(clientID: order.clientID), "an order is placed under a legal client id, so that it can be asked for")
    var parameters = [("symbol", order.venueSymbol), ("side", order.side == .buy ? "BUY" : "SELL")]
    switch order.terms {
    case .market:
      parameters += [("type", "MARKET"), ("quantity", order.quantity.text())]
    case .limit(let price, let timeInForce):
      parameters += [
        ("type", "LIMIT"), ("timeInForce", timeInForce.rawValue.uppercased()), ("quantity", order.quantity.text()),
        ("price", price.text()),
      ]
    case .postOnly(let price):
      parameters += [("type", "LIMIT_MAKER"), ("quantity", order.quantity.text()), ("price", price.text())]
    }
    parameters += [("newClientOrderId", order.clientID), ("newOrderRespType", "FULL")]
    return timed(.post, "/api/v3/order", parameters, .placeOrder, at: time)
  }

  /// Ends the order known by our client id.
  public func cancel(clientID: String, venueSymbol: String, at time: Timestamp) -> VenueRequest {
    timed(.delete, "/api/v3/order", [("symbol", venueSymbol), ("origClientOrderId", clientID)], .cancelOrder, at: time)
  }

  /// Ends every open order of the symbol, whoever made it.
  public func cancelAll(venueSymbol: String, at time: Timestamp) -> VenueRequest {
    timed(.delete, "/api/v3/openOrders", [("symbol", venueSymbol)], .cancelOrder, at: time)
  }

  /// Asks for an order by our client id. With several orders of that id in history the venue answers with the last one.
  public func order(clientID: String, venueSymbol: String, at time: Timestamp) -> VenueRequest {
    timed(.get, "/api/v3/order", [("symbol", venueSymbol), ("origClientOrderId", clientID)], .query, weight: 4, at: time)
  }

  /// Asks for the open orders of one symbol, or (dearly, in rate weight) of all.
  public func openOrders(venueSymbol: String?, at time: Timestamp) -> VenueRequest {
    timed(
      .get, "/api/v3/openOrders", venueSymbol.map { [("symbol", $0)] } ?? [], .query, weight: venueSymbol == nil ? 80 : 6,
      at: time)
  }

  /// Asks for orders, open or not, from the order id `fromOrderID` on, oldest first; without it for the newest. `limit` is at most 1000.
  public func allOrders(
    venueSymbol: String, fromOrderID: String? = nil, limit: Int = 500, at time: Timestamp
  ) -> VenueRequest {
    var parameters = [("symbol", venueSymbol)]
    if let fromOrderID { parameters.append(("orderId", fromOrderID)) }
    parameters.append(("limit", String(limit)))
    return timed(.get, "/api/v3/allOrders", parameters, .query, weight: 20, at: time)
  }

  /// Asks for our trades of a symbol. `limit` is at most 1000.
  public func trades(
    venueSymbol: String, _ selection: TradeSelection, limit: Int = 500, at time: Timestamp
  ) -> VenueRequest {
    var parameters = [("symbol", venueSymbol)]
    var weight: Int64 = 20
    switch selection {
    case .order(let id):
      parameters.append(("orderId", id))
      weight = 5
    case .from(let id): parameters.append(("fromId", id))
    case .since(let start): parameters.append(("startTime", String(start.milliseconds)))
    case .newest: break
    }
    parameters.append(("limit", String(limit)))
    return timed(.get, "/api/v3/myTrades", parameters, .query, weight: weight, at: time)
  }

  /// Asks for the balances; assets of which nothing is held are left out.
  public func account(at time: Timestamp) -> VenueRequest {
    timed(.get, "/api/v3/account", [("omitZeroBalances", "true")], .query, weight: 20, at: time)
  }

  /// Signs exactly these parameters in exactly this order: in the body of a POST, in the query of anything else.
  public func signed(
    _ method: VenueRequest.Method, _ path: String, _ parameters: [(String, String)], _ purpose: VenueRequest.Purpose,
    weight: Int64 = 1
  ) -> VenueRequest {
    let form = FormParameters(parameters).text
    let payload = "\(form)&signature=\(credentials.signature(of: form))"
    var headers = [VenueRequest.Header("X-MBX-APIKEY", credentials.apiKey)]
    guard method == .post else {
      return VenueRequest(method: method, purpose: purpose, path: path, query: payload, headers: headers, weight: weight)
    }
    headers.append(.init("Content-Type", "application/x-www-form-urlencoded"))
    return VenueRequest(method: method, purpose: purpose, path: path, headers: headers, body: payload, weight: weight)
  }

  private func timed(
    _ method: VenueRequest.Method, _ path: String, _ parameters: [(String, String)], _ purpose: VenueRequest.Purpose,
    weight: Int64 = 1, at time: Timestamp
  ) -> VenueRequest {
    let timing = [("recvWindow", receiveWindow), ("timestamp", String(time.milliseconds))]
    return signed(method, path, parameters + timing, purpose, weight: weight)
  }
}
