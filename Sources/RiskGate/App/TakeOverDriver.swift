import Domain
import Kafka
import RiskGateCore
import Runtime
import Wire

/// Carries out the steps of a take-over on the broker.
struct TakeOverDriver {
  let context: GateContext
  let reader: KafkaReader
  let outbox: Outbox

  func run(_ partition: Int32) throws -> TakeOver {
    let started = monotonicNanoseconds()
    var takeOver = TakeOver(context.settings.core(partition, context.defaults), owner: context.settings.instance)
    while true {
      switch takeOver.step {
      case .append(let topic, let key, let value, let headers):
        takeOver.appended(at: try outbox.append(topic, partition: partition, key: key, value: value, headers: headers))
        boundary("riskgate.takeover.marked_approved", if: topic == Topic.approved)
        boundary("riskgate.takeover.marked_all", if: topic == Topic.riskState)
      case .read(let stretch):
        let next = try reader.readPartition(stretch.topic, partition, from: stretch.from, to: stretch.to) { message in
          try takeOver.read(
            key: message.key, value: message.value, epoch: message.epoch, source: RecordSource(message), at: context.clock.now())
        }
        try takeOver.finishReading(next: next)
      case .done:
        boundary("riskgate.takeover.restored")
        context.logger.info(
          "took a partition",
          [
            "partition": .int(Int64(partition)), "epoch": .int(takeOver.epoch),
            "executions_offset": .int(takeOver.executionsNext),
            "microseconds": .int((monotonicNanoseconds() - started) / 1_000),
          ])
        return takeOver
      }
    }
  }
}
