import Domain
import TestSupport
import Testing

@testable import Net

/// Streams cut at random places must be read as if they had come in one piece.
@Suite struct ParserTests {
  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func requestsAreTheSameWhereverTheStreamIsCut(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var stream: [UInt8] = []
      var expected: [HTTPRequestParser.Request] = []
      for _ in 0..<random.below(5) {
        let request = randomRequest(&random)
        expected.append(request.parsed)
        stream += request.bytes
      }
      var parser = HTTPRequestParser(maxHeadBytes: 4_096, maxBodyBytes: 1_024)
      var parsed: [HTTPRequestParser.Request] = []
      for piece in random.pieces(of: stream) {
        parser.append(piece)
        var step = parser.next()
        while case .request(let request) = step {
          parsed.append(request)
          step = parser.next()
        }
        #expect(step == .needsMore, "seed \(seed)")
      }
      #expect(parsed == expected, "seed \(seed)")
      #expect(!parser.isInsideRequest, "seed \(seed)")
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func messagesAreTheSameWhereverTheStreamIsCut(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var stream: [UInt8] = []
      var expected: [WebSocketDecoder.Message] = []
      for _ in 0..<random.below(6) {
        let payload = random.below(10) == 0 ? random.ascii(70_000) : random.ascii(random.below(300))
        let isText = random.below(2) == 0
        let parts = random.pieces(of: payload)
        for (index, part) in parts.enumerated() {
          let opcode: UInt8 = index > 0 ? 0 : isText ? 1 : 2
          stream += maskedFrame(opcode: opcode, isFinal: index == parts.count - 1, part, &random)
          if random.below(4) == 0, index < parts.count - 1 {
            stream += maskedFrame(opcode: 9, isFinal: true, [1, 2], &random)
            expected.append(.ping([1, 2]))
          }
        }
        expected.append(isText ? .text(payload) : .binary(payload))
      }
      var decoder = WebSocketDecoder(maxMessageBytes: 100_000)
      var decoded: [WebSocketDecoder.Message] = []
      for piece in random.pieces(of: stream) {
        decoder.append(piece)
        while let message = try decoder.next() { decoded.append(message) }
      }
      #expect(decoded == expected, "seed \(seed)")
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func noStreamOfBytesTrapsAParser(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      var bytes = randomRequest(&random).bytes
      for _ in 0..<1 + random.below(8) where !bytes.isEmpty {
        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      var parser = HTTPRequestParser(maxHeadBytes: 512, maxBodyBytes: 64)
      var decoder = WebSocketDecoder(maxMessageBytes: 64)
      for piece in random.pieces(of: bytes) {
        parser.append(piece)
        while case .request = parser.next() {}
        decoder.append(piece)
        while let message = try? decoder.next() { _ = message }
      }
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func delayedAnswersComeOutByTimeThenByOrder(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var heap = DelayedAnswers()
    var model: [(due: Int64, request: UInt64)] = []
    for request in 0..<500 as Range<UInt64> {
      let due = Int64(random.below(50))
      heap.insert(DelayedAnswers.Entry(due: due, connection: 1, request: request, answer: .drop))
      model.append((due, request))
    }
    for now in 0..<50 as Range<Int64> {
      var taken: [UInt64] = []
      while let entry = heap.takeDue(now: now) { taken.append(entry.request) }
      #expect(taken == model.filter { $0.due == now }.map(\.request), "seed \(seed)")
    }
    #expect(heap.isEmpty)
  }

  @Test func urlsOfWebSockets() throws {
    for (text, isSecure, host, port, target) in [
      ("wss://stream.binance.com:9443/ws/btcusdt@depth", true, "stream.binance.com", 9_443, "/ws/btcusdt@depth"),
      ("ws://h", false, "h", 80, "/"), ("wss://h?a=b", true, "h", 443, "/?a=b"),
      ("wss://h/%2F?x=/:@", true, "h", 443, "/%2F?x=/:@"),
      ("ws://[::1]:81/x", false, "::1", 81, "/x"), ("ws://[::1]", false, "::1", 80, "/"),
    ] as [(String, Bool, String, UInt16, String)] {
      let url = try WebSocketURL(text)
      #expect(url.isSecure == isSecure && url.host == host && url.port == port && url.target == target, "\(text): \(url)")
    }
  }
}

private func randomRequest(_ random: inout SeededGenerator) -> (bytes: [UInt8], parsed: HTTPRequestParser.Request) {
  let method = HTTPMethod.allCases[random.below(HTTPMethod.allCases.count)]
  let path = "/" + String(decoding: random.ascii(random.below(20)), as: UTF8.self)
  let query = random.below(2) == 0 ? nil : "q=%2C?&" + String(decoding: random.ascii(random.below(40)), as: UTF8.self)
  let body = random.below(2) == 0 ? [] : random.ascii(random.below(200))
  var headers: HTTPHeaders = ["host": "x", "x-\(random.below(9))": "v \(random.below(1_000))"]
  let isChunked = random.below(2) == 0
  if isChunked { headers.append("transfer-encoding", "chunked") } else { headers.append("Content-Length", "\(body.count)") }
  let keepsAlive = random.below(4) != 0
  if !keepsAlive { headers.append("connection", "close") }
  var text = "\(method.rawValue) \(path)\(query.map { "?\($0)" } ?? "") HTTP/1.1\r\n"
  for field in headers.fields { text += "\(field.name):\(random.below(2) == 0 ? " " : "")\(field.value) \r\n" }
  var bytes = Array((text + "\r\n").utf8)
  if isChunked {
    for piece in random.pieces(of: body) where !piece.isEmpty {
      bytes += Array("\(String(piece.count, radix: 16));x=y\r\n".utf8) + piece + [0x0d, 0x0a]
    }
    bytes += Array("0\r\nTrailer: t\r\n\r\n".utf8)
  } else {
    bytes += body
  }
  let parsed = HTTPRequestParser.Request(
    method: method, path: path, rawQuery: query, headers: headers, body: body, keepsAlive: keepsAlive)
  return (bytes, parsed)
}

private func maskedFrame(opcode: UInt8, isFinal: Bool, _ payload: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
  var frame = [opcode | (isFinal ? 0x80 : 0)]
  switch payload.count {
  case ...125: frame.append(0x80 | UInt8(payload.count))
  case ...0xffff: frame += [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
  default: frame += [0xff] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
  }
  let mask = (0..<4).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  return frame + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

extension SeededGenerator {
  /// Letters, which are legal everywhere.
  mutating func ascii(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(ascii: "a") + UInt8(below(26)) } }

  /// The bytes cut at random places; one piece at least, and some of them empty.
  mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
    let longest = 1 + below(bytes.count + 1)
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    repeat {
      let piece = rest.prefix(below(longest + 1))
      pieces.append(Array(piece))
      rest = rest.dropFirst(piece.count)
    } while !rest.isEmpty
    return pieces
  }
}
