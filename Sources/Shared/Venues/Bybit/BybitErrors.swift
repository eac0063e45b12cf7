import Wire

/// Bybit's own table of failures (error.mdx of bybit-exchange/docs), and what a call's result means by it. The venue answers nearly
/// everything with HTTP 200 and says in `retCode` what it meant.
public enum BybitErrors {
  /// Classifies the result of a call and reads the reply of a confirmed one.
  public static func classify<Reply: Sendable>(
    _ result: VenueResult, of purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply> {
    .of(result, purpose) { classify($0, of: purpose, read: read) }
  }

  /// What a `retCode` other than zero means for a call of this purpose.
  public static func classify<Reply: Sendable>(
    code: Int64, message: String, of purpose: VenueRequest.Purpose, retryAfterSeconds: Int? = nil
  ) -> VenueOutcome<Reply> {
    let failure = failure(code: code, message: message, retryAfterSeconds: retryAfterSeconds)
    return purpose.changesState && leavesDoubt(code: code, purpose) ? .unknown(failure) : .failed(failure)
  }

  private static func classify<Reply: Sendable>(
    _ reply: VenueReply, of purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply> {
    let envelope = try? JSON.parse(reply.body)
    let code = envelope?["retCode"]?.integer
    let message = envelope?["retMsg"]?.string ?? "HTTP status \(reply.status)"
    switch reply.status {
    case 200..<300:
      guard let code else {
        return .doubt(VenueFailure(.permanent, reason: "unreadable reply: no retCode", needsAlert: true), purpose)
      }
      guard code == 0 else {
        return classify(code: code, message: message, of: purpose, retryAfterSeconds: reply.retryAfterSeconds)
      }
      return .confirmed(by: reply.body, purpose, read: read)
    case 403:  // "access too frequent", the address's budget: the venue wants ten minutes of silence.
      return .failed(VenueFailure(.rateLimited(retryAfterSeconds: 600), code: code, reason: message, needsAlert: true))
    case 429:
      return .failed(VenueFailure(.rateLimited(retryAfterSeconds: reply.retryAfterSeconds), code: code, reason: message))
    case 400..<500:
      guard let code, code != 0 else {
        return .doubt(VenueFailure(.permanent, reason: message, needsAlert: true), purpose)
      }
      return classify(code: code, message: message, of: purpose, retryAfterSeconds: reply.retryAfterSeconds)
    default: return .doubt(VenueFailure(.transient, code: code, reason: message), purpose)
    }
  }

  /// Codes with which a request that changes state may have been carried out all the same.
  private static func leavesDoubt(code: Int64, _ purpose: VenueRequest.Purpose) -> Bool {
    switch code {
    // Time-outs inside the venue, errors of its own, and "submitted for processing".
    case 10_000, 10_016, 10_019, 110_079, 170_001, 170_007, 170_032, 170_035, 170_146, 170_147, 170_149, 170_150, 170_212,
      170_234,
      170_310, 500_000, 500_001, 3_400_214:
      true
    // A duplicate: an earlier attempt arrived.
    case 10_014, 110_072, 170_141: purpose == .placeOrder
    default: false
    }
  }

  private static func failure(code: Int64, message: String, retryAfterSeconds: Int?) -> VenueFailure {
    switch code {
    case 10_000, 10_016, 10_019, 40_004, 110_079, 110_114, 170_001, 170_007, 170_032, 170_035, 170_146, 170_147, 170_149, 170_150,
      170_191, 170_212, 170_234, 170_310, 500_000, 500_001, 3_400_214:
      VenueFailure(.transient, code: code, reason: message)
    // The account's requests to one endpoint, counted over any second: after one there is room again.
    case 10_006:
      VenueFailure(.rateLimited(retryAfterSeconds: retryAfterSeconds ?? 1), code: code, reason: message, limitsPurposeAlone: true)
    case 403, 429, 10_018, 10_429, 20_003, 30_035, 170_005, 170_222:
      VenueFailure(.rateLimited(retryAfterSeconds: retryAfterSeconds), code: code, reason: message)
    case 10_002: VenueFailure(.clock, code: code, reason: message)
    // Not there, or ended already.
    case 110_001, 110_008, 110_010, 170_139, 170_142, 170_143, 170_190, 170_213:
      VenueFailure(.noSuchOrder, code: code, reason: message)
    default: VenueFailure(.permanent, code: code, reason: message, needsAlert: !isOrdersOwnFault(code))
    }
  }

  /// Refusals that follow from the order and the account's funds: nobody has to be woken.
  private static func isOrdersOwnFault(_ code: Int64) -> Bool {
    switch code {
    case 30_208, 30_209, 110_003, 110_004, 110_006, 110_007, 110_012, 110_017, 110_020, 110_044, 110_045, 110_051...110_053,
      110_072,
      110_094, 110_120, 110_121, 10_014, 170_033, 170_124, 170_131...170_134, 170_136, 170_137, 170_140, 170_141, 170_148,
      170_192...170_200, 170_210, 170_217, 170_218, 170_341, 170_371, 170_372, 170_381, 170_382, 170_810:
      true
    default: false
    }
  }
}
