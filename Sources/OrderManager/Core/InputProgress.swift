/// Which input records are done. What may be committed is the offset before which all are.
struct InputProgress: Sendable {
  /// A record under way, and how many things it waits for.
  private struct Record {
    let offset: Int64
    var holds = 1
  }

  /// By offset, ascending.
  private var underWay: [Record] = []
  /// The offset after the last one begun.
  private(set) var next: Int64
  /// Everything below is committed or may be.
  private(set) var done: Int64

  init(next: Int64) {
    self.next = next
    done = next
  }

  /// Takes on a record; false when it was taken on before. It waits for one `finish`.
  mutating func begin(_ offset: Int64) -> Bool {
    guard offset >= next else { return false }
    underWay.append(Record(offset: offset))
    next = offset + 1
    return true
  }

  /// The record waits for one more `finish`.
  mutating func hold(_ offset: Int64) {
    if let index = index(of: offset) { underWay[index].holds += 1 }
  }

  /// Marks one of the things that a record waits for as done; the offset to commit when that has grown.
  mutating func finish(_ offset: Int64) -> Int64? {
    guard let index = index(of: offset) else { return nil }
    underWay[index].holds -= 1
    guard underWay[index].holds == 0 else { return nil }
    underWay.remove(at: index)
    let done = underWay.first?.offset ?? next
    guard done > self.done else { return nil }
    self.done = done
    return done
  }

  private func index(of offset: Int64) -> Int? {
    var low = 0
    var high = underWay.count
    while low < high {
      let middle = (low + high) / 2
      if underWay[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low < underWay.count && underWay[low].offset == offset ? low : nil
  }
}
