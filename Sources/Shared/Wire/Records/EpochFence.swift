/// Decides for one partition whose a record is: after a newer owner's marker, a stalled former owner's records do not count, and what
/// carries no epoch, or one that has not begun, is nobody's.
///
/// The owner of a partition first appends a marker whose `epoch` is -1; the offset at which the broker stores it becomes the epoch, so
/// that epochs only grow, without a clock. On further output topics the same owner appends markers that name that epoch. Every record
/// then carries its writer's epoch in a header. This guards against mistakes and stalled processes; against malice the broker's access
/// rules must.
public struct EpochFence: Hashable, Sendable {
  /// Whose a record is.
  public enum Writer: Hashable, Sendable {
    /// The partition's owner, as far as the log has been read.
    case owner
    /// One who has lost the partition since.
    case former
    /// No owner at all.
    case stranger
  }

  /// The newest epoch seen; -1 before the first marker.
  public private(set) var epoch: Int64
  /// Markers may lie in what was never read: until the next one, an epoch above the known one may be an owner's.
  private var isBlind: Bool

  /// A fence that has seen nothing, of a log that is read from its first record on; or one restored at a known epoch. Blind where older
  /// markers are gone, as on a compacted topic.
  public init(epoch: Int64 = -1, isBlind: Bool = false) {
    self.epoch = epoch
    self.isBlind = isBlind
  }

  /// The fence of a reader that goes on at the offset `next`: without a known epoch it cannot tell what lies before.
  public init(epoch: Int64, next: Int64) { self.init(epoch: epoch, isBlind: epoch < 0 && next > 0) }

  /// Takes note that records are gone that nobody here has read.
  public mutating func miss() { isBlind = true }

  /// Takes note of a marker stored at `offset` of the topic on which epochs begin. False for one that cannot be: an epoch is the offset
  /// of its own first marker, so none is beyond the offset of a marker that names it.
  public mutating func see(_ marker: EpochMarker, at offset: Int64) -> Bool {
    see(marker.epoch < 0 ? offset : marker.epoch, newest: offset)
  }

  /// Takes note of a marker on a further topic, which names an epoch of the first; `newest` is the newest that can have begun there.
  /// False for one that cannot be.
  public mutating func see(_ marker: EpochMarker, notAbove newest: Int64) -> Bool { see(marker.epoch, newest: newest) }

  private mutating func see(_ epoch: Int64, newest: Int64) -> Bool {
    guard epoch >= 0, epoch <= newest else { return false }
    guard epoch >= self.epoch else { return true }
    self.epoch = epoch
    isBlind = false
    return true
  }

  /// Whose a record is that carries this epoch.
  public func writer(of epoch: Int64?) -> Writer {
    guard let epoch, epoch >= 0 else { return .stranger }
    if epoch < self.epoch { return .former }
    return epoch == self.epoch || isBlind ? .owner : .stranger
  }
}

extension RecordError {
  /// Only a partition's owner writes such a record, and none has written this one.
  public static let stranger = RecordError(.unfenced, "The record does not carry the epoch of its partition's owner.")
  /// No owner has written this marker.
  public static let impossibleMarker = RecordError(.unfenced, "The marker names an epoch that cannot have begun.")
}
