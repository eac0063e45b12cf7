import Runtime

/// What a WebSocket client's thread does: tells connections what happened to their sockets, and carries out what other threads ask.
/// Sendable because the thread that runs it is the only one to touch it once it is made.
final class WebSocketClientLoop: @unchecked Sendable {
  private let poller: Poller
  private let inbox: WebSocketClientInbox
  private let tls: ClientTLSContext
  private let maxMessageBytes: Int
  private var connections: [UInt64: WebSocketClientConnection] = [:]
  /// Those whose patience may end: being made or being closed.
  private var hurried: Set<UInt64> = []
  /// Those that may hold bytes of which the poller knows nothing.
  private var unread: [UInt64] = []

  /// What the poller calls the inbox; connections count from 1.
  private static let inboxToken: UInt64 = 0

  init(inbox: WebSocketClientInbox, tls: ClientTLSContext, maxMessageBytes: Int) throws {
    poller = try Poller()
    self.inbox = inbox
    self.tls = tls
    self.maxMessageBytes = maxMessageBytes
    poller.add(inbox.descriptor, token: Self.inboxToken, .readable)
  }

  func run() {
    while true {
      let timeout = waitMilliseconds()
      let again = unread
      unread.removeAll(keepingCapacity: true)
      var isAsked = false
      do {
        try poller.wait(timeoutMilliseconds: timeout) { id, happened in
          if id == Self.inboxToken { isAsked = true } else { visit(id) { $0.ready(happened) } }
        }
      } catch {
        preconditionFailure("a poller that is open can be waited on: \(error)")
      }
      for id in again where !unread.contains(id) { visit(id) { $0.ready(.readable) } }
      if isAsked {
        let (commands, isStopping) = inbox.takeAll()
        for command in commands { carryOut(command) }
        if isStopping { break }
      }
      if !hurried.isEmpty { expire(at: monotonicNanoseconds()) }
    }
    end()
  }

  private func waitMilliseconds() -> Int32 {
    if !unread.isEmpty { return 0 }
    guard let next = hurried.compactMap({ connections[$0]?.deadline }).min() else { return -1 }
    return Int32(clamping: max(0, (next - monotonicNanoseconds() + 999_999) / 1_000_000))
  }

  private func carryOut(_ command: WebSocketClientInbox.Command) {
    switch command {
    case .begin(let connecting): begin(connecting)
    case .resolved(let id, let address):
      visit(id) { connection in
        connection.resolved(address)
        return false
      }
    case .changed(let id): visit(id) { $0.linkChanged() }
    }
  }

  private func begin(_ connecting: WebSocketClient.Connecting) {
    let connection = WebSocketClientConnection(connecting, tls: tls, maxMessageBytes: maxMessageBytes)
    connections[connection.link.id] = connection
    hurried.insert(connection.link.id)
  }

  private func expire(at now: Int64) {
    for id in hurried.sorted() {
      guard let deadline = connections[id]?.deadline, now >= deadline else { continue }
      visit(id) { connection in
        connection.expire()
        return false
      }
    }
  }

  /// Lets a connection do something, then either forgets it or watches what it waits for. `body` says whether more is to be read.
  private func visit(_ id: UInt64, _ body: (WebSocketClientConnection) -> Bool) {
    guard let connection = connections[id] else { return }
    if body(connection) { unread.append(id) }
    guard !connection.isFinished else { return forget(connection) }
    if connection.deadline == nil { hurried.remove(id) } else { hurried.insert(id) }
    guard let socket = connection.socket else { return }
    let interest = connection.interest
    guard interest != connection.watched else { return }
    if connection.watched == nil { poller.add(socket, token: id, interest) } else { poller.change(socket, token: id, interest) }
    connection.watched = interest
  }

  private func forget(_ connection: WebSocketClientConnection) {
    connections[connection.link.id] = nil
    hurried.remove(connection.link.id)
    connection.tellOfEnd()
    inbox.countClosed()
  }

  /// Ends what is there and what was still asked for.
  private func end() {
    for case .begin(let connecting) in inbox.end() { begin(connecting) }
    for connection in connections.values.sorted(by: { $0.link.id < $1.link.id }) {
      connection.shutDown()
      forget(connection)
    }
  }
}
