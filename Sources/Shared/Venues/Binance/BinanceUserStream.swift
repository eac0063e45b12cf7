import Domain
import Wire

/// The private stream of Binance spot, over its WebSocket API (user-data-stream.md and web-socket-api.md of binance-spot-api-docs).
public enum BinanceUserStream {
  /// What follows the base address of the WebSocket API.
  public static let target = "/ws-api/v3"

  /// The frame that subscribes the connection to the account's events by a signature. `requestID` comes back in the answer.
  public static func subscribe(
    _ credentials: BinanceCredentials, requestID: String, receiveWindowMilliseconds: Int64 = 2_000, at time: Timestamp
  ) -> [UInt8] {
    request(
      credentials, method: "userDataStream.subscribe.signature", requestID: requestID,
      [("recvWindow", .number(String(receiveWindowMilliseconds))), ("timestamp", .number(String(time.milliseconds)))])
  }

  /// A signed frame of the WebSocket API. The signature is over all parameters, the key included, sorted by name and joined raw.
  static func request(
    _ credentials: BinanceCredentials, method: String, requestID: String, _ parameters: [(name: String, value: JSON)]
  ) -> [UInt8] {
    let sorted = (parameters + [("apiKey", .string(credentials.apiKey))]).sorted { $0.name < $1.name }
    let payload = sorted.map { "\($0.name)=\($0.value.text ?? "")" }.joined(separator: "&")
    return JSONWriter.object { writer in
      writer.member("id", requestID)
      writer.member("method", method)
      writer.name("params")
      writer.beginObject()
      for (name, value) in sorted {
        writer.name(dynamic: name)
        writer.value(value)
      }
      writer.member("signature", credentials.signature(of: Array(payload.utf8)).hex)
      writer.endObject()
    }
  }

  /// Reads a frame of the private stream: an event, wrapped as `{"subscriptionId","event"}`, as `{"stream","data"}` or bare; or the
  /// answer to a request.
  public static func event(_ frame: [UInt8]) throws(ReplyError) -> VenueEvent {
    let json = try JSON.reply(frame)
    if let status = json["status"]?.integer { return try answer(json, status: status) }
    let event = json["event"] ?? json["data"] ?? json
    switch try event.requiredString("e") {
    case "executionReport": return .order(try execution(event))
    case "outboundAccountPosition": return .balances(try balances(event), time: try event.requiredTime("u"))
    case "balanceUpdate":
      return .balanceChange(
        asset: try event.requiredString("a"), delta: try event.requiredAmount("d"), time: try event.requiredTime("T"))
    case "eventStreamTerminated", "serverShutdown": return .ended(reason: try event.requiredString("e"))
    case let kind: return .ignored(kind: kind)
    }
  }

  private static func answer(_ json: JSON, status: Int64) throws(ReplyError) -> VenueEvent {
    let requestID = json["id"]?.text ?? ""
    if status == 200 { return .subscribed(requestID: requestID) }
    guard let error = json["error"], let code = error["code"]?.integer else { throw .missing("error") }
    let message = error["msg"]?.string ?? ""
    let outcome: VenueOutcome<Never> = BinanceErrors.classify(code: code, message: message, of: .query)
    switch outcome {
    case .failed(let failure), .unknown(let failure): return .refused(requestID: requestID, failure)
    }
  }

  private static func balances(_ event: JSON) throws(ReplyError) -> [AssetBalance] {
    var balances: [AssetBalance] = []
    for element in try event.requiredArray("B") {
      balances.append(
        AssetBalance(
          asset: try element.requiredString("a"), free: try element.requiredAmount("f"), locked: try element.requiredAmount("l")))
    }
    return balances
  }

  private static func execution(_ event: JSON) throws(ReplyError) -> VenueOrderReport {
    let word = try event.requiredString("X")
    let state = BinanceReplies.state(word)
    let price: Price = try event.requiredDecimal("p")
    // On a cancel `c` is the cancel's own id and `C` the order's.
    let original = event["C"]?.string ?? ""
    let reason = event["r"]?.string
    return VenueOrderReport(
      venueSymbol: try event.requiredString("s"),
      venueOrderID: String(try event.requiredInteger("i")),
      clientID: original.isEmpty ? try event.requiredString("c") : original,
      side: event["S"]?.string.flatMap(BinanceReplies.side),
      price: price.isZero ? nil : price,
      quantity: try event.requiredDecimal("q"),
      state: state,
      unrecognised: state == nil ? word : nil,
      cumulativeQuantity: try event.requiredDecimal("z"),
      cumulativeQuote: try event.amount("Z"),
      fills: event["x"]?.string == "TRADE" ? [try fill(event)] : [],
      time: try event.requiredTime("T"),
      reason: reason == "NONE" ? nil : reason)
  }

  private static func fill(_ event: JSON) throws(ReplyError) -> Fill {
    Fill(
      tradeID: String(try event.requiredInteger("t")), price: try event.requiredDecimal("L"),
      quantity: try event.requiredDecimal("l"), fee: try event.amount("n") ?? .zero, feeAsset: event["N"]?.string ?? "",
      liquidity: event["m"]?.bool.map { $0 ? .maker : .taker }, time: try event.requiredTime("T"))
  }
}
