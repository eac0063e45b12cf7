import Runtime
import Synchronization

/// The way to answer one request: exactly once, from any thread, now or later. One that is forgotten answers 500 by itself.
public final class HTTPResponder: Sendable {
  private let connection: UInt64
  private let request: UInt64
  private let inbox: ServerInbox
  private let isAnswered = Atomic<Bool>(false)

  init(connection: UInt64, request: UInt64, inbox: ServerInbox) {
    self.connection = connection
    self.request = request
    self.inbox = inbox
  }

  deinit {
    answer(.respond(.text("the request was not answered\n", status: 500)), delayNanoseconds: 0)
  }

  /// Sends the answer, `delayNanoseconds` from now. Only the first answer counts; when the client has gone, it goes nowhere.
  public func respond(_ response: HTTPResponse, delayNanoseconds: Int64 = 0) {
    answer(.respond(response), delayNanoseconds: delayNanoseconds)
  }

  /// Closes the connection without an answer, `delayNanoseconds` from now: what a client sees when the reply is lost.
  public func dropConnection(delayNanoseconds: Int64 = 0) {
    answer(.drop, delayNanoseconds: delayNanoseconds)
  }

  private func answer(_ answer: ServerInbox.Answer, delayNanoseconds: Int64) {
    guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let due = delayNanoseconds > 0 ? monotonicNanoseconds() + min(delayNanoseconds, Self.maxDelayNanoseconds) : 0
    inbox.post(.answer(connection: connection, request: request, answer, dueNanoseconds: due))
  }

  /// One hour: an answer later than that is a mistake.
  private static let maxDelayNanoseconds: Int64 = 3_600_000_000_000
}
