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

  /// What `combine` makes of the same text.
  mutating func combine(_ token: StaticString) {
    combine(UnsafeRawBufferPointer(start: token.utf8Start, count: token.utf8CodeUnitCount))
  }

  /// Eight bytes at a time, the first of them the highest; then what is left, and the length.
  private mutating func combine(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    while bytes.count - position >= 8 {
      combine(UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
      position += 8
    }
    var word: UInt64 = 0
    for byte in bytes[position...] { word = word << 8 | UInt64(byte) }
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

extension OrderRequest {
  /// A hash of everything that is asked for but the id: two requests with the same one are the same request.
  var contentHash: UInt64 {
    var hash = StableHash()
    hash.combine(action.token)
    hash.combine(venue.text)
    hash.combine(symbol.base)
    hash.combine(symbol.quote)
    if let side { hash.combine(side == .buy ? "buy" as StaticString : "sell") } else { hash.combine(UInt64.max) }
    hash.combine(type == .market ? "market" as StaticString : "limit")
    hash.combine(quantity?.units)
    hash.combine(quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units) } ?? 0)
    hash.combine(quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units >> 64) } ?? .max)
    hash.combine(price?.units)
    hash.combine(timeInForce.token)
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

extension OrderAction {
  /// The raw value, without a string.
  fileprivate var token: StaticString {
    switch self {
    case .new: "new"
    case .cancel: "cancel"
    case .replace: "replace"
    case .cancelAll: "cancel_all"
    }
  }
}

extension TimeInForce {
  /// The raw value, without a string.
  fileprivate var token: StaticString {
    switch self {
    case .gtc: "gtc"
    case .ioc: "ioc"
    case .fok: "fok"
    }
  }
}
