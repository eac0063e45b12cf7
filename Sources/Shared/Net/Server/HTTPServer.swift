/// HTTP/1.1 and WebSocket server on one thread, for the simulator and for health: raw bytes in, answers now or later.
public final class HTTPServer: Sendable {
  /// The port it listens on, also when a free one was asked for.
  public let port: UInt16

  /// Binds and starts serving, on a thread called `name`. Throws when the address cannot be bound or a TLS file does not load.
  public init(_ configuration: HTTPServerConfiguration, handlers: HTTPServerHandlers, name: String = "http-server") throws {
    port = 0
  }

  /// Closes the listener and every connection (WebSockets with 1001) and waits for the thread's end. The server must be shut down,
  /// else its thread lives on. Not to be called from a handler.
  public func shutDown() {
  }
}

/// The way to answer one request: exactly once, from any thread, now or later. One that is forgotten answers 500 by itself.
public final class HTTPResponder: Sendable {
  init() {}

  /// Sends the answer, `delayNanoseconds` from now. Only the first answer counts; when the client has gone, it goes nowhere.
  public func respond(_ response: HTTPResponse, delayNanoseconds: Int64 = 0) {
  }

  /// Closes the connection without an answer, `delayNanoseconds` from now: what a client sees when the reply is lost.
  public func dropConnection(delayNanoseconds: Int64 = 0) {
  }
}

/// A client's WebSocket on this server. Safe to use from any thread.
public final class WebSocketConnection: Sendable {
  /// Unlike any other connection of this server.
  public let id: UInt64

  init(id: UInt64) {
    self.id = id
  }

  /// Queues a text message; the bytes must be UTF-8. False when the connection is gone, or was just cut off because its outbox is full.
  @discardableResult
  public func send(text: [UInt8]) -> Bool { false }

  /// Queues a text message.
  @discardableResult
  public func send(text: String) -> Bool { send(text: Array(text.utf8)) }

  /// Queues a ping.
  public func ping() {
  }

  /// Says goodbye once what was queued is sent; the connection ends when the client agrees or five seconds have passed.
  public func close(code: UInt16 = 1000, reason: String = "") {
  }

  /// Cuts the connection at once, without a goodbye.
  public func drop() {
  }
}
