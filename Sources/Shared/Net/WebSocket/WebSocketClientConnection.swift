import Runtime

/// One connection of `WebSocketClient`, from its first packet to its last. Used by the client's thread alone.
final class WebSocketClientConnection {
  private enum Phase {
    /// The host's name is being looked up.
    case resolving
    case connecting
    case securing
    /// The handshake's answer is awaited.
    case upgrading
    case open
    /// Our close frame is on its way; the server's is awaited, unless what it sends cannot be understood any more.
    case closing(deadline: Int64, understands: Bool)
    /// Nothing is awaited: it ends when what is to be sent is sent.
    case leaving(deadline: Int64)
    case finished
  }

  let link: WebSocketLink
  /// What the poller was last told to watch; nil before there is a socket.
  var watched: Poller.Interest?

  private let url: WebSocketURL
  private let handshake: ClientHandshake
  private let sink: WebSocketClient.Sink
  private let messages: WebSocketClient.MessageSink?
  private let tls: ClientTLSContext
  private let connectDeadline: Int64
  private var phase = Phase.resolving
  private var transport: ClientTransport?
  private var receiver: WebSocketReceiver
  /// Frames on their way out, sent from the front.
  private var output: [UInt8] = []
  private var sent = 0
  /// The answer to the newest ping: older ones need none (RFC 6455 §5.5.3), so that pings fill nothing.
  private var owedPong: [UInt8]?
  private var isOpen = false
  /// How it ends, when that is known before it has ended.
  private var closure: WebSocketClosure?

  private static let closeNanoseconds: Int64 = 5_000_000_000
  /// Reads in a row before the other connections have their turn.
  private static let readsInARow = 8

  init(_ connecting: WebSocketClient.Connecting, tls: ClientTLSContext, maxMessageBytes: Int) {
    link = connecting.link
    url = connecting.url
    sink = connecting.sink
    messages = connecting.messages
    connectDeadline = connecting.deadline
    handshake = ClientHandshake(connecting.request, to: connecting.url, nonce: (0..<16).map { _ in .random(in: 0...255) })
    receiver = WebSocketReceiver(maxMessageBytes: maxMessageBytes)
    self.tls = tls
  }

  // MARK: What the loop asks

  var isFinished: Bool { if case .finished = phase { true } else { false } }

  var socket: Int32? { transport?.socket }

  /// When patience ends; nil while there is no hurry.
  var deadline: Int64? {
    switch phase {
    case .resolving, .connecting, .securing, .upgrading: connectDeadline
    case .closing(let deadline, _), .leaving(let deadline): deadline
    case .open, .finished: nil
    }
  }

  /// What the poller should watch.
  var interest: Poller.Interest {
    var interest: Poller.Interest = transport?.wantsToWrite == true || sent < output.count ? .writable : []
    switch phase {
    case .connecting: interest.insert(.writable)
    case .open: if !link.isReadingPaused { interest.insert(.readable) }
    case .securing, .upgrading, .closing, .leaving: interest.insert(.readable)
    case .resolving, .finished: break
    }
    return interest
  }

  // MARK: What the loop tells

  func resolved(_ address: Result<String, NetError>) {
    guard case .resolving = phase else { return }
    do throws(NetError) {
      transport = try ClientTransport(to: SocketAddress(address.get(), port: url.port))
      phase = .connecting
    } catch {
      fail(error.description)
    }
  }

  /// The socket is ready for something. True when more may have come than was read.
  func ready(_ happened: Poller.Interest) -> Bool {
    if case .connecting = phase { connected() }
    if case .securing = phase { secure() }
    let isReadable = !happened.subtracting(.writable).isEmpty
    switch phase {
    case .open where link.isReadingPaused:
      // Only a connection that is gone shows itself unasked.
      if !happened.isDisjoint(with: .failed) { lost("the connection was lost") }
      flush()
      return false
    case .upgrading, .open, .closing, .leaving:
      let mayHoldMore = isReadable && read()
      flush()
      return mayHoldMore
    case .resolving, .connecting, .securing, .finished: return false
    }
  }

  /// The link has something to send, is to be closed, or reads again.
  func linkChanged() -> Bool {
    guard case .open = phase else {
      if !isOpen, let closing = link.closing {
        closure = WebSocketClosure(code: closing.code, reason: closing.reason, wasOpen: false)
        phase = .finished
      }
      return false
    }
    // What had come before the pause, and what the TLS session may hold.
    let isReadingAgain = receiver.waitingCount > 0 && !link.isReadingPaused
    if isReadingAgain { deliver(at: .now()) }
    flush()
    return !link.isReadingPaused && transport?.holdsBytes == true
  }

  /// Patience has ended.
  func expire() {
    switch phase {
    case .closing, .leaving: phase = .finished
    case .resolving, .connecting, .securing, .upgrading: fail("not connected in time")
    case .open, .finished: break
    }
  }

  /// The client is shut down.
  func shutDown() {
    if isOpen, closure == nil {
      WebSocketEncoder.appendClose(code: 1001, reason: "", mask: WebSocketEncoder.newMask(), to: &output)
      send()
    }
    closure = closure ?? WebSocketClosure(code: 1006, reason: "the client was shut down", wasOpen: isOpen)
    phase = .finished
  }

  /// Tells the sink of the end.
  func tellOfEnd() {
    if isOpen { transport?.finishWriting() }
    transport = nil
    link.markClosed()
    let closure = closure ?? WebSocketClosure(code: 1006, reason: "the connection was lost", wasOpen: isOpen)
    sink(link, .closed(closure), .now())
  }

  // MARK: Beginning

  private func connected() {
    if let reason = transport?.connectError { return fail("not connected: \(reason)") }
    guard url.isSecure else { return upgrade() }
    do throws(NetError) {
      try transport?.secure(tls, host: url.host)
      phase = .securing
    } catch {
      fail(error.description)
    }
  }

  private func secure() {
    switch transport?.handshake() {
    case .moved: upgrade()
    case .ended: fail("the server ended the TLS handshake")
    case .failed(let reason): fail(reason)
    case .blocked, nil: break
    }
  }

  private func upgrade() {
    output = handshake.head
    phase = .upgrading
    flush()
  }

  private func takeAnswer(at time: EventTime) {
    guard let head = receiver.takeHead() else {
      if receiver.waitingCount > ClientHandshake.maxHeadBytes { fail("the answer's head is too large") }
      return
    }
    do throws(NetError) {
      let subprotocol = try handshake.accept(head)
      isOpen = true
      phase = .open
      link.markOpen()
      sink(link, .opened(subprotocol: subprotocol), time)
    } catch {
      fail(error.description)
    }
  }

  private func fail(_ reason: String) {
    closure = closure ?? WebSocketClosure(code: 1006, reason: reason, wasOpen: false)
    phase = .finished
  }

  // MARK: Bytes in

  private func read() -> Bool {
    for _ in 0..<Self.readsInARow {
      guard let transport else { return false }
      let (outcome, isFull) = receiver.fill { room in
        let outcome = transport.read(into: room)
        guard case .moved(let count) = outcome else { return (0, (outcome, false)) }
        return (count, (outcome, count == room.count))
      }
      switch outcome {
      case .moved: received()
      case .blocked: return false
      case .ended, .failed:
        lost("the connection was lost")
        return false
      }
      guard isFull || transport.holdsBytes, !isFinished, !link.isReadingPaused else { return false }
    }
    return true
  }

  private func received() {
    let time = EventTime.now()
    link.markActive(time)
    if case .upgrading = phase { takeAnswer(at: time) }
    switch phase {
    case .open, .closing(_, understands: true): deliver(at: time)
    case .closing(_, understands: false), .leaving: receiver.discard()
    case .resolving, .connecting, .securing, .upgrading, .finished: break
    }
  }

  private func deliver(at time: EventTime) {
    do throws(WebSocketViolation) {
      try receiver.forEach { message in take(message, at: time) }
    } catch {
      sayGoodbye(code: error.code, reason: error.reason, understands: false)
    }
  }

  /// True when the next message may come.
  private func take(_ message: WebSocketReceiver.Message, at time: EventTime) -> Bool {
    switch message {
    case .text(let bytes): tell(bytes, isText: true, at: time)
    case .binary(let bytes): tell(bytes, isText: false, at: time)
    case .ping(let payload): owedPong = Array(payload)
    case .pong: if case .open = phase { sink(link, .pong, time) }
    case .close(let code, let reason):
      agreeToClose(code: code, reason: reason)
      return false
    }
    guard case .open = phase else { return true }
    return !link.isReadingPaused
  }

  @inline(__always)
  private func tell(_ bytes: UnsafeBufferPointer<UInt8>, isText: Bool, at time: EventTime) {
    guard case .open = phase else { return }
    if let messages { return messages(link, bytes, time) }
    sink(link, isText ? .text(Array(bytes)) : .binary(Array(bytes)), time)
  }

  private func agreeToClose(code: UInt16?, reason: String) {
    if case .open = phase {
      WebSocketEncoder.appendClose(code: code, reason: "", mask: WebSocketEncoder.newMask(), to: &output)
    }
    closure = closure ?? WebSocketClosure(code: code ?? 1005, reason: reason)
    phase = .leaving(deadline: monotonicNanoseconds() + Self.closeNanoseconds)
  }

  private func lost(_ reason: String) {
    closure = closure ?? WebSocketClosure(code: 1006, reason: reason, wasOpen: isOpen)
    phase = .finished
  }

  // MARK: Bytes out

  private func sayGoodbye(code: UInt16, reason: String, understands: Bool) {
    guard case .open = phase else { return lost("the connection was lost") }
    closure = closure ?? WebSocketClosure(code: code, reason: reason)
    WebSocketEncoder.appendClose(code: code, reason: reason, mask: WebSocketEncoder.newMask(), to: &output)
    phase = .closing(deadline: monotonicNanoseconds() + Self.closeNanoseconds, understands: understands)
  }

  /// Sends what there is, in order: what is under way, then what the link has queued, then its goodbye.
  private func flush() {
    send()
    while case .open = phase, output.isEmpty {
      if let pong = owedPong {
        owedPong = nil
        WebSocketEncoder.appendPong(pong, mask: WebSocketEncoder.newMask(), to: &output)
      }
      guard link.takeFrames(into: &output) || !output.isEmpty else {
        guard let closing = link.closing else { return }
        sayGoodbye(code: closing.code, reason: closing.reason, understands: true)
        break
      }
      send()
    }
    send()
    guard output.isEmpty else { return }
    switch phase {
    case .leaving: phase = .finished
    case .closing(_, understands: false):
      transport?.finishWriting()
    default: break
    }
  }

  private func send() {
    while sent < output.count, let transport, !isFinished {
      let outcome = output.withUnsafeBytes { transport.write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
      switch outcome {
      case .moved(let count): sent += count
      case .blocked: return
      case .ended, .failed: return lost("the connection was lost")
      }
    }
    output.removeAll(keepingCapacity: output.capacity <= 1 << 16)
    sent = 0
  }
}
