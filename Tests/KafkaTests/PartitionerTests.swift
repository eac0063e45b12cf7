import Domain
import Testing

@Suite struct PartitionerTests {
  /// The vectors that Kafka's own tests fix for its hash.
  @Test(
    arguments: [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
      ("abc", 479_470_107),
    ] as [(String, Int32)]) func hashesAsKafkaDoes(key: String, hash: Int32)
  {
    #expect(Int32(bitPattern: Partitioner.murmur2(Array(key.utf8))) == hash)
  }

  @Test func partitionsAreInRangeForEveryCount() {
    for count: Int32 in 1...12 {
      for number in 0..<200 {
        #expect((0..<count).contains(Partitioner.partition(forKey: Array("account-\(number)".utf8), count: count)))
      }
    }
  }
}
