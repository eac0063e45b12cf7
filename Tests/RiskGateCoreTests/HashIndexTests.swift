import Domain
import Testing

@testable import RiskGateCore

@Suite struct HashIndexTests {
  /// Against a dictionary, with so few hashes that many keys share one, and with so many removals that gaps are closed all the time.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func findsWhatADictionaryFinds(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var index = HashIndex()
    var model: [Int: Int] = [:]
    /// The key at each position.
    var keys: [Int] = []
    let hashes = 1 + generator.next() % 40
    func hash(_ key: Int) -> UInt64 { (UInt64(key) % hashes) << (seed % 2 == 0 ? 0 : 58) }
    for step in 0..<2_000 {
      let key = Int(generator.next() % 60)
      if generator.next() % 2 == 0 {
        keys.append(key)
        index.set(hash(key), keys.count - 1) { keys[$0] == key }
        model[key] = keys.count - 1
      } else if let position = model.removeValue(forKey: key) {
        index.remove(hash(key), position)
      }
      let asked = Int(generator.next() % 60)
      #expect(index.find(hash(asked)) { keys[$0] == asked } == model[asked], "seed \(seed), step \(step)")
    }
    for key in 0..<60 { #expect(index.find(hash(key)) { keys[$0] == key } == model[key], "seed \(seed)") }
  }

  @Test func whatIsNotThereIsNotTakenAway() {
    var index = HashIndex()
    index.insert(7, 1)
    index.remove(7, 2)
    index.remove(8, 1)
    #expect(index.find(7) { _ in true } == 1)
  }

  /// Written down in snapshots: it must never change.
  @Test func theHashOfATextIsFixed() {
    #expect("".stableHash == naive(""))
    for text in ["a", "btc", "12345678", "bench-20261121-1234567", "ABCDEFGHIJKLMNOP", "ü€𝄞"] {
      #expect(text.stableHash == naive(text))
    }
  }

  /// Byte by byte.
  private func naive(_ text: String) -> UInt64 {
    var hash = StableHash()
    var word: UInt64 = 0
    for (index, byte) in text.utf8.enumerated() {
      word = word << 8 | UInt64(byte)
      if index % 8 == 7 {
        hash.combine(word)
        word = 0
      }
    }
    hash.combine(word)
    hash.combine(UInt64(text.utf8.count))
    return hash.value
  }
}
