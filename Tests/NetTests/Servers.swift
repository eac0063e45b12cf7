import Crypto
import Domain
import Net
import Synchronization
import Testing

/// Runs `body` against a server that answers each request with `answer`, and stops it.
func withServer(
  _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
  answer: @escaping @Sendable (HTTPServerRequest, HTTPResponder) -> Void = { _, responder in responder.respond(.text("ok")) },
  _ body: (HTTPServer) async throws -> Void
) async throws {
  try await withServer(configuration, handlers: HTTPServerHandlers(request: answer), body)
}

func withServer(
  _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(), handlers: HTTPServerHandlers,
  _ body: (HTTPServer) async throws -> Void
) async throws {
  let server = try HTTPServer(configuration, handlers: handlers)
  defer { server.shutDown() }
  try await body(server)
}

func withClient(
  _ configuration: HTTPClient.Configuration = HTTPClient.Configuration(), _ body: (HTTPClient) async throws -> Void
) async throws {
  let client = try HTTPClient(configuration)
  defer { client.shutDown() }
  try await body(client)
}

/// A name that nobody can have, since a part of it is longer than 63 letters: known without asking anybody, who might be slow to answer.
let impossibleHost = String(repeating: "x", count: 64) + ".invalid"

/// A request written out in one line, so that a test can say "the server saw this".
func summary(_ request: HTTPServerRequest) -> String {
  "\(request.method.rawValue) \(request.path) \(request.rawQuery ?? "-") \(request.body.count)"
}

/// Collects from any thread.
final class Log<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])

  func append(_ element: Element) {
    elements.withLock { $0.append(element) }
  }

  var all: [Element] { elements.withLock { $0 } }

  /// Waits until the collected elements satisfy a condition; fails the test when that takes a minute.
  func wait(until condition: ([Element]) -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition(all) {
      guard ContinuousClock.now < deadline else {
        Issue.record("a minute has passed; so far: \(all)")
        return
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

extension HTTPOutcome {
  /// The failure, if it is proven that nothing was sent.
  var unsent: HTTPFailure? {
    if case .notSent(let failure) = self { failure } else { nil }
  }

  /// The failure, if something may have been sent.
  var doubtful: HTTPFailure? {
    if case .maybeSent(let failure) = self { failure } else { nil }
  }
}

/// The answer to a WebSocket key, RFC 6455 §4.2.2.
func acceptance(ofKey key: String) -> String {
  Base64.encode(SHA1.digest(of: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
}
