/// What a frame is (RFC 6455 §5.2).
enum WebSocketOpcode: UInt8 {
  case continuation = 0
  case text = 1
  case binary = 2
  case close = 8
  case ping = 9
  case pong = 10

  var isControl: Bool { rawValue >= 8 }
}

/// What stands before a frame's payload (RFC 6455 §5.2). Pure.
struct WebSocketFrameHead {
  let opcode: WebSocketOpcode
  let isFinal: Bool
  /// The payload's length, as the peer states it: to be held against a limit before it is believed.
  let payloadLength: UInt64
  /// Its own bytes, the mask's included.
  let count: Int

  /// Reads the head at the front of the bytes; nil when more of them are needed. Clients must mask their frames, servers must not.
  @inline(__always)
  init?(_ bytes: UnsafeBufferPointer<UInt8>, isFromClient: Bool) throws(WebSocketViolation) {
    guard bytes.count >= 2 else { return nil }
    guard bytes[0] & 0x70 == 0 else { throw WebSocketViolation(code: 1002, reason: "reserved bits are set") }
    guard let opcode = WebSocketOpcode(rawValue: bytes[0] & 0x0f) else {
      throw WebSocketViolation(code: 1002, reason: "unknown opcode")
    }
    guard (bytes[1] & 0x80 != 0) == isFromClient else {
      throw WebSocketViolation(
        code: 1002, reason: isFromClient ? "a client must mask its frames" : "a server must not mask its frames")
    }
    let isFinal = bytes[0] & 0x80 != 0
    let shortLength = bytes[1] & 0x7f
    guard !opcode.isControl || isFinal && shortLength <= 125 else {
      throw WebSocketViolation(code: 1002, reason: "a control frame is fragmented or too long")
    }
    let lengthBytes = shortLength == 127 ? 8 : shortLength == 126 ? 2 : 0
    let count = 2 + lengthBytes + (isFromClient ? 4 : 0)
    guard bytes.count >= count else { return nil }
    var length = lengthBytes == 0 ? UInt64(shortLength) : 0
    for offset in 0..<lengthBytes { length = length << 8 | UInt64(bytes[2 + offset]) }
    self.opcode = opcode
    self.isFinal = isFinal
    payloadLength = length
    self.count = count
  }
}
