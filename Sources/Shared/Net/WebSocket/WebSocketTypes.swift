/// How a WebSocket connection ended.
public struct WebSocketClosure: Sendable, Equatable {
  /// The close code of RFC 6455 §7.4; 1006 when the connection ended without one.
  public let code: UInt16
  /// What the peer or this side said about it.
  public let reason: String
  /// Whether the connection had ever been open.
  public let wasOpen: Bool

  /// A closure put together by hand, as tests do.
  public init(code: UInt16, reason: String, wasOpen: Bool = true) {
    self.code = code
    self.reason = reason
    self.wasOpen = wasOpen
  }
}

/// Where `WebSocketClient` connects to.
public struct WebSocketRequest: Sendable {
  /// `ws://` or `wss://`, absolute, percent-encoded by the caller.
  public var url: String
  /// Subprotocols offered, the favourite first.
  public var subprotocols: [String]
  /// Fields added to the handshake.
  public var headers: HTTPHeaders

  /// A request; subprotocols and headers are rarely needed.
  public init(_ url: String, subprotocols: [String] = [], headers: HTTPHeaders = [:]) {
    self.url = url
    self.subprotocols = subprotocols
    self.headers = headers
  }
}

/// What happens on a connection of `WebSocketClient`. Nothing comes after `closed`, which always comes, exactly once.
public enum WebSocketEvent: Sendable {
  /// The handshake is done; the subprotocol that the server chose.
  case opened(subprotocol: String?)
  /// A whole text message.
  case text([UInt8])
  /// A whole binary message.
  case binary([UInt8])
  /// The answer to a ping of ours.
  case pong
  /// The connection failed, ended or was closed.
  case closed(WebSocketClosure)
}

/// What a connection of `WebSocketClient` refuses to do.
public enum WebSocketRefusal: Error, Sendable, Equatable {
  /// The URL or a header cannot be sent as it is; the text says why.
  case invalid(String)
  /// As many connections as the client takes are there.
  case tooManyConnections
  /// More would wait to be sent than the outbox holds.
  case outboxFull
  /// The connection is not open.
  case notOpen
  /// The client is shut down.
  case shutDown
}
