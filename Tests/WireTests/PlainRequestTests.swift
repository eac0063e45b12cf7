import Domain
import Testing

@testable import Wire

/// The reader of everyday requests against the one that knows every case.
@Suite struct PlainRequestTests {
  private let defaults = OrderDefaults(account: Samples.account, symbol: Samples.symbol)

  private func plain(_ bytes: [UInt8]) -> OrderRequest? {
    bytes.withUnsafeBufferPointer { OrderRequest(plain: $0, defaults: defaults) }
  }

  /// Member by member, without the checks of shape.
  private func reference(_ bytes: [UInt8]) -> OrderRequest? {
    guard let reader = try? RecordReader(bytes) else { return nil }
    return try? OrderRequest(unchecked: reader, defaults: defaults)
  }

  @Test(arguments: [
    #"{"side":"buy","quantity":0.25}"#, #"{ "v" : 1, "side" : "sell", "quantity" : "0.25", "price" : 26795.4 }"#,
    #"{"action":"cancel","target_client_order_id":"a"}"#,
    #"{"side":"buy","quantity":1,"post_only":true,"expires_at":1800000000000000000}"#,
    #"{"account":"a","client_order_id":"b","venue":"binance","symbol":"eth-usdt-perp","side":"buy","type":"limit","quantity":"1","price":"2","time_in_force":"fok","strategy":"s","reduce_only":false,"all_symbols":true}"#,
  ])
  func everydayRequestsAreReadInOnePass(text: String) throws {
    let request = try #require(plain(Array(text.utf8)))
    #expect(request == reference(Array(text.utf8)))
  }

  @Test(arguments: [
    #"{"side":"buy","quantity":1,"side":"buy"}"#, #"{"s\u0069de":"buy","quantity":1}"#, #"{"side":"buy","quantity":1e2}"#,
    #"{"side":"buy","quantity":null}"#, #"{"side":"buy","quantity":1,"later":1}"#, #"{"v":1.-,"side":"buy"}"#, "", "{",
    "[]",
    #"{"side":"buy","quantity":1}x"#, #"{"side":"buy","quantity":1,}"#, #"{"strategy":"é"}"#, "{\"strategy\":\"\u{7F}\u{1}\"}",
  ])
  func whatIsNotEverydayIsLeft(text: String) {
    #expect(plain(Array(text.utf8)) == nil)
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func whatIsReadInOnePassIsWhatWasWritten(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let texts =
      Samples.requests.map { String(decoding: $0.encoded(), as: UTF8.self) } + [
        #"{"v":1,"side":"buy","quantity":"0.25","price":"26795.4","time_in_force":"ioc","post_only":true,"reduce_only":false}"#,
        #"{ "account": "a", "venue": "bybit", "symbol": "BTC-USDT-PERP", "expires_at": 18, "quote_quantity": 5 }"#,
      ]
    let insertions = Array(#""\{}[]:,0123456789.-+eE truefalsnull abc"#.utf8)
    for _ in 0..<500 {
      var bytes = Array(texts[Int(generator.next() % UInt64(texts.count))].utf8)
      for _ in 0..<(generator.next() % 3) {
        let index = Int(generator.next() % UInt64(bytes.count))
        let byte = insertions[Int(generator.next() % UInt64(insertions.count))]
        switch generator.next() % 3 {
        case 0: bytes[index] = byte
        case 1: bytes.remove(at: index)
        default: bytes.insert(byte, at: index)
        }
      }
      guard let request = plain(bytes) else { continue }
      #expect(request == reference(bytes), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
    }
  }
}
