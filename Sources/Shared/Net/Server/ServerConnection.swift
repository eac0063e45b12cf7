import CShim
import Glibc
import Runtime

/// One client of `HTTPServer`: its socket, its bytes in and out, and what it is at. Used by the server's thread alone.
final class ServerConnection {
  let id: UInt64
  let socket: Int32
  /// The connection is to be closed and forgotten.
  private(set) var isFinished = false
  /// What epoll was last told to watch.
  var watchedEvents: UInt32 = 0

  private enum Phase {
    /// Reading a request, or waiting for one.
    case request
    /// A request is with the handler.
    case answering(Request)
    case webSocket(WebSocketSession)
    /// Sending the rest; then reading it out, so that the client gets the rest before the connection is reset.
    case leaving(deadline: Int64)
  }

  private struct Request {
    let number: UInt64
    let keepsAlive: Bool
    let isHead: Bool
  }

  private let configuration: HTTPServerConfiguration
  private let handlers: HTTPServerHandlers
  private let inbox: ServerInbox
  private let tls: TLSSession?
  private var parser: HTTPRequestParser
  private var phase = Phase.request
  private var output = OutputBuffer()
  private var requestCount: UInt64 = 0
  private var hasShutDown = false
  private var lastReceived: Int64
  private var lastSent: Int64
  private var requestStarted: Int64

  /// Above so much unsent output nothing is read and no outbox is emptied.
  private static let highWaterBytes = 256 * 1_024
  private static let leaveNanoseconds: Int64 = 2_000_000_000

  init(
    id: UInt64, socket: Int32, tls: TLSSession?, configuration: HTTPServerConfiguration, handlers: HTTPServerHandlers,
    inbox: ServerInbox, now: Int64
  ) {
    self.id = id
    self.socket = socket
    self.tls = tls
    self.configuration = configuration
    self.handlers = handlers
    self.inbox = inbox
    parser = HTTPRequestParser(maxHeadBytes: configuration.maxHeadBytes, maxBodyBytes: configuration.maxBodyBytes)
    lastReceived = now
    lastSent = now
    requestStarted = now
  }

  // MARK: What the loop tells

  /// The socket has bytes, or has ended.
  func readable(_ buffer: UnsafeMutableRawBufferPointer) {
    let count = recv(socket, buffer.baseAddress, buffer.count, 0)
    if count > 0 {
      received(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
    } else if count == 0 {
      ended()
    } else if errno != EAGAIN && errno != EINTR {
      isFinished = true
    }
  }

  /// Sends what can be sent without waiting.
  func flush() {
    fillFromOutbox()
    while !isFinished, !output.isEmpty {
      let count = output.withUnsent { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count > 0 {
        output.markSent(count)
        lastSent = monotonicNanoseconds()
        fillFromOutbox()
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        isFinished = true
      }
    }
    if output.isEmpty { sentEverything() }
  }

  /// A request's answer has come, or is due.
  func answer(request number: UInt64, _ answer: ServerInbox.Answer) {
    guard case .answering(let request) = phase, request.number == number else { return }
    guard case .respond(let response) = answer else {
      isFinished = true
      return
    }
    write(HTTPResponseWriter.bytes(of: response, keepsAlive: request.keepsAlive, withoutBody: request.isHead))
    if request.keepsAlive {
      phase = .request
      requestStarted = monotonicNanoseconds()
      lastReceived = requestStarted
      advance()
    } else {
      leave()
    }
  }

  /// Time has passed: pings, and ends of patience.
  func tick(now: Int64) {
    if !output.isEmpty, now - lastSent > requestTimeout { return finish("the client does not read") }
    switch phase {
    case .request:
      let isWaiting = parser.isInsideRequest || tls?.isHandshakeDone == false
      if isWaiting, now - requestStarted > requestTimeout {
        refuse(status: 408)
      } else if !isWaiting, now - lastReceived > Int64(configuration.idleTimeoutMilliseconds) * 1_000_000 {
        isFinished = true
      }
    case .answering: break
    case .webSocket: withWebSocket { $0.tick(now: now, output: &$1) }
    case .leaving(let deadline): if now > deadline { isFinished = true }
    }
  }

  /// The server goes away.
  func goAway() {
    withWebSocket { $0.goAway(output: &$1) }
    flush()
    isFinished = true
  }

  /// The connection is closed; tells the handler, if it was a WebSocket.
  func wasClosed() {
    guard case .webSocket(let session) = phase else { return }
    let closure = session.closure ?? WebSocketClosure(code: 1006, reason: session.link.cutReason ?? "the connection was lost")
    session.link.markGone()
    handlers.webSocket(session.link, .closed(closure), .now())
  }

  /// What epoll should watch now.
  var interest: UInt32 {
    var events: UInt32 = output.isEmpty ? 0 : EPOLLOUT.rawValue
    switch phase {
    case .request, .leaving: events |= EPOLLIN.rawValue
    case .webSocket: if output.count < Self.highWaterBytes { events |= EPOLLIN.rawValue }
    case .answering: break
    }
    return events
  }

  // MARK: Bytes in

  private func received(_ bytes: UnsafeRawBufferPointer) {
    let now = monotonicNanoseconds()
    if case .request = phase, !parser.isInsideRequest, tls?.isHandshakeDone != false { requestStarted = now }
    lastReceived = now
    guard let tls else { return take(Array(bytes)) }
    var plaintext: [UInt8] = []
    var answer: [UInt8] = []
    let state = tls.receive(bytes, plaintext: &plaintext, output: &answer)
    output.append(answer)
    if !plaintext.isEmpty { take(plaintext) }
    switch state {
    case .open: break
    case .ended: ended()
    case .failed:
      flush()
      isFinished = true
    }
  }

  private func ended() {
    // A client that has only finished sending still waits for its answer.
    if case .answering = phase { return }
    isFinished = true
  }

  private func take(_ bytes: [UInt8]) {
    switch phase {
    case .request:
      parser.append(bytes)
      advance()
    case .answering: parser.append(bytes)
    case .webSocket: receiveMessages(bytes)
    case .leaving: break
    }
  }

  private func advance() {
    while case .request = phase, !isFinished {
      switch parser.next() {
      case .needsMore: return
      case .expectsContinue: write(HTTPResponseWriter.continue)
      case .request(let request): begin(request)
      case .refused(let status): refuse(status: status)
      }
    }
  }

  // MARK: Requests

  private func begin(_ parsed: HTTPRequestParser.Request) {
    requestCount += 1
    let request = HTTPServerRequest(
      method: parsed.method, path: parsed.path, rawQuery: parsed.rawQuery, headers: parsed.headers, body: parsed.body,
      connection: id, received: .now())
    phase = .answering(Request(number: requestCount, keepsAlive: parsed.keepsAlive, isHead: parsed.method == .head))
    if WebSocketHandshake.isAsked(request) {
      upgrade(request)
    } else {
      handlers.request(request, HTTPResponder(connection: id, request: requestCount, inbox: inbox))
    }
  }

  private func refuse(status: Int) {
    write(HTTPResponseWriter.bytes(of: HTTPResponse(status: status), keepsAlive: false))
    leave()
  }

  private func leave() {
    if let tls {
      var last: [UInt8] = []
      tls.end(output: &last)
      output.append(last)
    }
    phase = .leaving(deadline: monotonicNanoseconds() + Self.leaveNanoseconds)
  }

  // MARK: WebSocket

  private func upgrade(_ request: HTTPServerRequest) {
    guard let accept = WebSocketHandshake.acceptance(of: request) else {
      let answer = HTTPResponse(status: 426, headers: ["upgrade": "websocket", "sec-websocket-version": "13"])
      return self.answer(request: requestCount, .respond(answer))
    }
    switch handlers.upgrade(request) {
    case .refuse(let response): answer(request: requestCount, .respond(response))
    case .accept(let subprotocol):
      write(HTTPResponseWriter.switchingToWebSocket(accept: accept, subprotocol: subprotocol))
      let link = WebSocketConnection(id: id, inbox: inbox, maxOutboxBytes: configuration.maxOutboxBytes)
      phase = .webSocket(WebSocketSession(link: link, configuration: configuration, now: lastReceived))
      handlers.webSocket(link, .opened(request), request.received)
      receiveMessages(parser.takeRest())
    }
  }

  private func receiveMessages(_ bytes: [UInt8]) {
    let time = EventTime.now()
    let deliver = handlers.webSocket
    withWebSocket { session, frames in
      let link = session.link
      session.receive(bytes, now: time.monotonicNanoseconds, output: &frames) { deliver(link, $0, time) }
    }
  }

  private func withWebSocket(_ body: (inout WebSocketSession, inout [UInt8]) -> Void) {
    guard case .webSocket(var session) = phase else { return }
    // The session must have one owner while it changes, or its buffers would be copied.
    phase = .request
    var frames: [UInt8] = []
    body(&session, &frames)
    phase = .webSocket(session)
    write(frames)
  }

  private func fillFromOutbox() {
    guard case .webSocket(let session) = phase else { return }
    if session.link.cutReason != nil {
      isFinished = true
    } else if output.count < Self.highWaterBytes {
      let now = monotonicNanoseconds()
      withWebSocket { $0.takeOutbox(now: now, output: &$1) }
    }
  }

  // MARK: Bytes out

  private func write(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    if output.isEmpty { lastSent = monotonicNanoseconds() }
    guard let tls else { return output.append(bytes) }
    var encrypted: [UInt8] = []
    if tls.send(bytes, output: &encrypted) { output.append(encrypted) } else { isFinished = true }
  }

  private func sentEverything() {
    switch phase {
    case .webSocket(let session): if session.isOver { isFinished = true }
    case .leaving:
      guard !hasShutDown else { return }
      hasShutDown = true
      shutdown(socket, Int32(SHUT_WR))
    case .request, .answering: break
    }
  }

  private func finish(_ reason: String) {
    if case .webSocket(let session) = phase { session.link.drop(reason: reason) }
    isFinished = true
  }

  private var requestTimeout: Int64 { Int64(configuration.requestTimeoutMilliseconds) * 1_000_000 }
}

/// Bytes that wait for the socket, sent from the front.
private struct OutputBuffer {
  private var bytes: [UInt8] = []
  private var sent = 0

  var count: Int { bytes.count - sent }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ more: [UInt8]) {
    if sent > 0, sent >= bytes.count / 2 {
      bytes.removeFirst(sent)
      sent = 0
    }
    bytes.append(contentsOf: more)
  }

  func withUnsent<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
  }

  mutating func markSent(_ count: Int) {
    sent += count
    if sent == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
      sent = 0
    }
  }
}
