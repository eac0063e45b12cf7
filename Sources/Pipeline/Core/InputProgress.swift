/// Which records of an input are done: those below `committable`, whose outcomes the broker has.
struct InputProgress {
  private var open: [Int64: Int] = [:]
  private(set) var committable: Int64
  private var next: Int64

  init(from offset: Int64) {
    committable = offset
    next = offset
  }

  mutating func begin(_ offset: Int64) {
    open[offset] = 1
    next = offset + 1
  }

  mutating func add(_ offset: Int64) { open[offset, default: 0] += 1 }

  mutating func finish(_ offset: Int64) {
    guard let count = open[offset] else { return }
    open[offset] = count > 1 ? count - 1 : nil
    committable = open.keys.min() ?? next
  }
}
