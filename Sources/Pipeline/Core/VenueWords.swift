import Domain
import SimulatorCore
import Venues
import Wire

/// Why a venue does not do what it is asked.
enum VenueRefusal {
  /// Too much was asked.
  case tooMany
  /// Something is broken there.
  case unavailable
  /// Signed too long ago, or in the future.
  case outsideWindow
  /// A cancel of an order that is not open.
  case notOpen
  /// A question about an order that is not known.
  case notFound
  /// The client id belongs to an open order.
  case duplicate
  /// The matching engine does not take it.
  case refused

  /// In the venue's own words: what they mean is for the venue's own table to say.
  func reply(of venue: Venue) -> VenueReply { venue == .bybit ? bybit : binance }

  private var binance: VenueReply {
    func reply(_ status: Int, _ code: Int, _ message: String, retryAfter: String? = nil) -> VenueReply {
      VenueReply(status: status, retryAfter: retryAfter, body: Array(#"{"code":\#(code),"msg":"\#(message)"}"#.utf8))
    }
    return switch self {
    case .tooMany: reply(429, -1003, "Too many requests.", retryAfter: "1")
    case .unavailable: reply(503, -1000, "Service unavailable.")
    case .outsideWindow: reply(400, -1021, "Timestamp for this request is outside of the recvWindow.")
    case .notOpen: reply(400, -2011, "Unknown order sent.")
    case .notFound: reply(400, -2013, "Order does not exist.")
    case .duplicate: reply(400, -2010, "Duplicate order sent.")
    case .refused: reply(400, -2010, "Account has insufficient balance.")
    }
  }

  private var bybit: VenueReply {
    func reply(_ code: Int, _ message: String) -> VenueReply {
      VenueReply(status: 200, body: Array(#"{"retCode":\#(code),"retMsg":"\#(message)","result":{"list":[]},"time":0}"#.utf8))
    }
    return switch self {
    case .tooMany: reply(10_006, "Too many visits!")
    case .unavailable: VenueReply(status: 503, body: [])
    case .outsideWindow: reply(10_002, "invalid request, please check your server timestamp or recv_window param")
    case .notOpen: reply(170_213, "Order does not exist.")
    // A list without it.
    case .notFound: reply(0, "OK")
    case .duplicate: reply(170_141, "Duplicate clientOrderId")
    case .refused: reply(170_131, "Balance insufficient")
    }
  }
}

extension SimulatedVenue {
  /// What the venue calls the end of a call.
  func judge(_ result: VenueResult, of action: AccountRequest) -> AccountAnswer { declaration.answer(result, to: action) }

  func refusal(_ refusal: VenueRefusal, of action: AccountRequest) -> AccountAnswer {
    judge(.reply(refusal.reply(of: name)), of: action)
  }

  /// The venue has taken a request in, and says no more.
  func acknowledgement(of id: Int64, _ clientID: String, at time: Timestamp) -> VenueOrderReport {
    VenueOrderReport(venueSymbol: "", venueOrderID: String(id), clientID: clientID, time: time)
  }

  func report(_ order: SimulatorCore.VenueOrder, fills: [Fill] = []) -> VenueOrderReport {
    VenueOrderReport(
      venueSymbol: instrument.venueSymbol, venueOrderID: String(order.id), clientID: order.request.clientOrderID,
      side: order.request.side, price: order.request.price, quantity: order.quantity, state: order.status.state,
      cumulativeQuantity: order.executed, cumulativeQuote: order.cumulativeQuote, fills: fills, time: order.updated)
  }

  /// A frame that names a trade and says nothing of its order's state.
  func report(trade fill: Fill, of order: SimulatorCore.VenueOrder) -> VenueOrderReport {
    VenueOrderReport(
      venueSymbol: instrument.venueSymbol, venueOrderID: String(order.id), clientID: order.request.clientOrderID,
      side: order.request.side, fills: [fill], time: fill.time)
  }
}

extension VenueOrderStatus {
  fileprivate var state: VenueOrderState {
    switch self {
    case .new: .open
    case .partiallyFilled: .partiallyFilled
    case .filled: .filled
    case .cancelled: .cancelled
    case .expired, .prevented: .expired
    case .rejected: .rejected
    }
  }
}

extension AccountRequest {
  /// A few words for a trace.
  var summary: String {
    switch self {
    case .place(let order): "place \(order.side) \(order.quantity) \(order.clientID)"
    case .cancel(let id, _): "cancel \(id)"
    case .order(let id, _): "order \(id)"
    case .openOrders: "open orders"
    case .allOrders: "all orders"
    case .trades: "trades"
    case .account: "balances"
    }
  }
}
