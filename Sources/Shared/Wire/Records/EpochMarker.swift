/// The record by which a program takes a partition of its output: later records of a lower epoch are ignored by every reader.
public struct EpochMarker: Hashable, Sendable {
  /// The offset of the first marker that the owner wrote for this take-over: it only grows.
  public var epoch: Int64
  /// Who took over.
  public var owner: String

  /// True for OrderManager's: on `executions`, where others write too, only its succession matters.
  public var isOrderManagers: Bool { owner.hasPrefix("ordermanager") }

  /// A marker of `owner`.
  public init(epoch: Int64, owner: String) {
    self.epoch = epoch
    self.owner = owner
  }

  /// Reads a record of type `epoch`; nil for any other type.
  public init?(_ reader: RecordReader) {
    guard reader.value("type")?.string == "epoch", let owner = reader.value("owner")?.string else { return nil }
    self.init(epoch: reader.value("epoch")?.integer ?? -1, owner: owner)
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("type", "epoch")
      writer.member("epoch", epoch)
      writer.member("owner", owner)
    }
  }
}
