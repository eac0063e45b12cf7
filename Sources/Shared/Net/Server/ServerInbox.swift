import Runtime
import Synchronization

/// What other threads ask of a server's thread. Bounded by its senders: a request has one answer, and a WebSocket is flagged once
/// until the server's thread has looked at its outbox.
final class ServerInbox: Sendable {
  /// How a request is answered.
  enum Answer: Sendable {
    case respond(HTTPResponse)
    case drop
  }

  enum Command: Sendable {
    /// The answer to request number `request` of a connection, due at a monotonic time.
    case answer(connection: UInt64, request: UInt64, Answer, dueNanoseconds: Int64)
    /// A WebSocket's outbox has something new.
    case outboxChanged(connection: UInt64)
    case stop
  }

  private let commands = Mutex<[Command]>([])
  private let wakeup: Wakeup

  init() throws {
    wakeup = try Wakeup()
  }

  /// Readable when commands wait.
  var descriptor: Int32 { wakeup.descriptor }

  func post(_ command: Command) {
    let isFirst = commands.withLock { commands in
      commands.append(command)
      return commands.count == 1
    }
    if isFirst { wakeup.signal() }
  }

  func takeAll() -> [Command] {
    wakeup.wait(timeoutMilliseconds: 0)
    return commands.withLock { commands in
      defer { commands = [] }
      return commands
    }
  }
}
