/// A stretch of one partition's log to be read in order, end to end.
public struct LogStretch: Hashable, Sendable {
  /// The topic; the partition is the one that is taken over or checked.
  public var topic: String
  /// The first offset.
  public var from: Int64
  /// The offset behind the last; nil is the log's end when reading begins.
  public var to: Int64?

  /// A stretch of `topic`.
  public init(_ topic: String, from: Int64 = 0, to: Int64? = nil) {
    self.topic = topic
    self.from = from
    self.to = to
  }
}
