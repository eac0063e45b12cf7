import Domain
import Wire

/// Takes a partition from a former owner: marks it, reads what the log holds, waits until nobody else can be sending, marks it again and
/// reads what a former owner wrote meanwhile. Whoever drives it does each `step` and reports what came of it, until it is done.
public struct TakeOver: Sendable {
  /// What is to be done next.
  public enum Step: Sendable {
    /// Append a record to the partition of `topic`, wait until the log has it, and report its offset to `appended`.
    case append(topic: String, key: [UInt8]?, value: [UInt8])
    /// Hand every record of the stretch to `read`, then call `finishReading`.
    case read(LogStretch)
    /// Wait until this monotonic instant, then call `waited`: a former owner's lease has run out then.
    case wait(until: Int64)
    /// Nothing: the result is there, unless somebody else `isFenced` us out.
    case done
  }

  private enum Phase: Sendable {
    case mark, markState, state, executions, wait, markAgain, markStateAgain, late, done
  }

  private let partition: Int32
  private let owner: String
  private let leaseEnd: Int64
  private var phase = Phase.mark
  private var epoch: Int64 = -1
  private var restoration = OrderRestoration(epoch: -1)
  /// Where `executions` go on.
  public private(set) var nextExecution: Int64 = 0

  /// Begins to take `partition` for `owner`; the group gave it at the monotonic instant `begun`, or before.
  public init(_ partition: Int32, owner: String, begun: Int64) {
    self.partition = partition
    self.owner = owner
    leaseEnd = begun + Lease.length
  }

  /// True when another owner has marked the partition meanwhile: nothing that we write counts, and we must begin again.
  public var isFenced: Bool { restoration.newestEpoch > epoch }

  /// What is to be done next.
  public var step: Step {
    switch phase {
    case .mark, .markAgain: .append(topic: Topic.executions, key: nil, value: marker)
    case .markState, .markStateAgain:
      .append(topic: Topic.orderState, key: Array("epoch+\(partition)".utf8), value: marker)
    case .state: .read(LogStretch(Topic.orderState))
    case .executions: .read(LogStretch(Topic.executions, from: restoration.executionsStart, to: epoch + 1))
    case .wait: .wait(until: leaseEnd)
    case .late: .read(LogStretch(Topic.executions, from: epoch + 1, to: nextExecution))
    case .done: .done
    }
  }

  /// The first marker's offset becomes the epoch, which the others name.
  private var marker: [UInt8] { EpochMarker(epoch: epoch, owner: owner).encoded() }

  /// The log has the marker.
  public mutating func appended(at offset: Int64) {
    switch phase {
    case .mark:
      restoration = OrderRestoration(epoch: offset)
      (epoch, phase) = (offset, .markState)
    case .markState: phase = .state
    case .markAgain: (nextExecution, phase) = (offset + 1, .markStateAgain)
    case .markStateAgain: phase = nextExecution == epoch + 2 ? .done : .late
    case .state, .executions, .wait, .late, .done: preconditionFailure("nothing was to be appended")
    }
  }

  /// Takes the next record of the stretch.
  public mutating func read(_ record: InputRecord, key: [UInt8]?) {
    switch phase {
    case .state: restoration.readState(record, key: String(decoding: key ?? [], as: UTF8.self))
    case .executions, .late: restoration.readExecution(record)
    case .mark, .markState, .wait, .markAgain, .markStateAgain, .done: preconditionFailure("nothing was to be read")
    }
  }

  /// The stretch was read.
  public mutating func finishReading() {
    switch phase {
    case .state: phase = .executions
    // The first owner follows nobody.
    case .executions: phase = epoch > 0 ? .wait : .markAgain
    case .late: phase = .done
    case .mark, .markState, .wait, .markAgain, .markStateAgain, .done: preconditionFailure("nothing was to be read")
    }
  }

  /// The time is over.
  public mutating func waited() {
    precondition(phase == .wait, "nothing was to be waited for")
    phase = .markAgain
  }

  /// What the core begins with; `committed` is where the group stands on `orders.approved`.
  public func restored(committed: Int64) -> RestoredOrders {
    precondition(phase == .done, "a partition is taken whole")
    return restoration.finish(nextApproval: committed)
  }
}
