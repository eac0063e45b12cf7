import Testing
import Venues
import Wire

@Suite struct BinanceErrorTests {
  private func reply(_ status: Int, code: Int, _ message: String = "words", retryAfter: String? = nil) -> VenueResult {
    .reply(VenueReply(status: status, retryAfter: retryAfter, body: Array(#"{"code":\#(code),"msg":"\#(message)"}"#.utf8)))
  }

  private func classify(_ result: VenueResult, _ purpose: VenueRequest.Purpose) -> VenueOutcome<Int> {
    BinanceErrors.classify(result, of: purpose) { bytes throws(ReplyError) in
      guard bytes == Array("1".utf8) else { throw .malformed }
      return 1
    }
  }

  private func kind(_ outcome: VenueOutcome<Int>) -> String {
    switch outcome {
    case .confirmed: "confirmed"
    case .failed(let failure): "failed \(failure.kind)"
    case .unknown: "unknown"
    }
  }

  @Test(arguments: [
    (-1001, "failed transient"), (-1008, "failed transient"), (-1016, "failed transient"), (-1006, "failed transient"),
    (-1007, "failed transient"), (-1003, "failed rateLimited(retryAfterSeconds: nil)"),
    (-1015, "failed rateLimited(retryAfterSeconds: nil)"), (-1021, "failed clock"), (-1013, "failed permanent"),
    (-1022, "failed permanent"), (-1100, "failed permanent"), (-1121, "failed permanent"), (-2010, "failed permanent"),
    (-2011, "failed permanent"), (-2013, "failed noSuchOrder"), (-2014, "failed permanent"), (-2015, "failed permanent"),
  ])
  func codesMeanWhatTheTableSays(code: Int, expected: String) {
    #expect(kind(classify(reply(400, code: code), .query)) == expected)
  }

  @Test func everyListedCodeHasAMeaningAndAnUnlistedOneAlerts() throws {
    let codes = try #require(try Fixtures.json("binance/docs/error_codes.json")["codes"]?.array)
    #expect(codes.count == 104)
    for code in codes.compactMap({ $0["code"]?.integer }) {
      for purpose in VenueRequest.Purpose.allCases {
        #expect(kind(classify(reply(400, code: Int(code)), purpose)) != "confirmed")
      }
    }
    guard case .failed(let failure) = classify(reply(400, code: -9999), .placeOrder) else {
      Issue.record("an unlisted code is a refusal")
      return
    }
    #expect(failure.kind == .permanent && failure.needsAlert && failure.code == -9999)
  }

  @Test func anAccountThatMayNotTradeIsAPersonsBusiness() {
    for (code, message) in [(-2010, "This account may not place or cancel orders."), (-2015, "Invalid API-key.")] {
      guard case .failed(let failure) = classify(reply(400, code: code, message), .placeOrder) else {
        Issue.record("\(message) is a refusal")
        continue
      }
      #expect(failure.kind == .permanent && failure.needsAlert)
    }
  }

  /// Whatever leaves it open whether the venue acted is unknown for what changes state, and free to repeat for a question.
  @Test func doubtIsUnknownForOrdersAndTransientForQuestions() {
    let doubtful: [VenueResult] = [
      .maybeSent(reason: "time-out"), reply(500, code: -1000), reply(503, code: -1008), reply(504, code: -1007),
      reply(400, code: -1006), reply(400, code: -1007), reply(400, code: -1001),
      .reply(VenueReply(status: 502, body: Array("<html>".utf8))), .reply(VenueReply(status: 200, body: Array("{".utf8))),
      .reply(VenueReply(status: 408, body: [])), .reply(VenueReply(status: 302, body: [])),
    ]
    for result in doubtful {
      #expect(kind(classify(result, .placeOrder)) == "unknown", "\(result)")
      #expect(kind(classify(result, .cancelOrder)) == "unknown", "\(result)")
      #expect(kind(classify(result, .query)).hasPrefix("failed"), "\(result)")
    }
  }

  @Test func aDuplicateMeansThatAnEarlierAttemptArrived() {
    #expect(kind(classify(reply(400, code: -2010, "Duplicate order sent."), .placeOrder)) == "unknown")
    #expect(
      kind(classify(reply(400, code: -2010, "Account has insufficient balance for requested action."), .placeOrder))
        == "failed permanent")
  }

  @Test func anOrderThatIsGoneIsNotAFailureToCancel() {
    #expect(kind(classify(reply(400, code: -2011, "Unknown order sent."), .cancelOrder)) == "failed noSuchOrder")
    #expect(
      kind(classify(reply(400, code: -2011, "Order was not canceled due to cancel restrictions."), .cancelOrder))
        == "failed permanent")
  }

  @Test func rateLimitsCarryTheVenuesWait() {
    #expect(
      kind(classify(reply(429, code: -1003, retryAfter: "7"), .placeOrder))
        == "failed rateLimited(retryAfterSeconds: Optional(7))")
    #expect(kind(classify(reply(418, code: -1003, retryAfter: "-3"), .query)) == "failed rateLimited(retryAfterSeconds: nil)")
    #expect(
      kind(classify(reply(429, code: -1003, retryAfter: "99999999"), .query))
        == "failed rateLimited(retryAfterSeconds: Optional(259200))")
    #expect(
      kind(classify(.reply(VenueReply(status: 403, body: [])), .placeOrder)) == "failed rateLimited(retryAfterSeconds: nil)")
  }

  @Test func whatNeverLeftFailedForCertain() {
    #expect(kind(classify(.notSent(reason: "refused"), .placeOrder)) == "failed transient")
  }

  @Test func aGoodReplyIsConfirmed() {
    #expect(classify(.reply(VenueReply(status: 200, body: Array("1".utf8))), .placeOrder) == .confirmed(1))
  }
}
