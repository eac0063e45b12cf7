import Runtime
import Synchronization

/// WebSocket connections to other servers: one thread serves all of them. It never reconnects by itself; who asked
/// for a connection hears of its end and decides. TLS certificates are always verified.
public final class WebSocketClient: Sendable {
  /// Receives what happens on a connection, on the client's own thread: it must not block.
  public typealias Sink = @Sendable (WebSocketLink, WebSocketEvent, EventTime) -> Void
  /// Receives each message where it lies, text or binary, on the client's own thread: the bytes are gone when it returns. The time is
  /// that at which they were read. While it works nothing is read: whoever floods it has to wait.
  public typealias MessageSink = @Sendable (WebSocketLink, UnsafeBufferPointer<UInt8>, EventTime) -> Void

  /// The limits of a client.
  public struct Configuration: Sendable {
    /// Connections at once, those being made included.
    public var maxConnections = 256
    /// The largest message, fragments joined; a larger one ends the connection with 1009.
    public var maxMessageBytes = 8 * 1_024 * 1_024
    /// What may wait to be sent on one connection.
    public var maxOutboxBytes = 1_024 * 1_024
    /// From `connect` to the end of the handshake; a name server that does not answer may prolong it.
    public var connectTimeoutMilliseconds = 10_000
    /// PEM certificates to trust instead of the system's; nil for the system's.
    public var caFile: String?

    /// The usual limits.
    public init() {}
  }

  private let configuration: Configuration
  private let inbox: WebSocketClientInbox
  private let thread: NamedThread

  /// Starts the client's thread, called `name`.
  public init(_ configuration: Configuration = Configuration(), name: String = "ws-client") throws {
    ignoreBrokenPipes
    self.configuration = configuration
    inbox = try WebSocketClientInbox()
    let loop = try WebSocketClientLoop(
      inbox: inbox, tls: ClientTLSContext(caFile: configuration.caFile), maxMessageBytes: configuration.maxMessageBytes)
    thread = try NamedThread(name) { loop.run() }
  }

  /// Begins a connection. `sink` hears of everything that happens on it, `closed` last and exactly once; of messages, `messages` hears
  /// instead, if there is one.
  @discardableResult
  public func connect(
    _ request: WebSocketRequest, messages: MessageSink? = nil, sink: @escaping Sink
  ) throws(WebSocketRefusal) -> WebSocketLink {
    let url = try WebSocketURL(request.url)
    guard request.headers.areWellFormed, request.subprotocols.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isTokenByte) })
    else {
      throw .invalid("a header field or a subprotocol is not well formed")
    }
    let id = try inbox.reserve(maxConnections: configuration.maxConnections)
    let inbox = self.inbox
    let link = WebSocketLink(id: id, maxOutboxBytes: configuration.maxOutboxBytes) { inbox.post(.changed($0)) }
    let deadline = monotonicNanoseconds() + Int64(configuration.connectTimeoutMilliseconds) * 1_000_000
    inbox.post(
      .begin(Connecting(link: link, url: url, request: request, messages: messages, sink: sink, deadline: deadline)))
    if AddressResolver.isNumeric(url.host) {
      inbox.post(.resolved(id, .success(url.host)))
    } else {
      do {
        _ = try NamedThread("ws-resolve") { inbox.post(.resolved(id, AddressResolver.resolve(url.host, attempt: id))) }
      } catch {
        inbox.post(.resolved(id, .failure(NetError(error.description))))
      }
    }
    return link
  }

  /// Ends every connection (their sinks hear `closed`) and waits for the thread's end. The client must be shut down, else its thread
  /// lives on. Not to be called from a sink.
  public func shutDown() {
    inbox.stop()
    thread.join()
  }

  /// A connection that was asked for.
  struct Connecting: Sendable {
    let link: WebSocketLink
    let url: WebSocketURL
    let request: WebSocketRequest
    let messages: MessageSink?
    let sink: Sink
    let deadline: Int64
  }
}

/// What other threads ask of a WebSocket client's thread.
final class WebSocketClientInbox: Sendable {
  enum Command: Sendable {
    case begin(WebSocketClient.Connecting)
    case resolved(UInt64, Result<String, NetError>)
    /// A link has something to send, is to be closed, or reads again.
    case changed(UInt64)
  }

  private struct State {
    var commands: [Command] = []
    /// Links whose change is among the commands already, so that a busy sender fills no queue.
    var changed: Set<UInt64> = []
    var connectionCount = 0
    var lastID: UInt64 = 0
    var isStopping = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let wakeup: Wakeup

  init() throws { wakeup = try Wakeup() }

  /// Readable when something was asked.
  var descriptor: Int32 { wakeup.descriptor }

  /// The id of one more connection, if there may be one.
  func reserve(maxConnections: Int) throws(WebSocketRefusal) -> UInt64 {
    let result: Result<UInt64, WebSocketRefusal> = state.withLock { state in
      if state.isStopping { return .failure(.shutDown) }
      if state.connectionCount >= maxConnections { return .failure(.tooManyConnections) }
      state.connectionCount += 1
      state.lastID += 1
      return .success(state.lastID)
    }
    return try result.get()
  }

  func countClosed() {
    state.withLock { $0.connectionCount -= 1 }
  }

  func post(_ command: Command) {
    let isFirst = state.withLock { state in
      if state.hasEnded { return false }
      if case .changed(let id) = command, !state.changed.insert(id).inserted { return false }
      state.commands.append(command)
      return state.commands.count == 1
    }
    if isFirst { wakeup.signal() }
  }

  func stop() {
    state.withLock { $0.isStopping = true }
    wakeup.signal()
  }

  func takeAll() -> (commands: [Command], isStopping: Bool) {
    wakeup.wait(timeoutMilliseconds: 0)
    return state.withLock { state in
      defer {
        state.commands = []
        state.changed = []
      }
      return (state.commands, state.isStopping)
    }
  }

  /// The thread ends: nothing is taken any more. What was still waiting.
  func end() -> [Command] {
    state.withLock { state in
      state.hasEnded = true
      defer { state.commands = [] }
      return state.commands
    }
  }
}
