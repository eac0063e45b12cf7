/// Which records of an input partition are done: those below `committable`, all of whose outcomes the log has. Records begin in the order
/// of their offsets and are done in any order.
public struct InputProgress: Sendable {
  private struct Entry: Sendable {
    let offset: Int64
    /// Outcomes that are still awaited, the decision itself among them.
    var open: Int
  }

  /// Records under way, ascending, from `head` on.
  private var entries: [Entry] = []
  private var head = 0
  /// The offset after the last record begun.
  public private(set) var next: Int64

  /// Everything below `offset` is done.
  public init(from offset: Int64) { next = offset }

  /// The offset to commit: everything below it is done.
  public var committable: Int64 { head < entries.count ? entries[head].offset : next }

  /// Takes a record on; false when it was taken on before.
  public mutating func begin(_ offset: Int64) -> Bool {
    guard offset >= next else { return false }
    entries.append(Entry(offset: offset, open: 1))
    next = offset + 1
    return true
  }

  /// One more outcome of a record is awaited.
  public mutating func add(_ offset: Int64) {
    if let index = index(of: offset) { entries[index].open += 1 }
  }

  /// An outcome of a record is in the log, or its decision is made.
  public mutating func finish(_ offset: Int64) {
    guard let index = index(of: offset) else { return }
    guard entries[index].open == 1 else { return entries[index].open -= 1 }
    // Most records are done nearly in order: moving those before it is cheaper than moving those behind.
    for later in stride(from: index, to: head, by: -1) { entries[later] = entries[later - 1] }
    head += 1
    if head > 1_024, head > entries.count / 2 {
      entries.removeFirst(head)
      head = 0
    }
  }

  private func index(of offset: Int64) -> Int? {
    var (low, high) = (head, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].offset == offset ? low : nil
  }
}
