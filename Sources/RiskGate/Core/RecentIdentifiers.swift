import Crypto
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
  private var byID: [UInt64: Entry] = [:]

  init() {}

  /// The decision on this id, if it is within the horizon at `now`.
  func find(_ id: UInt64, now: Timestamp) -> Entry? {
    guard let entry = byID[id], now - entry.time < Self.horizon else { return nil }
    return entry
  }

  /// Remembers a decision and forgets what lies beyond the horizon.
  mutating func insert(_ entry: Entry) {
    while let oldest = entries.first, entries.count >= Self.capacity || entry.time - oldest.time >= Self.horizon {
      _ = entries.popFirst()
      if byID[oldest.id] == oldest { byID[oldest.id] = nil }
    }
    entries.append(entry)
    byID[entry.id] = entry
  }

  /// 26 bytes an entry, in base64.
  var text: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entries.count * 26)
    for entry in entries.sorted(by: { ($0.time, $0.id) < ($1.time, $1.id) }) {
      append(entry.id, to: &bytes)
      append(entry.content, to: &bytes)
      append(UInt64(bitPattern: entry.time.nanoseconds), to: &bytes)
      bytes.append(UInt8(truncatingIfNeeded: entry.code >> 8))
      bytes.append(UInt8(truncatingIfNeeded: entry.code))
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

  private func append(_ word: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
  }
}

/// A 64-bit hash that is the same in every run. Not a cryptographic one: whoever makes two of his own orders collide is answered that
/// the second is a repetition of the first.
struct StableHash {
  private(set) var value: UInt64 = 0x243F_6A88_85A3_08D3

  mutating func combine(_ word: UInt64) {
    let product = (value ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    value = (product.high ^ product.low) &+ 0xD1B5_4A32_D192_ED03
  }

  mutating func combine(_ number: Int64?) {
    combine(number == nil ? 0 : 1)
    combine(UInt64(bitPattern: number ?? 0))
  }

  mutating func combine(_ text: String?) {
    guard let text else { return combine(UInt64.max) }
    var word: UInt64 = 0
    var count: UInt64 = 0
    for byte in text.utf8 {
      word = word << 8 | UInt64(byte)
      count += 1
      if count & 7 == 0 {
        combine(word)
        word = 0
      }
    }
    combine(word)
    combine(count)
  }
}

extension ClientOrderID {
  /// The key of the id among an account's recent ones.
  var stableHash: UInt64 {
    var hash = StableHash()
    hash.combine(text)
    return hash.value
  }
}

extension OrderRequest {
  /// A hash of everything that is asked for but the id: two requests with the same one are the same request.
  var contentHash: UInt64 {
    var hash = StableHash()
    hash.combine(action.rawValue)
    hash.combine(venue.text)
    hash.combine(symbol.base)
    hash.combine(symbol.quote)
    hash.combine(side?.rawValue)
    hash.combine(type.rawValue)
    hash.combine(quantity?.units)
    hash.combine(quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units) } ?? 0)
    hash.combine(quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units >> 64) } ?? .max)
    hash.combine(price?.units)
    hash.combine(timeInForce.rawValue)
    hash.combine((symbol.isPerpetual ? 4 : 0) | (postOnly ? 2 : 0) | (reduceOnly ? 1 : UInt64(0)))
    hash.combine(expiresAt?.nanoseconds)
    hash.combine(strategy)
    for tag in tags { hash.combine(tag) }
    hash.combine(target?.text)
    return hash.value
  }
}

extension ClientOrderID {
  /// The id of an order that named none: a hash of where the record lay first, the same whoever reads it and however often.
  static func derived(from source: RecordSource) -> ClientOrderID {
    derived(from: "\(source.topic)/\(source.partition)/\(source.offset)/\(source.timestamp)")
  }

  /// The id of something that `text` names uniquely.
  static func derived(from text: String) -> ClientOrderID {
    guard let id = ClientOrderID(SHA256.digest(of: text).base32Prefix(28)) else {
      preconditionFailure("base32 text is a legal identifier")
    }
    return id
  }
}
