/// Cuts the byte stream of a WebSocket server into messages, on the client's side (RFC 6455 §5). Whole messages are lent where they
/// lie; only fragments are joined elsewhere. Used by one thread.
struct WebSocketReceiver: ~Copyable {
  /// What a server said. The bytes are lent for the time of the call.
  enum Message {
    case text(UnsafeBufferPointer<UInt8>)
    case binary(UnsafeBufferPointer<UInt8>)
    case ping(UnsafeBufferPointer<UInt8>)
    case pong
    /// The code is nil when the frame had none.
    case close(code: UInt16?, reason: String)
  }

  /// Large enough for a hundred frames a read when a stream floods, small enough for the processor's cache.
  private static let firstCapacity = 128 * 1_024
  /// A read is offered so much room at least.
  private static let leastRoom = 16 * 1_024

  private let maxMessageBytes: Int
  private var memory: UnsafeMutableBufferPointer<UInt8>
  /// Where the bytes not taken yet lie.
  private var start = 0
  private var end = 0
  /// The message under way, when its first fragment has come.
  private var fragments: (isText: Bool, payload: [UInt8])?

  init(maxMessageBytes: Int) {
    self.maxMessageBytes = maxMessageBytes
    // Untouched pages of it cost nothing.
    memory = .allocate(capacity: Self.firstCapacity)
  }

  deinit { memory.deallocate() }

  /// Lends room for more bytes; `body` fills it from the front and says how many there are.
  mutating func fill<Outcome>(_ body: (UnsafeMutableRawBufferPointer) -> (count: Int, Outcome)) -> Outcome {
    makeRoom()
    let (count, outcome) = body(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(memory)[end...]))
    end += count
    return outcome
  }

  private mutating func makeRoom() {
    if start == end { (start, end) = (0, 0) }
    guard memory.count - end < Self.leastRoom else { return }
    let waiting = UnsafeMutableBufferPointer(rebasing: memory[start..<end])
    if start > 0, memory.count - waiting.count >= Self.leastRoom {
      _ = UnsafeMutableBufferPointer(rebasing: memory[..<waiting.count]).update(fromContentsOf: waiting)
    } else {
      // Never more than twice what a peer has really sent of one message.
      let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * memory.count)
      _ = larger[..<waiting.count].update(fromContentsOf: waiting)
      memory.deallocate()
      memory = larger
    }
    (start, end) = (0, waiting.count)
  }

  /// The lines up to the first empty one, that included; nil when it has not come. What follows them are frames.
  mutating func takeHead() -> [UInt8]? {
    var index = start
    while index + 4 <= end {
      if memory[index] == 0x0D, memory[index + 1] == 0x0A, memory[index + 2] == 0x0D, memory[index + 3] == 0x0A {
        defer { start = index + 4 }
        return Array(memory[start..<index + 4])
      }
      index += 1
    }
    return nil
  }

  /// Bytes that have come and are not taken yet.
  var waitingCount: Int { end - start }

  /// Forgets what has come.
  mutating func discard() { (start, end) = (0, 0) }

  /// Gives each message that is complete to `deliver`, until that returns false. After a violation the connection is beyond repair.
  mutating func forEach(_ deliver: (Message) -> Bool) throws(WebSocketViolation) {
    while let frame = try nextFrame() {
      guard try take(frame, deliver) else { return }
    }
  }

  private struct Frame {
    let opcode: WebSocketOpcode
    let isFinal: Bool
    let payload: UnsafeBufferPointer<UInt8>
  }

  private mutating func nextFrame() throws(WebSocketViolation) -> Frame? {
    let waiting = UnsafeBufferPointer(rebasing: memory[start..<end])
    guard let head = try WebSocketFrameHead(waiting, isFromClient: false) else { return nil }
    let limit = head.opcode.isControl ? 125 : maxMessageBytes - (fragments?.payload.count ?? 0)
    guard head.payloadLength <= UInt64(max(0, limit)) else {
      throw WebSocketViolation(code: 1009, reason: "the message is too large")
    }
    let payloadStart = start + head.count
    let payloadEnd = payloadStart + Int(head.payloadLength)
    guard end >= payloadEnd else { return nil }
    start = payloadEnd
    return Frame(
      opcode: head.opcode, isFinal: head.isFinal, payload: UnsafeBufferPointer(rebasing: memory[payloadStart..<payloadEnd]))
  }

  private mutating func take(_ frame: Frame, _ deliver: (Message) -> Bool) throws(WebSocketViolation) -> Bool {
    switch frame.opcode {
    case .ping: return deliver(.ping(frame.payload))
    case .pong: return deliver(.pong)
    case .close:
      let (code, reason) = try closeStatement(in: frame.payload)
      return deliver(.close(code: code, reason: reason))
    case .text, .binary:
      guard fragments == nil else { throw WebSocketViolation(code: 1002, reason: "a message inside a message") }
      if frame.isFinal { return deliver(frame.opcode == .text ? .text(frame.payload) : .binary(frame.payload)) }
      fragments = (frame.opcode == .text, Array(frame.payload))
      return true
    case .continuation:
      guard var joined = fragments else { throw WebSocketViolation(code: 1002, reason: "a continuation of nothing") }
      fragments = nil
      joined.payload.append(contentsOf: frame.payload)
      guard frame.isFinal else {
        fragments = joined
        return true
      }
      return joined.payload.withUnsafeBufferPointer { deliver(joined.isText ? .text($0) : .binary($0)) }
    }
  }
}
