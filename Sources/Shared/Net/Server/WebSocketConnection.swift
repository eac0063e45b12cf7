import Synchronization

/// A client's WebSocket on this server. Safe to use from any thread.
public final class WebSocketConnection: Sendable {
  /// Unlike any other connection of this server.
  public let id: UInt64

  private let inbox: ServerInbox
  private let maxOutboxBytes: Int
  private let outbox = Mutex(Outbox())

  init(id: UInt64, inbox: ServerInbox, maxOutboxBytes: Int) {
    self.id = id
    self.inbox = inbox
    self.maxOutboxBytes = maxOutboxBytes
  }

  /// Queues a text message; the bytes must be UTF-8. False when the connection is gone, or was just cut off because its outbox is full.
  @discardableResult
  public func send(text: [UInt8]) -> Bool {
    enqueue { WebSocketEncoder.appendText(text, to: &$0) }
  }

  /// Queues a text message.
  @discardableResult
  public func send(text: String) -> Bool {
    send(text: Array(text.utf8))
  }

  /// Queues a ping.
  public func ping() {
    _ = enqueue { WebSocketEncoder.appendPing(to: &$0) }
  }

  /// Says goodbye once what was queued is sent; the connection ends when the client agrees or five seconds have passed.
  public func close(code: UInt16 = 1000, reason: String = "") {
    change { outbox in
      guard outbox.ending == nil else { return }
      WebSocketEncoder.appendClose(code: code, reason: reason, to: &outbox.frames)
      outbox.ending = .closing(code: code, reason: reason)
    }
  }

  /// Cuts the connection at once, without a goodbye.
  public func drop() {
    drop(reason: "dropped by the server")
  }

  func drop(reason: String) {
    change { outbox in
      if outbox.ending != .gone, !outbox.isCut { outbox.ending = .cut(reason: reason) }
    }
  }

  private func enqueue(_ frame: (inout [UInt8]) -> Void) -> Bool {
    var isQueued = false
    change { outbox in
      guard outbox.ending == nil else { return }
      frame(&outbox.frames)
      isQueued = outbox.frames.count <= maxOutboxBytes
      if !isQueued { outbox.ending = .cut(reason: "too slow: more than \(maxOutboxBytes) bytes waited") }
    }
    return isQueued
  }

  private func change(_ body: (inout sending Outbox) -> Void) {
    let isNews = outbox.withLock { outbox in
      let before = outbox.ending
      body(&outbox)
      guard outbox.ending != .gone else { return false }
      // A cut is news even while the server's thread leaves the frames lie because the client is slow.
      let isCut = outbox.ending != before && outbox.isCut
      defer { outbox.isFlagged = true }
      return !outbox.isFlagged || isCut
    }
    if isNews { inbox.post(.outboxChanged(connection: id)) }
  }

  // For the server's thread.

  /// Why it is to be cut off at once; nil when it is not.
  var cutReason: String? {
    outbox.withLock { outbox in
      if case .cut(let reason) = outbox.ending { reason } else { nil }
    }
  }

  /// Takes the frames that wait; the next change is news again. The code and reason when the last of them is a close frame.
  func takeFrames() -> (frames: [UInt8], closing: (code: UInt16, reason: String)?) {
    outbox.withLock { outbox in
      defer { outbox.frames = [] }
      outbox.isFlagged = false
      guard case .closing(let code, let reason) = outbox.ending else { return (outbox.frames, nil) }
      return (outbox.frames, (code, reason))
    }
  }

  /// Nothing is taken any more.
  func markGone() {
    outbox.withLock { outbox in
      outbox.frames = []
      outbox.ending = .gone
    }
  }

  /// Why nothing more is queued.
  private enum Ending: Sendable, Equatable {
    /// The close frame is the last one.
    case closing(code: UInt16, reason: String)
    /// To be cut off without a goodbye.
    case cut(reason: String)
    /// It has ended.
    case gone
  }

  private struct Outbox: Sendable {
    var frames: [UInt8] = []
    var isFlagged = false
    var ending: Ending?

    var isCut: Bool {
      if case .cut = ending { true } else { false }
    }
  }
}
