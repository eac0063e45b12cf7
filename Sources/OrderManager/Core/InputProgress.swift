/// Which input records are done. What may be committed is the offset before which all are.
struct InputProgress: Sendable {
  /// Offsets under way, ascending.
  private var underWay: [Int64] = []
  /// The offset after the last one begun.
  private(set) var next: Int64
  /// Everything below is committed or may be.
  private(set) var done: Int64

  init(next: Int64) {
    self.next = next
    done = next
  }

  /// Takes on a record; false when it was taken on before.
  mutating func begin(_ offset: Int64) -> Bool {
    guard offset >= next else { return false }
    underWay.append(offset)
    next = offset + 1
    return true
  }

  /// Marks a record as done; the offset to commit when that has grown.
  mutating func finish(_ offset: Int64) -> Int64? {
    var low = 0
    var high = underWay.count
    while low < high {
      let middle = (low + high) / 2
      if underWay[middle] < offset { low = middle + 1 } else { high = middle }
    }
    guard low < underWay.count, underWay[low] == offset else { return nil }
    underWay.remove(at: low)
    let done = underWay.first ?? next
    guard done > self.done else { return nil }
    self.done = done
    return done
  }
}
