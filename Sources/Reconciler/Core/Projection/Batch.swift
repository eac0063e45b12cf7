import Wire

/// Records of several inputs that become one transaction: what they change, and where that leaves each input.
public struct Batch: Sendable {
  /// A record that changes rows.
  public struct Change: Hashable, Sendable {
    /// Where the record lies.
    public var place: LogPlace
    /// Its bytes as they were written.
    public var record: [UInt8]
    /// What it changes.
    public var change: RowChange
  }

  /// A record that nobody can read.
  public struct Unreadable: Equatable, Sendable {
    /// The record.
    public var record: LogRecord
    /// Why.
    public var error: RecordError
  }

  /// Each input as it was before the first record and as it is after the last.
  public struct Advance: Hashable, Sendable {
    /// As the database still has it.
    public var before: InputState
    /// As the transaction leaves it.
    public var after: InputState
  }

  /// In the order in which the records came.
  public private(set) var changes: [Change] = []
  /// To be put among the dead letters.
  public private(set) var unreadable: [Unreadable] = []
  /// Records of former owners.
  public private(set) var fencedCount = 0
  /// Records that were read before.
  public private(set) var repeatedCount = 0
  /// The inputs that the records came from, in the order of their first records.
  public private(set) var advances: [Advance] = []

  /// An empty batch.
  public init() {}

  /// True when there is nothing to store, not even an offset.
  public var isEmpty: Bool { advances.isEmpty }

  /// Takes a record of the input whose state, as the database has it, is `stored`.
  public mutating func add(_ record: LogRecord, stored: InputState) {
    let index =
      advances.firstIndex { $0.before.topic == stored.topic && $0.before.partition == stored.partition } ?? advances.count
    if index == advances.count { advances.append(Advance(before: stored, after: stored)) }
    switch advances[index].after.apply(record) {
    case .change(let change): changes.append(Change(place: record.place, record: record.value ?? [], change: change))
    case .unreadable(let error): unreadable.append(Unreadable(record: record, error: error))
    case .fenced: fencedCount += 1
    case .repeated: repeatedCount += 1
    case .nothing: break
    }
    if advances[index].after == advances[index].before { advances.remove(at: index) }
  }

  /// The same batch without its changes: what is left to store when a single change cannot be stored for its own fault.
  public func skippingChanges() -> Batch {
    var batch = self
    batch.changes = []
    return batch
  }
}
