import Domain

/// A Binance spot account.
struct BinanceAccount: AccountData {
  /// Of orders and of trades: the most that the venue gives at once.
  private static let pageSize = 1_000

  private let credentials: BinanceCredentials
  private let trading: BinanceTrading

  init(_ credentials: BinanceCredentials) {
    self.credentials = credentials
    trading = BinanceTrading(credentials: credentials)
  }

  func request(_ request: AccountRequest, at time: Timestamp) -> VenueRequest {
    switch request {
    case .place(let order): trading.place(order, at: time)
    case .cancel(let clientID, let symbol): trading.cancel(clientID: clientID, venueSymbol: symbol, at: time)
    case .order(let clientID, let symbol): trading.order(clientID: clientID, venueSymbol: symbol, at: time)
    case .openOrders(let symbol): trading.openOrders(venueSymbol: symbol, at: time)
    case .allOrders(let symbol, let id):
      trading.allOrders(venueSymbol: symbol, fromOrderID: id, limit: Self.pageSize, at: time)
    case .trades(let symbol, let selection): trading.trades(venueSymbol: symbol, selection, limit: Self.pageSize, at: time)
    case .account: trading.account(at: time)
    }
  }

  /// Trades since a moment come oldest first, and go on behind the last id of a full page.
  func nextPage(of request: AccountRequest, after body: [UInt8], at time: Timestamp) throws(ReplyError) -> VenueRequest? {
    guard case .trades(let symbol, .since) = request else { return nil }
    let page = try BinanceReplies.trades(body)
    guard page.count >= Self.pageSize, let last = page.last.flatMap({ Int64($0.fill.tradeID) }) else { return nil }
    return trading.trades(venueSymbol: symbol, .from(tradeID: String(last + 1)), limit: Self.pageSize, at: time)
  }

  func answer(_ result: VenueResult, to request: AccountRequest) -> AccountAnswer {
    switch request {
    case .place: .order(order(result, .placeOrder))
    case .cancel: .order(order(result, .cancelOrder))
    case .order: .order(order(result, .query))
    case .openOrders, .allOrders:
      .orders(BinanceErrors.classify(result, of: .query) { body throws(ReplyError) in try BinanceReplies.orders(body) })
    case .trades:
      .trades(BinanceErrors.classify(result, of: .query) { body throws(ReplyError) in try BinanceReplies.trades(body) })
    case .account:
      .account(BinanceErrors.classify(result, of: .query) { body throws(ReplyError) in try BinanceReplies.account(body) })
    }
  }

  private func order(_ result: VenueResult, _ purpose: VenueRequest.Purpose) -> VenueOutcome<VenueOrderReport> {
    BinanceErrors.classify(result, of: purpose) { body throws(ReplyError) in try BinanceReplies.order(body) }
  }

  var tradeOrder: TradeOrder { .ids }

  /// The venue's pings are answered by the transport.
  var privateStream: StreamPlan { StreamPlan(target: BinanceUserStream.target) }

  func greeting(requestID: String, at time: Timestamp) -> [[UInt8]] {
    [BinanceUserStream.subscribe(credentials, requestID: requestID, at: time)]
  }

  /// The greeting has subscribed already.
  func subscription(requestID: String) -> [[UInt8]] { [] }

  func events(_ frame: [UInt8]) throws(ReplyError) -> [VenueEvent] { [try BinanceUserStream.event(frame)] }
}
