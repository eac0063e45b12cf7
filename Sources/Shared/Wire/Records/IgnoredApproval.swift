import Domain

/// A record of type `ignored` on `executions`: OrderManager took the first approval of the id and will not take this one, which RiskGate
/// made when it had forgotten the first. Nothing of it is sent, so nothing of it need stay reserved.
public struct IgnoredApproval: Hashable, Sendable {
  /// Whose.
  public var account: Account
  /// The id that was approved again.
  public var clientOrderID: ClientOrderID
  /// Where the later approval lies on `orders.approved`, same partition.
  public var approvalOffset: Int64
  /// OrderManager's time.
  public var time: Timestamp

  /// An approval that is ignored.
  public init(account: Account, clientOrderID: ClientOrderID, approvalOffset: Int64, time: Timestamp) {
    self.account = account
    self.clientOrderID = clientOrderID
    self.approvalOffset = approvalOffset
    self.time = time
  }

  init(_ reader: RecordReader) throws(RecordError) {
    account = try reader.require("account", try reader.identifier("account"))
    clientOrderID = try reader.require("client_order_id", try reader.identifier("client_order_id"))
    approvalOffset = try reader.require("approval_offset", try reader.integer("approval_offset"))
    time = try reader.require("time", try reader.time("time"))
  }

  func write(to writer: inout JSONWriter) {
    writer.member("type", "ignored")
    writer.member("account", account)
    writer.member("client_order_id", clientOrderID)
    writer.member("approval_offset", approvalOffset)
    writer.member("time", time)
  }
}
