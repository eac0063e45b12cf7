import Domain
import Wire

/// How far one partition of an input topic has been read, and whose records count there. It is stored in the transaction that stores
/// what was read, so that after any crash both stand or fall together.
public struct InputState: Hashable, Sendable {
  /// `orders.approved`, `orders.rejected` or `executions`.
  public let topic: String
  /// The partition.
  public let partition: Int32
  /// The offset of the next record to read; nothing below is read again.
  public private(set) var nextOffset: Int64
  /// Tells the owner's records from those of a stalled former owner.
  public private(set) var fence: EpochFence

  /// The state as it was stored; by default that of an input never read.
  public init(topic: String, partition: Int32, nextOffset: Int64 = 0, epoch: Int64 = -1) {
    self.topic = topic
    self.partition = partition
    self.nextOffset = nextOffset
    fence = EpochFence(epoch: epoch, next: nextOffset)
  }

  /// Takes the next record of this partition and says what it changes.
  public mutating func apply(_ record: LogRecord) -> Projected {
    guard record.place.offset >= nextOffset else { return .repeated }
    if record.place.offset > nextOffset { fence.miss() }
    nextOffset = record.place.offset + 1
    do throws(RecordError) {
      guard let value = record.value else { throw RecordError(.malformed, "The payload is null.") }
      let reader = try RecordReader(value)
      if let marker = EpochMarker(reader) {
        guard see(marker, record) else { throw .impossibleMarker }
        return .nothing
      }
      let projected = try read(reader, value)
      guard projected != .nothing else { return .nothing }
      switch fence.writer(of: record.epoch) {
      case .owner: return projected
      case .former: return .fenced
      case .stranger: throw .stranger
      }
    } catch {
      return .unreadable(error)
    }
  }

  /// False for a marker that cannot be.
  private mutating func see(_ marker: EpochMarker, _ record: LogRecord) -> Bool {
    switch topic {
    case Topic.rejected: fence.see(marker, notAbove: record.newestEpoch ?? -1)
    case Topic.executions where !marker.isOrderManagers: true
    default: fence.see(marker, at: record.place.offset)
    }
  }

  /// What the record changes, if it is its owner's: all that changes rows is.
  private func read(_ reader: RecordReader, _ value: [UInt8]) throws(RecordError) -> Projected {
    switch topic {
    case Topic.approved: return .change(.approved(try Approval(reader)))
    case Topic.rejected: return .change(.rejected(try Rejection(reader)))
    default:
      switch try ExecutionRecord(value) {
      case .order(let event): return .change(.progressed(event))
      case .plan(let plan): return .change(.planned(plan))
      case .ignored, .observation, .adjustment, .controlAcknowledged, .epoch: return .nothing
      }
    }
  }
}
