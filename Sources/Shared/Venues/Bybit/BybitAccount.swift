import Domain

/// The spot side of a Bybit unified account.
struct BybitAccount: AccountData {
  private let credentials: BybitCredentials
  private let trading: BybitTrading

  init(_ credentials: BybitCredentials) {
    self.credentials = credentials
    trading = BybitTrading(credentials: credentials, category: .spot)
  }

  func request(_ request: AccountRequest, at time: Timestamp) -> VenueRequest { self.request(request, cursor: nil, at: time) }

  private func request(_ request: AccountRequest, cursor: String?, at time: Timestamp) -> VenueRequest {
    switch request {
    case .place(let order): trading.place(order, at: time)
    case .cancel(let clientID, let symbol): trading.cancel(clientID: clientID, venueSymbol: symbol, at: time)
    case .order(let clientID, _): trading.order(clientID: clientID, at: time)
    case .openOrders(let symbol): trading.openOrders(venueSymbol: symbol, cursor: cursor, at: time)
    case .allOrders(let symbol, let id):
      trading.orderHistory(venueSymbol: symbol, venueOrderID: id, cursor: cursor, at: time)
    case .trades(let symbol, let selection): trading.trades(venueSymbol: symbol, selection, cursor: cursor, at: time)
    case .account: trading.walletBalance(at: time)
    }
  }

  /// Lists come in pages of fifty or a hundred. The newest page is what is meant where no beginning is named.
  func nextPage(of request: AccountRequest, after body: [UInt8], at time: Timestamp) throws(ReplyError) -> VenueRequest? {
    switch request {
    case .openOrders, .trades(_, .order), .trades(_, .since):
      guard let cursor = try BybitReplies.nextCursor(body) else { return nil }
      return self.request(request, cursor: cursor, at: time)
    case .place, .cancel, .order, .allOrders, .trades, .account: return nil
    }
  }

  func answer(_ result: VenueResult, to request: AccountRequest) -> AccountAnswer {
    switch request {
    case .place: .order(acknowledgement(result, .placeOrder))
    case .cancel: .order(acknowledgement(result, .cancelOrder))
    case .order(let clientID, _): .order(order(clientID, orders(result)))
    case .openOrders, .allOrders: .orders(orders(result))
    case .trades:
      .trades(BybitErrors.classify(result, of: .query) { body throws(ReplyError) in try BybitReplies.trades(body) })
    case .account:
      .account(BybitErrors.classify(result, of: .query) { body throws(ReplyError) in try BybitReplies.account(body) })
    }
  }

  private func acknowledgement(_ result: VenueResult, _ purpose: VenueRequest.Purpose) -> VenueOutcome<VenueOrderReport> {
    BybitErrors.classify(result, of: purpose) { body throws(ReplyError) in try BybitReplies.acknowledgement(body) }
  }

  private func orders(_ result: VenueResult) -> VenueOutcome<[VenueOrderReport]> {
    BybitErrors.classify(result, of: .query) { body throws(ReplyError) in try BybitReplies.orders(body) }
  }

  /// A question about one order is answered by a list, which is empty where another venue would name an error.
  private func order(_ clientID: String, _ outcome: VenueOutcome<[VenueOrderReport]>) -> VenueOutcome<VenueOrderReport> {
    switch outcome {
    case .confirmed(let reports):
      guard let report = reports.first(where: { $0.clientID == clientID }) else {
        return .failed(VenueFailure(.noSuchOrder, reason: "no order of this id among the open and the lately ended"))
      }
      return .confirmed(report)
    case .failed(let failure): return .failed(failure)
    case .unknown(let failure): return .unknown(failure)
    }
  }

  /// The venue shows seven days of executions in one answer; a minute is left for clocks that differ.
  var tradeOrder: TradeOrder { .times(settling: 10 * Interval.second, reach: 7 * Interval.day - Interval.minute) }

  var privateStream: StreamPlan {
    var plan = StreamPlan(target: BybitPrivateStream.target)
    plan.heartbeat = .init(BybitFrames.ping, every: BybitFrames.pingInterval)
    return plan
  }

  func greeting(requestID: String, at time: Timestamp) -> [[UInt8]] {
    [BybitPrivateStream.authenticate(credentials, requestID: requestID, at: time)]
  }

  func subscription(requestID: String) -> [[UInt8]] {
    [BybitFrames.subscribe(BybitPrivateStream.topics, requestID: requestID)]
  }

  func events(_ frame: [UInt8]) throws(ReplyError) -> [VenueEvent] { try BybitPrivateStream.events(frame) }
}
