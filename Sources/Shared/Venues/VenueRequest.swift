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
  public var body: String
  /// What the venue's rate limit counts it as.
  public var weight: Int64

  /// A request as it goes out.
  public init(
    method: Method, purpose: Purpose, path: String, query: String = "", headers: [Header] = [], body: String = "",
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

/// `name=value&…` in the order of appending, percent-encoded (RFC 3986: everything but `A-Z a-z 0-9 - . _ ~`).
public struct FormParameters: Sendable, Hashable {
  /// The encoded text so far.
  public private(set) var text = ""

  /// No parameters.
  public init() {}

  /// The parameters in the order given.
  public init(_ parameters: [(String, String)]) {
    for (name, value) in parameters { append(name, value) }
  }

  /// Adds a parameter behind the others.
  public mutating func append(_ name: String, _ value: String) {
    if !text.isEmpty { text += "&" }
    Self.encode(name, to: &text)
    text += "="
    Self.encode(value, to: &text)
  }

  private static let digits = Array("0123456789ABCDEF".unicodeScalars)

  private static func encode(_ raw: String, to text: inout String) {
    // Nearly everything that venues are told.
    guard !raw.utf8.allSatisfy(isUnreserved) else { return text += raw }
    for byte in raw.utf8 {
      if isUnreserved(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text.unicodeScalars.append("%")
        text.unicodeScalars.append(digits[Int(byte >> 4)])
        text.unicodeScalars.append(digits[Int(byte & 15)])
      }
    }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
