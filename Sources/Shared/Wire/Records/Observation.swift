import Domain

/// What the venue said of one order when Reconciler asked.
public struct VenueOrder: Hashable, Sendable {
  /// Our id, or a foreign one.
  public var venueClientID: String
  /// The venue's id.
  public var venueOrderID: String
  /// What it trades.
  public var symbol: Symbol
  /// Buy or sell.
  public var side: Side
  /// The venue's state, mapped: `open`, `partially_filled`, `filled`, `cancelled`, `expired`, `rejected`.
  public var status: OrderStatus
  /// Total quantity.
  public var quantity: Quantity
  /// The limit.
  public var price: Price?
  /// Filled so far.
  public var cumulativeQuantity: Quantity
  /// Quote amount so far.
  public var cumulativeQuote: Money
  /// The venue's time of the last change.
  public var time: Timestamp

  /// An order at the venue.
  public init(
    venueClientID: String, venueOrderID: String, symbol: Symbol, side: Side, status: OrderStatus, quantity: Quantity,
    price: Price?,
    cumulativeQuantity: Quantity, cumulativeQuote: Money, time: Timestamp
  ) {
    self.venueClientID = venueClientID
    self.venueOrderID = venueOrderID
    self.symbol = symbol
    self.side = side
    self.status = status
    self.quantity = quantity
    self.price = price
    self.cumulativeQuantity = cumulativeQuantity
    self.cumulativeQuote = cumulativeQuote
    self.time = time
  }
}

/// What the venue said of one trade when Reconciler asked.
public struct VenueFill: Hashable, Sendable {
  /// The venue's id of the order.
  public var venueOrderID: String
  /// What it traded.
  public var symbol: Symbol
  /// Buy or sell.
  public var side: Side
  /// The trade.
  public var fill: Fill

  /// A trade at the venue.
  public init(venueOrderID: String, symbol: Symbol, side: Side, fill: Fill) {
    self.venueOrderID = venueOrderID
    self.symbol = symbol
    self.side = side
    self.fill = fill
  }
}

/// A record of type `observation` on `executions`: what Reconciler saw at a venue. It concludes nothing; OrderManager does, and it
/// weighs that an answer may be older than the stream.
public struct Observation: Hashable, Sendable {
  /// Whose orders were asked for.
  public var account: Account
  /// The venue that was asked.
  public var venue: Venue
  /// When the query started: nothing that happened later is missing by right.
  public var startedAt: Timestamp
  /// Orders of ours that our log disagrees with or does not know the end of.
  public var orders: [VenueOrder]
  /// Fills that our log lacks.
  public var fills: [VenueFill]
  /// Our open orders' venue client ids that the venue did not list as open, nor know when asked by id.
  public var missing: [String]
  /// The venue had been set back to nothing by then, as test networks are: trades, orders and balances of before are gone. Nil when not.
  public var wipedBy: Timestamp?
  /// False when the venue says that the account may not trade.
  public var mayTrade: Bool

  /// An observation.
  public init(
    account: Account, venue: Venue, startedAt: Timestamp, orders: [VenueOrder] = [], fills: [VenueFill] = [],
    missing: [String] = [], wipedBy: Timestamp? = nil, mayTrade: Bool = true
  ) {
    self.account = account
    self.venue = venue
    self.startedAt = startedAt
    self.orders = orders
    self.fills = fills
    self.missing = missing
    self.wipedBy = wipedBy
    self.mayTrade = mayTrade
  }

  init(_ reader: RecordReader) throws(RecordError) {
    account = try reader.require("account", try reader.identifier("account"))
    venue = try reader.require("venue", try reader.identifier("venue"))
    startedAt = try reader.require("started_at", try reader.time("started_at"))
    orders = []
    for order in try reader.objects("orders") { orders.append(try VenueOrder(order)) }
    fills = []
    for fill in try reader.objects("fills") { fills.append(try VenueFill(fill)) }
    missing = try reader.strings("missing")
    wipedBy = try reader.time("wiped_by")
    mayTrade = try reader.bool("may_trade") ?? true
  }

  func write(to writer: inout JSONWriter) {
    writer.member("type", "observation")
    writer.member("account", account)
    writer.member("venue", venue)
    writer.member("started_at", startedAt)
    writer.name("orders")
    writer.beginArray()
    for order in orders { order.write(to: &writer) }
    writer.endArray()
    writer.name("fills")
    writer.beginArray()
    for fill in fills { fill.write(to: &writer) }
    writer.endArray()
    writer.name("missing")
    writer.beginArray()
    for id in missing { writer.value(id) }
    writer.endArray()
    writer.member("wiped_by", wipedBy)
    if !mayTrade { writer.member("may_trade", false) }
  }
}

extension VenueOrder {
  init(_ reader: RecordReader) throws(RecordError) {
    venueClientID = try reader.require("venue_client_id", try reader.foreignID("venue_client_id"))
    venueOrderID = try reader.require("venue_order_id", try reader.foreignID("venue_order_id"))
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    side = try reader.require("side", try reader.token("side"))
    status = try reader.require("status", try reader.token("status"))
    quantity = try reader.require("quantity", try reader.decimal("quantity"))
    price = try reader.decimal("price")
    cumulativeQuantity = try reader.decimal("cumulative_quantity") ?? .zero
    cumulativeQuote = try reader.decimal("cumulative_quote") ?? .zero
    time = try reader.time("time") ?? .zero
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("venue_client_id", venueClientID)
    writer.member("venue_order_id", venueOrderID)
    writer.member("symbol", symbol)
    writer.member("side", side)
    writer.member("status", status)
    writer.member("quantity", quantity)
    writer.member("price", price)
    writer.member("cumulative_quantity", cumulativeQuantity)
    writer.member("cumulative_quote", cumulativeQuote)
    writer.member("time", time)
    writer.endObject()
  }
}

extension VenueFill {
  init(_ reader: RecordReader) throws(RecordError) {
    venueOrderID = try reader.require("venue_order_id", try reader.foreignID("venue_order_id"))
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    side = try reader.require("side", try reader.token("side"))
    fill = try Fill(try reader.require("fill", try reader.object("fill")))
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("venue_order_id", venueOrderID)
    writer.member("symbol", symbol)
    writer.member("side", side)
    writer.name("fill")
    fill.write(to: &writer)
    writer.endObject()
  }
}
