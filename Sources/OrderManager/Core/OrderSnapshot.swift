import Domain
import Wire

/// A record on `order.state`: one order whole, or how far the snapshots of the partition reach.
enum OrderSnapshot {
  /// Everything in `executions` before `executionsOffset` is included in the snapshots that were written before this record.
  struct Cursor: Hashable, Sendable {
    var executionsOffset: Int64
    /// The fence of `executions` at that offset.
    var executionsEpoch: Int64
    /// The latest epochs of `orders.approved`, ascending.
    var approvalsEpochs: [Int64]

    /// More owners than this do not come and go while one order waits.
    static let maximumEpochs = 64

    static func key(partition: Int32) -> String { "cursor+\(partition)" }

    func encoded() -> [UInt8] {
      JSONWriter.object { writer in
        writer.member("v", 1)
        writer.member("type", "cursor")
        writer.member("executions_offset", executionsOffset)
        writer.member("executions_epoch", executionsEpoch)
        writer.name("approvals_epochs")
        writer.beginArray()
        for epoch in approvalsEpochs { writer.value(String(epoch)) }
        writer.endArray()
      }
    }

    init(executionsOffset: Int64, executionsEpoch: Int64, approvalsEpochs: [Int64]) {
      self.executionsOffset = executionsOffset
      self.executionsEpoch = executionsEpoch
      self.approvalsEpochs = approvalsEpochs
    }

    init(_ reader: RecordReader) throws(RecordError) {
      executionsOffset = try reader.require("executions_offset", try reader.integer("executions_offset"))
      executionsEpoch = try reader.require("executions_epoch", try reader.integer("executions_epoch"))
      approvalsEpochs = try reader.strings("approvals_epochs").compactMap { Int64($0) }
    }
  }
}

extension ManagedOrder {
  /// The order's record on `order.state`.
  func encoded() -> [UInt8] {
    JSONWriter.object(capacity: 1024) { writer in
      writer.member("v", 1)
      writer.member("type", "order")
      writer.member("account", key.account)
      writer.member("client_order_id", key.id)
      writer.member("status", status)
      writer.member("venue", venue)
      writer.member("symbol", symbol.description)
      writer.member("side", side)
      writer.member("quantity", quantity)
      writer.member("price", limitPrice)
      writer.member("time_in_force", timeInForce)
      writer.member("post_only", postOnly)
      writer.member("reduce_only", reduceOnly)
      writer.member("valid_until", validUntil)
      writer.member("control_version", controlVersion)
      writer.member("strategy", strategy)
      writer.member("approval_offset", approvalOffset)
      writer.member("replaced_by", replacedBy)
      writer.member("planned_at", plannedAt)
      writer.member("time", changedAt)
      writer.name("children")
      writer.beginArray()
      for child in children { child.write(to: &writer) }
      writer.endArray()
    }
  }

  init(_ reader: RecordReader) throws(RecordError) {
    self.init(
      key: OrderKey(
        account: try reader.require("account", try reader.identifier("account")),
        id: try reader.require("client_order_id", try reader.identifier("client_order_id"))),
      venue: try reader.require("venue", try reader.identifier("venue")),
      symbol: try reader.require("symbol", try reader.symbol("symbol")),
      side: try reader.require("side", try reader.token("side")),
      quantity: try reader.require("quantity", try reader.decimal("quantity")),
      limitPrice: try reader.decimal("price"),
      timeInForce: try reader.token("time_in_force") ?? .gtc,
      postOnly: try reader.bool("post_only") ?? false,
      reduceOnly: try reader.bool("reduce_only") ?? false,
      validUntil: try reader.time("valid_until") ?? .zero,
      controlVersion: try reader.integer("control_version") ?? 0,
      strategy: try reader.string("strategy"),
      approvalOffset: try reader.integer("approval_offset") ?? -1,
      changedAt: try reader.time("time") ?? .zero)
    replacedBy = try reader.identifier("replaced_by")
    plannedAt = try reader.time("planned_at")
    for child in try reader.objects("children") { children.append(try OrderChild(child)) }
    if children.isEmpty { unplannedEnd = try reader.token("status") }
  }
}

extension OrderChild {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("child", number)
    writer.member("venue", venue)
    writer.member("venue_client_id", venueClientID)
    writer.member("quantity", quantity)
    writer.member("price", price)
    writer.member("status", status)
    writer.member("venue_order_id", venueOrderID)
    writer.member("filled", filled)
    writer.member("filled_quote", filledQuote)
    writer.name("trades")
    writer.beginArray()
    for name in trades.names { writer.value(name) }
    writer.endArray()
    if work.wantsCancel { writer.member("wants_cancel", true) }
    writer.endObject()
  }

  fileprivate init(_ reader: RecordReader) throws(RecordError) {
    self.init(
      number: Int(clamping: try reader.require("child", try reader.integer("child"))),
      venue: try reader.require("venue", try reader.identifier("venue")),
      venueClientID: try reader.require("venue_client_id", try reader.string("venue_client_id")),
      quantity: try reader.require("quantity", try reader.decimal("quantity")),
      price: try reader.require("price", try reader.decimal("price")))
    status = try reader.require("status", try reader.token("status"))
    venueOrderID = try reader.string("venue_order_id")
    filled = try reader.decimal("filled") ?? .zero
    filledQuote = try reader.decimal("filled_quote") ?? .zero
    trades = TradeSet(names: try reader.strings("trades"))
    work.wantsCancel = try reader.bool("wants_cancel") ?? false
  }
}
