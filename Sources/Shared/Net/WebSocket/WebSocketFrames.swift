/// The breach of RFC 6455 for which a connection is ended, as the close frame states it.
struct WebSocketViolation: Error, Equatable {
  let code: UInt16
  let reason: String
}

/// Cuts the byte stream of a WebSocket client into messages, on the server's side. Pure.
struct WebSocketDecoder {
  /// What a client said.
  enum Message: Equatable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// The code is nil when the frame had none.
    case close(code: UInt16?, reason: String)
  }

  private let maxMessageBytes: Int
  private var buffer: [UInt8] = []
  private var position = 0
  /// The message under way, when its first fragment has come.
  private var fragments: (isText: Bool, payload: [UInt8])?

  init(maxMessageBytes: Int) {
    self.maxMessageBytes = maxMessageBytes
  }

  mutating func append(_ bytes: some Collection<UInt8>) {
    if position > 0 {
      buffer.removeFirst(position)
      position = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next message that is complete; nil when more bytes are needed. After a violation the connection is beyond repair.
  mutating func next() throws(WebSocketViolation) -> Message? {
    while let frame = try nextFrame() {
      if let message = try join(frame) { return message }
    }
    return nil
  }

  private struct Frame {
    let opcode: WebSocketOpcode
    let isFinal: Bool
    let payload: [UInt8]
  }

  private mutating func nextFrame() throws(WebSocketViolation) -> Frame? {
    let head = try buffer.withUnsafeBufferPointer { bytes throws(WebSocketViolation) in
      try WebSocketFrameHead(UnsafeBufferPointer(rebasing: bytes[position...]), isFromClient: true)
    }
    guard let head else { return nil }
    let limit = maxMessageBytes - (head.opcode.isControl ? 0 : fragments?.payload.count ?? 0)
    guard head.payloadLength <= UInt64(max(limit, 125)) else {
      throw WebSocketViolation(code: 1009, reason: "the message is too large")
    }
    let payloadCount = Int(head.payloadLength)
    let payloadStart = position + head.count
    guard buffer.count >= payloadStart + payloadCount else { return nil }
    position = payloadStart + payloadCount
    return Frame(opcode: head.opcode, isFinal: head.isFinal, payload: unmasked(at: payloadStart, count: payloadCount))
  }

  /// The payload under the four mask bytes before it.
  private func unmasked(at start: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
      buffer.withUnsafeBufferPointer { input in
        for index in 0..<count { output[index] = input[start + index] ^ input[start - 4 + index & 3] }
      }
      initialized = count
    }
  }

  private mutating func join(_ frame: Frame) throws(WebSocketViolation) -> Message? {
    switch frame.opcode {
    case .ping: return .ping(frame.payload)
    case .pong: return .pong(frame.payload)
    case .close:
      let (code, reason) = try frame.payload.withUnsafeBufferPointer { bytes throws(WebSocketViolation) in
        try closeStatement(in: bytes)
      }
      return .close(code: code, reason: reason)
    case .text, .binary:
      guard fragments == nil else { throw WebSocketViolation(code: 1002, reason: "a message inside a message") }
      if frame.isFinal { return try message(isText: frame.opcode == .text, frame.payload) }
      fragments = (frame.opcode == .text, frame.payload)
      return nil
    case .continuation:
      guard var joined = fragments else { throw WebSocketViolation(code: 1002, reason: "a continuation of nothing") }
      fragments = nil
      joined.payload.append(contentsOf: frame.payload)
      if frame.isFinal { return try message(isText: joined.isText, joined.payload) }
      fragments = joined
      return nil
    }
  }

  private func message(isText: Bool, _ payload: [UInt8]) throws(WebSocketViolation) -> Message {
    guard isText else { return .binary(payload) }
    guard isUTF8(payload) else { throw WebSocketViolation(code: 1007, reason: "the text is not UTF-8") }
    return .text(payload)
  }

  private func isUTF8(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
  }
}

/// What a close frame says; the code is nil when it has none.
func closeStatement(in payload: UnsafeBufferPointer<UInt8>) throws(WebSocketViolation) -> (code: UInt16?, reason: String) {
  if payload.isEmpty { return (nil, "") }
  guard payload.count >= 2 else { throw WebSocketViolation(code: 1002, reason: "a close code has two bytes") }
  let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
  // RFC 6455 §7.4: what may stand in a frame.
  guard (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code) || (3000...4999).contains(code) else {
    throw WebSocketViolation(code: 1002, reason: "a close code that no frame may hold")
  }
  guard let reason = String(validating: payload[2...], as: UTF8.self) else {
    throw WebSocketViolation(code: 1007, reason: "the close reason is not UTF-8")
  }
  return (code, reason)
}

/// Whole frames: unmasked as a server sends them, or under a mask as a client must.
enum WebSocketEncoder {
  static func appendText(_ payload: [UInt8], mask: UInt32? = nil, to output: inout [UInt8]) {
    append(opcode: 1, payload, mask, to: &output)
  }

  /// `payload` is at most 125 bytes.
  static func appendPing(_ payload: [UInt8] = [], mask: UInt32? = nil, to output: inout [UInt8]) {
    append(opcode: 9, payload, mask, to: &output)
  }

  /// `payload` is at most 125 bytes.
  static func appendPong(_ payload: [UInt8], mask: UInt32? = nil, to output: inout [UInt8]) {
    append(opcode: 10, payload, mask, to: &output)
  }

  /// A reason longer than the 123 bytes that fit is cut, between characters. Without a code the frame is empty.
  static func appendClose(code: UInt16?, reason: String, mask: UInt32? = nil, to output: inout [UInt8]) {
    guard let code else { return append(opcode: 8, [], mask, to: &output) }
    append(opcode: 8, [UInt8(code >> 8), UInt8(code & 255)] + Array(cutToCloseReason(reason).utf8), mask, to: &output)
  }

  /// A mask that nobody can guess (RFC 6455 §10.3).
  static func newMask() -> UInt32 { .random(in: 0...UInt32.max) }

  private static func append(opcode: UInt8, _ payload: [UInt8], _ mask: UInt32?, to output: inout [UInt8]) {
    let maskBit: UInt8 = mask == nil ? 0 : 0x80
    output.append(0x80 | opcode)
    switch payload.count {
    case ...125:
      output.append(maskBit | UInt8(payload.count))
    case ...0xffff:
      output += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default:
      output.append(maskBit | 127)
      for shift in stride(from: 56, through: 0, by: -8) { output.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
    }
    guard let mask else { return output.append(contentsOf: payload) }
    let key = (0..<4).map { UInt8(truncatingIfNeeded: mask >> (24 - 8 * $0)) }
    output += key
    output.reserveCapacity(output.count + payload.count)
    for (index, byte) in payload.enumerated() { output.append(byte ^ key[index & 3]) }
  }
}

/// As much of the reason, in whole characters, as the 123 bytes of a close frame hold.
func cutToCloseReason(_ reason: String) -> Substring {
  var reason = Substring(reason)
  while reason.utf8.count > 123 { reason.removeLast() }
  return reason
}
