import Domain
import Wire

/// What is asked of an account at a venue, in our terms.
public enum AccountRequest: Sendable, Hashable {
  /// A new order.
  case place(NewOrder)
  /// The end of one order.
  case cancel(clientID: String, venueSymbol: String)
  /// What became of one order.
  case order(clientID: String, venueSymbol: String)
  /// All open orders of a symbol.
  case openOrders(venueSymbol: String)
  /// Orders of a symbol, ended ones too: first the one of this venue id, or, without an id, the newest.
  case allOrders(venueSymbol: String, fromOrderID: String?)
  /// Trades of a symbol.
  case trades(venueSymbol: String, TradeSelection)
  /// All balances, and whether the account may trade.
  case account
}

/// The outcome of a request, classified by the venue's own table.
public enum AccountAnswer: Sendable, Equatable {
  /// To a placed, cancelled or queried order. One without a state means that the venue has taken the request in, no more.
  case order(VenueOutcome<VenueOrderReport>)
  /// To a question about several orders.
  case orders(VenueOutcome<[VenueOrderReport]>)
  /// To a question about trades.
  case trades(VenueOutcome<[VenueTrade]>)
  /// To a question about the account.
  case account(VenueOutcome<AccountReport>)

  /// This page behind the earlier ones, which are confirmed: whole only if this one is confirmed as well.
  public func following(_ earlier: AccountAnswer) -> AccountAnswer {
    switch (earlier, self) {
    case (.orders(.confirmed(let first)), .orders(.confirmed(let rest))): .orders(.confirmed(first + rest))
    case (.trades(.confirmed(let first)), .trades(.confirmed(let rest))): .trades(.confirmed(first + rest))
    default: self
    }
  }

  /// Why it is not confirmed; nil when it is.
  public var failure: VenueFailure? {
    switch self {
    case .order(let outcome): outcome.failure
    case .orders(let outcome): outcome.failure
    case .trades(let outcome): outcome.failure
    case .account(let outcome): outcome.failure
    }
  }

  /// True for a good answer: only behind one can there be a next page.
  public var isConfirmed: Bool { failure == nil }
}

/// What a venue declares of an account: how requests are signed, what answers mean, how its private stream speaks. Pure: the shared
/// code sends, times and retries.
public protocol AccountData: Sendable {
  /// The signed request; `time` is the venue's, as well as we know it.
  func request(_ request: AccountRequest, at time: Timestamp) -> VenueRequest
  /// The request for the page behind a good reply; nil behind the last.
  func nextPage(of request: AccountRequest, after body: [UInt8], at time: Timestamp) throws(ReplyError) -> VenueRequest?
  /// What the result of a request means.
  func answer(_ result: VenueResult, to request: AccountRequest) -> AccountAnswer
  /// How new trades are told from old ones.
  var tradeOrder: TradeOrder { get }

  /// Where the private stream is, and what keeps it alive.
  var privateStream: StreamPlan { get }
  /// What is sent when it is open: a log-on, or a subscription that is signed itself.
  func greeting(requestID: String, at time: Timestamp) -> [[UInt8]]
  /// What is sent once the log-on is confirmed (`VenueEvent.authenticated`).
  func subscription(requestID: String) -> [[UInt8]]
  /// What a frame says.
  func events(_ frame: [UInt8]) throws(ReplyError) -> [VenueEvent]
}

/// An account's keys at a venue, with what the venue declares. A venue is registered here, by its line in the `switch`.
public struct VenueAccount: Sendable {
  /// What the venue declares.
  public let declaration: any AccountData

  /// Takes the key pair as the venue handed it out; nil for a venue that is not registered.
  public init?(_ venue: Venue, apiKey: String, secret: String) {
    switch venue {
    case .binance: declaration = BinanceAccount(BinanceCredentials(apiKey: apiKey, secret: secret))
    case .bybit: declaration = BybitAccount(BybitCredentials(apiKey: apiKey, secret: secret))
    default: return nil
    }
  }
}
