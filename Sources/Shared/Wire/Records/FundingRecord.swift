import Domain

/// A record on a funding topic: what a perpetual's funding is now, or what was paid so far. Annual rates are written beside each rate:
/// rate × (365 days ÷ interval), not compounded.
public struct FundingRecord: Hashable, Sendable {
  /// What the record says.
  public enum Content: Hashable, Sendable {
    /// The rate as it stands.
    case live(Live)
    /// The rates that were paid, oldest first.
    case history([Payment])
  }

  /// The rate as it stands: what will be paid at the next settlement if nothing changes until then.
  public struct Live: Hashable, Sendable {
    /// A fraction of the position's value, positive when longs pay shorts.
    public var rate: FundingRate
    /// When it will be paid.
    public var nextTime: Timestamp?
    /// Between two payments, in nanoseconds, where it is known.
    public var interval: Int64?
    /// What positions are valued at.
    public var markPrice: Price?
    /// The venue's time of it.
    public var venueTime: Timestamp?

    /// A rate.
    public init(
      rate: FundingRate, nextTime: Timestamp? = nil, interval: Int64? = nil, markPrice: Price? = nil, venueTime: Timestamp? = nil
    ) {
      self.rate = rate
      self.nextTime = nextTime
      self.interval = interval
      self.markPrice = markPrice
      self.venueTime = venueTime
    }

    /// What a year of it comes to, where the interval is known.
    public var annual: Percent? { interval.flatMap { rate.annual(interval: $0) } }
  }

  /// A rate that was paid.
  public struct Payment: Hashable, Sendable {
    /// The rate.
    public var rate: FundingRate
    /// When.
    public var time: Timestamp
    /// Since the payment before it, in nanoseconds, where it is known.
    public var interval: Int64?

    /// A payment.
    public init(rate: FundingRate, time: Timestamp, interval: Int64? = nil) {
      self.rate = rate
      self.time = time
      self.interval = interval
    }

    /// What a year of it comes to, where the interval is known.
    public var annual: Percent? { interval.flatMap { rate.annual(interval: $0) } }
  }

  /// Where.
  public var venue: Venue
  /// What.
  public var symbol: Symbol
  /// What the record says.
  public var content: Content
  /// When it came in.
  public var ingestTime: Timestamp

  /// A record.
  public init(venue: Venue, symbol: Symbol, content: Content, ingestTime: Timestamp) {
    self.venue = venue
    self.symbol = symbol
    self.content = content
    self.ingestTime = ingestTime
  }

  private enum Kind: String { case live, history }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    venue = try reader.require("venue", try reader.identifier("venue"))
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    ingestTime = try reader.require("time", try reader.time("time"))
    switch try reader.require("type", try reader.token("type", as: Kind.self)) {
    case .live: content = .live(try Live(reader))
    case .history:
      var payments: [Payment] = []
      for payment in try reader.objects("payments") { payments.append(try Payment(payment)) }
      content = .history(payments)
    }
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("type", kind)
      writer.member("venue", venue)
      writer.member("symbol", symbol.description)
      switch content {
      case .live(let live): live.write(to: &writer)
      case .history(let payments):
        writer.name("payments")
        writer.beginArray()
        for payment in payments { payment.write(to: &writer) }
        writer.endArray()
      }
      writer.member("time", ingestTime)
    }
  }

  private var kind: Kind {
    switch content {
    case .live: .live
    case .history: .history
    }
  }
}

extension FundingRecord.Live {
  fileprivate init(_ reader: RecordReader) throws(RecordError) {
    rate = try reader.require("rate", try reader.decimal("rate"))
    nextTime = try reader.time("next_time")
    interval = try reader.integer("interval")
    markPrice = try reader.decimal("mark_price")
    venueTime = try reader.time("venue_time")
  }

  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("rate", rate)
    writer.member("apr", annual)
    writer.member("next_time", nextTime)
    writer.member("interval", interval)
    writer.member("mark_price", markPrice)
    writer.member("venue_time", venueTime)
  }
}

extension FundingRecord.Payment {
  fileprivate init(_ reader: RecordReader) throws(RecordError) {
    rate = try reader.require("rate", try reader.decimal("rate"))
    time = try reader.require("time", try reader.time("time"))
    interval = try reader.integer("interval")
  }

  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("time", time)
    writer.member("rate", rate)
    writer.member("apr", annual)
    writer.member("interval", interval)
    writer.endObject()
  }
}
