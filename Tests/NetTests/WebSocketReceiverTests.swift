import Domain
import Testing

@testable import Net

@Suite struct WebSocketReceiverTests {
  /// What a server's bytes say, given in pieces of these lengths, over and over.
  private func read(_ bytes: [UInt8], pieces: [Int], limit: Int = 1 << 20) -> (messages: [String], violation: UInt16?) {
    var receiver = WebSocketReceiver(maxMessageBytes: limit)
    var messages: [String] = []
    var position = 0
    var turn = 0
    do throws(WebSocketViolation) {
      while position < bytes.count {
        position += receiver.fill { room in
          let count = min(pieces[turn % pieces.count], bytes.count - position, room.count)
          room.copyBytes(from: bytes[position..<position + count])
          return (count, count)
        }
        turn += 1
        try receiver.forEach { message in
          messages.append(summary(message))
          return true
        }
      }
    } catch {
      return (messages, error.code)
    }
    return (messages, nil)
  }

  private func summary(_ message: WebSocketReceiver.Message) -> String {
    switch message {
    case .text(let bytes): "text:" + String(decoding: bytes, as: UTF8.self)
    case .binary(let bytes): "binary:\(Array(bytes))"
    case .ping(let bytes): "ping:\(Array(bytes))"
    case .pong: "pong"
    case .close(let code, let reason): "close:\(code.map(String.init) ?? "-"):\(reason)"
    }
  }

  private static func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    switch payload.count {
    case ...125: [first, UInt8(payload.count)] + payload
    case ...0xffff: [first, 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)] + payload
    default: [first, 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) } + payload
    }
  }

  /// However messages are cut into fragments, and those into reads, the same messages come out.
  @Test(arguments: 1...4)
  func messagesSurviveEveryCut(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    var expected: [String] = []
    for _ in 0..<40 {
      let size = Int.random(in: 0..<8, using: &generator) == 0 ? Int.random(in: 0...200_000, using: &generator) : 300
      let text = (0..<size).map { _ in UInt8.random(in: 0x61...0x7a, using: &generator) }
      let parts = Int.random(in: 1...4, using: &generator)
      for part in 0..<parts {
        let payload = Array(text[(part * size / parts)..<((part + 1) * size / parts)])
        bytes += Self.frame((part == parts - 1 ? 0x80 : 0) | (part == 0 ? 1 : 0), payload)
        // Between fragments there may be control frames.
        if Bool.random(using: &generator) {
          bytes += [0x89, 2, 1, 2]
          expected.append("ping:[1, 2]")
        }
      }
      // A ping behind the last fragment comes behind the message.
      let last = expected.last == "ping:[1, 2]" && bytes.suffix(4) == [0x89, 2, 1, 2]
      expected.insert("text:" + String(decoding: text, as: UTF8.self), at: expected.count - (last ? 1 : 0))
    }
    bytes += Self.frame(0x88, [0x03, 0xe8] + Array("bye".utf8))
    expected.append("close:1000:bye")
    for pieces in [[1 << 20], [100_000, 1], [17_000, 3, 700]] {
      let (messages, violation) = read(bytes, pieces: pieces)
      #expect(messages == expected && violation == nil, "seed \(seed), pieces \(pieces)")
    }
  }

  @Test func everySingleByteMayBeARead() {
    let bytes = Self.frame(0x81, Array(repeating: 0x61, count: 130)) + Self.frame(0x82, [1, 2]) + [0x8a, 0]
    let (messages, violation) = read(bytes, pieces: [1])
    #expect(messages == ["text:" + String(repeating: "a", count: 130), "binary:[1, 2]", "pong"] && violation == nil)
  }

  @Test(
    arguments: [
      ([0x81, 0x81, 0, 0, 0, 0, 0x61], 1002), ([0xc1, 0], 1002), ([0x83, 0], 1002), ([0x09, 0], 1002),
      ([0x89, 126, 0, 126], 1002),
      ([0x80, 0], 1002), ([0x01, 1, 0x61, 0x81, 0], 1002), ([0x88, 1, 3], 1002), ([0x88, 2, 0x03, 0xed], 1002),
      ([0x88, 4, 0x03, 0xe8, 0xff, 0xfe], 1007), ([0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1009),
      ([0x81, 126, 0x03, 0xe9], 1009), ([0x01, 126, 0x03, 0xe8] + [UInt8](repeating: 0x61, count: 1_000) + [0x80, 1], 1009),
    ] as [([UInt8], UInt16)])
  func aServerThatBreaksTheProtocolIsFoundOut(bytes: [UInt8], code: UInt16) {
    #expect(read(bytes, pieces: [1], limit: 1_000).violation == code)
    #expect(read(bytes, pieces: [5_000], limit: 1_000).violation == code)
  }

  @Test func aHeadIsTakenWholeAndLeavesTheFrames() {
    var receiver = WebSocketReceiver(maxMessageBytes: 100)
    func add(_ bytes: [UInt8]) {
      receiver.fill { room in
        room.copyBytes(from: bytes)
        return (bytes.count, ())
      }
    }
    add(Array("HTTP/1.1 101 x\r\na: b\r\n\r".utf8))
    #expect(receiver.takeHead() == nil)
    add([0x0a] + Self.frame(0x81, [0x61]))
    #expect(receiver.takeHead() == Array("HTTP/1.1 101 x\r\na: b\r\n\r\n".utf8))
    var messages: [String] = []
    try? receiver.forEach { message in
      messages.append(summary(message))
      return true
    }
    #expect(messages == ["text:a"])
  }

  /// Frames under a mask are read by a server as they were meant.
  @Test(arguments: 1...4)
  func masksCancelOut(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var decoder = WebSocketDecoder(maxMessageBytes: 1 << 20)
    for size in [0, 1, 2, 3, 125, 126, 65_535, 65_536] {
      let text = (0..<size).map { _ in UInt8.random(in: 0x61...0x7a, using: &generator) }
      var bytes: [UInt8] = []
      WebSocketEncoder.appendText(text, mask: UInt32.random(in: 0...UInt32.max, using: &generator), to: &bytes)
      decoder.append(bytes)
      #expect(try decoder.next() == .text(text), "seed \(seed), \(size) bytes")
    }
  }
}
