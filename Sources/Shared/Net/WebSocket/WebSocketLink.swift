import CWebSockets
import Runtime
import Synchronization

/// One connection of a `WebSocketClient`. Safe to use from any thread.
public final class WebSocketLink: Sendable {
  /// Unlike any other connection of this client.
  public let id: UInt64

  private let maxOutboxBytes: Int
  private let notify: @Sendable (UInt64) -> Void
  private let state = Mutex(State())
  private let lastActivity = Atomic<Int64>(monotonicNanoseconds())

  /// `notify` tells the client's thread that there is something to do.
  init(id: UInt64, maxOutboxBytes: Int, notify: @escaping @Sendable (UInt64) -> Void) {
    self.id = id
    self.maxOutboxBytes = maxOutboxBytes
    self.notify = notify
  }

  /// When anything last came from the server, monotonic nanoseconds; the time of `connect` before that. Pings of the server are
  /// answered by libwebsockets and are not seen here.
  public var lastActivityNanoseconds: Int64 { lastActivity.load(ordering: .relaxed) }

  /// Queues a text message; the bytes must be UTF-8.
  public func send(text: [UInt8]) throws(WebSocketRefusal) {
    try enqueue(Outgoing(isPing: false, payload: text))
  }

  /// Queues a text message.
  public func send(text: String) throws(WebSocketRefusal) {
    try send(text: Array(text.utf8))
  }

  /// Queues a ping, whose answer comes as `pong`.
  public func ping() throws(WebSocketRefusal) {
    try enqueue(Outgoing(isPing: true, payload: []))
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

  private func enqueue(_ outgoing: Outgoing) throws(WebSocketRefusal) {
    let refusal: WebSocketRefusal? = state.withLock { state in
      guard state.phase == .open, state.closing == nil else { return .notOpen }
      guard state.queuedBytes + outgoing.bytes.count <= maxOutboxBytes else { return .outboxFull }
      state.queuedBytes += outgoing.bytes.count
      state.queue.append(outgoing)
      return nil
    }
    if let refusal { throw refusal }
    notify(id)
  }

  // For the client's thread.

  /// A message ready for libwebsockets, which wants room before the payload.
  struct Outgoing: Sendable {
    let isPing: Bool
    var bytes: [UInt8]

    var payloadCount: Int { bytes.count - lws_payload_offset }

    init(isPing: Bool, payload: [UInt8]) {
      self.isPing = isPing
      bytes = [UInt8](repeating: 0, count: lws_payload_offset) + payload
    }
  }

  func markActive(_ time: EventTime) {
    lastActivity.store(time.monotonicNanoseconds, ordering: .relaxed)
  }

  func markOpen() {
    state.withLock { $0.phase = .open }
  }

  func markClosed() {
    state.withLock { state in
      state.phase = .closed
      state.queue = []
    }
  }

  var hasWork: Bool { state.withLock { !$0.queue.isEmpty || $0.closing != nil } }

  var hasNothingQueued: Bool { state.withLock { $0.queue.isEmpty } }

  /// The code and reason of a close that was asked for.
  var closing: (code: UInt16, reason: String)? { state.withLock { $0.closing } }

  func takeNext() -> Outgoing? {
    state.withLock { state in
      guard state.taken < state.queue.count else { return nil }
      let next = state.queue[state.taken]
      state.taken += 1
      state.queuedBytes -= next.bytes.count
      if state.taken == state.queue.count {
        state.queue.removeAll(keepingCapacity: true)
        state.taken = 0
      }
      return next
    }
  }

  private struct State: Sendable {
    enum Phase: Sendable {
      case connecting
      case open
      case closed
    }

    var phase = Phase.connecting
    var queue: [Outgoing] = []
    /// How many at the front of the queue have been taken.
    var taken = 0
    /// What waits, each message with its room, so that many small ones count too.
    var queuedBytes = 0
    var closing: (code: UInt16, reason: String)?
  }
}
