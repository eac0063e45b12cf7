import Domain
import Wire

/// The client order ids of an account that were decided lately, with a hash of what they asked for. The horizon: 24 hours and the last
/// 10,000 ids.
struct RecentIdentifiers: Sendable {
  /// One decided id.
  struct Entry: Hashable, Sendable {
    let id: UInt64
    let content: UInt64
    let time: Timestamp
    /// 0 for an approval, else the code of the rejection.
    let code: Int16
  }

  static let horizon = Interval.day
  static let capacity = 10_000

  private var entries = Queue<Entry>()
  /// The number of the newest entry of each id.
  private var byID = HashIndex()

  init() {}

  /// The decision on this id, if it is within the horizon at `now`.
  func find(_ id: UInt64, now: Timestamp) -> Entry? {
    guard let number = number(of: id), now - entries[number: number].time < Self.horizon else { return nil }
    return entries[number: number]
  }

  /// Remembers a decision and forgets what lies beyond the horizon.
  mutating func insert(_ entry: Entry) {
    while let oldest = entries.first, entries.count >= Self.capacity || entry.time - oldest.time >= Self.horizon {
      byID.remove(oldest.id, Self.position(of: entries.firstNumber))
      _ = entries.popFirst()
    }
    let number = entries.firstNumber + entries.count
    entries.append(entry)
    byID.set(entry.id, Self.position(of: number)) { [entries] in entries[number: Self.number(at: $0, in: entries)].id == entry.id
    }
  }

  private func number(of id: UInt64) -> Int? {
    let position = byID.find(id) { entries[number: Self.number(at: $0, in: entries)].id == id }
    return position.map { Self.number(at: $0, in: entries) }
  }

  /// Numbers grow for ever; what is kept is told apart by their lowest bits.
  private static func position(of number: Int) -> Int { number & 0xFF_FFFF }

  private static func number(at position: Int, in entries: Queue<Entry>) -> Int {
    entries.firstNumber + ((position - entries.firstNumber) & 0xFF_FFFF)
  }

  /// 26 bytes an entry, in base64.
  var text: String {
    let bytes = [UInt8](unsafeUninitializedCapacity: entries.count * 26) { room, count in
      let room = UnsafeMutableRawBufferPointer(room)
      for entry in entries.sorted(by: { ($0.time, $0.id) < ($1.time, $1.id) }) {
        room.storeBytes(of: entry.id.bigEndian, toByteOffset: count, as: UInt64.self)
        room.storeBytes(of: entry.content.bigEndian, toByteOffset: count + 8, as: UInt64.self)
        room.storeBytes(of: entry.time.nanoseconds.bigEndian, toByteOffset: count + 16, as: Int64.self)
        room.storeBytes(of: entry.code.bigEndian, toByteOffset: count + 24, as: Int16.self)
        count += 26
      }
    }
    return Base64.encode(bytes)
  }

  /// Reads what `text` wrote.
  init(text: String) throws(RecordError) {
    guard let bytes = Base64.decode(text), bytes.count.isMultiple(of: 26) else {
      throw RecordError(.malformed, "The field identifiers is not a list of entries.")
    }
    for start in stride(from: 0, to: bytes.count, by: 26) {
      let words = (0..<3).map { word in
        bytes[(start + 8 * word)..<(start + 8 * word + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      }
      insert(
        Entry(
          id: words[0], content: words[1], time: Timestamp(nanoseconds: Int64(bitPattern: words[2])),
          code: Int16(bytes[start + 24]) << 8 | Int16(bytes[start + 25])))
    }
  }
}
