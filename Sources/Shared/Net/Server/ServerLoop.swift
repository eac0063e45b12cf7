import CShim
import Glibc
import Runtime

/// What a server's thread does: accepts, tells connections what happened to their sockets, carries out answers when they are due.
final class ServerLoop {
  private let listener: ListeningSocket
  private let epoll: Int32
  private let configuration: HTTPServerConfiguration
  private let handlers: HTTPServerHandlers
  private let inbox: ServerInbox
  private let tls: TLSContext?

  private var connections: [UInt64: ServerConnection] = [:]
  private var lastConnection = firstConnection
  private var delayed = DelayedAnswers()
  private var isAccepting = false
  private var isStopping = false
  private var nextTick: Int64 = 0

  /// What epoll calls the listener and the inbox; connections come after.
  private static let listenerToken: UInt64 = 0
  private static let inboxToken: UInt64 = 1
  private static let firstConnection: UInt64 = 15
  private static let tickNanoseconds: Int64 = 100_000_000

  init(
    listener: ListeningSocket, configuration: HTTPServerConfiguration, handlers: HTTPServerHandlers, inbox: ServerInbox,
    tls: TLSContext?
  ) throws {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw SystemError("epoll_create1") }
    self.listener = listener
    self.configuration = configuration
    self.handlers = handlers
    self.inbox = inbox
    self.tls = tls
    watch(inbox.descriptor, token: Self.inboxToken, events: EPOLLIN.rawValue, EPOLL_CTL_ADD)
    startAccepting()
  }

  deinit {
    close(epoll)
  }

  func run() {
    let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1_024, alignment: 16)
    defer {
      events.deallocate()
      buffer.deallocate()
    }
    while !isStopping {
      let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), waitMilliseconds())
      for event in events.prefix(max(0, Int(count))) { handle(event, buffer) }
      for command in inbox.takeAll() { carryOut(command) }
      let now = monotonicNanoseconds()
      while let due = delayed.takeDue(now: now) { answer(due) }
      if now >= nextTick { tick(now: now) }
    }
    listener.close()
    for connection in connections.values.sorted(by: { $0.id < $1.id }) {
      connection.goAway()
      settle(connection)
    }
  }

  private func waitMilliseconds() -> Int32 {
    guard !connections.isEmpty || !isAccepting || !delayed.isEmpty else { return -1 }
    let next = min(nextTick, delayed.nextDue ?? .max)
    return Int32(clamping: max(0, (next - monotonicNanoseconds() + 999_999) / 1_000_000))
  }

  private func handle(_ event: epoll_event, _ buffer: UnsafeMutableRawBufferPointer) {
    switch event.data.u64 {
    case Self.listenerToken: accept()
    case Self.inboxToken: break
    case let id:
      guard let connection = connections[id] else { return }
      // An error or a hang-up shows in the next read or write.
      if event.events & ~EPOLLOUT.rawValue != 0 { connection.readable(buffer) }
      settle(connection)
    }
  }

  private func carryOut(_ command: ServerInbox.Command) {
    switch command {
    case .stop: isStopping = true
    case .outboxChanged(let id):
      if let connection = connections[id] { settle(connection) }
    case .answer(let connection, let request, let answer, let due):
      let delayedAnswer = DelayedAnswers.Entry(due: due, connection: connection, request: request, answer: answer)
      if due > monotonicNanoseconds() { delayed.insert(delayedAnswer) } else { self.answer(delayedAnswer) }
    }
  }

  private func answer(_ entry: DelayedAnswers.Entry) {
    guard let connection = connections[entry.connection] else { return }
    connection.answer(request: entry.request, entry.answer)
    settle(connection)
  }

  private func tick(now: Int64) {
    nextTick = now + Self.tickNanoseconds
    if !isAccepting { startAccepting() }
    for connection in Array(connections.values) {
      connection.tick(now: now)
      settle(connection)
    }
  }

  // MARK: Sockets

  private func startAccepting() {
    watch(listener.descriptor, token: Self.listenerToken, events: EPOLLIN.rawValue, EPOLL_CTL_ADD)
    isAccepting = true
  }

  private func accept() {
    while true {
      let socket = apus_accept(listener.descriptor)
      if socket < 0 {
        // Out of descriptors: the listener would stay readable, so it rests until the next tick.
        if [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno) {
          watch(listener.descriptor, token: Self.listenerToken, events: 0, EPOLL_CTL_DEL)
          isAccepting = false
        }
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      begin(socket)
    }
  }

  private func begin(_ socket: Int32) {
    let session = tls.flatMap { TLSSession($0) }
    guard connections.count < configuration.maxConnections, (tls == nil) == (session == nil) else {
      close(socket)
      return
    }
    var one: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    lastConnection += 1
    let now = monotonicNanoseconds()
    if connections.isEmpty { nextTick = now + Self.tickNanoseconds }
    let connection = ServerConnection(
      id: lastConnection, socket: socket, tls: session, configuration: configuration, handlers: handlers, inbox: inbox, now: now)
    connections[connection.id] = connection
    connection.watchedEvents = connection.interest
    watch(socket, token: connection.id, events: connection.watchedEvents, EPOLL_CTL_ADD)
  }

  /// Sends what the connection has to say, then either forgets it or watches what it waits for.
  private func settle(_ connection: ServerConnection) {
    if !connection.isFinished { connection.flush() }
    guard !connection.isFinished else {
      connections[connection.id] = nil
      close(connection.socket)
      connection.wasClosed()
      return
    }
    let interest = connection.interest
    if interest != connection.watchedEvents {
      connection.watchedEvents = interest
      watch(connection.socket, token: connection.id, events: interest, EPOLL_CTL_MOD)
    }
  }

  private func watch(_ descriptor: Int32, token: UInt64, events: UInt32, _ operation: Int32) {
    var event = epoll_event()
    event.events = events
    event.data.u64 = token
    let result = epoll_ctl(epoll, operation, descriptor, &event)
    precondition(result == 0, "epoll takes any open socket, each once")
  }
}

/// Answers that wait for their time: a heap, the earliest first, in the order given among equals.
struct DelayedAnswers {
  struct Entry {
    let due: Int64
    let connection: UInt64
    let request: UInt64
    let answer: ServerInbox.Answer
  }

  private var heap: [(order: UInt64, entry: Entry)] = []
  private var inserted: UInt64 = 0

  var isEmpty: Bool { heap.isEmpty }
  var nextDue: Int64? { heap.first?.entry.due }

  mutating func insert(_ entry: Entry) {
    inserted += 1
    heap.append((inserted, entry))
    var child = heap.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func takeDue(now: Int64) -> Entry? {
    guard let first = heap.first, first.entry.due <= now else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) { least = child }
      if least == parent { return first.entry }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    (heap[left].entry.due, heap[left].order) < (heap[right].entry.due, heap[right].order)
  }
}
