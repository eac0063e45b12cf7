import Wire

/// What became of a call to a venue. Decided by the venue's own table, never by the class of the HTTP status alone.
public enum VenueOutcome<Reply: Sendable>: Sendable {
  /// The venue did what was asked, and said so in words that we understand.
  case confirmed(Reply)
  /// The venue did not do it, or it never reached the venue. Certain.
  case failed(VenueFailure)
  /// Nobody can say: the venue may have done it. Must be resolved by asking; never by sending again.
  case unknown(VenueFailure)
}

extension VenueOutcome: Equatable where Reply: Equatable {}

extension VenueOutcome {
  /// Why it is not confirmed; nil when it is.
  public var failure: VenueFailure? {
    switch self {
    case .confirmed: nil
    case .failed(let failure), .unknown(let failure): failure
    }
  }

  /// What every venue's table begins with: a call that was not sent has failed, and one without an answer may have been carried out.
  static func of(
    _ result: VenueResult, _ purpose: VenueRequest.Purpose, judge: (VenueReply) -> VenueOutcome
  ) -> VenueOutcome {
    switch result {
    case .notSent(let reason): .failed(VenueFailure(.transient, reason: reason))
    case .maybeSent(let reason): doubt(VenueFailure(.transient, reason: reason), purpose)
    case .reply(let reply): judge(reply)
    }
  }

  /// An answer that says yes. One that cannot be read leaves an order in doubt, so it is `unknown` for whatever changes state.
  static func confirmed(
    by body: [UInt8], _ purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome {
    do {
      return .confirmed(try read(body))
    } catch {
      return doubt(VenueFailure(.permanent, reason: "unreadable reply: \(error)", needsAlert: true), purpose)
    }
  }

  /// A call whose outcome nobody states: what changes nothing has failed, the rest is unknown.
  static func doubt(_ failure: VenueFailure, _ purpose: VenueRequest.Purpose) -> VenueOutcome {
    purpose.changesState ? .unknown(failure) : .failed(failure)
  }
}

/// Why a call was not confirmed.
public struct VenueFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What may be done about it.
  public enum Kind: Sendable, Hashable {
    /// May pass by itself: repeat with back-off what is safe to repeat.
    case transient
    /// Will fail again unchanged.
    case permanent
    /// Our clock is off the venue's: ask for its time, then try once more.
    case clock
    /// Too much was asked. Wait this many seconds, or back off by our own rule when the venue names none.
    case rateLimited(retryAfterSeconds: Int?)
    /// The order is not known (query) or not open any more (cancel).
    case noSuchOrder
  }

  /// What may be done about it.
  public var kind: Kind
  /// The venue's own code, when it gave one.
  public var code: Int64?
  /// The venue's words, or ours; never long.
  public var reason: String
  /// True when a person should know: keys, signatures, codes that nobody has listed.
  public var needsAlert: Bool
  /// Of a rate limit: true when it is the account's requests of this purpose alone that are too many.
  public var limitsPurposeAlone: Bool

  /// A failure of this kind.
  public init(
    _ kind: Kind, code: Int64? = nil, reason: String, needsAlert: Bool = false, limitsPurposeAlone: Bool = false
  ) {
    self.kind = kind
    self.code = code
    self.reason = reason.cut()
    self.needsAlert = needsAlert
    self.limitsPurposeAlone = limitsPurposeAlone
  }

  /// `reason (code)`.
  public var description: String { code.map { "\(reason) (\($0))" } ?? reason }
}

/// What the transport has to say about a call: exactly one of these.
public enum VenueResult: Sendable, Equatable {
  /// A whole answer arrived.
  case reply(VenueReply)
  /// Proven: no byte of the request left.
  case notSent(reason: String)
  /// Bytes may have left and no whole answer arrived.
  case maybeSent(reason: String)
}

/// A venue's answer.
public struct VenueReply: Sendable, Equatable {
  /// The HTTP status.
  public var status: Int
  /// The `Retry-After` header in seconds, when there was a usable one.
  public var retryAfterSeconds: Int?
  /// The header fields by their names in lower case; of a name that comes twice, the first.
  public var headers: [String: String]
  /// The body.
  public var body: [UInt8]

  /// An answer; `retryAfter` is the header's text. A value above three days, the longest ban a venue states, counts as three days.
  public init(status: Int, retryAfter: String? = nil, headers: [String: String] = [:], body: [UInt8]) {
    self.status = status
    self.retryAfterSeconds = retryAfter.flatMap { Int($0) }.flatMap { $0 < 0 ? nil : min($0, 3 * 86_400) }
    self.headers = headers
    self.body = body
  }

  /// A header that counts something; nil when it is absent or no number that anything could count to.
  func count(_ name: String) -> Int64? {
    headers[name].flatMap { Int64($0) }.flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
  }
}
