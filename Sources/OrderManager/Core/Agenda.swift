import Domain

/// What is to be done when: a binary heap, ties in the order of adding.
struct Agenda: Sendable {
  /// What is to be done.
  enum Item: Sendable {
    case place(ChildRef)
    case cancel(ChildRef)
    case inquire(ChildRef)
    case fetchFills(ChildRef)
    /// An order that no venue could take may find one.
    case plan(OrderKey)
    /// The approval of the new leg of a replace runs out.
    case lapse(OrderKey)
  }

  private struct Entry: Sendable {
    var time: Timestamp
    var number: UInt64
    var item: Item

    func precedes(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }

  private var heap: [Entry] = []
  private var count: UInt64 = 0

  /// When the first item is due.
  var nextTime: Timestamp? { heap.first?.time }

  mutating func add(_ item: Item, at time: Timestamp) {
    count += 1
    heap.append(Entry(time: time, number: count, item: item))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].precedes(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// The first item, when it is due.
  mutating func takeDue(at now: Timestamp) -> Item? {
    guard let first = heap.first, first.time <= now else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first.item }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      guard least != parent else { return first.item }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
