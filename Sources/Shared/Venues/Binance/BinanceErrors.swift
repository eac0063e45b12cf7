import Wire

/// Binance's own table of failures (errors.md of binance-spot-api-docs), and what a call's result means by it.
public enum BinanceErrors {
  /// Classifies the result of a call and reads the reply of a confirmed one.
  public static func classify<Reply: Sendable>(
    _ result: VenueResult, of purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply> {
    .of(result, purpose) { reply in
      guard (200..<300).contains(reply.status) else { return refusal(reply, purpose) }
      return .confirmed(by: reply.body, purpose, read: read)
    }
  }

  /// What an error payload means for a call of this purpose when HTTP says that the venue understood it (4xx), or when it came over the
  /// WebSocket API.
  public static func classify<Reply: Sendable>(
    code: Int64, message: String, of purpose: VenueRequest.Purpose, retryAfterSeconds: Int? = nil
  ) -> VenueOutcome<Reply> {
    let failure = failure(code: code, message: message, retryAfterSeconds: retryAfterSeconds)
    return leavesDoubt(code: code, message: message, purpose) ? .unknown(failure) : .failed(failure)
  }

  private static func refusal<Reply>(_ reply: VenueReply, _ purpose: VenueRequest.Purpose) -> VenueOutcome<Reply> {
    let payload = try? JSON.parse(reply.body)
    let code = payload?["code"]?.integer
    let message = payload?["msg"]?.string ?? "HTTP status \(reply.status)"
    switch reply.status {
    case 418, 429:
      return .failed(tooMuch(code, message, reply.retryAfterSeconds))
    case 403:  // The firewall stands before the matching engine; it wants silence, and says not for how long.
      return .failed(VenueFailure(.rateLimited(retryAfterSeconds: nil), code: code, reason: message, needsAlert: true))
    case 400..<500:
      guard let code else {
        return .doubt(VenueFailure(.permanent, reason: message, needsAlert: true), purpose)
      }
      return classify(code: code, message: message, of: purpose, retryAfterSeconds: reply.retryAfterSeconds)
    default:  // The venue: "execution status is UNKNOWN and could have been a success".
      return .doubt(VenueFailure(.transient, code: code, reason: message), purpose)
    }
  }

  /// Codes with which a request that changes state may have been carried out all the same.
  private static func leavesDoubt(code: Int64, message: String, _ purpose: VenueRequest.Purpose) -> Bool {
    guard purpose.changesState else { return false }
    switch code {
    case -1000, -1001, -1006, -1007: return true
    case -2010: return purpose == .placeOrder && isDuplicate(message)  // An earlier attempt arrived.
    default: return false
    }
  }

  private static func isDuplicate(_ message: String) -> Bool { message.hasPrefix("Duplicate order sent") }

  private static func failure(code: Int64, message: String, retryAfterSeconds: Int?) -> VenueFailure {
    switch code {
    case -1000, -1001, -1006, -1007, -1008, -1016, -1034:
      VenueFailure(.transient, code: code, reason: message)
    case -1003, -1015, -1181: tooMuch(code, message, retryAfterSeconds)
    case -1021: VenueFailure(.clock, code: code, reason: message)
    case -2013: VenueFailure(.noSuchOrder, code: code, reason: message)
    case -2011 where message.hasPrefix("Unknown order sent"): VenueFailure(.noSuchOrder, code: code, reason: message)
    // Not the order's fault but the account's: every other one would be refused, too.
    case -2010 where message.hasPrefix("This account may not"):
      VenueFailure(.permanent, code: code, reason: message, needsAlert: true)
    case -1013, -1111, -2010, -2011: VenueFailure(.permanent, code: code, reason: message)  // An order's own fault.
    default: VenueFailure(.permanent, code: code, reason: message, needsAlert: true)
    }
  }

  /// -1015 counts the account's new orders; everything else counts the address.
  private static func tooMuch(_ code: Int64?, _ message: String, _ retryAfterSeconds: Int?) -> VenueFailure {
    VenueFailure(
      .rateLimited(retryAfterSeconds: retryAfterSeconds), code: code, reason: message, limitsPurposeAlone: code == -1015)
  }
}
