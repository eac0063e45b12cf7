/// Decides for one partition whether a record still counts: after a newer owner's marker, a stalled former owner's records do not.
///
/// The owner of a partition first appends a marker whose `epoch` is -1; the offset at which the broker stores it becomes the epoch, so
/// that epochs only grow, without a clock. On further output topics the same owner appends markers that name that epoch. Every record
/// then carries its writer's epoch in a header.
public struct EpochFence: Hashable, Sendable {
  /// The newest epoch seen; -1 before the first marker.
  public private(set) var epoch: Int64 = -1

  /// A fence that has seen nothing.
  public init() {}

  /// A fence restored at a known epoch.
  public init(epoch: Int64) { self.epoch = epoch }

  /// Takes note of a marker stored at `offset`.
  public mutating func see(_ marker: EpochMarker, at offset: Int64) {
    epoch = max(epoch, marker.epoch >= 0 ? marker.epoch : offset)
  }

  /// True when a record of `writerEpoch` counts. A record without an epoch is not fenced: it comes from a program that owns no
  /// partition.
  public func admits(_ writerEpoch: Int64?) -> Bool {
    guard let writerEpoch else { return true }
    return writerEpoch >= epoch
  }
}
