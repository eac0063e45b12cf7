/// The positions of things, found by a 64-bit hash of their keys that is computed once. Whoever asks compares the keys themselves, so that
/// two keys with one hash cost time and nothing else. Nobody walks it.
struct HashIndex: Sendable {
  /// Eight bytes, so that a search seldom leaves a line of the cache.
  private struct Slot: Sendable {
    /// Half of the hash, of which the upper bits say where the slot should be.
    var mark: UInt32
    /// Negative in a free slot.
    var position: Int32

    static var free: Slot { Slot(mark: 0, position: -1) }
  }

  private var slots = [Slot](repeating: .free, count: 8)
  /// The bits of a mark that are not used for the place.
  private var shift: UInt32 = 29
  private var count = 0

  /// The position under this hash for which `matches` is true.
  @inline(__always)
  func find(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
    place(of: Self.mark(hash), where: matches).map { Int(slots[$0].position) }
  }

  /// Puts a position in the place of the one that matches, or beside the others.
  @inline(__always)
  mutating func set(_ hash: UInt64, _ position: Int, replacing matches: (Int) -> Bool) {
    if let place = place(of: Self.mark(hash), where: matches) {
      slots[place].position = Int32(position)
    } else {
      insert(hash, position)
    }
  }

  /// Adds a position whose key is new.
  mutating func insert(_ hash: UInt64, _ position: Int) {
    // A third of the slots stays free, so that searches end soon.
    if (count + 1) * 3 > slots.count * 2 { grow() }
    count += 1
    let mark = Self.mark(hash)
    slots[freePlace(for: mark)] = Slot(mark: mark, position: Int32(position))
  }

  /// Takes a position away, if it is there.
  mutating func remove(_ hash: UInt64, _ position: Int) {
    guard var gap = place(of: Self.mark(hash), where: { $0 == position }) else { return }
    count -= 1
    slots[gap] = .free
    // Whatever would not be found across the gap moves into it.
    var next = following(gap)
    while slots[next].position >= 0 {
      let home = home(of: slots[next].mark)
      if distance(from: home, to: next) >= distance(from: gap, to: next) {
        slots[gap] = slots[next]
        slots[next] = .free
        gap = next
      }
      next = following(next)
    }
  }

  @inline(__always)
  private func place(of mark: UInt32, where matches: (Int) -> Bool) -> Int? {
    slots.withUnsafeBufferPointer { slots in
      var place = home(of: mark)
      while slots[place].position >= 0 {
        if slots[place].mark == mark, matches(Int(slots[place].position)) { return place }
        place = (place + 1) & (slots.count - 1)
      }
      return nil
    }
  }

  /// By so much at once that it is seldom: all that is in it finds another place.
  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: .free, count: 4 * old.count)
    shift -= 2
    for slot in old where slot.position >= 0 { slots[freePlace(for: slot.mark)] = slot }
  }

  private func freePlace(for mark: UInt32) -> Int {
    var place = home(of: mark)
    while slots[place].position >= 0 { place = following(place) }
    return place
  }

  /// The upper half of a product: keys that differ only in their upper or lower bits spread, too.
  @inline(__always)
  private static func mark(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) >> 32) }

  @inline(__always)
  private func home(of mark: UInt32) -> Int { Int(truncatingIfNeeded: mark >> shift) }

  private func following(_ place: Int) -> Int { (place + 1) & (slots.count - 1) }

  private func distance(from start: Int, to end: Int) -> Int { (end - start) & (slots.count - 1) }
}
