/// Kafka's default partitioner: which partition the record with a given key goes to. Every client in every language agrees on it
/// (`partitioner=murmur2_random` in librdkafka).
public enum Partitioner {
  /// The partition of a key among `count` partitions: the hash without its sign bit, modulo the count.
  public static func partition(forKey key: some Collection<UInt8>, count: Int32) -> Int32 {
    precondition(count > 0, "a topic has at least one partition")
    return Int32(murmur2(key) & 0x7FFF_FFFF) % count
  }

  /// MurmurHash2 (Austin Appleby), 32 bits, with the seed that Kafka fixed.
  public static func murmur2(_ key: some Collection<UInt8>) -> UInt32 {
    let multiplier: UInt32 = 0x5BD1_E995
    var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: key.count)
    var word: UInt32 = 0
    var shift: UInt32 = 0
    for byte in key {
      word |= UInt32(byte) << shift
      shift += 8
      guard shift == 32 else { continue }
      word &*= multiplier
      word ^= word >> 24
      word &*= multiplier
      hash &*= multiplier
      hash ^= word
      word = 0
      shift = 0
    }
    if shift > 0 {
      // One to three bytes are left over.
      hash ^= word
      hash &*= multiplier
    }
    hash ^= hash >> 13
    hash &*= multiplier
    return hash ^ (hash >> 15)
  }
}
