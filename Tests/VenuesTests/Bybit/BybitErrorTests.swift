import Testing
import Venues
import Wire

@Suite struct BybitErrorTests {
  private func reply(_ code: Int64, status: Int = 200) -> VenueResult {
    .reply(VenueReply(status: status, body: Array(#"{"retCode":\#(code),"retMsg":"words","result":{},"time":1}"#.utf8)))
  }

  private func classify(_ result: VenueResult, _ purpose: VenueRequest.Purpose) -> VenueOutcome<Int> {
    BybitErrors.classify(result, of: purpose) { bytes throws(ReplyError) in
      guard (try? JSON.parse(bytes))?["result"]?["x"] != nil else { throw .missing("x") }
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
    (Int64(10_000), "failed transient"), (10_016, "failed transient"), (10_019, "failed transient"),
    (170_007, "failed transient"),
    (170_146, "failed transient"), (110_079, "failed transient"), (10_006, "failed rateLimited(retryAfterSeconds: Optional(1))"),
    (10_429, "failed rateLimited(retryAfterSeconds: nil)"), (10_002, "failed clock"), (10_001, "failed permanent"),
    (10_003, "failed permanent"), (10_004, "failed permanent"), (10_005, "failed permanent"), (10_007, "failed permanent"),
    (10_010, "failed permanent"), (10_029, "failed permanent"), (110_001, "failed noSuchOrder"), (110_003, "failed permanent"),
    (110_004, "failed permanent"), (110_008, "failed noSuchOrder"), (110_010, "failed noSuchOrder"),
    (110_017, "failed permanent"),
    (110_020, "failed permanent"), (110_072, "failed permanent"), (110_094, "failed permanent"), (170_121, "failed permanent"),
    (170_131, "failed permanent"), (170_140, "failed permanent"), (170_213, "failed noSuchOrder"),
  ])
  func codesMeanWhatTheTableSays(code: Int64, expected: String) {
    #expect(kind(classify(reply(code), .query)) == expected)
  }

  @Test func everyListedCodeHasAMeaningAndAnUnlistedOneAlerts() throws {
    let codes = try #require(try Fixtures.json("bybit/docs/error_codes.json").array).compactMap { $0["code"]?.integer }
    #expect(codes.count == 716)
    for code in codes {
      for purpose in VenueRequest.Purpose.allCases { #expect(kind(classify(reply(code), purpose)) != "confirmed") }
    }
    guard case .failed(let failure) = classify(reply(999_999), .placeOrder) else {
      Issue.record("an unlisted code is a refusal")
      return
    }
    #expect(failure.kind == .permanent && failure.needsAlert && failure.code == 999_999)
    guard case .failed(let poor) = classify(reply(170_131), .placeOrder) else {
      Issue.record("no balance is a refusal")
      return
    }
    #expect(!poor.needsAlert)
  }

  /// Whatever leaves it open whether the venue acted is unknown for what changes state, and free to repeat for a question.
  @Test func doubtIsUnknownForOrdersAndTransientForQuestions() {
    let doubtful: [VenueResult] = [
      .maybeSent(reason: "time-out"), reply(10_000), reply(10_016), reply(170_007), reply(170_146), reply(170_035), reply(0),
      reply(0, status: 500), reply(10_016, status: 503), .reply(VenueReply(status: 502, body: Array("<html>".utf8))),
      .reply(VenueReply(status: 200, body: Array("{".utf8))), .reply(VenueReply(status: 200, body: Array("{}".utf8))),
      .reply(VenueReply(status: 404, body: [])), .reply(VenueReply(status: 302, body: [])),
    ]
    for result in doubtful {
      #expect(kind(classify(result, .placeOrder)) == "unknown", "\(result)")
      #expect(kind(classify(result, .cancelOrder)) == "unknown", "\(result)")
      #expect(kind(classify(result, .query)).hasPrefix("failed"), "\(result)")
    }
    #expect(kind(classify(.notSent(reason: "refused"), .placeOrder)) == "failed transient")
  }

  @Test(arguments: [Int64(110_072), 170_141, 10_014]) func aDuplicateMeansThatAnEarlierAttemptArrived(code: Int64) {
    #expect(kind(classify(reply(code), .placeOrder)) == "unknown")
    #expect(kind(classify(reply(code), .cancelOrder)) == "failed permanent")
  }

  @Test func rateLimitsCarryTheVenuesWait() {
    let limited = VenueResult.reply(
      VenueReply(status: 200, retryAfter: "7", body: Array(#"{"retCode":10006,"retMsg":"x"}"#.utf8)))
    #expect(kind(classify(limited, .placeOrder)) == "failed rateLimited(retryAfterSeconds: Optional(7))")
    #expect(
      kind(classify(.reply(VenueReply(status: 403, body: Array("access too frequent".utf8))), .placeOrder))
        == "failed rateLimited(retryAfterSeconds: Optional(600))")
    #expect(
      kind(classify(.reply(VenueReply(status: 429, body: [])), .cancelOrder)) == "failed rateLimited(retryAfterSeconds: nil)")
  }
}
