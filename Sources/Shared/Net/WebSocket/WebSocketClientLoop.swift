import CWebSockets
import Runtime

/// What a WebSocket client's thread does: begins connections, and turns libwebsockets' callbacks into events.
final class WebSocketClientLoop {
  private let context: WebSocketContext
  private let inbox: WebSocketClientInbox
  private let configuration: WebSocketClient.Configuration
  private var connections: [UInt64: ClientConnection] = [:]

  init(context: WebSocketContext, inbox: WebSocketClientInbox, configuration: WebSocketClient.Configuration) {
    self.context = context
    self.inbox = inbox
    self.configuration = configuration
  }

  func run() {
    context.loop = self
    while true {
      let (commands, isStopping) = inbox.takeAll()
      for command in commands { carryOut(command) }
      if isStopping || lws_service(context.pointer, 0) < 0 { break }
    }
    for case .begin(let connecting) in inbox.end() {
      connections[connecting.link.id] = ClientConnection(connecting)
    }
    context.destroy()
    for connection in connections.values.sorted(by: { $0.link.id < $1.link.id }) {
      end(connection, code: 1006, reason: "the client was shut down")
    }
    context.loop = nil
  }

  private func carryOut(_ command: WebSocketClientInbox.Command) {
    switch command {
    case .begin(let connecting): connections[connecting.link.id] = ClientConnection(connecting)
    case .resolved(let id, let address):
      guard let connection = connections[id] else { return }
      switch address {
      case .success(let address): connect(connection, to: address)
      case .failure(let error): end(connection, code: 1006, reason: error.description)
      }
    case .changed(let id):
      guard let connection = connections[id] else { return }
      if connection.isOpen, let wsi = connection.wsi {
        lws_callback_on_writable(wsi)
      } else if let closing = connection.link.closing {
        abandon(connection, code: closing.code, reason: closing.reason)
      }
    }
  }

  // MARK: Beginnings and ends

  private func connect(_ connection: ClientConnection, to address: String) {
    let remaining = connection.deadline - monotonicNanoseconds()
    guard remaining > 0 else { return end(connection, code: 1006, reason: "not connected in time") }
    let url = connection.url
    let offered = connection.request.subprotocols.joined(separator: ", ")
    var info = lws_client_connect_info()
    info.context = context.pointer
    info.port = Int32(url.port)
    info.ssl_connection = Int32(LCCSCF_HTTP_NO_FOLLOW_REDIRECT.rawValue | (url.isSecure ? LCCSCF_USE_SSL.rawValue : 0))
    info.ietf_version_or_minus_one = -1
    info.opaque_user_data = UnsafeMutableRawPointer(bitPattern: UInt(connection.link.id))
    let wsi = withCStrings([address, url.target, url.host, offered, "\(WebSocketContext.protocolName)", "http/1.1"]) { texts in
      info.address = texts[0]
      info.path = texts[1]
      info.host = texts[2]
      info.protocol = offered.isEmpty ? nil : texts[3]
      info.local_protocol_name = texts[4]
      info.alpn = texts[5]
      return lws_client_connect_via_info(&info)
    }
    // The callback may have told of the failure already.
    guard connections[connection.link.id] != nil else { return }
    guard let wsi else { return end(connection, code: 1006, reason: "the connection could not be begun") }
    connection.wsi = wsi
    lws_set_timer_usecs(wsi, remaining / 1_000)
  }

  /// Ends a connection that is not open yet: the caller hears of it now, libwebsockets cleans up later.
  private func abandon(_ connection: ClientConnection, code: UInt16, reason: String) {
    // libwebsockets' macro lws_wsi_close.
    if let wsi = connection.wsi { lws_set_timeout(wsi, pending_timeout(rawValue: 1), LWS_TO_KILL_ASYNC) }
    end(connection, code: code, reason: reason)
  }

  private func end(_ connection: ClientConnection, code: UInt16, reason: String) {
    guard connections.removeValue(forKey: connection.link.id) != nil else { return }
    connection.link.markClosed()
    inbox.countClosed()
    let closure = connection.closure ?? WebSocketClosure(code: code, reason: reason, wasOpen: connection.isOpen)
    connection.sink(connection.link, .closed(closure), .now())
  }

  // MARK: Callbacks

  /// What libwebsockets tells of one connection; not 0 ends it.
  func handle(
    _ reason: lws_callback_reasons, wsi: OpaquePointer, input: UnsafeMutableRawPointer?, count: Int
  ) -> Int32 {
    guard let connection = connections[UInt64(UInt(bitPattern: lws_get_opaque_user_data(wsi)))] else {
      // Abandoned: whatever comes of it is not wanted.
      return reason == LWS_CALLBACK_CLIENT_ESTABLISHED || reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1 : 0
    }
    switch reason {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return appendHeaders(connection, cursor: input, room: count)
    // The last moment at which the answer's header fields are there.
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH: connection.subprotocol = headerText(wsi, WSI_TOKEN_PROTOCOL)
    case LWS_CALLBACK_CLIENT_ESTABLISHED: opened(connection, wsi)
    case LWS_CALLBACK_CLIENT_RECEIVE: return received(connection, wsi, UnsafeRawBufferPointer(start: input, count: count))
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG: tell(connection, .pong)
    case LWS_CALLBACK_CLIENT_WRITEABLE: return writable(connection, wsi)
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: connection.noteClose(UnsafeRawBufferPointer(start: input, count: count))
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT: return -1
    case LWS_CALLBACK_TIMER where !connection.isOpen: abandon(connection, code: 1006, reason: "not connected in time")
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      end(connection, code: 1006, reason: describeFailure(wsi, UnsafeRawBufferPointer(start: input, count: count)))
    case LWS_CALLBACK_CLIENT_CLOSED: end(connection, code: 1006, reason: "the connection was lost")
    default: break
    }
    return 0
  }

  private func tell(_ connection: ClientConnection, _ event: WebSocketEvent) {
    let time = EventTime.now()
    connection.link.markActive(time)
    connection.sink(connection.link, event, time)
  }

  private func opened(_ connection: ClientConnection, _ wsi: OpaquePointer) {
    lws_set_timer_usecs(wsi, -1)
    connection.isOpen = true
    connection.link.markOpen()
    tell(connection, .opened(subprotocol: connection.subprotocol))
    if connection.link.hasWork { lws_callback_on_writable(wsi) }
  }

  private func received(_ connection: ClientConnection, _ wsi: OpaquePointer, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard connection.message.count + bytes.count <= configuration.maxMessageBytes else {
      return close(connection, wsi, code: 1009, reason: "the message is too large")
    }
    connection.message.append(contentsOf: bytes)
    guard lws_is_final_fragment(wsi) != 0 else { return 0 }
    let message = connection.message
    connection.message = []
    tell(connection, lws_frame_is_binary(wsi) != 0 ? .binary(message) : .text(message))
    return 0
  }

  private func writable(_ connection: ClientConnection, _ wsi: OpaquePointer) -> Int32 {
    while let next = connection.link.takeNext() {
      var bytes = next.bytes
      let count = next.payloadCount
      let written = bytes.withUnsafeMutableBytes { buffer in
        let payload = buffer.baseAddress.map { ($0 + lws_payload_offset).assumingMemoryBound(to: UInt8.self) }
        return lws_write(wsi, payload, count, next.isPing ? LWS_WRITE_PING : LWS_WRITE_TEXT)
      }
      guard written >= count else { return -1 }
      if lws_send_pipe_choked(wsi) != 0 { break }
    }
    guard connection.link.hasWork else { return 0 }
    if let closing = connection.link.closing, connection.link.hasNothingQueued {
      return close(connection, wsi, code: closing.code, reason: closing.reason)
    }
    lws_callback_on_writable(wsi)
    return 0
  }

  /// What a callback returns to end a connection with a goodbye.
  private func close(_ connection: ClientConnection, _ wsi: OpaquePointer, code: UInt16, reason: String) -> Int32 {
    var text = Array(cutToCloseReason(reason).utf8)
    lws_close_reason(wsi, lws_close_status(rawValue: UInt32(code)), &text, text.count)
    connection.closure = connection.closure ?? WebSocketClosure(code: code, reason: reason)
    return -1
  }

  private func appendHeaders(_ connection: ClientConnection, cursor: UnsafeMutableRawPointer?, room: Int) -> Int32 {
    let lines = connection.request.headers.fields.map { "\($0.name): \($0.value)\r\n" }.joined()
    guard let cursor, lines.utf8.count < room else { return lines.isEmpty ? 0 : -1 }
    let end = cursor.assumingMemoryBound(to: UnsafeMutablePointer<UInt8>.self)
    for byte in lines.utf8 {
      end.pointee.pointee = byte
      end.pointee += 1
    }
    return 0
  }

  private func describeFailure(_ wsi: OpaquePointer, _ message: UnsafeRawBufferPointer) -> String {
    let text = message.isEmpty ? "the connection failed" : String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
    let status = lws_http_client_http_response(wsi)
    return status > 0 && status != 101 ? "\(text) (HTTP \(status))" : text
  }

  private func headerText(_ wsi: OpaquePointer, _ token: lws_token_indexes) -> String? {
    var text = [CChar](repeating: 0, count: 256)
    guard lws_hdr_copy(wsi, &text, Int32(text.count), token) > 0 else { return nil }
    return text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// One connection as the client's thread sees it.
private final class ClientConnection {
  let link: WebSocketLink
  let url: WebSocketURL
  let request: WebSocketRequest
  let sink: WebSocketClient.Sink
  let deadline: Int64
  var wsi: OpaquePointer?
  var isOpen = false
  var subprotocol: String?
  /// The message under way.
  var message: [UInt8] = []
  /// Why it ends, when that is known before it has ended.
  var closure: WebSocketClosure?

  init(_ connecting: WebSocketClient.Connecting) {
    link = connecting.link
    url = connecting.url
    request = connecting.request
    sink = connecting.sink
    deadline = connecting.deadline
  }

  /// The server's close frame: two bytes of code, then the reason; 1005 stands for none.
  func noteClose(_ payload: UnsafeRawBufferPointer) {
    guard closure == nil else { return }
    let code = payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : 1005
    closure = WebSocketClosure(code: code, reason: String(decoding: payload.dropFirst(2), as: UTF8.self))
  }
}

/// The callback of every connection. It runs on the client's thread alone, inside `lws_service` or another call of the loop.
func webSocketClientCallback(
  wsi: OpaquePointer?, reason: lws_callback_reasons, user: UnsafeMutableRawPointer?, input: UnsafeMutableRawPointer?, count: Int
) -> Int32 {
  guard let wsi, let owner = lws_context_user(lws_get_context(wsi)) else { return 0 }
  let context = Unmanaged<WebSocketContext>.fromOpaque(owner).takeUnretainedValue()
  return context.loop?.handle(reason, wsi: wsi, input: input, count: count) ?? 0
}

/// Lends C copies of several texts.
private func withCStrings<Result>(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
  func lend(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> Result {
    index == texts.count ? body(pointers) : texts[index].withCString { lend(index + 1, pointers + [$0]) }
  }
  return lend(0, [])
}
