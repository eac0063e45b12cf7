import Domain
import Testing

@testable import Wire

/// The index and the tree are two readers of one language.
@Suite struct JSONIndexTests {
  private func outcomes(_ bytes: [UInt8]) -> (tree: Result<JSON, JSONError>, index: Result<JSON, JSONError>) {
    (
      Result { () throws(JSONError) in try JSON.parse(bytes) },
      Result { () throws(JSONError) in try JSONIndex(bytes).tree(of: 0) }
    )
  }

  @Test(arguments: [
    #"{}"#, #"[]"#, #" {"a" : [1, -2.5e3, {"b": null}, []], "c": "x\u00e9\n", "\u0064": true, "e": "é"} "#, #""text""#, "1",
    "true",
    #"{"a":1,"\u0061":2}"#, #"{"a":"\ud800"}"#, #"{"a":"\x"}"#, "{\"a\":\"\u{1}\"}", #"{"a":1}x"#, "[1,]", "", "nul", "{\"a\"}",
    #"{"a":{"b":1,"b":2}}"#,
  ])
  func saysWhatTheTreeSays(text: String) {
    let (tree, index) = outcomes(Array(text.utf8))
    #expect(tree == index)
  }

  @Test func manyMembersAreToldApart() {
    let members = (0..<100).map { "\"n\($0)\":\($0)" }.joined(separator: ",")
    for text in ["{\(members)}", "{\(members),\"n3\":1}", "{\(members),\"\\u006e99\":1}"] {
      let (tree, index) = outcomes(Array(text.utf8))
      #expect(tree == index)
    }
  }

  @Test func depthIsLimited() {
    let deep = Array(String(repeating: "[", count: 40).utf8)
    #expect(outcomes(deep).index == .failure(.tooDeep))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func saysWhatTheTreeSaysOfDamagedRecords(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let records = Samples.requests.map { $0.encoded() } + [Array(#"{"a":[1,2.5e3,"x\u00e9\n",{"b":null}],"c":true}"#.utf8)]
    for _ in 0..<300 {
      var bytes = records[Int(generator.next() % UInt64(records.count))]
      for _ in 0..<(generator.next() % 4) {
        let index = Int(generator.next() % UInt64(bytes.count))
        switch generator.next() % 3 {
        case 0: bytes[index] = UInt8(truncatingIfNeeded: generator.next())
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[Int(generator.next() % UInt64(bytes.count))], at: index)
        }
      }
      let (tree, index) = outcomes(bytes)
      #expect(tree == index, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
    }
  }
}
