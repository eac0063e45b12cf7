import Crypto
import Domain
import Wire

/// A 64-bit hash that is the same in every run. Not a cryptographic one: whoever makes two of his own orders collide is answered that
/// the second is a repetition of the first.
struct StableHash {
  private(set) var value: UInt64 = 0x243F_6A88_85A3_08D3

  @inline(__always)
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
    // Lent, not copied: a copy counts references.
    let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { combine(UnsafeRawBufferPointer($0)) }
    if isDone == nil { combine(String(decoding: text.utf8, as: UTF8.self)) }
  }

  /// What `combine` makes of the same text; the compiler knows its words.
  @inline(__always)
  mutating func combine(_ token: StaticString) {
    combine(UnsafeRawBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount))
  }

  /// Eight bytes at a time, the first of them the highest; then what is left, and the length.
  @inline(__always)
  private mutating func combine(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    while bytes.count - position >= 8 {
      combine(UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
      position += 8
    }
    var word: UInt64 = 0
    if bytes.count & 4 != 0 {
      word = UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
      position += 4
    }
    if bytes.count & 2 != 0 {
      word = word << 16 | UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt16.self)))
      position += 2
    }
    if bytes.count & 1 != 0 { word = word << 8 | UInt64(bytes[position]) }
    combine(word)
    combine(UInt64(bytes.count))
  }
}

/// What things are found by.
protocol StableKey: Equatable, Sendable {
  /// The same in every run; different for nearly all that differs.
  var stableHash: UInt64 { get }
}

extension Int: StableKey {
  var stableHash: UInt64 { UInt64(bitPattern: Int64(self)) }
}

extension String: StableKey {
  var stableHash: UInt64 {
    var hash = StableHash()
    hash.combine(self)
    return hash.value
  }
}

extension Identifier: StableKey {
  var stableHash: UInt64 { text.stableHash }
}

extension Symbol: StableKey {
  var stableHash: UInt64 {
    var hash = StableHash()
    hash.combine(base)
    hash.combine(quote)
    hash.combine(UInt64(isPerpetual ? 1 : 0))
    return hash.value
  }
}

extension Shared<OrderRequest> {
  /// A hash of everything that is asked for but the id: two requests with the same one are the same request.
  var contentHash: UInt64 {
    var hash = StableHash()
    hash.combine(self.action)
    hash.combine(self.venue.text)
    hash.combine(self.symbol.base)
    hash.combine(self.symbol.quote)
    hash.combine(self.side)
    hash.combine(self.type)
    hash.combine(self.quantity?.units)
    hash.combine(self.quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units) } ?? 0)
    hash.combine(self.quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units >> 64) } ?? .max)
    hash.combine(self.price?.units)
    hash.combine(self.timeInForce)
    hash.combine((self.symbol.isPerpetual ? 4 : 0) | (self.postOnly ? 2 : 0) | (self.reduceOnly ? 1 : UInt64(0)))
    hash.combine(self.expiresAt?.nanoseconds)
    hash.combine(self.strategy)
    for tag in self.tags { hash.combine(tag) }
    hash.combine(self.target?.text)
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

extension StableHash {
  /// By its raw value, like the others.
  fileprivate mutating func combine(_ action: OrderAction) {
    switch action {
    case .new: combine("new" as StaticString)
    case .cancel: combine("cancel" as StaticString)
    case .replace: combine("replace" as StaticString)
    case .cancelAll: combine("cancel_all" as StaticString)
    }
  }

  fileprivate mutating func combine(_ side: Side?) {
    switch side {
    case .buy: combine("buy" as StaticString)
    case .sell: combine("sell" as StaticString)
    case nil: combine(UInt64.max)
    }
  }

  fileprivate mutating func combine(_ type: OrderType) {
    switch type {
    case .market: combine("market" as StaticString)
    case .limit: combine("limit" as StaticString)
    }
  }

  fileprivate mutating func combine(_ timeInForce: TimeInForce) {
    switch timeInForce {
    case .gtc: combine("gtc" as StaticString)
    case .ioc: combine("ioc" as StaticString)
    case .fok: combine("fok" as StaticString)
    }
  }
}
