import Domain
import Wire

/// The private stream of a Bybit account (websocket/wss-authentication.mdx and websocket/private/*.mdx of bybit-exchange/docs): log on,
/// subscribe once that is confirmed, then read.
public enum BybitPrivateStream {
  /// What follows the base address of the streams.
  public static let target = "/v5/private"
  /// What is subscribed to: orders, their trades, balances.
  public static let topics = ["order", "execution", "wallet"]
  /// A log-on that arrives later than this after its time is refused by the venue.
  static let logOnWindow = 10 * Interval.second

  /// The frame that logs the connection on. `requestID` comes back in the answer.
  public static func authenticate(_ credentials: BybitCredentials, requestID: String, at time: Timestamp) -> [UInt8] {
    let expires = (time + logOnWindow).milliseconds
    return JSONWriter.object { writer in
      writer.member("req_id", requestID)
      writer.member("op", "auth")
      writer.name("args")
      writer.beginArray()
      writer.value(credentials.apiKey)
      writer.value(expires)
      writer.value(credentials.signature(of: Array("GET/realtime\(expires)".utf8)).hex)
      writer.endArray()
    }
  }

  /// Reads a frame: the answer to a request, or the events of a topic, which come several to a frame.
  public static func events(_ frame: [UInt8]) throws(ReplyError) -> [VenueEvent] {
    let json = try JSON.reply(frame)
    guard let topic = json["topic"]?.string else { return [answer(json)] }
    var events: [VenueEvent] = []
    switch topic.split(separator: ".").first {
    case "order": for element in try json.requiredArray("data") { events.append(.order(try BybitReplies.order(element))) }
    case "execution":
      for element in try json.requiredArray("data") { events.append(try execution(element)) }
    case "wallet":
      let time = Timestamp(milliseconds: json["creationTime"]?.integer ?? 0)
      for account in try json.requiredArray("data") {
        events.append(.balances(try BybitReplies.balances(account), time: time))
      }
    default: events.append(.ignored(kind: topic))
    }
    return events
  }

  /// A trade names its order and says nothing of its state, which a frame of its own tells.
  private static func execution(_ json: JSON) throws(ReplyError) -> VenueEvent {
    guard BybitReplies.isTrade(json) else { return .ignored(kind: "execution \(json["execType"]?.string ?? "")") }
    let trade = try BybitReplies.trade(json)
    return .order(
      VenueOrderReport(
        venueSymbol: trade.venueSymbol, venueOrderID: trade.venueOrderID, clientID: json["orderLinkId"]?.string ?? "",
        side: trade.side, fills: [trade.fill], time: trade.fill.time))
  }

  private static func answer(_ json: JSON) -> VenueEvent {
    let requestID = json["req_id"]?.text ?? json["reqId"]?.text ?? ""
    let operation = json["op"]?.string ?? json["type"]?.string ?? "nameless"
    let code = json["retCode"]?.integer ?? 0
    let isRefused = json["success"]?.bool == false || code != 0
    guard !isRefused else {
      let message = json["ret_msg"]?.string ?? json["retMsg"]?.string ?? "refused"
      return .refused(requestID: requestID, failure(code: code == 0 ? nil : code, "\(operation): \(message)"))
    }
    switch operation {
    case "auth": return .authenticated(requestID: requestID)
    case "subscribe", "COMMAND_RESP": return .subscribed(requestID: requestID)
    default: return .ignored(kind: operation)
    }
  }

  private static func failure(code: Int64?, _ message: String) -> VenueFailure {
    guard let code else { return VenueFailure(.permanent, reason: message, needsAlert: true) }
    let outcome: VenueOutcome<Never> = BybitErrors.classify(code: code, message: message, of: .query)
    switch outcome {
    case .failed(let failure), .unknown(let failure): return failure
    }
  }
}
