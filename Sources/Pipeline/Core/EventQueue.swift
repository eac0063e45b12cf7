import Domain

/// What is to happen when, earliest first; at the same instant in the order in which it was added.
struct EventQueue {
  private struct Entry {
    let time: Timestamp
    let number: UInt64
    let action: () -> Void

    func isBefore(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }

  private var heap: [Entry] = []
  private var lastNumber: UInt64 = 0

  var nextTime: Timestamp? { heap.first?.time }

  mutating func add(at time: Timestamp, _ action: @escaping () -> Void) {
    lastNumber += 1
    heap.append(Entry(time: time, number: lastNumber, action: action))
    var index = heap.count - 1
    while index > 0, heap[index].isBefore(heap[(index - 1) / 2]) {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func take() -> (time: Timestamp, action: () -> Void)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return (first.time, first.action) }
    heap[0] = last
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].isBefore(heap[least]) { least = child }
      guard least != index else { return (first.time, first.action) }
      heap.swapAt(index, least)
      index = least
    }
  }
}
