import Domain

/// A record on a trade topic: what has traded at a venue since the record before it, oldest first.
public struct TradeRecord: Hashable, Sendable {
  /// One trade, nobody's in particular.
  public struct Trade: Hashable, Sendable {
    /// The venue's id of it; no two on a topic are the same while its writer lives.
    public var id: String
    /// The price.
    public var price: Price
    /// Base units.
    public var quantity: Quantity
    /// The side of whoever took liquidity.
    public var takerSide: Side
    /// The venue's time of it.
    public var time: Timestamp
    /// Why trades may be missing before this one; nil where none is.
    public var gap: Gap?

    /// A trade.
    public init(id: String, price: Price, quantity: Quantity, takerSide: Side, time: Timestamp, gap: Gap? = nil) {
      self.id = id
      self.price = price
      self.quantity = quantity
      self.takerSide = takerSide
      self.time = time
      self.gap = gap
    }
  }

  /// A place at which trades may be missing.
  public struct Gap: Hashable, Sendable {
    /// What happened there.
    public enum Reason: String, CaseIterable, Sendable {
      /// The writer has just begun: what traded before is not on the topic, or not for certain.
      case started
      /// There was no stream for a while, and the venue's ids do not tell whether anything traded.
      case disconnected
      /// A frame could not be read, or found no room, and may have held trades.
      case damaged
      /// The venue counts its trades, and some numbers never came.
      case missed
      /// The venue began to count anew.
      case renumbered
      /// Records with trades did not reach the log.
      case undelivered
    }

    /// What happened.
    public var reason: Reason
    /// How many trades are missing, where the venue's numbers say so.
    public var missed: Int64?

    /// A gap.
    public init(_ reason: Reason, missed: Int64? = nil) {
      self.reason = reason
      self.missed = missed
    }
  }

  /// Where.
  public var venue: Venue
  /// What.
  public var symbol: Symbol
  /// The trades in the venue's order; never empty.
  public var trades: [Trade]
  /// When the last of them came in.
  public var ingestTime: Timestamp

  /// A record.
  public init(venue: Venue, symbol: Symbol, trades: [Trade], ingestTime: Timestamp) {
    self.venue = venue
    self.symbol = symbol
    self.trades = trades
    self.ingestTime = ingestTime
  }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    venue = try reader.require("venue", try reader.identifier("venue"))
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    trades = []
    for trade in try reader.objects("trades") { trades.append(try Trade(trade)) }
    ingestTime = try reader.require("time", try reader.time("time"))
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object(capacity: 128 + 128 * trades.count) { writer in
      writer.member("v", 1)
      writer.member("venue", venue)
      writer.member("symbol", symbol.description)
      writer.name("trades")
      writer.beginArray()
      for trade in trades { trade.write(to: &writer) }
      writer.endArray()
      writer.member("time", ingestTime)
    }
  }
}

extension TradeRecord.Trade {
  fileprivate init(_ reader: RecordReader) throws(RecordError) {
    id = try reader.require("id", try reader.foreignID("id"))
    price = try reader.require("price", try reader.decimal("price"))
    quantity = try reader.require("quantity", try reader.decimal("quantity"))
    takerSide = try reader.require("side", try reader.token("side"))
    time = try reader.require("time", try reader.time("time"))
    gap = try reader.object("gap").map { gap throws(RecordError) in
      TradeRecord.Gap(try gap.require("reason", try gap.token("reason")), missed: try gap.integer("missed"))
    }
  }

  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("id", id)
    writer.member("price", price)
    writer.member("quantity", quantity)
    writer.member("side", takerSide)
    writer.member("time", time)
    if let gap {
      writer.name("gap")
      writer.beginObject()
      writer.member("reason", gap.reason)
      writer.member("missed", gap.missed)
      writer.endObject()
    }
    writer.endObject()
  }
}
