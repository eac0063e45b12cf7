import Domain
import Wire

/// What happens to one partition of RiskGate.
public enum RiskEvent: Sendable {
  /// A record on `orders`.
  case order(OrderRecord)
  /// A record on `executions`: its payload, its offset, and its writer's epoch when it carries one.
  case execution(payload: [UInt8]?, source: RecordSource, epoch: Int64?)
  /// A record on a book topic; its levels are not looked at.
  indirect case book(BookRecord)
  /// A record on `instruments`.
  indirect case instrument(Instrument)
  /// A record on `control`, and where it lies.
  indirect case control(Control, source: RecordSource)
  /// A record on `limits`.
  indirect case limits(Limits)
  /// Own decisions below these offsets are in the log: the next snapshot may say so.
  case acknowledged(approved: Int64, rejected: Int64)
  /// State is restored, `control` and `limits` were read to their ends: orders may be approved.
  case ready
  /// Time passed. Sent several times a second.
  case tick
  /// The partition goes to another owner: write everything that changed.
  case flush
  /// Redis may have forgotten: the next tick writes everything again.
  case refresh
}

/// A record on `orders` as it was read. It never changes, so that it is handed on by reference.
public final class OrderRecord: Sendable {
  /// The payload; nil is a null payload.
  public let payload: [UInt8]?
  /// What it asks for.
  public let reading: OrderRequest.Reading
  /// The hash of everything that is asked for but the id; zero when nothing legible is.
  let content: UInt64
  /// Where it lies; the timestamp is the broker's.
  public let source: RecordSource
  /// Where it lay before it was re-keyed, when its headers say so.
  public let origin: Shared<RecordSource>?

  /// Reads the payload of a record that lies at `source`; what it leaves out comes from `defaults`.
  public init(payload: [UInt8]?, source: RecordSource, origin: RecordSource? = nil, defaults: OrderDefaults) {
    self.payload = payload
    reading = OrderRequest.read(payload, defaults: defaults)
    content = if case .request(let request, _) = reading { request.contentHash } else { 0 }
    self.source = source
    self.origin = origin.map { Shared($0) }
  }
}

/// What one partition of RiskGate wants done. The shell carries them out in order.
public indirect enum RiskEffect: Sendable {
  /// Append to `orders.approved`.
  case approve(Approval)
  /// Append to `orders.rejected`.
  case reject(Rejection)
  /// Append to `dead_letters`.
  case deadLetter(DeadLetter)
  /// Append the payload to `orders` again, on the partition of its account, with its origin in the headers.
  case rekey(account: Account, partition: Int32, payload: [UInt8], origin: RecordSource)
  /// Append to `risk.state`, once everything that was wanted before is in the log: a snapshot must never know more than the log.
  case snapshot(key: String, value: [UInt8])
  /// Write to Redis.
  case position(PositionView)
  /// Write to Redis.
  case risk(RiskView)
  /// Append to `alerts`.
  case alert(Alert)
}

/// What one partition's core is told once.
public struct RiskSettings: Sendable {
  /// The partition that it decides for.
  public var partition: Int32
  /// How many partitions there are.
  public var partitionCount: Int32
  /// What orders leave out.
  public var defaults: OrderDefaults
  /// Quote assets that count as one dollar each.
  public var stablecoins: Set<String>
  /// Changed accounts are written at least this often, in nanoseconds.
  public var snapshotInterval: Int64
  /// Changed accounts are written after this many decisions: what a successor reads again is bounded by it. A snapshot holds every
  /// live order and remembered id, so that one every few decisions would cost more than they do.
  public var snapshotDecisions: Int

  /// The assets that count as a dollar unless configured otherwise.
  public static let defaultStablecoins: Set<String> = ["USDT", "USDC", "FDUSD", "TUSD", "USDP", "DAI", "USD"]

  /// Settings of one partition.
  public init(
    partition: Int32, partitionCount: Int32, defaults: OrderDefaults, stablecoins: Set<String> = RiskSettings.defaultStablecoins,
    snapshotInterval: Int64 = 5 * Interval.second, snapshotDecisions: Int = 50_000
  ) {
    self.partition = partition
    self.partitionCount = partitionCount
    self.defaults = defaults
    self.stablecoins = stablecoins
    self.snapshotInterval = snapshotInterval
    self.snapshotDecisions = snapshotDecisions
  }

  /// More accounts than this are refused: names from outside cannot fill memory.
  static let maximumAccounts = 4_096
}
