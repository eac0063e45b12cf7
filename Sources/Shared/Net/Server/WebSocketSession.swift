import Crypto
import Domain

/// The server's side of one WebSocket, after the handshake: messages in, frames out, pings and the closing handshake.
/// Used by the server's thread alone.
struct WebSocketSession {
  let link: WebSocketConnection
  private(set) var closure: WebSocketClosure?
  /// When the connection ends although the client has not agreed to close; set once a close frame was sent.
  private(set) var closeDeadline: Int64?
  /// Nothing more is read; the connection ends when what is to be sent is sent.
  private(set) var isOver = false

  private var decoder: WebSocketDecoder
  private let pingInterval: Int64
  private var lastReceived: Int64
  private var lastPing: Int64

  /// How long a client may take to agree to a close.
  private static let closeNanoseconds: Int64 = 5_000_000_000
  /// A client silent for so many ping intervals is gone.
  private static let silentIntervals: Int64 = 3

  init(link: WebSocketConnection, configuration: HTTPServerConfiguration, now: Int64) {
    self.link = link
    decoder = WebSocketDecoder(maxMessageBytes: configuration.maxMessageBytes)
    pingInterval = Int64(configuration.pingIntervalMilliseconds) * 1_000_000
    lastReceived = now
    lastPing = now
  }

  /// Takes bytes of the client; adds answers to `output` and gives each data message to `deliver`.
  mutating func receive(
    _ bytes: [UInt8], now: Int64, output: inout [UInt8], deliver: (WebSocketServerEvent) -> Void
  ) {
    lastReceived = now
    guard !isOver else { return }
    decoder.append(bytes)
    do throws(WebSocketViolation) {
      while !isOver, let message = try decoder.next() {
        switch message {
        case .text(let text): deliver(.text(text))
        case .binary(let binary): deliver(.binary(binary))
        case .ping(let payload): if closeDeadline == nil { WebSocketEncoder.appendPong(payload, to: &output) }
        case .pong: break
        case .close(let code, let reason): agreeToClose(code: code, reason: reason, output: &output)
        }
      }
    } catch {
      if closeDeadline == nil { WebSocketEncoder.appendClose(code: error.code, reason: error.reason, to: &output) }
      end(WebSocketClosure(code: error.code, reason: error.reason))
    }
  }

  private mutating func agreeToClose(code: UInt16?, reason: String, output: inout [UInt8]) {
    // Our own close is answered by this one; the client's is answered in kind.
    if closeDeadline == nil { WebSocketEncoder.appendClose(code: code, reason: "", to: &output) }
    end(WebSocketClosure(code: code ?? 1005, reason: reason))
  }

  /// Adds what other threads have queued to `output`.
  mutating func takeOutbox(now: Int64, output: inout [UInt8]) {
    guard closeDeadline == nil, !isOver else { return }
    let (frames, closing) = link.takeFrames()
    output.append(contentsOf: frames)
    if let closing {
      closure = WebSocketClosure(code: closing.code, reason: closing.reason)
      closeDeadline = now + Self.closeNanoseconds
    }
  }

  /// Pings when it is time; ends a connection that is silent, or that does not close.
  mutating func tick(now: Int64, output: inout [UInt8]) {
    if let closeDeadline, now > closeDeadline { isOver = true }
    guard pingInterval > 0, closeDeadline == nil, !isOver else { return }
    if now - lastReceived > Self.silentIntervals * pingInterval {
      end(WebSocketClosure(code: 1006, reason: "the client is silent"))
    } else if now - lastPing >= pingInterval {
      lastPing = now
      WebSocketEncoder.appendPing(to: &output)
    }
  }

  /// Says that the server goes away.
  mutating func goAway(output: inout [UInt8]) {
    guard closeDeadline == nil, !isOver else { return }
    output.append(contentsOf: link.takeFrames().frames)
    WebSocketEncoder.appendClose(code: 1001, reason: "the server goes away", to: &output)
    end(WebSocketClosure(code: 1001, reason: "the server goes away"))
  }

  private mutating func end(_ closure: WebSocketClosure) {
    if self.closure == nil { self.closure = closure }
    isOver = true
  }
}

/// The handshake of RFC 6455 §4.2.
enum WebSocketHandshake {
  /// Whether the request asks to become a WebSocket.
  static func isAsked(_ request: HTTPServerRequest) -> Bool {
    request.method == .get && listed(request.headers, "upgrade").contains("websocket")
      && listed(request.headers, "connection").contains("upgrade")
  }

  /// The value of `sec-websocket-accept`; nil when the request's version or key is wrong.
  static func acceptance(of request: HTTPServerRequest) -> String? {
    guard request.headers["sec-websocket-version"] == "13", let key = request.headers["sec-websocket-key"],
      Base64.decode(key)?.count == 16
    else { return nil }
    return acceptance(ofKey: key)
  }

  /// What proves that a server has understood `key`.
  static func acceptance(ofKey key: String) -> String {
    Base64.encode(SHA1.digest(of: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
  }
}
