/// What must stay the same, or never repeat, over restarts of a broker.
final class NodeIdentity {
  /// Producer ids that are reserved on disk at once.
  private static let block: Int64 = 1000

  let clusterID: String
  private let producersPath: String
  private var nextProducerID: Int64
  private var reservedTo: Int64

  init(directory: String, nonce: UInt64) throws {
    let clusterPath = directory + "/cluster-id"
    if let saved = try SealedFile.read(clusterPath) {
      clusterID = String(decoding: saved, as: UTF8.self)
    } else {
      var ids = MemberIDs(nonce: nonce)
      clusterID = String(ids.next(for: "c").prefix(22))
      try SealedFile.write(Array(clusterID.utf8), to: clusterPath)
    }
    producersPath = directory + "/producer-ids"
    let saved = try SealedFile.read(producersPath)
    var reader = WireReader(saved ?? [])
    reservedTo = saved == nil ? 0 : try reader.int64()
    nextProducerID = reservedTo
  }

  /// A producer id that was never given out before.
  func newProducerID() throws -> Int64 {
    if nextProducerID == reservedTo {
      var writer = WireWriter()
      writer.int64(reservedTo + Self.block)
      try SealedFile.write(writer.bytes, to: producersPath)
      reservedTo += Self.block
    }
    defer { nextProducerID += 1 }
    return nextProducerID
  }
}
