/// Cuts a client's byte stream into requests (RFC 9112), strictly: whatever two parsers could read differently is refused.
/// Pure; path and query come out exactly as they went in.
struct HTTPRequestParser {
  /// One request as parsed.
  struct Request: Equatable {
    var method: HTTPMethod
    var path: String
    var rawQuery: String?
    var headers: HTTPHeaders
    var body: [UInt8]
    var keepsAlive: Bool
  }

  /// What the bytes so far amount to.
  enum Step: Equatable {
    /// Not yet a whole request.
    case needsMore
    /// The client waits for `100 Continue` before it sends its body. Said once a request.
    case expectsContinue
    /// A whole request; bytes after it stay for the next call.
    case request(Request)
    /// Not a request that is served: answer with this status and close.
    case refused(status: Int)
  }

  private struct Refusal: Error {
    let status: Int
  }

  private enum Phase {
    case head
    case body(Request, byteCount: Int)
    case chunks(Request, ChunkedBody)
    case refused(status: Int)
  }

  private let maxHeadBytes: Int
  private let maxBodyBytes: Int
  private var buffer: [UInt8] = []
  /// Where the search for the end of the head goes on.
  private var scanned = 0
  private var phase = Phase.head

  init(maxHeadBytes: Int, maxBodyBytes: Int) {
    self.maxHeadBytes = maxHeadBytes
    self.maxBodyBytes = maxBodyBytes
  }

  /// Whether part of a request is there.
  var isInsideRequest: Bool {
    if case .head = phase { !buffer.isEmpty } else { true }
  }

  mutating func append(_ bytes: some Collection<UInt8>) {
    buffer.append(contentsOf: bytes)
  }

  /// Hands over what follows the last request, for the protocol that the connection switches to.
  mutating func takeRest() -> [UInt8] {
    defer { buffer = [] }
    return buffer
  }

  mutating func next() -> Step {
    do throws(Refusal) {
      switch phase {
      case .head: return try parseHead()
      case .body(let request, let byteCount): return takeBody(request, byteCount: byteCount)
      case .chunks(let request, let chunks): return try takeChunks(request, chunks)
      case .refused(let status): return .refused(status: status)
      }
    } catch {
      phase = .refused(status: error.status)
      return .refused(status: error.status)
    }
  }

  // MARK: Head

  private mutating func parseHead() throws(Refusal) -> Step {
    // An empty line before a request is ignored (RFC 9112 §2.2).
    while buffer.starts(with: [0x0d, 0x0a]) {
      buffer.removeFirst(2)
      scanned = 0
    }
    guard let end = endOfHead() else {
      if buffer.count > maxHeadBytes { throw Refusal(status: 431) }
      return .needsMore
    }
    guard end + 4 <= maxHeadBytes else { throw Refusal(status: 431) }
    let (request, framing) = try Self.request(from: buffer[..<end])
    buffer.removeFirst(end + 4)
    scanned = 0
    switch framing {
    case .length(let byteCount):
      guard byteCount <= maxBodyBytes else { throw Refusal(status: 413) }
      phase = .body(request, byteCount: byteCount)
      if byteCount > buffer.count, request.headers["expect"]?.lowercased() == "100-continue" { return .expectsContinue }
    case .chunked:
      phase = .chunks(request, ChunkedBody(maxBytes: maxBodyBytes))
      if buffer.isEmpty, request.headers["expect"]?.lowercased() == "100-continue" { return .expectsContinue }
    }
    return next()
  }

  private mutating func endOfHead() -> Int? {
    var index = max(0, scanned - 3)
    while index + 3 < buffer.count {
      if buffer[index + 3] > 0x0d {
        index += 4
      } else if buffer[index] == 0x0d, buffer[index + 1] == 0x0a, buffer[index + 2] == 0x0d, buffer[index + 3] == 0x0a {
        return index
      } else {
        index += 1
      }
    }
    scanned = buffer.count
    return nil
  }

  private enum Framing {
    case length(Int)
    case chunked
  }

  private static func request(from head: ArraySlice<UInt8>) throws(Refusal) -> (Request, Framing) {
    let lines = try lines(of: head)
    let (method, path, rawQuery, isVersion11) = try requestLine(lines[0])
    var headers = HTTPHeaders()
    for line in lines.dropFirst() { try appendField(line, to: &headers) }
    guard headers.all("host").count == 1 || (!isVersion11 && headers["host"] == nil) else { throw Refusal(status: 400) }
    let connection = listed(headers, "connection")
    let keepsAlive = isVersion11 ? !connection.contains("close") : connection.contains("keep-alive")
    let request = Request(
      method: method, path: path, rawQuery: rawQuery, headers: headers, body: [], keepsAlive: keepsAlive)
    return (request, try framing(of: headers))
  }

  /// The lines between CRLFs; a lone CR or LF belongs to no line.
  private static func lines(of head: ArraySlice<UInt8>) throws(Refusal) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    for part in head.split(separator: 0x0a, omittingEmptySubsequences: false) {
      let isLast = part.endIndex == head.endIndex
      guard isLast || part.last == 0x0d else { throw Refusal(status: 400) }
      let line = isLast ? part : part.dropLast()
      guard !line.contains(0x0d) else { throw Refusal(status: 400) }
      lines.append(line)
    }
    return lines
  }

  private static func requestLine(_ line: ArraySlice<UInt8>) throws(Refusal) -> (HTTPMethod, String, String?, Bool) {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(isTokenByte) else { throw Refusal(status: 400) }
    let isVersion11: Bool
    switch String(decoding: parts[2], as: UTF8.self) {
    case "HTTP/1.1": isVersion11 = true
    case "HTTP/1.0": isVersion11 = false
    case let version where version.hasPrefix("HTTP/"): throw Refusal(status: 505)
    default: throw Refusal(status: 400)
    }
    guard let method = HTTPMethod(rawValue: String(decoding: parts[0], as: UTF8.self)) else { throw Refusal(status: 501) }
    let target = parts[1]
    // Raw UTF-8 is let through, although RFC 3986 asks for it to be encoded: clients send it, and signatures cover it.
    guard target.first == UInt8(ascii: "/"), target.allSatisfy({ $0 > 0x20 && $0 != 0x7f }),
      let text = String(validating: target, as: UTF8.self)
    else { throw Refusal(status: 400) }
    let pieces = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return (method, String(pieces[0]), pieces.count == 2 ? String(pieces[1]) : nil, isVersion11)
  }

  private static func appendField(_ line: ArraySlice<UInt8>, to headers: inout HTTPHeaders) throws(Refusal) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw Refusal(status: 400) }
    let name = line[..<colon]
    guard !name.isEmpty, name.allSatisfy(isTokenByte) else { throw Refusal(status: 400) }
    let value = trimmed(line[(colon + 1)...])
    guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else { throw Refusal(status: 400) }
    headers.append(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
  }

  private static func framing(of headers: HTTPHeaders) throws(Refusal) -> Framing {
    let lengths = headers.all("content-length")
    let codings = headers.all("transfer-encoding")
    guard codings.isEmpty else {
      // Both at once is how requests are smuggled past another parser (RFC 9112 §6.3).
      guard lengths.isEmpty else { throw Refusal(status: 400) }
      guard codings.count == 1, codings[0].lowercased() == "chunked" else { throw Refusal(status: 501) }
      return .chunked
    }
    guard let first = lengths.first else { return .length(0) }
    guard lengths.allSatisfy({ $0 == first }), !first.isEmpty, first.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw Refusal(status: 400)
    }
    guard first.utf8.count <= 18, let byteCount = Int(first) else { throw Refusal(status: 413) }
    return .length(byteCount)
  }

  // MARK: Body

  private mutating func takeBody(_ request: Request, byteCount: Int) -> Step {
    guard buffer.count >= byteCount else { return .needsMore }
    var request = request
    request.body = Array(buffer.prefix(byteCount))
    buffer.removeFirst(byteCount)
    phase = .head
    return .request(request)
  }

  private mutating func takeChunks(_ request: Request, _ chunks: ChunkedBody) throws(Refusal) -> Step {
    var chunks = chunks
    phase = .head
    switch chunks.consume(&buffer) {
    case .needsMore:
      phase = .chunks(request, chunks)
      return .needsMore
    case .tooLarge: throw Refusal(status: 413)
    case .malformed: throw Refusal(status: 400)
    case .complete:
      var request = request
      request.body = chunks.body
      return .request(request)
    }
  }
}

/// The lowercase members of a comma-separated field.
func listed(_ headers: HTTPHeaders, _ name: String) -> [String] {
  headers.all(name).flatMap { $0.split(separator: ",") }.map { member in
    String(decoding: trimmed(member.utf8), as: UTF8.self).lowercased()
  }
}

/// The bytes without the blanks and line ends around them.
func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
  func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }
  var slice = bytes.drop(while: isBlank)
  while let last = slice.last, isBlank(last) { slice.removeLast() }
  return slice
}
