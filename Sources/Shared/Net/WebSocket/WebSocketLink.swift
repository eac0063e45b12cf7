import Runtime
import Synchronization

/// One connection of a `WebSocketClient`. Safe to use from any thread.
public final class WebSocketLink: Sendable {
  /// Unlike any other connection of this client.
  public let id: UInt64

  private let maxOutboxBytes: Int
  private let notify: @Sendable (UInt64) -> Void
  private let state = Mutex(State())
  private let isPaused = Atomic<Bool>(false)
  private let lastActivity = Atomic<Int64>(monotonicNanoseconds())

  /// `notify` tells the client's thread that there is something to do.
  init(id: UInt64, maxOutboxBytes: Int, notify: @escaping @Sendable (UInt64) -> Void) {
    self.id = id
    self.maxOutboxBytes = maxOutboxBytes
    self.notify = notify
  }

  /// When anything last came from the server, its pings included, monotonic nanoseconds; the time of `connect` before that.
  public var lastActivityNanoseconds: Int64 { lastActivity.load(ordering: .relaxed) }

  /// Queues a text message; the bytes must be UTF-8.
  public func send(text: [UInt8]) throws(WebSocketRefusal) {
    try enqueue { WebSocketEncoder.appendText(text, mask: $0, to: &$1) }
  }

  /// Queues a text message.
  public func send(text: String) throws(WebSocketRefusal) {
    try send(text: Array(text.utf8))
  }

  /// Queues a ping, whose answer comes as `pong`.
  public func ping() throws(WebSocketRefusal) {
    try enqueue { WebSocketEncoder.appendPing(mask: $0, to: &$1) }
  }

  /// Stops reading, pings of the server included: what it sends waits in the network, and in the end it must wait, too. From the client's
  /// own thread it holds from the next message on.
  public func pauseReading() { isPaused.store(true, ordering: .releasing) }

  /// Reads again.
  public func resumeReading() {
    if isPaused.exchange(false, ordering: .acquiringAndReleasing) { notify(id) }
  }

  /// Ends the connection once what was queued is sent, or at once when it is not open yet; `closed` follows. Does nothing when it has
  /// ended. A reason longer than the 123 bytes that fit is cut.
  public func close(code: UInt16 = 1000, reason: String = "") {
    let isNews = state.withLock { state in
      guard state.closing == nil, state.phase != .closed else { return false }
      state.closing = (code, reason)
      return true
    }
    if isNews { notify(id) }
  }

  private func enqueue(_ append: (UInt32, inout [UInt8]) -> Void) throws(WebSocketRefusal) {
    let refusal: WebSocketRefusal? = state.withLock { state in
      guard state.phase == .open, state.closing == nil else { return .notOpen }
      let before = state.frames.count
      append(WebSocketEncoder.newMask(), &state.frames)
      guard state.frames.count <= maxOutboxBytes else {
        state.frames.removeLast(state.frames.count - before)
        return .outboxFull
      }
      return nil
    }
    if let refusal { throw refusal }
    notify(id)
  }

  // For the client's thread.

  var isReadingPaused: Bool { isPaused.load(ordering: .acquiring) }

  func markActive(_ time: EventTime) {
    lastActivity.store(time.monotonicNanoseconds, ordering: .relaxed)
  }

  func markOpen() {
    state.withLock { $0.phase = .open }
  }

  func markClosed() {
    state.withLock { state in
      state.phase = .closed
      state.frames = []
    }
  }

  /// The code and reason of a close that was asked for.
  var closing: (code: UInt16, reason: String)? { state.withLock { $0.closing } }

  /// Moves the frames that wait to the end of `output`; false when there are none.
  func takeFrames(into output: inout [UInt8]) -> Bool {
    let frames = state.withLock { state in
      defer { state.frames = [] }
      return state.frames
    }
    output.append(contentsOf: frames)
    return !frames.isEmpty
  }

  private struct State: Sendable {
    enum Phase: Sendable {
      case connecting
      case open
      case closed
    }

    var phase = Phase.connecting
    /// What waits to be sent, whole frames.
    var frames: [UInt8] = []
    var closing: (code: UInt16, reason: String)?
  }
}
