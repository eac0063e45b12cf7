/// The methods that venues and our own servers use.
public enum HTTPMethod: String, Sendable, CaseIterable {
  /// Asks; has no body here.
  case get = "GET"
  /// Like `get`, answered without the body.
  case head = "HEAD"
  /// Sends a body.
  case post = "POST"
  /// Sends a body.
  case put = "PUT"
  /// Removes; may have a body.
  case delete = "DELETE"
}

/// Header fields in their order. Names are lowercase, and found whatever their case.
public struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// One header field.
  public struct Field: Sendable, Equatable {
    /// The lowercase name.
    public let name: String
    /// The value without surrounding white space.
    public let value: String
  }

  /// All fields, repeated names included, in the order they were added or received.
  public private(set) var fields: [Field] = []

  /// No fields.
  public init() {}

  /// Fields in the order of the literal.
  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { append(name, value) }
  }

  /// Adds a field after the others, also when the name is there already.
  public mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name.lowercased(), value: value))
  }

  /// The first value under this name; nil when there is none.
  public subscript(name: String) -> String? {
    let name = name.lowercased()
    return fields.first { $0.name == name }?.value
  }

  /// Every value under this name.
  public func all(_ name: String) -> [String] {
    let name = name.lowercased()
    return fields.filter { $0.name == name }.map(\.value)
  }

  /// Whether every name is a token and no value holds a control character (RFC 9110 §5): nothing can be smuggled in by a line break.
  var areWellFormed: Bool {
    fields.allSatisfy { field in
      !field.name.isEmpty && field.name.utf8.allSatisfy(isTokenByte)
        && field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }
  }
}

/// A request to a server, as `HTTPClient` sends it: the bytes of `url` and `body` go out exactly as they are given.
public struct HTTPRequest: Sendable {
  /// The method.
  public var method: HTTPMethod
  /// `http://` or `https://`, absolute, percent-encoded by the caller: printable, no white space, no user, no fragment.
  public var url: String
  /// The fields to send besides `host` and `content-length`, which the client writes itself.
  public var headers: HTTPHeaders
  /// The body; empty for none.
  public var body: [UInt8]
  /// From submission to the last byte of the answer.
  public var timeoutMilliseconds: Int
  /// The part of it within which a connection, TLS included, must stand.
  public var connectTimeoutMilliseconds: Int
  /// The last moment (nanoseconds of `monotonicNanoseconds()`) at which the first byte may leave; later the outcome is `notSent(.expired)`. Nil for no limit.
  public var sendDeadlineNanoseconds: Int64?

  /// A request with the usual limits.
  public init(
    _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: [UInt8] = [], timeoutMilliseconds: Int = 10_000,
    connectTimeoutMilliseconds: Int = 5_000, sendDeadlineNanoseconds: Int64? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeoutMilliseconds = timeoutMilliseconds
    self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
    self.sendDeadlineNanoseconds = sendDeadlineNanoseconds
  }
}

/// An answer: what `HTTPClient` received or what `HTTPServer` is to send.
public struct HTTPResponse: Sendable, Equatable {
  /// The status code, 100…599.
  public var status: Int
  /// The fields; a server adds `content-length` and `connection` itself.
  public var headers: HTTPHeaders
  /// The body.
  public var body: [UInt8]

  /// An answer put together by hand.
  public init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// An answer of JSON text.
  public static func json(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["content-type": "application/json"], body: Array(text.utf8))
  }

  /// An answer of plain text.
  public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: Array(text.utf8))
  }
}

/// Whether a byte may be part of a method or a header name (RFC 9110 §5.6.2).
func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
  default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }
}
