import Synchronization

/// WebSocket connections to other servers: one thread serves all of them. It never reconnects by itself; who asked for a connection
/// hears of its end and decides.
public final class WebSocketClient: Sendable {
  /// Receives what happens on a connection, on the client's own thread: it must not block.
  public typealias Sink = @Sendable (WebSocketLink, WebSocketEvent, EventTime) -> Void

  /// The limits of a client.
  public struct Configuration: Sendable {
    /// Connections at once, those being made included.
    public var maxConnections = 256
    /// The largest message, fragments joined; a larger one ends the connection with 1009.
    public var maxMessageBytes = 8 * 1_024 * 1_024
    /// What may wait to be sent on one connection.
    public var maxOutboxBytes = 1_024 * 1_024
    /// From `connect` to the end of the handshake.
    public var connectTimeoutMilliseconds = 10_000
    /// PEM certificates to trust instead of the system's; nil for the system's.
    public var caFile: String?

    /// The usual limits.
    public init() {}
  }

  /// Starts the client's thread, called `name`.
  public init(_ configuration: Configuration = Configuration(), name: String = "ws-client") throws {
  }

  /// Begins a connection. `sink` hears of everything that happens on it, `closed` last and exactly once.
  @discardableResult
  public func connect(_ request: WebSocketRequest, sink: @escaping Sink) throws(WebSocketRefusal) -> WebSocketLink {
    throw .shutDown
  }

  /// Ends every connection (their sinks hear `closed`) and waits for the thread's end. The client must be shut down, else its thread
  /// lives on. Not to be called from a sink.
  public func shutDown() {
  }
}

/// One connection of a `WebSocketClient`. Safe to use from any thread; it is told of in `WebSocketEvent`s.
public final class WebSocketLink: Sendable {
  /// Unlike any other connection of this client.
  public let id: UInt64

  init(id: UInt64) {
    self.id = id
  }

  /// When anything last came from the server, monotonic nanoseconds; the time of `connect` before that. Pings of the server
  /// are answered by the library and are not seen here.
  public var lastActivityNanoseconds: Int64 { 0 }

  /// Queues a text message; the bytes must be UTF-8.
  public func send(text: [UInt8]) throws(WebSocketRefusal) {
  }

  /// Queues a text message.
  public func send(text: String) throws(WebSocketRefusal) {
    try send(text: Array(text.utf8))
  }

  /// Queues a ping, which the server answers with what becomes `pong`.
  public func ping() throws(WebSocketRefusal) {
  }

  /// Ends the connection once what was queued is sent; `closed` follows. Does nothing when it has ended.
  public func close(code: UInt16 = 1000, reason: String = "") {
  }
}
