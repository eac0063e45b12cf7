import Domain
import Wire

/// Builds signed requests to Bybit's unified account (order/*.mdx and account/*.mdx of bybit-exchange/docs). Pure: the time of signing
/// comes in and should be the venue's, that is, ours corrected by the offset last measured.
///
/// The venue answers a new order, a change or a cancel when it has taken it in, not when it has carried it out: what became of it is
/// told by the private stream, or by asking.
public struct BybitTrading: Sendable {
  /// A request that arrives later than this after its timestamp is refused by the venue: the fence against a stalled process.
  public static let usualReceiveWindowMilliseconds = 2_000
  /// Orders in one page of an answer, at most.
  public static let orderPage = 50
  /// Trades in one page of an answer, at most.
  public static let tradePage = 100

  /// Which orders are meant: the venue spells the symbols of its categories alike.
  public let category: BybitMarket.Category
  private let credentials: BybitCredentials
  private let receiveWindow: String

  /// `receiveWindowMilliseconds` is in 1 … 5000, the venue's own default.
  public init(
    credentials: BybitCredentials, category: BybitMarket.Category = .spot,
    receiveWindowMilliseconds: Int = usualReceiveWindowMilliseconds
  ) {
    precondition((1...5_000).contains(receiveWindowMilliseconds), "a receive window is 1 to 5000 ms")
    self.credentials = credentials
    self.category = category
    receiveWindow = String(receiveWindowMilliseconds)
  }

  /// True when `clientID` can be an `orderLinkId`: 1 to 36 of letters, digits, `-` and `_`.
  public static func isLegal(clientID: String) -> Bool { NewOrder.isPlain(clientID: clientID, maximumLength: 36) }

  // MARK: Orders

  /// Places an order; the reply says no more than that the venue has taken it in. `order.clientID` is legal.
  public func place(_ order: NewOrder, at time: Timestamp) -> VenueRequest {
    precondition(
      Self.isLegal(clientID: order.clientID), "an order is placed under a legal client id, so that it can be asked for")
    return post("create", .placeOrder, at: time) { writer in
      writer.member("symbol", order.venueSymbol)
      writer.member("side", order.side == .buy ? "Buy" : "Sell")
      switch order.terms {
      case .market:
        writer.member("orderType", "Market")
        // Without this the quantity of a market buy on spot would be read as an amount of the quote asset.
        if category == .spot { writer.member("marketUnit", "baseCoin") }
        writer.member("qty", order.quantity)
      case .limit(let price, let timeInForce):
        Self.limit(order, price, timeInForce.capitals.description, to: &writer)
      case .postOnly(let price): Self.limit(order, price, "PostOnly", to: &writer)
      }
      writer.member("orderLinkId", order.clientID)
    }
  }

  private static func limit(_ order: NewOrder, _ price: Price, _ timeInForce: String, to writer: inout JSONWriter) {
    writer.member("orderType", "Limit")
    writer.member("qty", order.quantity)
    writer.member("price", price)
    writer.member("timeInForce", timeInForce)
  }

  /// Changes an open order in place: a new total quantity (what is filled included), a new price, or both.
  public func amend(
    clientID: String, venueSymbol: String, quantity: Quantity?, price: Price?, at time: Timestamp
  ) -> VenueRequest {
    post("amend", .placeOrder, at: time) { writer in
      writer.member("symbol", venueSymbol)
      writer.member("orderLinkId", clientID)
      writer.member("qty", quantity)
      writer.member("price", price)
    }
  }

  /// Ends the order known by our client id.
  public func cancel(clientID: String, venueSymbol: String, at time: Timestamp) -> VenueRequest {
    post("cancel", .cancelOrder, at: time) { writer in
      writer.member("symbol", venueSymbol)
      writer.member("orderLinkId", clientID)
    }
  }

  /// Ends every open order of the symbol, whoever made it.
  public func cancelAll(venueSymbol: String, at time: Timestamp) -> VenueRequest {
    post("cancel-all", .cancelOrder, at: time) { writer in writer.member("symbol", venueSymbol) }
  }

  // MARK: Questions

  /// Asks for an order by our client id: open, or among the last 500 that ended.
  public func order(clientID: String, at time: Timestamp) -> VenueRequest {
    get("/v5/order/realtime", [("category", category.rawValue), ("orderLinkId", clientID)], at: time)
  }

  /// Asks for a page of the open orders, of one symbol or of all.
  public func openOrders(venueSymbol: String?, cursor: String? = nil, at time: Timestamp) -> VenueRequest {
    var parameters = [("category", category.rawValue)]
    if let venueSymbol {
      parameters.append(("symbol", venueSymbol))
    } else if category == .linear {
      parameters.append(("settleCoin", "USDT"))
    }
    parameters += [("openOnly", "0"), ("limit", String(Self.orderPage))]
    return get("/v5/order/realtime", parameters, cursor: cursor, at: time)
  }

  /// Asks for a page of the orders of a symbol, ended ones included, newest first: of the last seven days, or one by the venue's id.
  public func orderHistory(
    venueSymbol: String, venueOrderID: String? = nil, cursor: String? = nil, at time: Timestamp
  ) -> VenueRequest {
    var parameters = [("category", category.rawValue), ("symbol", venueSymbol)]
    if let venueOrderID { parameters.append(("orderId", venueOrderID)) }
    parameters.append(("limit", String(Self.orderPage)))
    return get("/v5/order/history", parameters, cursor: cursor, at: time)
  }

  /// Asks for a page of our trades of a symbol, newest first. The venue's trade ids do not count, so `.from` one of them is answered by
  /// the newest.
  public func trades(
    venueSymbol: String, _ selection: TradeSelection, limit: Int = tradePage, cursor: String? = nil, at time: Timestamp
  ) -> VenueRequest {
    var parameters = [("category", category.rawValue), ("symbol", venueSymbol)]
    switch selection {
    case .order(let id): parameters.append(("orderId", id))
    case .since(let start): parameters.append(("startTime", String(start.milliseconds)))
    case .from, .newest: break
    }
    parameters.append(("limit", String(min(limit, Self.tradePage))))
    return get("/v5/execution/list", parameters, cursor: cursor, at: time)
  }

  /// Asks for the balances of the unified account, of some coins or of all that are held.
  public func walletBalance(coins: [String] = [], at time: Timestamp) -> VenueRequest {
    // The list goes out with bare commas.
    let list = coins.isEmpty ? "" : "&coin=\(coins.joined(separator: ","))"
    return get("/v5/account/wallet-balance", query: "accountType=UNIFIED\(list)", at: time)
  }

  /// Asks for the open positions in contracts that settle in `coin`.
  public func positions(settledIn coin: String, at time: Timestamp) -> VenueRequest {
    get("/v5/position/list", [("category", category.rawValue), ("settleCoin", coin)], at: time)
  }

  // MARK: Signing

  private func get(
    _ path: String, _ parameters: [(String, String)], cursor: String? = nil, at time: Timestamp
  ) -> VenueRequest {
    // A cursor comes from the venue encoded, as it is to be sent.
    get(path, query: FormParameters(parameters).text + (cursor.map { "&cursor=\($0)" } ?? ""), at: time)
  }

  /// Signs exactly the query that is sent.
  private func get(_ path: String, query: String, at time: Timestamp) -> VenueRequest {
    VenueRequest(
      method: .get, purpose: .query, path: path, query: query,
      headers: credentials.headers(signing: Array(query.utf8), window: receiveWindow, at: time))
  }

  /// Signs exactly the body that is sent.
  private func post(
    _ operation: String, _ purpose: VenueRequest.Purpose, at time: Timestamp, _ members: (inout JSONWriter) -> Void
  ) -> VenueRequest {
    let body = JSONWriter.object { writer in
      writer.member("category", category)
      members(&writer)
    }
    let type = VenueRequest.Header("Content-Type", "application/json")
    return VenueRequest(
      method: .post, purpose: purpose, path: "/v5/order/\(operation)",
      headers: [type] + credentials.headers(signing: body, window: receiveWindow, at: time), body: body)
  }
}
