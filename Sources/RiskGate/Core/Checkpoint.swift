import Domain
import Wire

/// How far a partition's inputs are in, and its outputs are known to be: the record `@checkpoint` on `risk.state`. Every account that
/// changed before these offsets has its snapshot before this record.
public struct Checkpoint: Hashable, Sendable {
  /// The next record of `orders`.
  public var orders: Int64 = 0
  /// The next record of `executions`.
  public var executions: Int64 = 0
  /// Own decisions on `orders.approved` below this offset are in the snapshots.
  public var approved: Int64 = 0
  /// Own decisions on `orders.rejected` below this offset are in the snapshots.
  public var rejected: Int64 = 0
  /// The epoch of RiskGate that wrote this; decisions of a lower one after it do not count.
  public var epoch: Int64 = -1
  /// Which writer of `executions` counts.
  public var executionsFence = EpochFence()
  /// The core's time.
  public var time = Timestamp.zero

  /// The record's key; no account can be called that.
  public static let key = "@checkpoint"

  /// The beginning of everything.
  public init() {}

  /// Reads the record.
  init(_ reader: RecordReader) throws(RecordError) {
    orders = try reader.require("orders_offset", try reader.integer("orders_offset"))
    executions = try reader.require("executions_offset", try reader.integer("executions_offset"))
    approved = try reader.require("approved_offset", try reader.integer("approved_offset"))
    rejected = try reader.require("rejected_offset", try reader.integer("rejected_offset"))
    epoch = try reader.integer("epoch") ?? -1
    executionsFence = EpochFence(epoch: try reader.integer("executions_epoch") ?? -1, next: executions)
    time = try reader.require("time", try reader.time("time"))
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("type", "checkpoint")
      writer.member("orders_offset", orders)
      writer.member("executions_offset", executions)
      writer.member("approved_offset", approved)
      writer.member("rejected_offset", rejected)
      writer.member("epoch", epoch)
      writer.member("executions_epoch", executionsFence.epoch)
      writer.member("time", time)
    }
  }
}
