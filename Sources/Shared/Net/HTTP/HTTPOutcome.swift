/// How a request ended, in the terms that order logic needs: was there an answer, and if not, may the server have seen the request?
public enum HTTPOutcome: Sendable {
  /// A whole answer arrived, whatever its status.
  case response(HTTPResponse)
  /// Proven: no byte of the request left. The name was not resolved, the connection or its TLS handshake failed, or the send deadline had passed.
  case notSent(HTTPFailure)
  /// Bytes of the request may have left and no whole answer arrived: the server may or may not have acted on it.
  case maybeSent(HTTPFailure)

  /// The answer, if there was one.
  public var response: HTTPResponse? {
    if case .response(let response) = self { response } else { nil }
  }
}

/// Why a request has no answer.
public struct HTTPFailure: Error, Sendable, Equatable {
  /// The kinds of failure that callers tell apart.
  public enum Reason: String, Sendable {
    /// The host name has no address.
    case unresolvable
    /// No connection: refused, unreachable or not in time.
    case unconnectable
    /// The TLS handshake failed; an untrusted certificate is here too.
    case untrusted
    /// The send deadline had passed before the first byte could leave.
    case expired
    /// The time-out passed.
    case timedOut
    /// The connection ended before the whole answer was there.
    case connectionLost
    /// The answer is larger than the client takes.
    case tooLarge
    /// The answer is not HTTP.
    case malformedResponse
    /// The client was shut down first.
    case shutDown
  }

  /// What happened.
  public let reason: Reason
  /// A sentence for people.
  public let detail: String
}

/// One finished request.
public struct HTTPCompletion: Sendable {
  /// The token given at submission.
  public let token: UInt64
  /// How it ended.
  public let outcome: HTTPOutcome
  /// When it was submitted, monotonic nanoseconds.
  public let submittedNanoseconds: Int64
  /// When its first byte was about to leave, in the same clock; nil when that was never so.
  public let sentNanoseconds: Int64?
  /// When it was finished.
  public let finished: EventTime
}

/// A request that was not taken, so provably not sent.
public enum HTTPRefusal: Error, Sendable, Equatable {
  /// As many requests as the client takes are under way.
  case tooManyInFlight
  /// The client is shut down.
  case shutDown
  /// The request cannot be sent as it is; the text says why.
  case invalid(String)
}
