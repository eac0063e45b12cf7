import Crypto
import Domain

/// One HTTP request to a venue, ready to send. The bytes that were signed are the bytes in here: whoever sends it adds nothing to the
/// path, the query or the body.
public struct VenueRequest: Sendable, Hashable {
  /// The HTTP method.
  public enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
    case delete = "DELETE"
  }

  /// What the request is for. Decides how its outcome is classified and what goes first when the rate budget is short.
  public enum Purpose: String, CaseIterable, Sendable {
    /// Sends an order: its effect must never be guessed.
    case placeOrder
    /// Ends orders: may be repeated, yet what it did must be asked for when the answer is lost.
    case cancelOrder
    /// Asks about orders, fills or balances: free to repeat.
    case query
    /// Asks for public data: free to repeat.
    case marketData

    /// True when a lost answer leaves the account's state in doubt.
    public var changesState: Bool { self == .placeOrder || self == .cancelOrder }
  }

  /// One header field.
  public struct Header: Sendable, Hashable {
    /// The name as the venue writes it.
    public var name: String
    /// The value.
    public var value: String

    /// A header field.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The HTTP method.
  public var method: Method
  /// What it is for.
  public var purpose: Purpose
  /// From `/` up to the query, percent-encoded.
  public var path: String
  /// Behind the `?`, percent-encoded; empty for none.
  public var query: String
  /// The header fields that the venue asks for, in order.
  public var headers: [Header]
  /// The body; empty for none.
  public var body: [UInt8]
  /// What the venue's rate limit counts it as.
  public var weight: Int64

  /// A request as it goes out.
  public init(
    method: Method, purpose: Purpose, path: String, query: String = "", headers: [Header] = [], body: [UInt8] = [],
    weight: Int64 = 1
  ) {
    self.method = method
    self.purpose = purpose
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.weight = weight
  }

  /// Path and query: what follows the venue's base address.
  public var target: String { query.isEmpty ? path : "\(path)?\(query)" }
}

/// `name=value&…` in the order of appending, percent-encoded (RFC 3986: everything but `A-Z a-z 0-9 - . _ ~`). Bytes, written once: they
/// are signed and sent as they lie.
public struct FormParameters: Sendable, Hashable {
  /// The encoded form so far.
  public private(set) var bytes: [UInt8] = []

  /// No parameters.
  public init() { bytes.reserveCapacity(384) }

  /// The parameters in the order given.
  public init(_ parameters: [(String, String)]) {
    self.init()
    for (name, value) in parameters {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
      Self.encoding(name) { room, write in bytes.append(atMost: room, write) }
      bytes.append(UInt8(ascii: "="))
      Self.encoding(value) { room, write in bytes.append(atMost: room, write) }
    }
  }

  /// The encoded form so far.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Adds a parameter behind the others; its name needs no encoding.
  public mutating func append(_ name: StaticString, _ value: String) {
    Self.encoding(value) { room, write in append(name, atMost: room, write) }
  }

  /// Adds a word that needs no encoding either.
  mutating func append(_ name: StaticString, word: StaticString) {
    append(name, atMost: word.utf8CodeUnitCount) { start in
      var end = start
      end.write(word)
      return end
    }
  }

  /// Adds text that is known to need none.
  mutating func append(_ name: StaticString, plain text: String) {
    var text = text
    text.withUTF8 { utf8 in
      append(name, atMost: utf8.count) { start in
        var end = start
        if let first = utf8.baseAddress { end.write(from: first, count: utf8.count) }
        return end
      }
    }
  }

  /// Adds a whole number.
  public mutating func append(_ name: StaticString, _ number: Int64) {
    append(name, atMost: DecimalText.maximumCount) { DecimalText.write(Int128(number), scale: 0, to: $0) }
  }

  /// Adds an exact decimal.
  public mutating func append<Value: FixedPoint>(_ name: StaticString, _ decimal: Value) {
    append(name, atMost: DecimalText.maximumCount) {
      DecimalText.write(Int128(decimal.units), scale: Value.scale, to: $0)
    }
  }

  /// Adds a signature in hexadecimal digits.
  mutating func append(_ name: StaticString, _ signature: Digest256) {
    append(name, atMost: 2 * Digest256.byteCount) { signature.writeHex(to: $0) }
  }

  private typealias Write = (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>

  @inline(__always)
  private mutating func append(_ name: StaticString, atMost room: Int, _ write: Write) {
    let isFirst = bytes.isEmpty
    bytes.append(atMost: name.utf8CodeUnitCount + 2 + room) { start in
      var end = start
      if !isFirst { end.write(UInt8(ascii: "&")) }
      end.write(name)
      end.write(UInt8(ascii: "="))
      return write(end)
    }
  }

  /// Hands on how much room a text needs at most, and what writes it.
  private static func encoding(_ text: String, _ body: (Int, Write) -> Void) {
    var text = text
    text.withUTF8 { utf8 in
      body(3 * utf8.count) { start in
        var end = start
        // Nearly everything that venues are told.
        if utf8.allAre(.unreserved), let first = utf8.baseAddress {
          end.write(from: first, count: utf8.count)
          return end
        }
        for byte in utf8 {
          if ByteSet.unreserved.contains(byte) {
            end.write(byte)
          } else {
            end.write(UInt8(ascii: "%"))
            end.write(digit(byte >> 4))
            end.write(digit(byte & 15))
          }
        }
        return end
      }
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 { value &+ (value > 9 ? UInt8(ascii: "A") &- 10 : UInt8(ascii: "0")) }
}
