import Wire

/// Something that a partition wants carried out.
public struct GateOutput: Sendable {
  /// What it is.
  public let effect: RiskEffect
  /// The record to append; nil for what is only shown in Redis.
  public let record: GateRecord?
}

/// A record to append.
public struct GateRecord: Sendable {
  /// The topic.
  public let topic: String
  /// Its partition.
  public let partition: Int32
  /// The key.
  public let key: String
  /// The payload.
  public let value: [UInt8]
  /// The headers.
  public let headers: RecordHeaders
  /// To be handed back when the log has the record.
  public let receipt: GateReceipt
}

/// What a partition must know of a record when the log has it.
public struct GateReceipt: Sendable {
  enum Output: Sendable { case approved, rejected, other }

  /// Whose record it is: an earlier life's receipts count for nothing.
  let epoch: Int64
  let number: UInt64
  let output: Output
  /// The record on `orders` of which this is an outcome.
  let input: Int64?

  /// True for what was decided about a record on `orders`.
  public var isOutcome: Bool { input != nil }
}
