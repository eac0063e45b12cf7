import Domain
import Testing

@testable import Wire

@Suite struct OrderRequestTests {
  private let defaults = OrderDefaults(account: Samples.account, symbol: Samples.symbol)

  private func read(_ text: String) -> OrderRequest.Reading { OrderRequest.read(Array(text.utf8), defaults: defaults) }

  private func code(_ text: String) -> RejectionCode? {
    switch read(text) {
    case .request: nil
    case .refused(let error, _, _), .unreadable(let error): error.code
    }
  }

  @Test func theSmallestOrder() {
    let expected = OrderRequest(
      account: Samples.account, venue: .best, symbol: Samples.symbol, side: .buy, type: .market,
      quantity: Samples.quantity("0.25"))
    #expect(read(#"{"side":"buy","quantity":0.25}"#) == .request(Shared(expected), unknownFields: 0))
    #expect(expected.timeInForce == .ioc)
    #expect(read(#"{"side":"buy","quantity":"0.25","later":[1]}"#) == .request(Shared(expected), unknownFields: 1))
  }

  @Test func aPriceMakesALimitOrder() {
    guard case .request(let request, _) = read(#"{"side":"sell","quantity":1,"price":30000.5}"#) else {
      Issue.record("refused")
      return
    }
    #expect(request.type == .limit)
    #expect(request.timeInForce == .gtc)
  }

  @Test(arguments: [
    (#"{"side":"buy","quantity":0}"#, RejectionCode.notPositive), (#"{"side":"buy","quantity":-1}"#, .notPositive),
    (#"{"side":"buy","quantity":"NaN"}"#, .invalidNumber), (#"{"side":"buy","quantity":NaN}"#, .malformed),
    (#"{"side":"buy","quantity":1e400}"#, .outOfRange), (#"{"side":"buy","quantity":" 1 "}"#, .invalidNumber),
    (#"{"side":"buy","quantity":0.123456789012345678901234567890}"#, .tooPrecise),
    (#"{"side":"up","quantity":1}"#, .unknownValue),
    (#"{"side":"buy"}"#, .missingField), (#"{"quantity":1}"#, .missingField),
    (#"{"side":"buy","quantity":1,"quantity":2}"#, .malformed),
    (#"{"side":"buy","quantity":1,"quote_quantity":2}"#, .contradiction), (#"{"side":"buy","quantity":true}"#, .invalidNumber),
    (#"{"side":"buy","quantity":1,"type":"limit"}"#, .missingField),
    (#"{"side":"buy","quantity":1,"type":"stop"}"#, .unknownValue),
    (#"{"side":"buy","quantity":1,"type":"market","price":5}"#, .contradiction),
    (#"{"side":"buy","quantity":1,"price":5,"post_only":true,"time_in_force":"ioc"}"#, .contradiction),
    (#"{"side":"buy","quantity":1,"client_order_id":"a b"}"#, .invalidIdentifier), (#"{"action":"cancel"}"#, .missingField),
    (#"{"side":"buy","quantity":1,"symbol":"BTCUSDT"}"#, .unknownInstrument), ("[]", .malformed), ("", .malformed),
    ("null", .malformed),
    (#"{"action":"replace","target_client_order_id":"a"}"#, .missingField), (#"{"side":1,"quantity":1}"#, .malformed),
  ])
  func anIllegalOrderHasACode(text: String, expected: RejectionCode) {
    #expect(code(text) == expected)
  }

  @Test func anObjectCanBeNamedInItsRejection() {
    guard case .refused(_, let account, let id) = read(#"{"account":"desk","client_order_id":"x1","side":"up"}"#) else {
      Issue.record("not refused")
      return
    }
    #expect(account.text == "desk")
    #expect(id?.text == "x1")
  }

  @Test func nothingCanBeNamedFromNoise() {
    let large = Array(repeating: UInt8(ascii: " "), count: 900_000)
    for (payload, code) in [
      (nil, RejectionCode.malformed), (large, .tooLarge), ([0xFF, 0xFE], .malformed),
      (Array("{\"side\":\"\u{0}\"}".utf8), .malformed),
    ] as [([UInt8]?, RejectionCode)] {
      guard case .unreadable(let error) = OrderRequest.read(payload, defaults: defaults) else {
        Issue.record("legible")
        continue
      }
      #expect(error.code == code)
    }
    #expect(code("{\"side\":\"buy\",\"tags\":[\"\u{FFFD}\"],\"quantity\":1}") == nil)
    guard case .unreadable = OrderRequest.read(Array("{\"side\":\"".utf8) + [0xC3] + Array("\"}".utf8), defaults: defaults) else {
      Issue.record("broken UTF-8 was read")
      return
    }
  }
}
