/// A request as a client sent it to `HTTPServer`.
public struct HTTPServerRequest: Sendable {
  /// The method.
  public let method: HTTPMethod
  /// The path exactly as sent: not decoded, without the query.
  public let path: String
  /// What follows `?`, exactly as sent (signatures are checked over these bytes); nil when there is no `?`.
  public let rawQuery: String?
  /// The fields.
  public let headers: HTTPHeaders
  /// The body, chunks already joined.
  public let body: [UInt8]
  /// The client's connection.
  public let connection: UInt64
  /// When the request was complete.
  public let received: EventTime
}

/// Certificate and key of a TLS server, PEM files.
public struct TLSFiles: Sendable {
  /// The certificate chain, the server's own first.
  public var certificateChain: String
  /// The private key.
  public var privateKey: String

  /// The paths of both files.
  public init(certificateChain: String, privateKey: String) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
  }
}

/// Where `HTTPServer` listens and how much it takes from a client.
public struct HTTPServerConfiguration: Sendable {
  /// A numeric IPv4 or IPv6 address; loopback unless said otherwise.
  public var address = "127.0.0.1"
  /// The port; 0 for a free one, which `HTTPServer.port` then tells.
  public var port: UInt16 = 0
  /// Speak TLS with these files; nil for plain text.
  public var tls: TLSFiles?
  /// Connections beyond these are closed at once.
  public var maxConnections = 4_096
  /// Request line and headers together; more is answered 431.
  public var maxHeadBytes = 32 * 1_024
  /// A request's body; more is answered 413.
  public var maxBodyBytes = 1_024 * 1_024
  /// A request must be complete this long after its first byte, and a TLS handshake this long after connecting.
  public var requestTimeoutMilliseconds = 15_000
  /// A connection without a request for this long is closed.
  public var idleTimeoutMilliseconds = 75_000
  /// A message from a WebSocket client, fragments joined; more closes with 1009.
  public var maxMessageBytes = 1_024 * 1_024
  /// What may wait to be sent to one client; a WebSocket client slower than that is cut off.
  public var maxOutboxBytes = 4 * 1_024 * 1_024
  /// How often a WebSocket client is pinged; 0 for never. One that is silent for three intervals is cut off.
  public var pingIntervalMilliseconds = 20_000

  /// Loopback, a free port, plain text.
  public init() {}

  /// An address and a port, the rest as usual.
  public init(address: String = "127.0.0.1", port: UInt16, tls: TLSFiles? = nil) {
    self.address = address
    self.port = port
    self.tls = tls
  }
}

/// What a server is asked to do when a client wants a WebSocket.
public enum WebSocketUpgrade: Sendable {
  /// Take the connection, with the subprotocol that was chosen among those offered, if any.
  case accept(subprotocol: String? = nil)
  /// Answer with an ordinary response.
  case refuse(HTTPResponse)
}

/// What happens on a WebSocket connection to the server. Nothing comes after `closed`.
public enum WebSocketServerEvent: Sendable {
  /// The upgrade is done; the request that asked for it.
  case opened(HTTPServerRequest)
  /// A whole text message, valid UTF-8.
  case text([UInt8])
  /// A whole binary message.
  case binary([UInt8])
  /// The connection is gone, whoever ended it.
  case closed(WebSocketClosure)
}

/// What a server does with its clients. All of it runs on the server's thread: return quickly, answer later if need be.
public struct HTTPServerHandlers: Sendable {
  /// A request arrived. Answer through the responder now or later, from any thread.
  public var request: @Sendable (HTTPServerRequest, HTTPResponder) -> Void
  /// A client asks for a WebSocket.
  public var upgrade: @Sendable (HTTPServerRequest) -> WebSocketUpgrade
  /// Something happened on a WebSocket.
  public var webSocket: @Sendable (WebSocketConnection, WebSocketServerEvent, EventTime) -> Void

  /// Without `upgrade` every WebSocket is refused with 404.
  public init(
    request: @escaping @Sendable (HTTPServerRequest, HTTPResponder) -> Void,
    upgrade: @escaping @Sendable (HTTPServerRequest) -> WebSocketUpgrade = { _ in
      .refuse(.text("no WebSocket here\n", status: 404))
    },
    webSocket: @escaping @Sendable (WebSocketConnection, WebSocketServerEvent, EventTime) -> Void = { _, _, _ in }
  ) {
    self.request = request
    self.upgrade = upgrade
    self.webSocket = webSocket
  }
}

/// Why a server or a client could not start.
public struct NetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A sentence for people.
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
