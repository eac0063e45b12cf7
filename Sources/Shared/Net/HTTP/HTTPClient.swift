import CCurl
import Runtime
import Synchronization

/// Sends HTTP/1.1 requests over kept-alive connections: one thread owns libcurl's multi handle, any thread submits.
///
/// It never repeats a request and follows no redirect, and each outcome says whether the server may have seen the request.
/// TLS certificates are always verified. Proxies named in the environment are not used.
public final class HTTPClient: Sendable {
  /// Receives a finished request, on the client's own thread: it must not block, and may submit.
  public typealias Sink = @Sendable (HTTPCompletion) -> Void

  /// The limits of a client.
  public struct Configuration: Sendable {
    /// Requests under way at once; further ones are refused.
    public var maxInFlight = 1_024
    /// The largest body of an answer.
    public var maxBodyBytes = 32 * 1_024 * 1_024
    /// Status line and fields of an answer together.
    public var maxHeadBytes = 64 * 1_024
    /// Connections kept open for the next request.
    public var maxIdleConnections = 64
    /// A connection idle for longer is not used again: venues close theirs after a minute or so, and a request that meets that
    /// moment ends as `maybeSent`.
    public var idleConnectionSeconds = 25
    /// PEM certificates to trust instead of the system's; nil for the system's.
    public var caFile: String?
    /// The `user-agent` field, unless a request has its own.
    public var userAgent = "apus"

    /// The usual limits.
    public init() {}
  }

  private let configuration: Configuration
  private let multi: MultiHandle
  private let inbox = Mutex(Inbox())
  private let thread = Mutex<NamedThread?>(nil)

  /// Starts the client's thread, called `name`.
  public init(_ configuration: Configuration = Configuration(), name: String = "http-client") throws {
    guard let multi = MultiHandle(maxIdleConnections: configuration.maxIdleConnections) else {
      throw NetError("libcurl could not be initialised")
    }
    self.configuration = configuration
    self.multi = multi
    ignoreBrokenPipes
    let started = try NamedThread(name) { [self] in
      HTTPClientLoop(client: self, multi: multi, configuration: configuration).run()
    }
    thread.withLock { $0 = started }
  }

  /// Takes a request; `sink` hears of its end exactly once, with `token`. A throw means that it was not taken and never will be sent.
  public func submit(_ request: HTTPRequest, token: UInt64 = 0, to sink: @escaping Sink) throws(HTTPRefusal) {
    try validate(request)
    let submission = Submission(request: request, token: token, sink: sink, submitted: monotonicNanoseconds())
    let refusal: HTTPRefusal? = inbox.withLock { inbox in
      if inbox.stopDeadline != nil { return .shutDown }
      if inbox.inFlight >= configuration.maxInFlight { return .tooManyInFlight }
      inbox.inFlight += 1
      inbox.submissions.append(submission)
      return nil
    }
    if let refusal { throw refusal }
    multi.wakeUp()
  }

  /// The outcome of one request, for start-up code and tests; a core never awaits.
  public func outcome(of request: HTTPRequest) async throws(HTTPRefusal) -> HTTPOutcome {
    let result: Result<HTTPOutcome, HTTPRefusal> = await withCheckedContinuation { continuation in
      do throws(HTTPRefusal) {
        try submit(request) { continuation.resume(returning: .success($0.outcome)) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  /// Refuses new requests, gives those under way `graceMilliseconds` to finish, ends the rest with `.shutDown`, and waits for the
  /// thread's end. The client must be shut down, else its thread lives on. Not to be called from a sink.
  public func shutDown(graceMilliseconds: Int = 0) {
    let deadline = monotonicNanoseconds() + Int64(graceMilliseconds) * 1_000_000
    inbox.withLock { inbox in
      inbox.stopDeadline = min(inbox.stopDeadline ?? .max, deadline)
    }
    multi.wakeUp()
    thread.withLock { $0 }?.join()
  }

  private func validate(_ request: HTTPRequest) throws(HTTPRefusal) {
    let url = request.url.utf8
    guard request.url.hasPrefix("https://") || request.url.hasPrefix("http://") else {
      throw .invalid("the URL must start with https:// or http://")
    }
    guard url.count <= 16_384, url.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") }) else {
      throw .invalid("the URL must be printable, without white space or fragment, and at most 16,384 bytes long")
    }
    guard request.headers.areWellFormed else { throw .invalid("a header field is not well formed") }
    guard request.body.isEmpty || (request.method != .get && request.method != .head) else {
      throw .invalid("a \(request.method.rawValue) request has no body")
    }
    guard (1...600_000).contains(request.timeoutMilliseconds), (1...600_000).contains(request.connectTimeoutMilliseconds) else {
      throw .invalid("a time-out is 1 ms to 10 minutes")
    }
  }

  // For the loop, on the client's thread.

  /// What was submitted since the last call, and when to stop, if so.
  func takeSubmissions() -> (submissions: [Submission], stopDeadline: Int64?) {
    inbox.withLock { inbox in
      let submissions = inbox.submissions
      inbox.submissions.removeAll(keepingCapacity: true)
      return (submissions, inbox.stopDeadline)
    }
  }

  func countFinished() {
    inbox.withLock { $0.inFlight -= 1 }
  }

  /// One request on its way to the client's thread.
  struct Submission: Sendable {
    let request: HTTPRequest
    let token: UInt64
    let sink: Sink
    let submitted: Int64
  }

  private struct Inbox {
    var submissions: [Submission] = []
    var inFlight = 0
    var stopDeadline: Int64?
  }
}

/// libcurl's multi handle. Sendable because other threads only call `curl_multi_wakeup`, which libcurl allows from anywhere.
final class MultiHandle: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer

  init?(maxIdleConnections: Int) {
    guard MultiHandle.curlIsReady, let pointer = curl_multi_init() else { return nil }
    self.pointer = pointer
    curl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, maxIdleConnections)
    curl_multi_set_long(pointer, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
  }

  deinit {
    curl_multi_cleanup(pointer)
  }

  func wakeUp() {
    curl_multi_wakeup(pointer)
  }

  private static let curlIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}
