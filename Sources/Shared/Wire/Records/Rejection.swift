import Domain

/// A record on `orders.rejected`.
public struct Rejection: Hashable, Sendable {
  /// Whose order it was.
  public var account: Account
  /// The client's id, or the one derived from where the record lay.
  public var clientOrderID: ClientOrderID
  /// The stable code.
  public var code: RejectionCode
  /// The sentence for people: `Order rejected: Notional exceeds $50,000 limit.`
  public var reason: String
  /// The request, when it was legible.
  public var request: OrderRequest?
  /// The version of `control` that it was decided under.
  public var controlVersion: Int64
  /// The version of `limits` that it was decided under.
  public var limitsVersion: Int64
  /// The core's time of the decision.
  public var decidedAt: Timestamp
  /// Where the client put it.
  public var source: RecordSource
  /// True for the answer to a repeated request that was refused before.
  public var isDuplicate: Bool
  /// What it was decided on, as far as the checks came.
  public var figures: DecisionFigures

  /// A refusal.
  public init(
    account: Account, clientOrderID: ClientOrderID, code: RejectionCode, reason: String, request: OrderRequest? = nil,
    controlVersion: Int64 = 0, limitsVersion: Int64 = 0, decidedAt: Timestamp, source: RecordSource, isDuplicate: Bool = false,
    figures: DecisionFigures = DecisionFigures()
  ) {
    self.account = account
    self.clientOrderID = clientOrderID
    self.code = code
    self.reason = reason
    self.request = request
    self.controlVersion = controlVersion
    self.limitsVersion = limitsVersion
    self.decidedAt = decidedAt
    self.source = source
    self.isDuplicate = isDuplicate
    self.figures = figures
  }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) { try self.init(RecordReader(bytes)) }

  /// Reads the record.
  public init(_ reader: RecordReader) throws(RecordError) {
    let account: Account = try reader.require("account", try reader.identifier("account"))
    let number = try reader.require("code", try reader.integer("code"))
    guard let code = RejectionCode(rawValue: Int(clamping: number)) else {
      throw RecordError(.unknownValue, "The field code has the unknown value \(number).")
    }
    var request: OrderRequest?
    if let order = try reader.object("order") {
      let symbol = try order.require("symbol", try order.symbol("symbol"))
      request = try OrderRequest(order, defaults: OrderDefaults(account: account, symbol: symbol))
    }
    self.init(
      account: account,
      clientOrderID: try reader.require("client_order_id", try reader.identifier("client_order_id")),
      code: code,
      reason: try reader.string("reason") ?? "",
      request: request,
      controlVersion: try reader.integer("control_version") ?? 0,
      limitsVersion: try reader.integer("limits_version") ?? 0,
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
      writer.member("account", account)
      writer.member("client_order_id", clientOrderID)
      writer.member("code", code.rawValue)
      writer.member("reason", reason)
      writer.member("control_version", controlVersion)
      writer.member("limits_version", limitsVersion)
      writer.member("decided_at", decidedAt)
      if isDuplicate { writer.member("duplicate", true) }
      if let request {
        writer.name("order")
        writer.beginObject()
        request.write(to: &writer)
        writer.endObject()
      }
      source.write(to: &writer)
      figures.write(to: &writer)
    }
  }
}
