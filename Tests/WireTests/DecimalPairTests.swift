import Domain
import Testing
import Wire

@Suite struct DecimalPairTests {
  /// All pairs of an array that the short way reads before it gives up.
  private func pairs(_ text: String) throws -> (read: [[String]], rest: Int) {
    try Array(text.utf8).withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      try scanner.beginArray()
      var read: [[String]] = []
      while let (first, second) = scanner.nextDecimalPair() {
        read.append([String(decoding: first, as: UTF8.self), String(decoding: second, as: UTF8.self)])
      }
      return (read, scanner.position)
    }
  }

  @Test func levelsAreReadPairByPair() throws {
    let (read, rest) = try pairs(#"[["1.5","2"],["-3","0.25"]]"#)
    #expect(read == [["1.5", "2"], ["-3", "0.25"]] && rest == 26)
  }

  @Test(arguments: [
    "[]", "[[]]", #"[["1"]]"#, #"[["1","2","3"]]"#, #"[["1", "2"]]"#, #"[[1,2]]"#, #"[ ["1","2"]]"#, #"[["1e3","2"]]"#,
    #"[["1","\u0032"]]"#,
    #"[["1","2"#, #"[["1","2""#, #"[["#, "[",
  ])
  func anythingElseIsLeftWhereItIs(text: String) throws {
    let (read, rest) = try pairs(text)
    #expect(read.isEmpty && rest == 1)
  }

  @Test func aMissingCommaIsNotSteppedOver() throws {
    #expect(try pairs(#"[["1","2"]["3","4"]]"#).read == [["1", "2"]])
  }
}
