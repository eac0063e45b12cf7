import Domain

/// A record on `orders`: what a client asks for, with every default filled in.
public struct OrderRequest: Hashable, Sendable {
  /// New, cancel, replace or cancel all.
  public var action: OrderAction
  /// Whose order it is.
  public var account: Account
  /// The client's name of it; nil when RiskGate is to derive one from where the record lies.
  public var clientOrderID: ClientOrderID?
  /// Where to trade; `best` leaves it to the router.
  public var venue: Venue
  /// What to trade.
  public var symbol: Symbol
  /// Buy or sell; present for `new` and absent for cancels.
  public var side: Side?
  /// Market or limit.
  public var type: OrderType
  /// Base quantity; for `replace` the new total, the filled part included.
  public var quantity: Quantity?
  /// Quote amount to spend or to raise, in place of `quantity`; market orders only.
  public var quoteQuantity: Money?
  /// Limit price.
  public var price: Price?
  /// How long it may rest.
  public var timeInForce: TimeInForce
  /// Refused by the venue when it would trade at once.
  public var postOnly: Bool
  /// Passes only if it makes the position smaller.
  public var reduceOnly: Bool
  /// Nothing is sent after this instant.
  public var expiresAt: Timestamp?
  /// The strategy that sent it.
  public var strategy: String?
  /// Free words that travel along.
  public var tags: [String]
  /// The order that a cancel or replace is about.
  public var target: ClientOrderID?
  /// A `cancel_all` that names no symbol is about the orders of every symbol; `symbol` says nothing then.
  public var allSymbols: Bool

  /// An order with the defaults of everything that is not named.
  public init(
    action: OrderAction = .new, account: Account, clientOrderID: ClientOrderID? = nil, venue: Venue = .best, symbol: Symbol,
    side: Side? = nil, type: OrderType = .market, quantity: Quantity? = nil, quoteQuantity: Money? = nil, price: Price? = nil,
    timeInForce: TimeInForce? = nil, postOnly: Bool = false, reduceOnly: Bool = false, expiresAt: Timestamp? = nil,
    strategy: String? = nil, tags: [String] = [], target: ClientOrderID? = nil, allSymbols: Bool = false
  ) {
    self.action = action
    self.account = account
    self.clientOrderID = clientOrderID
    self.venue = venue
    self.symbol = symbol
    self.side = side
    self.type = type
    self.quantity = quantity
    self.quoteQuantity = quoteQuantity
    self.price = price
    self.timeInForce = timeInForce ?? (type == .market ? .ioc : .gtc)
    self.postOnly = postOnly
    self.reduceOnly = reduceOnly
    self.expiresAt = expiresAt
    self.strategy = strategy
    self.tags = tags
    self.target = target
    self.allSymbols = action == .cancelAll && allSymbols
  }

  /// A record on `orders` is at most this long.
  public static let maximumBytes = 64 * 1024
}

/// What a record on `orders` leaves out comes from here.
public struct OrderDefaults: Sendable {
  /// The account of an order that names none.
  public var account: Account
  /// The symbol of an order that names none.
  public var symbol: Symbol
  /// The venue of an order that names none.
  public var venue: Venue

  /// Defaults for this deployment.
  public init(account: Account, symbol: Symbol, venue: Venue = .best) {
    self.account = account
    self.symbol = symbol
    self.venue = venue
  }
}

extension OrderRequest {
  /// What reading a record on `orders` came to.
  public enum Reading: Equatable, Sendable {
    /// A legal request, and how many unknown fields were ignored.
    case request(Shared<OrderRequest>, unknownFields: Int)
    /// An object that is no legal request. The account (the default one if none was legible) and the id, when it was legible, name
    /// the order in the rejection.
    case refused(RecordError, account: Account, clientOrderID: ClientOrderID?)
    /// Nothing that an order could be named from.
    case unreadable(RecordError)
  }

  /// Reads a record's payload; `nil` is a null payload.
  public static func read(_ payload: [UInt8]?, defaults: OrderDefaults) -> Reading {
    guard let payload else { return .unreadable(RecordError(.malformed, "The payload is null.")) }
    guard payload.count <= maximumBytes else {
      return .unreadable(RecordError(.tooLarge, "The record has \(payload.count) bytes; at most \(maximumBytes) are allowed."))
    }
    let plain = payload.withUnsafeBufferPointer { OrderRequest(plain: $0, defaults: defaults) }
    if let plain, (try? plain.checkShape()) != nil { return .request(Shared(plain), unknownFields: 0) }
    let reader: RecordReader
    do { reader = try RecordReader(payload) } catch { return .unreadable(error) }
    do {
      let request = try OrderRequest(reader, defaults: defaults)
      return .request(Shared(request), unknownFields: reader.unknownCount(known: fieldNames))
    } catch {
      let account = (try? reader.identifier("account", as: Account.self)) ?? defaults.account
      return .refused(error, account: account, clientOrderID: (try? reader.identifier("client_order_id")) ?? nil)
    }
  }

  private static let fieldNames: [StaticString] = [
    "v", "action", "client_order_id", "account", "venue", "symbol", "side", "type", "quantity", "quote_quantity", "price",
    "time_in_force", "post_only", "reduce_only", "expires_at", "strategy", "tags", "target_client_order_id", "all_symbols",
  ]

  /// Reads and checks the members of a request.
  public init(_ reader: RecordReader, defaults: OrderDefaults) throws(RecordError) {
    try self.init(unchecked: reader, defaults: defaults)
    try checkShape()
  }

  /// Reads the members of a request, whether or not they go together.
  init(unchecked reader: RecordReader, defaults: OrderDefaults) throws(RecordError) {
    self.init(
      action: try reader.token("action") ?? .new,
      account: try reader.identifier("account") ?? defaults.account,
      clientOrderID: try reader.identifier("client_order_id"),
      venue: try reader.identifier("venue") ?? defaults.venue,
      symbol: try reader.symbol("symbol") ?? defaults.symbol,
      side: try reader.token("side"),
      type: try reader.token("type") ?? (reader.has("price") ? .limit : .market),
      quantity: try reader.decimal("quantity"),
      quoteQuantity: try reader.decimal("quote_quantity"),
      price: try reader.decimal("price"),
      timeInForce: try reader.token("time_in_force"),
      postOnly: try reader.bool("post_only") ?? false,
      reduceOnly: try reader.bool("reduce_only") ?? false,
      expiresAt: try reader.time("expires_at"),
      strategy: try reader.string("strategy"),
      tags: try reader.strings("tags"),
      target: try reader.identifier("target_client_order_id"),
      allSymbols: try reader.bool("all_symbols") ?? !reader.has("symbol"))
  }

  private func checkShape() throws(RecordError) {
    guard (strategy?.utf8.count ?? 0) <= 64, tags.count <= 16, tags.allSatisfy({ $0.utf8.count <= 64 }) else {
      throw RecordError(.outOfRange, "A strategy or tag is longer than 64 bytes, or there are more than 16 tags.")
    }
    switch action {
    case .cancelAll: return
    case .cancel:
      guard target != nil else { throw RecordError(.missingField, "The field target_client_order_id is missing.") }
    case .replace:
      guard target != nil else { throw RecordError(.missingField, "The field target_client_order_id is missing.") }
      guard quantity != nil || price != nil else {
        throw RecordError(.missingField, "A replace names a quantity, a price or both.")
      }
      guard quoteQuantity == nil else { throw RecordError(.contradiction, "A replace has no quote_quantity.") }
      try checkAmounts()
    case .new:
      guard side != nil else { throw RecordError(.missingField, "The field side is missing.") }
      guard (quantity == nil) != (quoteQuantity == nil) else {
        throw quantity == nil
          ? RecordError(.missingField, "The field quantity is missing.")
          : RecordError(.contradiction, "Either quantity or quote_quantity, not both.")
      }
      try checkAmounts()
      try checkType()
    }
  }

  private func checkAmounts() throws(RecordError) {
    if let quantity, !quantity.isPositive { throw RecordError(.notPositive, "The quantity must be above zero.") }
    if let quoteQuantity, !quoteQuantity.isPositive { throw RecordError(.notPositive, "The quote_quantity must be above zero.") }
    if let quoteQuantity, quoteQuantity > .limit { throw RecordError(.outOfRange, "The field quote_quantity is too large.") }
    if let price, !price.isPositive { throw RecordError(.notPositive, "The price must be above zero.") }
  }

  private func checkType() throws(RecordError) {
    switch type {
    case .limit:
      guard price != nil else { throw RecordError(.missingField, "A limit order needs a price.") }
      guard quoteQuantity == nil else { throw RecordError(.contradiction, "Only a market order has a quote_quantity.") }
      guard !postOnly || timeInForce == .gtc else {
        throw RecordError(.contradiction, "A post-only order rests; its time_in_force is gtc.")
      }
    case .market:
      guard price == nil else { throw RecordError(.contradiction, "A market order has no price.") }
      guard !postOnly else { throw RecordError(.contradiction, "A market order cannot be post-only.") }
      guard timeInForce != .gtc else { throw RecordError(.contradiction, "A market order cannot rest.") }
    }
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      write(to: &writer)
    }
  }

  /// Writes the members into an object that is open.
  public func write(to writer: inout JSONWriter) {
    writer.member("action", action)
    writer.member("account", account)
    writer.member("client_order_id", clientOrderID)
    writer.member("venue", venue)
    writer.member("symbol", symbol)
    writer.member("side", side)
    writer.member("type", type)
    writer.member("quantity", quantity)
    writer.member("quote_quantity", quoteQuantity)
    writer.member("price", price)
    writer.member("time_in_force", timeInForce)
    if postOnly { writer.member("post_only", true) }
    if reduceOnly { writer.member("reduce_only", true) }
    writer.member("expires_at", expiresAt)
    writer.member("strategy", strategy)
    if !tags.isEmpty {
      writer.name("tags")
      writer.beginArray()
      for tag in tags { writer.value(tag) }
      writer.endArray()
    }
    writer.member("target_client_order_id", target)
    if allSymbols { writer.member("all_symbols", true) }
  }
}
