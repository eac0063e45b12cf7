import Domain

/// One trade of an order, as the venue reported it.
public struct Fill: Hashable, Sendable {
  /// The venue's id of the trade: with account, venue, symbol and venue order id it makes a fill unique.
  public var tradeID: String
  /// Price in quote units.
  public var price: Price
  /// Base quantity.
  public var quantity: Quantity
  /// What the venue took, in `feeAsset`.
  public var fee: Money
  /// The asset in which the fee was taken.
  public var feeAsset: String
  /// One unit of `feeAsset` in the quote asset when it is neither base nor quote; recorded once, so that every reader converts alike.
  public var feePrice: Price?
  /// Maker or taker, when the venue said so.
  public var liquidity: Liquidity?
  /// The venue's time of the trade.
  public var time: Timestamp

  /// A fill.
  public init(
    tradeID: String, price: Price, quantity: Quantity, fee: Money, feeAsset: String, feePrice: Price? = nil,
    liquidity: Liquidity? = nil, time: Timestamp
  ) {
    self.tradeID = tradeID
    self.price = price
    self.quantity = quantity
    self.fee = fee
    self.feeAsset = feeAsset
    self.feePrice = feePrice
    self.liquidity = liquidity
    self.time = time
  }

  init(_ reader: RecordReader) throws(RecordError) {
    tradeID = try reader.require("trade_id", try reader.foreignID("trade_id"))
    price = try reader.require("price", try reader.decimal("price"))
    quantity = try reader.require("quantity", try reader.decimal("quantity"))
    fee = try reader.decimal("fee") ?? .zero
    feeAsset = try reader.foreignID("fee_asset") ?? ""
    feePrice = try reader.decimal("fee_price")
    liquidity = try reader.token("liquidity")
    time = try reader.time("time") ?? .zero
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("trade_id", tradeID)
    writer.member("price", price)
    writer.member("quantity", quantity)
    writer.member("fee", fee)
    writer.member("fee_asset", feeAsset)
    writer.member("fee_price", feePrice)
    writer.member("liquidity", liquidity)
    writer.member("time", time)
    writer.endObject()
  }
}

/// Where one child of an order that has several stands.
public struct ChildState: Hashable, Sendable {
  /// Its state.
  public var status: OrderStatus
  /// What it was sent for.
  public var quantity: Quantity
  /// Filled so far, by the venue's count.
  public var cumulativeQuantity: Quantity
  /// Quote amount of its fills.
  public var cumulativeQuote: Money

  /// A child's state.
  public init(status: OrderStatus, quantity: Quantity, cumulativeQuantity: Quantity, cumulativeQuote: Money) {
    self.status = status
    self.quantity = quantity
    self.cumulativeQuantity = cumulativeQuantity
    self.cumulativeQuote = cumulativeQuote
  }

  init(_ reader: RecordReader) throws(RecordError) {
    status = try reader.require("status", try reader.token("status"))
    quantity = try reader.require("quantity", try reader.decimal("quantity"))
    cumulativeQuantity = try reader.decimal("cumulative_quantity") ?? .zero
    cumulativeQuote = try reader.decimal("cumulative_quote") ?? .zero
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("status", status)
    writer.member("quantity", quantity)
    writer.member("cumulative_quantity", cumulativeQuantity)
    writer.member("cumulative_quote", cumulativeQuote)
    writer.endObject()
  }
}

/// A record of type `order` (a change of state) or `fill` (a trade) on `executions`, written by OrderManager only.
public struct OrderEvent: Hashable, Sendable {
  /// Whose order it is.
  public var account: Account
  /// The client's id.
  public var clientOrderID: ClientOrderID
  /// Where it trades.
  public var venue: Venue
  /// What it trades.
  public var symbol: Symbol
  /// Buy or sell.
  public var side: Side
  /// The total quantity asked for.
  public var quantity: Quantity
  /// The limit at the venue, a market order's collar included.
  public var limitPrice: Price?
  /// Number of the child within the plan; 0 for the first.
  public var child: Int
  /// Where that child stands, when the plan has several; else it stands where the order does.
  public var part: ChildState?
  /// The id that we gave the venue.
  public var venueClientID: String?
  /// The venue's own id, once known.
  public var venueOrderID: String?
  /// The state after this event.
  public var status: OrderStatus
  /// The trade, in a record of type `fill`.
  public var fill: Fill?
  /// Filled so far, by the venue's count.
  public var cumulativeQuantity: Quantity
  /// Quote amount of all fills so far.
  public var cumulativeQuote: Money
  /// How the state is known.
  public var provenance: Provenance
  /// Why, when there is something to say: the venue's own words for a refusal.
  public var reason: String?
  /// The venue's code of a refusal.
  public var venueCode: Int64?
  /// The client's strategy.
  public var strategy: String?
  /// The venue's time, when it said one.
  public var venueTime: Timestamp?
  /// OrderManager's time.
  public var time: Timestamp

  /// An event.
  public init(
    account: Account, clientOrderID: ClientOrderID, venue: Venue, symbol: Symbol, side: Side, quantity: Quantity,
    limitPrice: Price? = nil, child: Int = 0, part: ChildState? = nil, venueClientID: String? = nil, venueOrderID: String? = nil,
    status: OrderStatus,
    fill: Fill? = nil, cumulativeQuantity: Quantity = .zero, cumulativeQuote: Money = .zero, provenance: Provenance,
    reason: String? = nil, venueCode: Int64? = nil, strategy: String? = nil, venueTime: Timestamp? = nil, time: Timestamp
  ) {
    self.account = account
    self.clientOrderID = clientOrderID
    self.venue = venue
    self.symbol = symbol
    self.side = side
    self.quantity = quantity
    self.limitPrice = limitPrice
    self.child = child
    self.part = part
    self.venueClientID = venueClientID
    self.venueOrderID = venueOrderID
    self.status = status
    self.fill = fill
    self.cumulativeQuantity = cumulativeQuantity
    self.cumulativeQuote = cumulativeQuote
    self.provenance = provenance
    self.reason = reason
    self.venueCode = venueCode
    self.strategy = strategy
    self.venueTime = venueTime
    self.time = time
  }

  /// Where the child of this event stands.
  public var childState: ChildState {
    part
      ?? ChildState(
        status: status, quantity: quantity, cumulativeQuantity: cumulativeQuantity, cumulativeQuote: cumulativeQuote)
  }

  /// Quote amount ÷ quantity, rounded against the order's side; nil before the first fill.
  public var averagePrice: Price? { cumulativeQuote.price(of: cumulativeQuantity, side == .buy ? .up : .down) }

  init(_ reader: RecordReader) throws(RecordError) {
    account = try reader.require("account", try reader.identifier("account"))
    clientOrderID = try reader.require("client_order_id", try reader.identifier("client_order_id"))
    venue = try reader.require("venue", try reader.identifier("venue"))
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    side = try reader.require("side", try reader.token("side"))
    quantity = try reader.require("quantity", try reader.decimal("quantity"))
    limitPrice = try reader.decimal("price")
    child = Int(try reader.integer("child") ?? 0)
    part = try reader.object("part").map { part throws(RecordError) in try ChildState(part) }
    venueClientID = try reader.foreignID("venue_client_id")
    venueOrderID = try reader.foreignID("venue_order_id")
    status = try reader.require("status", try reader.token("status"))
    fill = try reader.object("fill").map { fill throws(RecordError) in try Fill(fill) }
    cumulativeQuantity = try reader.decimal("cumulative_quantity") ?? .zero
    cumulativeQuote = try reader.decimal("cumulative_quote") ?? .zero
    provenance = try reader.require("provenance", try reader.token("provenance"))
    reason = try reader.string("reason")
    venueCode = try reader.integer("venue_code")
    strategy = try reader.string("strategy")
    venueTime = try reader.time("venue_time")
    time = try reader.require("time", try reader.time("time"))
  }

  func write(to writer: inout JSONWriter) {
    writer.member("type", fill == nil ? "order" : "fill")
    writer.member("account", account)
    writer.member("client_order_id", clientOrderID)
    writer.member("venue", venue)
    writer.member("symbol", symbol)
    writer.member("side", side)
    writer.member("status", status)
    writer.member("quantity", quantity)
    writer.member("price", limitPrice)
    writer.member("child", child)
    if let part {
      writer.name("part")
      part.write(to: &writer)
    }
    writer.member("venue_client_id", venueClientID)
    writer.member("venue_order_id", venueOrderID)
    if let fill {
      writer.name("fill")
      fill.write(to: &writer)
    }
    writer.member("cumulative_quantity", cumulativeQuantity)
    writer.member("cumulative_quote", cumulativeQuote)
    writer.member("average_price", averagePrice)
    writer.member("provenance", provenance)
    writer.member("reason", reason)
    writer.member("venue_code", venueCode)
    writer.member("strategy", strategy)
    writer.member("venue_time", venueTime)
    writer.member("time", time)
  }
}
