import Domain

/// A record on `orders.approved`: what OrderManager may do, until when.
public struct Approval: Hashable, Sendable {
  /// The request as asked; `clientOrderID` is filled in.
  @Shared public var request: OrderRequest
  /// The client's id, or the one derived from where the record lay.
  public var clientOrderID: ClientOrderID
  /// Base quantity to send; nil for cancels.
  public var quantity: Quantity?
  /// The limit that goes to the venue, a market order's collar included; nil for cancels.
  public var limitPrice: Price?
  /// Time in force at the venue: `ioc` for a market order.
  public var timeInForce: TimeInForce
  /// No wire call begins after this instant.
  public var validUntil: Timestamp
  /// The version of `control` that it was decided under.
  public var controlVersion: Int64
  /// The version of `limits` that it was decided under.
  public var limitsVersion: Int64
  /// The core's time of the decision.
  public var decidedAt: Timestamp
  /// Where the client put it.
  public var source: RecordSource
  /// True for the answer to a repeated request: never sent again.
  public var isDuplicate: Bool
  /// What it was decided on.
  public var figures: DecisionFigures

  /// An approval.
  public init(
    request: Shared<OrderRequest>, clientOrderID: ClientOrderID, quantity: Quantity? = nil, limitPrice: Price? = nil,
    timeInForce: TimeInForce, validUntil: Timestamp, controlVersion: Int64, limitsVersion: Int64, decidedAt: Timestamp,
    source: RecordSource, isDuplicate: Bool = false, figures: DecisionFigures = DecisionFigures()
  ) {
    _request = request
    self.clientOrderID = clientOrderID
    self.quantity = quantity
    self.limitPrice = limitPrice
    self.timeInForce = timeInForce
    self.validUntil = validUntil
    self.controlVersion = controlVersion
    self.limitsVersion = limitsVersion
    self.decidedAt = decidedAt
    self.source = source
    self.isDuplicate = isDuplicate
    self.figures = figures
    if request.clientOrderID != clientOrderID { self.request.clientOrderID = clientOrderID }
  }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) { try self.init(RecordReader(bytes)) }

  /// Reads the record.
  public init(_ reader: RecordReader) throws(RecordError) {
    let account: Account = try reader.require("account", try reader.identifier("account"))
    let symbol = try reader.require("symbol", try reader.symbol("symbol"))
    let request = try OrderRequest(reader, defaults: OrderDefaults(account: account, symbol: symbol))
    let send = try reader.require("send", try reader.object("send"))
    self.init(
      request: Shared(request),
      clientOrderID: try reader.require("client_order_id", request.clientOrderID),
      quantity: try send.decimal("quantity"),
      limitPrice: try send.decimal("price"),
      timeInForce: try send.token("time_in_force") ?? request.timeInForce,
      validUntil: try reader.require("valid_until", try reader.time("valid_until")),
      controlVersion: try reader.require("control_version", try reader.integer("control_version")),
      limitsVersion: try reader.require("limits_version", try reader.integer("limits_version")),
      decidedAt: try reader.require("decided_at", try reader.time("decided_at")),
      source: try RecordSource(try reader.require("source", try reader.object("source"))),
      isDuplicate: try reader.bool("duplicate") ?? false,
      figures: try reader.object("figures").map { figures throws(RecordError) in try DecisionFigures(figures) }
        ?? DecisionFigures())
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object(capacity: 1024) { writer in
      writer.member("v", 1)
      request.write(to: &writer)
      writer.name("send")
      writer.beginObject()
      writer.member("quantity", quantity)
      writer.member("price", limitPrice)
      writer.member("time_in_force", timeInForce)
      writer.endObject()
      writer.member("valid_until", validUntil)
      writer.member("control_version", controlVersion)
      writer.member("limits_version", limitsVersion)
      writer.member("decided_at", decidedAt)
      if isDuplicate { writer.member("duplicate", true) }
      source.write(to: &writer)
      figures.write(to: &writer)
    }
  }
}
