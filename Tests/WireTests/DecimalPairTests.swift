import Domain
import Testing
import Wire

@Suite struct DecimalPairTests {
  /// All pairs of an array that the short way reads before it gives up, in units of 10^-10 and 10^-8.
  private func pairs(_ text: String) throws -> (read: [[Int64]], rest: Int) {
    try Array(text.utf8).withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      try scanner.beginArray()
      var read: [[Int64]] = []
      while let (first, second) = scanner.nextDecimalPair(scales: 10, 8) { read.append([first, second]) }
      return (read, scanner.position)
    }
  }

  @Test func levelsAreReadPairByPair() throws {
    let (read, rest) = try pairs(#"[["1.5","2"],["26796.10000000","0.25000000"],["0.0000000001","0.00000001"]]"#)
    #expect(read == [[15_000_000_000, 200_000_000], [267_961_000_000_000, 25_000_000], [1, 1]] && rest == 74)
  }

  @Test(arguments: [
    "[]", "[[]]", #"[["1"]]"#, #"[["1","2","3"]]"#, #"[["1", "2"]]"#, #"[[1,2]]"#, #"[ ["1","2"]]"#, #"[["1e3","2"]]"#,
    #"[["1","\u0032"]]"#, #"[["-1","2"]]"#, #"[["1.","2"]]"#, #"[[".5","2"]]"#, #"[["1.00000000000","2"]]"#,
    #"[["1","0.000000001"]]"#, #"[["922337203.7","92233720368.54775808"]]"#, #"[["1.2345678:","2"]]"#, #"[["1.2345/78","2"]]"#,
    #"[["1234567890123456789","2"]]"#, #"[["922337204","2"]]"#, #"[["","2"]]"#,
    #"[["1","2"#, #"[["1","2""#, #"[["#, "[", #"[["1.12345678"#, #"[["1."#,
  ])
  func anythingElseIsLeftWhereItIs(text: String) throws {
    let (read, rest) = try pairs(text)
    #expect(read.isEmpty && rest == 1)
  }

  @Test func aMissingCommaIsNotSteppedOver() throws {
    #expect(try pairs(#"[["1","2"]["3","4"]]"#).read == [[10_000_000_000, 200_000_000]])
  }

  /// The short way reads only what the long way reads, and reads the same.
  @Test(arguments: 1...8)
  func theShortWayAgreesWithTheLongOne(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      let texts = (0..<2).map { _ in Self.number(&generator) }
      let (read, _) = try pairs(#"[["\#(texts[0])","\#(texts[1])"]]"#)
      let price = try? Price(texts[0])
      let quantity = try? Quantity(texts[1])
      if let pair = read.first {
        #expect(pair == [price?.units, quantity?.units], "seed \(seed): \(texts)")
      } else {
        let isPlain = zip(texts, [10, 8]).allSatisfy { text, scale in
          let decimals = text.split(separator: ".").dropFirst().first?.utf8.count ?? 0
          return text.utf8.count { $0 != UInt8(ascii: ".") } <= 18 && decimals <= scale
        }
        #expect(!isPlain || price == nil || quantity == nil, "seed \(seed): \(texts)")
      }
    }
  }

  private static func number(_ generator: inout SeededGenerator) -> String {
    func digits(_ count: Int) -> String {
      String(decoding: (0..<count).map { _ in UInt8.random(in: 0x30...0x39, using: &generator) }, as: UTF8.self)
    }
    let whole = digits(.random(in: 1...12, using: &generator))
    let decimals = digits(.random(in: 0...12, using: &generator))
    let spoilt = Int.random(in: 0..<20, using: &generator) == 0 ? decimals + ":" : decimals
    return spoilt.isEmpty ? whole : "\(whole).\(spoilt)"
  }
}
