/// A client's WebSocket as a venue's face keeps it.
protocol VenueSocket: Sendable {
  var id: SocketID { get }
  /// Names of the public streams that it listens to, in the order of subscription.
  var streams: [String] { get set }
  /// A message of `stream` as this client gets it.
  func framed(_ message: [UInt8], of stream: String) -> [UInt8]
}

/// The WebSockets that are open, oldest first.
struct VenueSockets<Socket: VenueSocket>: Sendable {
  private(set) var open: [Socket] = []

  mutating func add(_ socket: Socket) { open.append(socket) }

  mutating func remove(_ id: SocketID) { open.removeAll { $0.id == id } }

  /// Runs `body` on a socket; nil when it has gone.
  mutating func with<Result>(_ id: SocketID, _ body: (inout Socket) -> Result) -> Result? {
    open.firstIndex { $0.id == id }.map { body(&open[$0]) }
  }

  /// True when somebody listens to `stream`.
  func hasListener(of stream: String) -> Bool { open.contains { $0.streams.contains(stream) } }

  /// Sends a public message to everybody who listens to `stream`; `message` is asked for only when somebody does.
  func broadcast(_ stream: String, _ world: inout World, _ message: () -> [UInt8]) {
    guard hasListener(of: stream) else { return }
    let copies = world.faults.copies(ofPublic: stream)
    guard copies > 0 else { return }
    let message = message()
    for socket in open where socket.streams.contains(stream) {
      for _ in 0..<copies { world.send(socket.framed(message, of: stream), to: socket.id) }
    }
  }
}
