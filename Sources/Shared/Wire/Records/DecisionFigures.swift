import Domain

/// The figures that a decision was made on, so that it can be derived again from its record.
public struct DecisionFigures: Hashable, Sendable {
  /// The venue whose book gave the reference.
  public var referenceVenue: Venue?
  /// Ask for buys, bid for sells.
  public var referencePrice: Price?
  /// Ingest time of that book.
  public var referenceTime: Timestamp?
  /// The furthest price that the collar allows.
  public var collarPrice: Price?
  /// Quantity times the worse of limit and reference, in the limits' currency.
  public var notional: Money?
  /// Signed position before, per base asset.
  public var position: Quantity?
  /// Open, unknown and approved buys, per base asset.
  public var openBuys: Quantity?
  /// Open, unknown and approved sells, per base asset.
  public var openSells: Quantity?
  /// Position if this and every open order on its side filled.
  public var positionAfter: Quantity?
  /// Approved orders in the last second, this one not counted.
  public var ordersInWindow: Int?
  /// Realised plus unrealised since the day's mark.
  public var dailyProfit: Money?
  /// The offset of `executions` (same partition) up to which fills were known: the next one to read.
  public var executionsOffset: Int64?
  /// The offset of the record on `orders` that was decided, on the decider's partition; nil for what nobody asked for there.
  public var ordersOffset: Int64?

  /// No figures yet.
  public init() {}

  init(_ reader: RecordReader) throws(RecordError) {
    referenceVenue = try reader.identifier("reference_venue")
    referencePrice = try reader.decimal("reference_price")
    referenceTime = try reader.time("reference_time")
    collarPrice = try reader.decimal("collar_price")
    notional = try reader.decimal("notional")
    position = try reader.decimal("position")
    openBuys = try reader.decimal("open_buys")
    openSells = try reader.decimal("open_sells")
    positionAfter = try reader.decimal("position_after")
    ordersInWindow = try reader.integer("orders_in_window").map(Int.init)
    dailyProfit = try reader.decimal("daily_profit")
    executionsOffset = try reader.integer("executions_offset")
    ordersOffset = try reader.integer("orders_offset")
  }

  func write(to writer: inout JSONWriter) {
    writer.name("figures")
    writer.beginObject()
    writer.member("reference_venue", referenceVenue)
    writer.member("reference_price", referencePrice)
    writer.member("reference_time", referenceTime)
    writer.member("collar_price", collarPrice)
    writer.member("notional", notional)
    writer.member("position", position)
    writer.member("open_buys", openBuys)
    writer.member("open_sells", openSells)
    writer.member("position_after", positionAfter)
    writer.member("orders_in_window", ordersInWindow)
    writer.member("daily_profit", dailyProfit)
    writer.member("executions_offset", executionsOffset)
    writer.member("orders_offset", ordersOffset)
    writer.endObject()
  }
}
