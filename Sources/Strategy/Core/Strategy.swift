import Books
import Domain
import Wire

/// A trading idea. Pure: it is told what happens and answers with orders; it sees no book that is invalid or old, and no clock but the
/// time that comes with each event. A new one is a type of this protocol and a line in `StrategyName`.
public protocol Strategy: Sendable {
  /// What to do about `event`; orders are sent in the order in which they are asked for.
  mutating func handle(_ event: StrategyEvent, at now: Timestamp, desk: inout OrderDesk)
}

/// What a strategy is told.
public enum StrategyEvent: Sendable {
  /// The book changed. It is whole, valid and young.
  case book(Venue, Symbol, OrderBook)
  /// There is no usable book any more, until the next `book`.
  case bookLost(Venue, Symbol)
  /// The books of a symbol that is followed at several venues, as one: those that are whole, valid and young at this moment.
  case consolidated(Symbol, ConsolidatedBook)
  /// An order of this strategy changed its state, or traded.
  case execution(OrderEvent)
  /// An order of this strategy was refused by risk.
  case rejected(Rejection)
  /// Comes several times a second.
  case timer
}

/// Where a strategy places and cancels orders: it gives each request an id of its own.
public struct OrderDesk: Sendable {
  /// The account that the strategy trades for.
  public let account: Account
  /// The strategy's name, in every order.
  public let strategy: String
  /// Requests to be sent, in order.
  public private(set) var requests: [OrderRequest] = []
  /// What ids of this strategy begin with.
  let prefix: String
  private let run: String
  private var count = 0

  /// A desk whose ids differ from those of every earlier run: `run` is when this one began.
  public init(account: Account, strategy: String, run: Timestamp) {
    self.account = account
    self.strategy = strategy
    prefix = "\(strategy)-"
    self.run = String(UInt64(clamping: run.nanoseconds), radix: 36)
  }

  /// Asks for a limit order, which is not sent after `expiresAt`, and gives its id.
  public mutating func placeLimit(
    _ side: Side, _ quantity: Quantity, at price: Price, of symbol: Symbol, on venue: Venue, timeInForce: TimeInForce = .gtc,
    postOnly: Bool = false, expiresAt: Timestamp? = nil
  ) -> ClientOrderID {
    let id = makeID()
    requests.append(
      OrderRequest(
        account: account, clientOrderID: id, venue: venue, symbol: symbol, side: side, type: .limit, quantity: quantity,
        price: price, timeInForce: timeInForce, postOnly: postOnly, expiresAt: expiresAt, strategy: strategy))
    return id
  }

  /// Asks for the end of an order.
  public mutating func cancel(_ target: ClientOrderID, of symbol: Symbol, on venue: Venue) {
    requests.append(
      OrderRequest(
        action: .cancel, account: account, clientOrderID: makeID(), venue: venue, symbol: symbol, strategy: strategy,
        target: target))
  }

  /// True when an order of that id was made by this strategy, now or in an earlier run.
  public func owns(_ id: ClientOrderID) -> Bool { id.text.hasPrefix(prefix) }

  /// Takes the requests to send them.
  mutating func takeRequests() -> [OrderRequest] {
    defer { requests = [] }
    return requests
  }

  private mutating func makeID() -> ClientOrderID {
    count += 1
    guard let id = ClientOrderID("\(prefix)\(run)-\(count)") else {
      preconditionFailure("a strategy's name is an identifier short enough for an order's id")
    }
    return id
  }
}
