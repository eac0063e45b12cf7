import Domain
import Kafka
import RiskGateCore
import Runtime
import Wire

/// Takes a partition: puts a marker behind everything that a former owner wrote, then restores what he knew from the log.
struct TakeOver {
  let context: GateContext
  let reader: KafkaReader
  let outbox: Outbox

  /// What a partition begins with.
  struct Result {
    var engine: RiskEngine
    let epoch: Int64
    /// Behind the own marker on `orders.rejected`.
    let rejectedNext: Int64
    /// Where `executions` go on.
    let executions: Int64
  }

  func run(_ partition: Int32) throws -> Result {
    let started = monotonicNanoseconds()
    let owner = context.settings.instance
    let first = EpochMarker(epoch: -1, owner: owner)
    let epoch = try outbox.append(
      Topic.approved, partition: partition, key: nil, value: first.encoded(), headers: RecordHeaders())
    boundary("riskgate.takeover.marked_approved")
    let marker = EpochMarker(epoch: epoch, owner: owner).encoded()
    let headers = RecordHeaders(epoch: epoch)
    let rejected = try outbox.append(Topic.rejected, partition: partition, key: nil, value: marker, headers: headers)
    let state = try outbox.append(Topic.riskState, partition: partition, key: "@epoch", value: marker, headers: headers)
    boundary("riskgate.takeover.marked_all")
    var engine = try restore(partition, approved: epoch, rejected: rejected, state: state)
    let executions = try replayExecutions(partition, from: engine.checkpoint.executions, into: &engine)
    boundary("riskgate.takeover.restored")
    var none: [RiskEffect] = []
    // Everything before the markers is in the engine now.
    engine.apply(.acknowledged(approved: epoch + 1, rejected: rejected + 1), at: context.clock.now(), into: &none)
    context.logger.info(
      "took a partition",
      [
        "partition": .int(Int64(partition)), "epoch": .int(epoch), "orders_offset": .int(engine.checkpoint.orders),
        "executions_offset": .int(executions), "microseconds": .int((monotonicNanoseconds() - started) / 1_000),
      ])
    return Result(engine: engine, epoch: epoch, rejectedNext: rejected + 1, executions: executions)
  }

  /// Reads up to the own markers; what a former owner appends behind them counts for nobody.
  private func restore(_ partition: Int32, approved: Int64, rejected: Int64, state: Int64) throws -> RiskEngine {
    var restore = RiskRestore(context.settings.core(partition, context.defaults), epoch: approved)
    try reader.readPartition(Topic.riskState, partition, to: state) { message in
      try restore.readState(key: message.key, value: message.value, epoch: message.epoch)
    }
    for (topic, from, to) in [
      (Topic.approved, restore.checkpoint.approved, approved), (Topic.rejected, restore.checkpoint.rejected, rejected),
    ] {
      try reader.readPartition(topic, partition, from: from, to: to) { message in
        try restore.readDecision(topic: topic, value: message.value, epoch: message.epoch, offset: message.offset)
      }
    }
    return try restore.engine()
  }

  /// Alerts and dead letters of what was read before are not repeated. Fills that expired unread are missing from the positions: a person
  /// must know.
  private func replayExecutions(_ partition: Int32, from: Int64, into engine: inout RiskEngine) throws -> Int64 {
    var effects: [RiskEffect] = []
    let oldest = try reader.watermarks(Topic.executions, partition).low
    if oldest > from {
      let alert = Alert(
        service: "riskgate", severity: .critical, code: "log_expired",
        message: "\(Topic.executions)[\(partition)]: \(oldest - from) records expired unread; positions may be wrong.",
        time: context.clock.now())
      context.logger.error(alert.message)
      try outbox.send(
        Topic.alerts, partition: 0, key: alert.service, value: alert.encoded(), headers: RecordHeaders(), input: nil,
        inputPartition: partition)
    }
    let next = try reader.readPartition(Topic.executions, partition, from: from) { message in
      engine.apply(.execution(message), at: context.clock.now(), into: &effects)
      effects.removeAll(keepingCapacity: true)
    }
    return next
  }
}
