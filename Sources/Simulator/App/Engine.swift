import Domain
import Net
import Runtime
import SimulatorCore
import Synchronization

/// The one thread that owns the simulation: takes what the servers received, and carries out what the simulation wants done.
final class Engine: Sendable {
  /// What a server received.
  enum Input: Sendable {
    case request(WebRequest, HTTPResponder)
    case control(WebRequest, HTTPResponder)
    case opened(WebSocketConnection, path: String, query: String)
    case text(SocketID, [UInt8])
    case closed(SocketID)
  }

  /// The longest time between two ticks, in nanoseconds.
  private static let longestTick = 10 * Interval.millisecond

  private let inbox = BoundedQueue<Input>(capacity: 16_384)
  private let simulation: Mutex<Simulation>
  private let tickNanoseconds: Int64
  private let requests: Counter
  private let messages: Counter
  private let socketCount: Gauge

  /// `tickNanoseconds`: how often the simulation has something to do by itself; delayed messages want it often enough as well.
  init(_ simulation: Simulation, tickNanoseconds: Int64, metrics: Metrics) {
    self.simulation = Mutex(simulation)
    self.tickNanoseconds = min(tickNanoseconds, Self.longestTick)
    requests = metrics.counter("simulator_requests_total", help: "Requests handled")
    messages = metrics.counter("simulator_messages_sent_total", help: "WebSocket messages sent")
    socketCount = metrics.gauge("simulator_websockets", help: "WebSockets open")
  }

  /// The handlers of the venue's port.
  func venueHandlers(_ face: any VenueFace) -> HTTPServerHandlers {
    HTTPServerHandlers(
      request: { request, responder in self.submit(.request(WebRequest(request), responder), responder) },
      upgrade: { request in
        face.hasWebSocket(at: request.path) ? .accept() : .refuse(.text("no WebSocket here\n", status: 404))
      },
      webSocket: { connection, event, _ in
        // Waiting here is the back-pressure: a full inbox stops the reading of every client.
        switch event {
        case .opened(let request):
          self.inbox.push(.opened(connection, path: request.path, query: request.rawQuery ?? ""))
        case .text(let text): self.inbox.push(.text(connection.id, text))
        case .binary: break
        case .closed: self.inbox.push(.closed(connection.id))
        }
      })
  }

  /// The handlers of the fault port.
  func controlHandlers() -> HTTPServerHandlers {
    HTTPServerHandlers { request, responder in self.submit(.control(WebRequest(request), responder), responder) }
  }

  private func submit(_ input: Input, _ responder: HTTPResponder) {
    guard inbox.push(input, timeoutMilliseconds: 0) == .pushed else {
      responder.respond(.text("overloaded\n", status: 503))
      return
    }
  }

  /// Ends `run`.
  func close() { inbox.close() }

  /// Serves until the inbox is closed.
  func run(_ stop: Latch) {
    var owner = Owner()
    var nextTick = monotonicNanoseconds()
    while !stop.isSet {
      let wait = nextTick - monotonicNanoseconds()
      if wait <= 0 {
        nextTick = monotonicNanoseconds() + tickNanoseconds
        apply(.tick, nil, &owner)
        continue
      }
      switch inbox.pop(timeoutMilliseconds: Int((wait + Interval.millisecond - 1) / Interval.millisecond)) {
      case .element(let input): handle(input, &owner)
      case .timedOut: continue
      case .closed: return
      }
    }
  }

  /// What the thread keeps between two inputs.
  private struct Owner {
    var lastRequest: RequestID = 0
    var sockets: [SocketID: WebSocketConnection] = [:]
    var effects: [Effect] = []
  }

  private func handle(_ input: Input, _ owner: inout Owner) {
    switch input {
    case .request(let request, let responder):
      requests.add()
      owner.lastRequest += 1
      apply(.request(owner.lastRequest, request), responder, &owner)
    case .control(let request, let responder):
      owner.lastRequest += 1
      apply(.control(owner.lastRequest, request), responder, &owner)
    case .opened(let connection, let path, let query):
      owner.sockets[connection.id] = connection
      apply(.socketOpened(connection.id, path: path, query: query), nil, &owner)
    case .text(let id, let text): apply(.socketText(id, text), nil, &owner)
    case .closed(let id):
      owner.sockets[id] = nil
      apply(.socketClosed(id), nil, &owner)
    }
    socketCount.set(Int64(owner.sockets.count))
  }

  /// A request's answer is among the effects of that request, however late it is to be sent.
  private func apply(_ event: Simulation.Event, _ responder: HTTPResponder?, _ owner: inout Owner) {
    owner.effects.removeAll(keepingCapacity: true)
    let now = wallClock()
    simulation.withLock { $0.apply(event, at: now, into: &owner.effects) }
    for effect in owner.effects {
      switch effect {
      case .reply(_, let reply, let delay): responder?.respond(HTTPResponse(reply), delayNanoseconds: delay)
      case .drop(_, let delay): responder?.dropConnection(delayNanoseconds: delay)
      case .send(let socket, let message):
        messages.add()
        owner.sockets[socket]?.send(text: message)
      case .close(let socket, let code, let reason): owner.sockets[socket]?.close(code: code, reason: reason)
      case .cut(let socket): owner.sockets[socket]?.drop()
      }
    }
  }
}

extension WebRequest {
  init(_ request: HTTPServerRequest) {
    self.init(
      method: request.method.rawValue, path: request.path, query: request.rawQuery ?? "",
      headers: request.headers.fields.map { (name: $0.name, value: $0.value) }, body: request.body)
  }
}

extension HTTPResponse {
  init(_ reply: WebReply) {
    self.init(status: reply.status, body: reply.body)
    for (name, value) in reply.headers { headers.append(name, value) }
  }
}
