import Domain
import Wire

/// Takes a partition: puts a marker behind everything that a former owner wrote, then restores what he knew from the log. Whoever drives
/// it does each `step` and reports what came of it, until it is done.
///
/// What a former owner appends behind the markers counts for nobody: decisions and snapshots are read up to them, and no further.
public struct TakeOver: Sendable {
  /// What is to be done next.
  public enum Step: Sendable {
    /// Append a record to the partition of `topic`, wait until the log has it, and report its offset to `appended`.
    case append(topic: String, key: [UInt8]?, value: [UInt8], headers: RecordHeaders)
    /// Hand every record of the stretch to `read`, then call `finishReading`.
    case read(LogStretch)
    /// Nothing: `partition` has the result.
    case done
  }

  private enum Phase: Sendable { case markApproved, markRejected, markState, state, approved, rejected, executions, done }

  private let settings: RiskSettings
  private let owner: String
  private var phase = Phase.markApproved
  /// The offset of the first marker; -1 before.
  public private(set) var epoch: Int64 = -1
  private var rejectedMarker: Int64 = 0
  private var stateMarker: Int64 = 0
  private var restore: RiskRestore
  private var engine: RiskEngine
  /// The first record of `executions` that was read: those before it have expired.
  private var firstExecution: Int64?
  private var ignored: [RiskEffect] = []
  /// Where `executions` go on.
  public private(set) var executionsNext: Int64 = 0

  /// Begins to take the partition of `settings` for `owner`.
  public init(_ settings: RiskSettings, owner: String) {
    self.settings = settings
    self.owner = owner
    restore = RiskRestore(settings, epoch: -1)
    engine = RiskEngine(settings)
  }

  /// What is to be done next.
  public var step: Step {
    switch phase {
    case .markApproved: mark(Topic.approved)
    case .markRejected: mark(Topic.rejected)
    case .markState: mark(Topic.riskState, key: Array("@epoch".utf8))
    case .state: .read(LogStretch(Topic.riskState, to: stateMarker))
    case .approved: .read(LogStretch(Topic.approved, from: restore.checkpoint.approved, to: epoch))
    case .rejected: .read(LogStretch(Topic.rejected, from: restore.checkpoint.rejected, to: rejectedMarker))
    case .executions: .read(LogStretch(Topic.executions, from: restore.checkpoint.executions))
    case .done: .done
    }
  }

  /// The first marker's offset becomes the epoch, which the others name.
  private func mark(_ topic: String, key: [UInt8]? = nil) -> Step {
    let headers = RecordHeaders(epoch: epoch < 0 ? nil : epoch)
    return .append(topic: topic, key: key, value: EpochMarker(epoch: epoch, owner: owner).encoded(), headers: headers)
  }

  /// The log has the marker.
  public mutating func appended(at offset: Int64) {
    switch phase {
    case .markApproved:
      restore = RiskRestore(settings, epoch: offset)
      (epoch, phase) = (offset, .markRejected)
    case .markRejected: (rejectedMarker, phase) = (offset, .markState)
    case .markState: (stateMarker, phase) = (offset, .state)
    case .state, .approved, .rejected, .executions, .done: preconditionFailure("nothing was to be appended")
    }
  }

  /// Takes the next record of the stretch; `epoch` is its writer's. An owner's record that cannot be read is an error: nobody may decide
  /// on half of what was known.
  public mutating func read(
    key: [UInt8]?, value: [UInt8]?, epoch: Int64?, source: RecordSource, at time: Timestamp
  ) throws(RecordError) {
    switch phase {
    case .state: try restore.readState(key: key, value: value, epoch: epoch)
    case .approved, .rejected:
      try restore.readDecision(topic: source.topic, value: value, epoch: epoch, offset: source.offset)
    case .executions:
      firstExecution = firstExecution ?? source.offset
      engine.apply(.execution(payload: value, source: source, epoch: epoch), at: time, into: &ignored)
      // Alerts and dead letters of what was read before are not repeated.
      ignored.removeAll(keepingCapacity: true)
    case .markApproved, .markRejected, .markState, .done: preconditionFailure("nothing was to be read")
    }
  }

  /// The stretch was read; reading goes on at `next`.
  public mutating func finishReading(next: Int64) throws(RecordError) {
    switch phase {
    case .state: phase = .approved
    case .approved: phase = .rejected
    case .rejected:
      engine = try restore.engine()
      phase = .executions
    case .executions:
      executionsNext = next
      phase = .done
    case .markApproved, .markRejected, .markState, .done: preconditionFailure("nothing was to be read")
    }
  }

  /// The partition, to be read from `start` on: what was committed has its outcomes in the log, those that leave the partition included.
  /// Fills that expired unread are missing from the positions: a person must know.
  public func partition(committed: Int64, at time: Timestamp) -> (partition: GatePartition, start: Int64) {
    precondition(phase == .done, "a partition is taken whole")
    var engine = engine
    var effects: [RiskEffect] = []
    let start = max(engine.checkpoint.orders, committed)
    engine.apply(.acknowledged(approved: epoch + 1, rejected: rejectedMarker + 1), at: time, into: &effects)
    engine.beginReading(at: start)
    let expired = (firstExecution ?? executionsNext) - restore.checkpoint.executions
    if expired > 0 {
      let message = "\(expired) records of \(Topic.executions) expired unread; positions may be wrong."
      effects.append(
        .alert(Alert(service: "riskgate", severity: .critical, code: "log_expired", message: message, time: time)))
    }
    let partition = GatePartition(engine, epoch: epoch, rejectedNext: rejectedMarker + 1, start: start, effects: effects)
    return (partition, start)
  }
}
