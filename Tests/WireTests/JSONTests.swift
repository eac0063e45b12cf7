import Domain
import Testing

@testable import Wire

@Suite struct JSONTests {
  @Test(arguments: [
    #"{}"#, #"[]"#, #"{"a":[1,2.50,-3e-7,"x",true,false,null,{"b":{}}],"c":""}"#, #"" \" \\ \n é 𝄞""#, #"0"#, #"  [ 1 , 2 ]  "#,
  ])
  func treesReadBackWhatTheWriterWrote(text: String) throws {
    let tree = try JSON.parse(Array(text.utf8))
    var writer = JSONWriter()
    writer.value(tree)
    #expect(try JSON.parse(writer.bytes) == tree)
  }

  @Test func escapesAreResolved() throws {
    #expect(try JSON.parse(Array(#""\u0041\u00e9\ud834\udd1e\/\b\f\n\r\t\"\\""#.utf8)) == .string("Aé𝄞/\u{8}\u{c}\n\r\t\"\\"))
  }

  @Test func numbersKeepTheirText() throws {
    #expect(try JSON.parse(Array("1.2300e5".utf8)) == .number("1.2300e5"))
  }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}", "{a:1}", "nul", "tru", "NaN",
    "+1",
    ".5", "1.", "1e", "-", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud834\"", "\"\\ud834\\u0041\"", "\"a\u{1}b\"", "1 2", "'a'", "[1]x",
  ])
  func anythingElseIsRefused(text: String) {
    #expect(throws: JSONError.self) { try JSON.parse(Array(text.utf8)) }
  }

  @Test func brokenTextIsRefused() {
    for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22]] {
      #expect(throws: JSONError.invalidText) { try JSON.parse(bytes) }
    }
  }

  @Test func aRepeatedNameIsRefusedHoweverItIsSpelt() {
    #expect(throws: JSONError.repeatedName("a")) { try JSON.parse(Array(#"{"a":1,"b":2,"a":3}"#.utf8)) }
    #expect(throws: JSONError.repeatedName("a")) { try JSON.parse(Array(#"{"a":1,"\u0061":3}"#.utf8)) }
    let many = (0..<100).map { "\"n\($0)\":1" }.joined(separator: ",")
    #expect(throws: JSONError.repeatedName("n50")) { try JSON.parse(Array("{\(many),\"n50\":2}".utf8)) }
    #expect(throws: Never.self) { try JSON.parse(Array("{\(many)}".utf8)) }
  }

  @Test func nestingIsBounded() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONError.tooDeep) { try JSON.parse(Array(deep.utf8)) }
    var scanner = JSONScanner(UnsafeBufferPointer(start: nil, count: 0))
    #expect(throws: JSONError.malformed(offset: 0)) { try scanner.skipValue() }
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func damagedBytesNeverTrap(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let original = Array(#"{"a":[1,2.5e3,"x\u00e9\n",{"b":null}],"c":true,"d":-0.001}"#.utf8)
    for _ in 0..<5_000 {
      var bytes = original
      for _ in 0..<(1 + generator.next() % 4) {
        let index = Int(generator.next() % UInt64(bytes.count))
        switch generator.next() % 3 {
        case 0: bytes[index] = UInt8(truncatingIfNeeded: generator.next())
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[Int(generator.next() % UInt64(bytes.count))], at: index)
        }
      }
      let tree = try? JSON.parse(bytes)
      let skipped = bytes.withUnsafeBufferPointer { buffer in
        var scanner = JSONScanner(buffer)
        return (try? scanner.skipValue()) != nil && (try? scanner.end()) != nil
      }
      // Skipping checks less (text, names) than reading, never more.
      #expect(tree == nil || skipped, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
    }
  }

  @Test func integersAreWholeAndFit() throws {
    func integer(_ text: String) throws -> Int64 {
      try Array(text.utf8).withUnsafeBufferPointer { buffer in
        var scanner = JSONScanner(buffer)
        let value = try scanner.integer()
        try scanner.end()
        return value
      }
    }
    #expect(try integer("9223372036854775807") == .max)
    #expect(try integer("-9223372036854775808") == .min)
    for text in ["9223372036854775808", "1.5", "1e3", "", "-", "\"1\""] { #expect(throws: JSONError.self) { try integer(text) } }
  }
}
