import Runtime

/// HTTP/1.1 and WebSocket server on one thread: raw bytes in, answers now or later.
///
/// It has a parser of its own because other libraries hand queries over decoded, and signatures are checked over the bytes as sent.
public final class HTTPServer: Sendable {
  /// The port it listens on, also when a free one was asked for.
  public let port: UInt16

  private let inbox: ServerInbox
  private let thread: NamedThread

  /// Binds and starts serving, on a thread called `name`. Throws when the address cannot be bound or a TLS file does not load.
  public init(_ configuration: HTTPServerConfiguration, handlers: HTTPServerHandlers, name: String = "http-server") throws {
    ignoreBrokenPipes
    let tls = try configuration.tls.map { try TLSContext($0) }
    let inbox = try ServerInbox()
    let listener = try ListeningSocket(address: configuration.address, port: configuration.port)
    do {
      let loop = try Handover(
        ServerLoop(listener: listener, configuration: configuration, handlers: handlers, inbox: inbox, tls: tls))
      thread = try NamedThread(name) { loop.value.run() }
    } catch {
      listener.close()
      throw error
    }
    port = listener.port
    self.inbox = inbox
  }

  /// Closes the listener and every connection (WebSockets with 1001) and waits for the thread's end. The server must be shut down,
  /// else its thread lives on. Not to be called from a handler.
  public func shutDown() {
    inbox.post(.stop)
    thread.join()
  }
}

/// Something made on one thread and from then on used by another alone.
private struct Handover<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) {
    self.value = value
  }
}
