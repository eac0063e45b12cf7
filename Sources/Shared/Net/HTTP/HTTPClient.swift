import Runtime
import Synchronization

/// Sends HTTP/1.1 requests over kept-alive connections. Any thread submits, and where a connection stands the request leaves on that thread,
/// before `submit` returns: no other thread has to wake up first. The client's own thread does everything else.
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
  private let driver: HTTPDriver
  private let gate = Mutex(Gate())
  private let thread = Mutex<NamedThread?>(nil)

  /// Starts the client's thread, called `name`.
  public init(_ configuration: Configuration = Configuration(), name: String = "http-client") throws {
    ignoreBrokenPipes
    let driver = try HTTPDriver(configuration)
    self.configuration = configuration
    self.driver = driver
    let started = try NamedThread(name) { [self] in run(driver) }
    thread.withLock { $0 = started }
  }

  /// Takes a request; `sink` hears of its end exactly once, with `token`. A throw means that it was not taken and never will be sent.
  public func submit(_ request: HTTPRequest, token: UInt64 = 0, to sink: @escaping Sink) throws(HTTPRefusal) {
    try validate(request)
    let refusal: HTTPRefusal? = gate.withLock { gate in
      if gate.stopDeadline != nil { return .shutDown }
      if gate.inFlight >= configuration.maxInFlight { return .tooManyInFlight }
      gate.inFlight += 1
      return nil
    }
    if let refusal { throw refusal }
    driver.begin(Submission(request: request, token: token, sink: sink, submitted: monotonicNanoseconds()))
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
    gate.withLock { $0.stopDeadline = min($0.stopDeadline ?? .max, deadline) }
    driver.wakeUp()
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

  /// What the client's thread does: drives what is under way and reports what has ended.
  private func run(_ driver: HTTPDriver) {
    while true {
      for ended in driver.takeEnded() { report(ended) }
      var wait: Int64 = -1
      let (inFlight, stopDeadline) = gate.withLock { ($0.inFlight, $0.stopDeadline) }
      if let stopDeadline {
        let now = monotonicNanoseconds()
        if inFlight == 0 { return }
        if now >= stopDeadline { break }
        wait = (stopDeadline - now) / 1_000_000 + 1
      }
      driver.wait(timeoutMilliseconds: Int32(clamping: wait))
    }
    // A request that was let through just before may still be on its way to the driver, which ends it, too.
    while gate.withLock({ $0.inFlight }) > 0 {
      for ended in driver.endAll() { report(ended) }
      driver.wait(timeoutMilliseconds: 10)
    }
  }

  private func report(_ ended: HTTPDriver.Ended) {
    gate.withLock { $0.inFlight -= 1 }
    ended.submission.sink(ended.completion)
  }

  /// One request that was taken.
  struct Submission: Sendable {
    let request: HTTPRequest
    let token: UInt64
    let sink: Sink
    let submitted: Int64
  }

  /// What decides whether a request is taken.
  private struct Gate {
    var inFlight = 0
    var stopDeadline: Int64?
  }
}
