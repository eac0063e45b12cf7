import Runtime

/// Which partitions this replica owns, and up to which offset their executions are stored: what the projecting thread tells the
/// reconciling one.
final class Ownership: Sendable {
  private let stored = Monitor<[Int32: Int64]>([:])

  /// These partitions are ours; nothing of them has been stored by us yet.
  func take(_ partitions: [Int32]) {
    stored.withLock(waking: true) { $0 = Dictionary(uniqueKeysWithValues: partitions.map { ($0, -1) }) }
  }

  /// The executions below `offset` are in the database.
  func set(_ partition: Int32, storedUpTo offset: Int64) {
    stored.withLock(waking: true) { if $0[partition] != nil { $0[partition] = offset } }
  }

  func owns(_ partition: Int32) -> Bool { stored.withLock { $0[partition] != nil } }

  /// Waits until the executions below `offset` are in the database, stored by this replica; false when they are not in time.
  func waitUntilStored(_ partition: Int32, upTo offset: Int64, timeoutMilliseconds: Int) -> Bool {
    let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
    return stored.wait(until: deadline) { ($0[partition] ?? -1) >= offset ? true : nil } ?? false
  }
}
