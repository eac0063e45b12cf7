import Domain
import Redis
import RiskGateCore
import Runtime
import Synchronization
import Wire

/// What the loop is given once.
struct GateContext: Sendable {
  let settings: RiskGateConfiguration
  let defaults: OrderDefaults
  let wakeup: Wakeup
  let clock: SteadyClock
  let live: LiveState
  /// Raised when Redis may have lost what was written.
  let isRedisForgetful: Flag
  let health: Health
  let metrics: GateMetrics
  let logger: Logger
}

/// A reminder from another thread.
final class Flag: Sendable {
  private let raised = Atomic<Bool>(false)

  func raise() { raised.store(true, ordering: .releasing) }

  /// True once after each `raise`.
  func take() -> Bool { raised.exchange(false, ordering: .acquiringAndReleasing) }
}

/// Shows positions and risk in Redis. The keys go away by themselves when nobody writes them for a minute; the core writes them every
/// ten seconds.
struct LiveState: Sendable {
  private static let expirySeconds = 60
  private let redis: RedisWriter

  init(_ redis: RedisWriter) { self.redis = redis }

  func show(_ view: PositionView) { set("position:\(view.account):\(view.symbol)", view.encoded()) }

  func show(_ view: RiskView) { set("risk:\(view.control.account)", view.encoded()) }

  private func set(_ key: String, _ value: [UInt8]) {
    redis.write(key, .set(key, value, expiresInSeconds: Self.expirySeconds))
  }
}

/// What the gate counts.
struct GateMetrics: Sendable {
  let approved, duplicates, deadLetters, unfenced, moved, unreadable: Counter
  let decision, sinceAppend: Histogram
  let partitions, outstanding: Gauge
  private let rejected: [RejectionCode: Counter]

  init(_ metrics: Metrics) {
    approved = metrics.counter("apus_riskgate_approved_total", help: "Requests approved")
    duplicates = metrics.counter("apus_riskgate_duplicates_total", help: "Repeated requests that were answered")
    deadLetters = metrics.counter("apus_riskgate_dead_letters_total", help: "Records that could not be read")
    unfenced = metrics.counter(
      "apus_riskgate_unfenced_total", help: "Records where only an owner writes, without its epoch")
    moved = metrics.counter("apus_riskgate_moved_total", help: "Records moved to the partition of their account")
    unreadable = metrics.counter("apus_riskgate_unreadable_total", help: "Reference records that could not be read")
    decision = metrics.histogram("apus_riskgate_decision_seconds", help: "From the poll to the hand-over of the decision")
    sinceAppend = metrics.histogram("apus_riskgate_age_seconds", help: "From the broker's append to the poll")
    partitions = metrics.gauge("apus_riskgate_partitions", help: "Partitions of orders that are decided here")
    outstanding = metrics.gauge("apus_riskgate_outstanding", help: "Records that the broker has not acknowledged")
    let counters = RejectionCode.allCases.map { code in
      (
        code,
        metrics.counter("apus_riskgate_rejected_total", help: "Requests rejected", labels: ["code": String(code.rawValue)])
      )
    }
    rejected = Dictionary(uniqueKeysWithValues: counters)
  }

  func count(_ rejection: Rejection) {
    if rejection.isDuplicate { duplicates.add() } else { rejected[rejection.code]?.add() }
  }
}
